"""What the designer's template is given: a text, its stages with words, the form that is open, findings, a trial."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from api.errors import said
from api.pages.route_forms import ROUTE, StageRow, document_of, fields_at, row_at, rows
from api.pages.route_pressing import Helper, Worked
from api.pages.route_words import summary
from documents.rendering import Reader, sentence
from workflows.approvals.composing import OPERATORS, fields_of
from workflows.approvals.editing import tree_of
from workflows.approvals.plan import SUBMITTER
from workflows.approvals.source import Finding
from workflows.errors import Refused
from workflows.parties.model import Kind, Person
from workflows.parties.queries import colleagues, memberships
from workflows.parties.rules import Actor

MOST_FOUND = 20  # people whom a search shows
EXAMPLES = {"contract": 'contract.kind == "lease"', "invoice": 'invoice.cost_center == "4711"'}
"""A condition that may be asked of each kind of document."""


@dataclass(frozen=True)
class Listed:
    """A stage of the list with its line. ``number``: as it is counted, such as 2 or 2.1."""

    row: StageRow
    number: str
    words: str
    branches: Sequence[Listed] = ()


@dataclass(frozen=True)
class Opened:
    """The form that is open. ``targets``: where its stage may send back to. ``roles`` and ``groups`` are suggested.

    ``document``: for which kind the route is; ``condition``: one that may be asked of it.
    """

    at: str
    row: StageRow | None
    fields: Mapping[str, str]
    drawn: str
    targets: Sequence[str]
    stages: Sequence[str]
    roles: Sequence[str]
    groups: Sequence[str]
    found: Sequence[Person] | None
    facts: Sequence[str]
    document: str
    condition: str
    operators: Sequence[str]
    bands: int


def stages_shown(session: Session, done: Worked, reader: Reader, by: Actor, *, search: bool) -> dict[str, Any]:
    """Values of the list of stages. ``search``: the people whom the open form looks for are shown."""
    try:
        tree = tree_of(done.source)
    except Refused as refused:
        return {"listed": None, "opened": None, "unreadable": said(refused, reader), "helper": done.helper, "focus": ""}
    known, document = rows(tree), document_of(tree)
    opened = None
    if done.at == ROUTE or (done.at and row_at(known, done.at)):
        fields = fields_at(tree, done.at)
        names = [each.name for row in known for each in (row, *row.branches) if each.name]
        here = row_at(known, done.at) if done.at != ROUTE else None
        roles, groups = _suggested(session, by)
        opened = Opened(
            at=done.at,
            row=here,
            fields=fields,
            drawn=json.dumps(fields, ensure_ascii=False),
            targets=_targets(known, done.at, fields.get("send_back_to", "")),
            stages=names,
            roles=roles,
            groups=groups,
            found=_found(session, by, done.helper) if search else None,
            facts=fields_of(document),
            document=document,
            condition=f"amount >= 50000 && {EXAMPLES[document]}",
            operators=OPERATORS,
            bands=sum(name.endswith(".stages") for name in fields if name.startswith("bands.")),
        )
    listed = [_listed(row, str(number), reader) for number, row in enumerate(known, 1)]
    return {"listed": listed, "opened": opened, "unreadable": "", "helper": done.helper, "focus": done.focus}


def document_in(source: str) -> str:
    """The kind of document that a text is for, readable or not."""
    try:
        return document_of(tree_of(source))
    except Refused:
        return document_of(None)


def _listed(row: StageRow, number: str, reader: Reader) -> Listed:
    branches = [_listed(each, f"{number}.{count}", reader) for count, each in enumerate(row.branches, 1)]
    return Listed(row, number, summary(row, reader), branches)


def _targets(known: Sequence[StageRow], at: str, chosen: str) -> Sequence[str]:
    """The submitter, every stage before this one, and what the text names beside them."""
    before = [SUBMITTER]
    for row in known:
        if row.place == at.partition(".")[0]:
            break
        before += [each.name for each in (row, *row.branches) if each.name]
    return list(dict.fromkeys([*before, *(each for each in chosen.split("\n") if each)]))


def _suggested(session: Session, by: Actor) -> tuple[Sequence[str], Sequence[str]]:
    everybody = colleagues(session, by)
    joined = [one for each in memberships(session, [person.id for person in everybody]).values() for one in each]
    roles, groups = (sorted({each.name for each in joined if each.kind is kind}) for kind in (Kind.ROLE, Kind.GROUP))
    return roles, groups


def _found(session: Session, by: Actor, helper: Helper) -> Sequence[Person]:
    return [each for each in colleagues(session, by, q=helper.q) if each.active][:MOST_FOUND]


def findings_said(findings: Sequence[Finding], reader: Reader) -> list[tuple[int, str]]:
    return [(each.line, sentence(each.sentence, reader.locale, **each.values)) for each in findings]
