"""What differs between two versions of a route: in its stages, and in its text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from typing import Literal

from workflows.approvals.plan import ParallelPlan, Route, StagePlan

AROUND = 3
"""Unchanged lines that are shown around a change."""


@dataclass(frozen=True)
class StageChange:
    """``fields``: of the stage, as a route names them; ``place`` where it stands among the others."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """``fields``: of the route itself. ``added`` and the others: names of stages, branches and groups."""

    fields: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[StageChange, ...]
    moved: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.fields or self.added or self.removed or self.changed or self.moved)


def differences(old: Route, new: Route) -> Difference:
    before, after = _stages(old), _stages(new)
    both = [name for name in after if name in before]
    return Difference(
        fields=_fields_changed(old, new, leave=("stages",)),
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(
            StageChange(name, changed) for name in both if (changed := _stage_changed(before[name], after[name]))
        ),
        moved=_moved([name for name in before if name in after], both),
    )


@dataclass(frozen=True)
class _Placed:
    stage: StagePlan | ParallelPlan
    group: str | None


def _stages(route: Route) -> Mapping[str, _Placed]:
    made: dict[str, _Placed] = {}
    for each in route.stages:
        made[each.name] = _Placed(each, None)
        if isinstance(each, ParallelPlan):
            made |= {branch.name: _Placed(branch, each.name) for branch in each.branches}
    return made


def _stage_changed(before: _Placed, after: _Placed) -> tuple[str, ...]:
    place = ("parallel",) if before.group != after.group or type(before.stage) is not type(after.stage) else ()
    if type(before.stage) is not type(after.stage):
        return place
    return (*place, *_fields_changed(before.stage, after.stage, leave=("name", "branches")))


def _fields_changed(before: object, after: object, *, leave: Sequence[str]) -> tuple[str, ...]:
    names = [each.name for each in fields(before) if each.name not in leave]  # type: ignore[arg-type]  # dataclasses
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _moved(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The fewest that went to another place among those that were there before."""
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    stayed = {name for block in matcher.get_matching_blocks() for name in before[block.a : block.a + block.size]}
    return tuple(name for name in after if name not in stayed)


@dataclass(frozen=True)
class Line:
    """A line of either text. ``old`` and ``new``: its numbers, None where it is not in that one."""

    kind: Literal["same", "added", "removed", "left out"]
    old: int | None
    new: int | None
    text: str


def lines_changed(old: str, new: str) -> list[Line]:
    """The lines that changed, with those around them; empty where the texts are the same."""
    before, after = old.splitlines(), new.splitlines()
    made: list[Line] = []
    for group in SequenceMatcher(a=before, b=after, autojunk=False).get_grouped_opcodes(AROUND):
        if made or group[0][1] > 0:
            made.append(Line("left out", None, None, ""))
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                pairs = zip(range(old_start, old_end), range(new_start, new_end), strict=True)
                made += [Line("same", first + 1, second + 1, before[first]) for first, second in pairs]
            else:
                made += [Line("removed", place + 1, None, before[place]) for place in range(old_start, old_end)]
                made += [Line("added", None, place + 1, after[place]) for place in range(new_start, new_end)]
    return made
