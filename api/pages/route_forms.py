"""The stages of a route as forms: what its text says as fields, what was typed there as changes of the text. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workflows.approvals.conditions import DOCUMENTS
from workflows.approvals.editing import Path, Tree, found, insert, move, put, remove, tree_of
from workflows.errors import Refused

Fields = Mapping[str, str]
"""What stands in a form, by the names of its fields; several values with a line for each."""

ROUTE = "route"
"""The place of what is said of the route as a whole; a stage's is such as “2”, a branch's such as “2.0”."""
ASKED = ("approvers", "fallback", "to")
MOST_BANDS_TYPED = 51
MATCH = (
    *(("match", of, name) for of in ("price", "quantity") for name in ("percent", "amount")),
    *(("match", outcome, name) for outcome in ("on_failure", "without_order") for name in ("insert", "before")),
)
"""Where the text says how documents are held against orders."""


@dataclass(frozen=True)
class StageRow:
    """A stage, a group or a branch in the list. ``place``: as in ``ROUTE``."""

    place: str
    name: str
    kind: Literal["approval", "signature", "group"]
    fields: Fields
    first: bool
    last: bool
    branches: Sequence[StageRow] = ()


def rows(tree: Tree) -> list[StageRow]:
    """The stages of a text, whatever else is wrong with it."""
    return list(_rows(found(tree, ("stages",)), ""))


def _rows(stages: Tree, within: str) -> Iterator[StageRow]:
    items = stages if isinstance(stages, list) else []
    for number, stage in enumerate(items):
        place = f"{within}.{number}" if within else str(number)
        group = isinstance(stage, dict) and "parallel" in stage and not within
        signature = found(stage, ("kind",)) == "signature"
        yield StageRow(
            place=place,
            name=_text(found(stage, ("name",))),
            kind="group" if group else "signature" if signature else "approval",
            fields=stage_fields(stage),
            first=number == 0,
            last=number == len(items) - 1,
            branches=list(_rows(found(stage, ("parallel",)), place)) if group else (),
        )


def row_at(rows: Sequence[StageRow], place: str) -> StageRow | None:
    return next((each for row in rows for each in (row, *row.branches) if each.place == place), None)


def path_of(place: str) -> Path:
    """Where a place is in the text.

    Raises:
        Refused: it is no place.
    """
    found = re.fullmatch(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?", place)
    if found is None:
        raise Refused("This stage is no longer in the text.", field="at")
    return ("stages", int(found[1])) if found[2] is None else ("stages", int(found[1]), "parallel", int(found[2]))


def stage_fields(stage: Tree) -> dict[str, str]:
    names = ("name", "kind", "when", "repeated", "due", "on_expiry", "extend", "order")
    made = {name: _text(found(stage, (name,))) for name in names}
    for asked, path in (("approvers", ("approvers",)), ("fallback", ("fallback",)), ("to", ("escalate", "to"))):
        made |= _asked_fields(asked, found(stage, path))
    quorum = found(stage, ("quorum",))
    approve = found(quorum, ("approve",)) if isinstance(quorum, dict) else quorum
    made["quorum.approve"] = _text(approve)
    made["quorum.reject"] = _text(found(quorum, ("reject",)))
    made["quorum.veto"] = _lines(found(quorum, ("veto",)))
    made["remind"] = _lines(found(stage, ("remind",)))
    made["escalate.after"] = _text(found(stage, ("escalate", "after")))
    made["escalate.mode"] = _text(found(stage, ("escalate", "mode")))
    made["send_back_to"] = _lines(found(stage, ("send_back_to",)))
    return made


def _asked_fields(asked: str, tree: Tree) -> dict[str, str]:
    made = {f"{asked}.{kind}": _text(found(tree, (kind,))) for kind in ("role", "group", "manager_of", "field")}
    made[f"{asked}.people"] = _lines(found(tree, ("people",)))
    among = found(tree, ("authority",))
    kind, names = next(iter(among.items()), ("", "")) if isinstance(among, dict) else ("", "")
    made[f"{asked}.authority_in"] = kind
    made[f"{asked}.authority"] = ", ".join(_text(each) for each in names) if isinstance(names, list) else _text(names)
    return made


def route_fields(tree: Tree) -> dict[str, str]:
    made = {name: _text(found(tree, (name,))) for name in ("name", "priority", "when", "currency", "repeated")}
    made["document"] = document_of(tree)
    made |= {f"calendar.{name}": _text(found(tree, ("calendar", name))) for name in ("country", "timezone", "hours")}
    made |= {".".join(path): _text(found(tree, path)) for path in MATCH}
    made["exclude"] = _lines(found(tree, ("separation", "exclude")))
    made["distinct"] = _text(found(tree, ("separation", "distinct_across_stages")))
    reopened = found(tree, ("on_change", "reopen_from"))
    made["on_change"] = f"reopen_from {_text(reopened)}" if reopened else _text(found(tree, ("on_change",)))
    made["code_above"] = _text(found(tree, ("links", "one_time_code", "above")))
    bands = found(tree, ("bands",))
    for number, band in enumerate([*(bands if isinstance(bands, list) else []), {}]):
        for name in ("from", "to"):
            made[f"bands.{number}.{name}"] = _text(found(band, (name,)))
        made[f"bands.{number}.stages"] = _lines(found(band, ("stages",))).replace("\n", ", ")
    return made


def document_of(tree: Tree) -> str:
    """The kind of document that a text is for; contract, as long as it names none that there is."""
    named = _text(found(tree, ("document",)))
    return named if named in DOCUMENTS else "contract"


def fields_at(tree: Tree, place: str) -> dict[str, str]:
    return route_fields(tree) if place == ROUTE else stage_fields(found(tree, path_of(place)))


def _text(tree: Tree) -> str:
    if isinstance(tree, bool):
        return "true" if tree else "false"
    return str(tree) if isinstance(tree, str | int) else ""


def _lines(tree: Tree) -> str:
    return "\n".join(_text(each) for each in tree) if isinstance(tree, list) else _text(tree)


# What was typed


def typed_into(source: str, place: str, drawn: Fields, typed: Fields) -> str:
    """The text with what was typed into the form of one place. ``drawn``: what stood in it before.

    Raises:
        Refused: the stage is no longer in the text.
    """
    changed = {name for name in typed if typed[name] != drawn.get(name, "")}
    if not changed:
        return source
    if place == ROUTE:
        return _put_all(source, (), _ROUTE, changed, {**drawn, **typed})
    return _put_all(source, _found_again(source, place, drawn.get("name", "")), _STAGE, changed, {**drawn, **typed})


def _found_again(source: str, place: str, name: str) -> Path:
    """Where the stage is now: the text may have been changed beside the form."""
    known = rows(tree_of(source))
    here = row_at(known, place)
    if here is None or here.name != name:
        here = next((each for row in known for each in (row, *row.branches) if name and each.name == name), None)
    if here is None:
        raise Refused("The stage “%(name)s” is no longer in the text.", field="at", name=name[:80])
    return path_of(here.place)


def _put_all(source: str, path: Path, parts: Sequence[_Part], changed: set[str], typed: Fields) -> str:
    for part in parts:
        if any(name in changed for name in typed if part.has(name)):
            value = part.value(typed)
            here = (*path, part.name)
            source = remove(source, here) if value is None else put(source, here, value)
    return source


@dataclass(frozen=True)
class _Part:
    """A field of the text, and the fields of the form that it is made of: those that begin like ``of``."""

    name: str
    of: tuple[str, ...]
    value: Callable[[Fields], Tree]

    def has(self, field: str) -> bool:
        return any(field == each or field.startswith(f"{each}.") for each in self.of)


def _plainly(name: str) -> _Part:
    return _Part(name, (name,), lambda typed: _given(typed, name) or None)


def _given(typed: Fields, name: str) -> str:
    return re.sub(r"\s*[\r\n]\s*", " ", typed.get(name, "").strip())


def _several(typed: Fields, name: str) -> list[str]:
    return [each for part in re.split(r"[\n,;]", typed.get(name, "")) if (each := " ".join(part.split()))]


def _asked(typed: Fields, asked: str) -> Tree:
    made: dict[str, Any] = {}
    if people := _several(typed, f"{asked}.people"):
        made["people"] = people
    made |= {
        kind: given for kind in ("role", "group", "manager_of", "field") if (given := _given(typed, f"{asked}.{kind}"))
    }
    if (kind := _given(typed, f"{asked}.authority_in")) and (among := _several(typed, f"{asked}.authority")):
        made["authority"] = {kind: among if kind == "people" else ", ".join(among)}
    return made or None


def _quorum(typed: Fields) -> Tree:
    approve, reject = (_count(_given(typed, f"quorum.{name}")) for name in ("approve", "reject"))
    veto = _several(typed, "quorum.veto")
    if reject is None and not veto:
        return {"approve": approve} if isinstance(approve, int) else approve
    made = {"approve": 1 if approve == "any" else approve, "reject": reject, "veto": veto or None}
    return {name: each for name, each in made.items() if each is not None}


def _count(given: str) -> str | int | None:
    return int(given) if re.fullmatch("[1-9][0-9]{0,8}|0", given) else given or None


def _escalate(typed: Fields) -> Tree:
    to = _asked(typed, "to")
    after, mode = _given(typed, "escalate.after"), _given(typed, "escalate.mode")
    if to is None and not after:
        return None
    return {name: each for name, each in (("after", after), ("to", to), ("mode", mode)) if each}


def _list(name: str) -> _Part:
    return _Part(name, (name,), lambda typed: _several(typed, name) or None)


_STAGE = (
    *(_plainly(name) for name in ("name", "when")),
    _Part("approvers", ("approvers",), lambda typed: _asked(typed, "approvers")),
    _Part("fallback", ("fallback",), lambda typed: _asked(typed, "fallback")),
    _Part("quorum", ("quorum",), _quorum),
    *(_plainly(name) for name in ("repeated", "due")),
    _list("remind"),
    _Part("escalate", ("escalate", "to"), _escalate),
    *(_plainly(name) for name in ("on_expiry", "extend")),
    _list("send_back_to"),
    _plainly("order"),
)


def _priority(typed: Fields) -> Tree:
    return _count(_given(typed, "priority"))


def _calendar(typed: Fields) -> Tree:
    return {
        name: given for name in ("country", "timezone", "hours") if (given := _given(typed, f"calendar.{name}"))
    } or None


def _separation(typed: Fields) -> Tree:
    made: dict[str, Any] = {}
    if excluded := _several(typed, "exclude"):
        made["exclude"] = excluded
    if typed.get("distinct") == "true":
        made["distinct_across_stages"] = True
    return made or None


def _on_change(typed: Fields) -> Tree:
    what, _, stage = _given(typed, "on_change").partition(" ")
    return {"reopen_from": stage} if stage else what or None


def _links(typed: Fields) -> Tree:
    above = _given(typed, "code_above").replace(",", "")
    return {"one_time_code": {"above": above}} if above else None


def _bands(typed: Fields) -> Tree:
    made: list[Tree] = []
    for number in range(MOST_BANDS_TYPED):
        band: dict[str, Any] = {
            name: given
            for name in ("from", "to")
            if (given := _given(typed, f"bands.{number}.{name}").replace(",", ""))
        }
        stages = _several(typed, f"bands.{number}.stages")
        if band or stages:
            made.append({**band, "stages": stages})
    return made or None


def _match(typed: Fields) -> Tree:
    made: dict[str, dict[str, str]] = {}
    for path in MATCH:
        if given := _given(typed, ".".join(path)):
            made.setdefault(path[1], {})[path[2]] = given.replace(",", "") if path[2] == "amount" else given
    return made or None


_ROUTE = (
    *(_plainly(name) for name in ("name", "document")),
    _Part("priority", ("priority",), _priority),
    *(_plainly(name) for name in ("when", "currency")),
    _Part("calendar", ("calendar",), _calendar),
    _Part("separation", ("exclude", "distinct"), _separation),
    _plainly("repeated"),
    _Part("on_change", ("on_change",), _on_change),
    _Part("links", ("code_above",), _links),
    _Part("match", ("match",), _match),
    _Part("bands", ("bands",), _bands),
)


# What buttons do with the list


def added(source: str, kind: str, after: str) -> tuple[str, str]:
    """The text with a new stage, group or signature stage after the one at a place, and where it is now.

    ``after``: empty for the end; a new approval stage never goes after the signatures, which come last.
    """
    known = rows(tree_of(source))
    if kind == "branch":
        group = path_of(after.partition(".")[0])
        owner = row_at(known, after.partition(".")[0])
        count = len(owner.branches) if owner else 0
        new = {"name": _new_name(known, "branch"), "approvers": {"role": "administrator"}}
        return insert(source, (*group, "parallel", count), new), f"{group[1]}.{count}"
    at = int(path_of(after)[1]) + 1 if after not in ("", ROUTE) else len(known)
    if kind == "signature":
        at = len(known)
    elif known and known[-1].kind == "signature":
        at = min(at, len(known) - 1)
    return insert(source, ("stages", at), _new(known, kind)), str(at)


def _new(known: Sequence[StageRow], kind: str) -> Tree:
    somebody = {"role": "administrator"}
    match kind:
        case "signature":
            return {"name": _new_name(known, "sign"), "kind": "signature"}
        case "group":
            one, other = _new_name(known, "branch"), _new_name(known, "branch", more=1)
            return {
                "name": _new_name(known, "group"),
                "parallel": [{"name": one, "approvers": somebody}, {"name": other, "approvers": somebody}],
            }
        case _:
            return {"name": _new_name(known, "stage"), "approvers": somebody}


def _new_name(known: Sequence[StageRow], word: str, more: int = 0) -> str:
    taken = {each.name for row in known for each in (row, *row.branches)}
    free = (name for number in range(1, 1000) if (name := word if number == 1 else f"{word}-{number}") not in taken)
    return [next(free) for _ in range(more + 1)][-1]


def moved(source: str, place: str, step: Literal[-1, 1]) -> tuple[str, str]:
    """The text with a stage one place up or down, and where it is now."""
    path = path_of(place)
    to = int(path[-1]) + step
    siblings = found(tree_of(source), path[:-1])
    if not isinstance(siblings, list) or not 0 <= to < len(siblings) or int(path[-1]) >= len(siblings):
        return source, place
    return move(source, path, to), f"{place.rpartition('.')[0]}.{to}".lstrip(".")


def removed(source: str, place: str) -> str:
    """Raises: Refused, where the stage is no longer in the text."""
    path = path_of(place)
    if found(tree_of(source), path) is None:
        raise Refused("This stage is no longer in the text.", field="at")
    return remove(source, path)


def with_person(typed: Fields, into: str, email: str) -> dict[str, str]:
    """The form with one person more. ``into``: approvers, fallback, to, or quorum (a veto)."""
    name = "quorum.veto" if into == "quorum" else f"{into if into in ASKED else 'approvers'}.people"
    there = _several(typed, name)
    return {**typed, name: "\n".join(dict.fromkeys((*there, email)))}
