"""What becomes of a round's stages when it goes on by another version of its route. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workflows.approvals.model import Round, RoundState, Stage, StageKind, StageState
from workflows.approvals.plan import ParallelPlan, Route, StagePlan
from workflows.approvals.rules import Why


class Fate(StrEnum):
    DONE = "done"  # what was decided stays
    KEPT = "kept"  # its people are asked, and go on being asked
    ASKED_AGAIN = "asked_again"  # its people were asked; the new version asks others, or others first
    ENDED = "ended"  # its people were asked, and nobody is any more
    PLANNED = "planned"  # to come
    SKIPPED = "skipped"  # of the new version, but its condition does not hold
    DROPPED = "dropped"  # was to come, and does not


@dataclass(frozen=True)
class Destiny:
    """``stage``: the row that there is, None for one that is new. ``position``: where it stands from now on."""

    name: str
    parallel: str | None
    fate: Fate
    position: int
    stage: Stage | None
    plan: StagePlan | None


def why_not_move(
    round: Round, old: Route, new: Route, stages: Sequence[Stage], going: Collection[str], *, version: int
) -> Why | None:
    """Why the round cannot go on by that version; None where it can. ``going``: as ``route.going_through`` gives it."""
    if round.route_version == version:
        return Why("It goes by version %(version)s already.", "conflict", {"version": version})
    if round.state is RoundState.APPROVED:
        return Why("Every approval is given: only signatures are left, and they stay as they are.", "conflict", {})
    if round.state is not RoundState.OPEN:
        return Why("It is no longer under way.", "conflict", {})
    if old.document != new.document:
        return Why("Version %(version)s is for another kind of document.", "refused", {"version": version})
    if not any(plan.kind == "approval" and plan.name in going for plan in new.plans):
        return Why("By version %(version)s nobody would decide about this document.", "refused", {"version": version})
    rows = {stage.name: stage for stage in stages if stage.kind is StageKind.APPROVAL and _was_opened(stage)}
    for plan in new.plans:
        if plan.kind == "signature" and plan.name in rows:
            return Why(
                "In version %(version)s “%(stage)s” is where people sign; here it is where they approve.",
                "refused",
                {"version": version, "stage": plan.name},
            )
    return None


def destinies(stages: Sequence[Stage], old: Route, new: Route, going: Collection[str]) -> tuple[Destiny, ...]:
    """What becomes of each approval stage, in the order in which they stand from now on.

    What was opened, and is not in the new version, comes first; what is in neither comes last.
    """
    rows = {stage.name: stage for stage in stages if stage.kind is StageKind.APPROVAL}
    planned = {plan.name for plan in new.plans if plan.kind == "approval"}
    left = [stage for stage in rows.values() if stage.name not in planned]
    made = [_of_gone(stage, position) for position, stage in enumerate(each for each in left if _was_opened(each))]
    made += _of_new(rows, old, new, going, start=len(made))
    last = len(made) + len(new.stages)
    made += [
        Destiny(each.name, each.parallel, Fate.DROPPED, last, each, None) for each in left if not _was_opened(each)
    ]
    return tuple(made)


def _was_opened(stage: Stage) -> bool:
    return stage.state not in (StageState.WAITING, StageState.SKIPPED) or stage.opened_at is not None


def _of_gone(stage: Stage, position: int) -> Destiny:
    asked = stage.state in (StageState.OPEN, StageState.BLOCKED)
    return Destiny(stage.name, stage.parallel, Fate.ENDED if asked else Fate.DONE, position, stage, None)


def _of_new(
    rows: Mapping[str, Stage], old: Route, new: Route, going: Collection[str], *, start: int
) -> Iterator[Destiny]:
    before = {plan.name: plan for plan in old.plans}
    waits = False
    """Something that comes before is not done: nothing after it can be open."""
    for position, each in enumerate(new.stages, start):
        group = each.name if isinstance(each, ParallelPlan) else None
        here: list[Destiny] = []
        for plan in each.branches if isinstance(each, ParallelPlan) else (each,):
            if plan.kind == "approval":
                stage = rows.get(plan.name)
                same = _asks_the_same(before.get(plan.name), plan, old, new)
                fate = _fate(stage, on=each.name in going and plan.name in going, same=same, waits=waits)
                here.append(Destiny(plan.name, group, fate, position, stage, plan))
        waits = waits or any(each.fate in (Fate.PLANNED, Fate.ASKED_AGAIN, Fate.KEPT) for each in here)
        yield from here


def _fate(stage: Stage | None, *, on: bool, same: bool, waits: bool) -> Fate:
    match stage.state if stage else StageState.WAITING:
        case StageState.APPROVED | StageState.REJECTED:
            return Fate.DONE
        case StageState.OPEN | StageState.BLOCKED if not on:
            return Fate.ENDED
        case StageState.OPEN | StageState.BLOCKED:
            return Fate.KEPT if same and not waits else Fate.ASKED_AGAIN
        case StageState.WAITING | StageState.SKIPPED | StageState.VOID:
            return Fate.PLANNED if on else Fate.SKIPPED


def _asks_the_same(before: StagePlan | None, after: StagePlan, old: Route, new: Route) -> bool:
    """Whether a stage asks the same people to the same end: what it does about time may differ."""
    if before is None:
        return False
    return (before.approvers, before.fallback, before.quorum, old.repeated_in(before), old.separation) == (
        after.approvers,
        after.fallback,
        after.quorum,
        new.repeated_in(after),
        new.separation,
    )


def signature_plan(route: Route, going: Collection[str]) -> StagePlan | None:
    return next((plan for plan in route.plans if plan.kind == "signature" and plan.name in going), None)
