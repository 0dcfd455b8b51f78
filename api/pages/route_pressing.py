"""What pressing a button of the designer does to the text of a route. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from starlette.datastructures import FormData

from api.pages.route_forms import (
    ROUTE,
    added,
    document_of,
    fields_at,
    moved,
    removed,
    row_at,
    rows,
    typed_into,
    with_person,
)
from workflows.approvals.composing import composed, joined
from workflows.approvals.editing import tree_of
from workflows.errors import Refused


@dataclass(frozen=True)
class Trial:
    """What a dry run is asked, as it was typed. ``kind``: of contract or of invoice. The last three: of invoices."""

    amount: str = ""
    currency: str = ""
    kind: str = ""
    facts: str = ""
    submitter: str = ""
    match: str = ""
    supplier: str = ""
    cost_center: str = ""


@dataclass(frozen=True)
class Helper:
    """What was typed beside a stage's form: whom to look for, and a comparison to be put into its condition."""

    q: str = ""
    into: str = "approvers"
    join: str = "&&"
    fact: str = "amount"
    own: str = ""
    operator: str = ">="
    value: str = ""


@dataclass(frozen=True)
class Pressed:
    """``do``: the button, such as “publish” or “up:2”. ``at``: the place whose form is open, empty where none is.
    ``drawn`` and ``typed``: what stood in that form, and what stands there now. ``seen``: sha256 of the text whose
    difference was shown.
    """

    do: str
    source: str
    at: str = ""
    drawn: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    seen: str = ""
    trial: Trial = Trial()
    helper: Helper = Helper()


@dataclass(frozen=True)
class Worked:
    """The text afterwards, and which form is open. ``focus``: the button or form where the reader goes on."""

    source: str
    at: str
    helper: Helper
    focus: str = ""
    refused: Refused | None = None


def pressed(form: FormData) -> Pressed:
    def text(name: str, otherwise: str = "") -> str:
        value = form.get(name, otherwise)
        return value.replace("\r\n", "\n") if isinstance(value, str) else otherwise

    typed: dict[str, str] = {name: "" for name in form.getlist("box") if isinstance(name, str)}
    for name in form:
        if name.startswith("f."):
            values = [each.replace("\r\n", "\n").strip("\n") for each in form.getlist(name) if isinstance(each, str)]
            typed[name.removeprefix("f.")] = "\n".join(values)
    return Pressed(
        do=text("do", "check"),
        source=text("source"),
        at=text("at"),
        drawn=_drawn(text("drawn")),
        typed=typed,
        seen=text("seen"),
        trial=Trial(**{each.name: text(each.name) for each in fields(Trial)}),
        helper=Helper(
            q=text("q"),
            into=text("into", "approvers"),
            join="||" if text("join") == "||" else "&&",
            fact=text("fact", "amount"),
            own=text("own"),
            operator=text("operator", ">="),
            value=text("value"),
        ),
    )


def _drawn(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def worked(asked: Pressed) -> Worked:
    """What was typed is taken into the text first, whichever button was pressed; then the button does its own."""
    done = Worked(asked.source, asked.at, asked.helper)
    try:
        source = typed_into(asked.source, asked.at, asked.drawn, asked.typed) if asked.at else asked.source
        done = replace(done, source=source)
        return _button(done, asked)
    except Refused as refused:
        return replace(done, refused=refused)


def _button(done: Worked, asked: Pressed) -> Worked:
    verb, _, place = asked.do.partition(":")
    source, at = done.source, _still(done.source, done.at)
    done = replace(done, at=at)
    match verb:
        case "edit":
            return replace(done, at=place, focus=f"form:{place}")
        case "close":
            return replace(done, at="", focus=f"edit:{at}")
        case "add":
            source, new = added(source, place, at)
            return replace(done, source=source, at=new, focus=f"form:{new}")
        case "branch":
            source, new = added(source, "branch", place)
            return replace(done, source=source, at=new, focus=f"form:{new}")
        case "up" | "down":
            source, new = moved(source, place, -1 if verb == "up" else 1)
            return replace(done, source=source, at=_followed(at, place, new), focus=f"{verb}:{new}")
        case "remove":
            return replace(done, source=removed(source, place), at="" if at != ROUTE else at)
        case "person" if at:
            typed = with_person(fields_at(tree_of(source), at), asked.helper.into, place)
            return replace(done, source=typed_into(source, at, fields_at(tree_of(source), at), typed), focus="q")
        case "condition" if at:
            return _with_condition(done, asked.helper)
        case "search":
            return replace(done, focus="q")
        case _:
            return done


def _with_condition(done: Worked, helper: Helper) -> Worked:
    document = document_of(tree_of(done.source))
    fact = f"{document}.{helper.own.strip()}" if helper.own.strip() else helper.fact
    before = fields_at(tree_of(done.source), done.at)
    when = joined(before["when"], helper.join, composed(fact, helper.operator, helper.value, document))
    source = typed_into(done.source, done.at, before, {**before, "when": when})
    return replace(done, source=source, helper=Helper(), focus="when")


def _still(source: str, at: str) -> str:
    """The place, while there is a stage in it."""
    if at in ("", ROUTE):
        return at
    try:
        return at if row_at(rows(tree_of(source)), at) else ""
    except Refused:
        return ""


def _followed(at: str, place: str, new: str) -> str:
    """Where the open form's stage is, after the one at ``place`` and the one at ``new`` have changed places."""
    for before, after in ((place, new), (new, place)):
        if at == before or at.startswith(f"{before}."):
            return after + at.removeprefix(before)
    return at
