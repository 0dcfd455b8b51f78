"""Whom a route's text asks, and how many of them must agree. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import yaml

from workflows.approvals.plan import (
    SUBMITTER,
    Approvers,
    AtField,
    Authority,
    Group,
    ManagerOf,
    OneKind,
    People,
    Percent,
    Quorum,
    Role,
    Together,
    kinds_of,
)
from workflows.approvals.reading_values import read_emails, read_percent
from workflows.approvals.source import Source, short
from workflows.errors import Refused
from workflows.parties.rules import checked_name

MOST_PEOPLE = 500  # of one stage

_APPROVERS = ("people", "role", "group", "manager_of", "field", "authority")
_QUORUM = ("approve", "reject", "veto")


def read_approvers(text: Source, node: yaml.Node, *, first: bool, escalated: bool = False) -> Approvers | None:
    """``first``: nobody has approved before. ``escalated``: they are asked for somebody who has not decided."""
    given = text.fields(node, known=_APPROVERS)
    _insist_on_somebody(text, node)
    kinds = [made for each in given.items() if (made := _kind(text, *each, first=first, escalated=escalated))]
    if len(given) > 1:
        text.uses("kinds together", node, ", ".join(given))
    if not kinds:
        return None
    return kinds[0] if len(kinds) == 1 else Together(tuple(kinds))


def _kind(text: Source, name: str, node: yaml.Node, *, first: bool, escalated: bool) -> OneKind | None:
    match name:
        case "people" | "role" | "group":
            return _named(text, name, node)
        case "manager_of":
            return _manager(text, node, first=first, escalated=escalated)
        case "field":
            return _at_field(text, node)
        case _:
            return _authority(text, node)


def _named(text: Source, name: str, node: yaml.Node) -> People | Role | Group:
    if name == "people":
        _insist_on_somebody(text, node)
        return People(read_emails(text, text.items(node, most=MOST_PEOPLE)))
    called = _party(text, node)
    return Role(called) if name == "role" else Group(called)


def _insist_on_somebody(text: Source, node: yaml.Node) -> None:
    if isinstance(node, yaml.CollectionNode) and not node.value:
        text.complain(node, "Somebody is to be asked here: people, a role, a group or the manager.")


def _party(text: Source, node: yaml.Node) -> str:
    written = text.text(node)
    if written is None:
        return ""
    try:
        return checked_name(written)
    except Refused as refused:
        text.complain(node, refused.sentence, **refused.values)
        return ""


def _manager(text: Source, node: yaml.Node, *, first: bool, escalated: bool) -> ManagerOf:
    whom = text.one_of(node, (SUBMITTER, "approver", *(("assignee",) if escalated else ())))
    if whom == "approver":
        if first:
            text.complain(node, "Nobody has approved anything before the first stage.")
        text.uses("approver", node)
        return ManagerOf("approver")
    return ManagerOf("assignee") if whom == "assignee" else ManagerOf()


def _at_field(text: Source, node: yaml.Node) -> AtField:
    path = text.text(node) or ""
    if isinstance(node, yaml.ScalarNode) and re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}", path) is None:
        text.complain(node, "“%(text)s” is not a field of the document such as cost_center.owner.", text=short(path))
    text.uses("field", node, "field")
    return AtField(path)


def _authority(text: Source, node: yaml.Node) -> Authority | None:
    given = text.fields(node, known=("people", "role", "group"))
    if isinstance(node, yaml.MappingNode) and len(node.value) != 1:
        text.complain(node, "“authority” looks in one place: people, a role or a group.")
    text.uses("authority", node, "authority")
    return next((Authority(_named(text, name, each)) for name, each in given.items()), None)


def read_quorum(text: Source, node: yaml.Node, approvers: Approvers | None, fallback: Approvers | None) -> Quorum:
    if isinstance(node, yaml.ScalarNode):
        written = text.text(node) or ""
        if written.endswith("%"):
            return Quorum(read_percent(text, node, written) or "all")
        return Quorum(1) if text.one_of(node, ("any", "all")) == "any" else Quorum()
    given = text.fields(node, known=_QUORUM)
    approve: int | Literal["all"] | Percent = "all"
    if "approve" in given and text.text(given["approve"]) != "all":
        approve = _count(text, given["approve"]) or "all"
    reject = _count(text, given["reject"]) if "reject" in given else None
    veto: tuple[str, ...] = ()
    if "veto" in given:
        veto = read_emails(text, text.items(given["veto"], most=MOST_PEOPLE))
        text.uses("veto", given["veto"], "veto")
        _insist_on_asked(text, given["veto"], veto, (*kinds_of(approvers), *kinds_of(fallback)))
    quorum = Quorum(approve, reject, veto)
    _insist_on_an_end(text, given, quorum, approvers)
    return quorum


def _count(text: Source, node: yaml.Node) -> int | Percent | None:
    written = text.text(node) or ""
    if written.endswith("%"):
        return read_percent(text, node, written)
    return text.whole(node, least=1, most=MOST_PEOPLE)


def _insist_on_asked(text: Source, node: yaml.Node, veto: Iterable[str], kinds: Iterable[OneKind]) -> None:
    asked: set[str] = set()
    for each in kinds:
        if not isinstance(each, People):
            return  # who that is shows only when they are asked
        asked.update(each.emails)
    for email in veto:
        if email not in asked:
            text.complain(node, "%(email)s has a veto here, but is not asked.", email=email)


def _insist_on_an_end(
    text: Source, given: Mapping[str, yaml.Node], quorum: Quorum, approvers: Approvers | None
) -> None:
    """Refuse a quorum that nobody can reach, and one that leaves a vote undecided when everybody has voted."""
    panel = _panel_size(approvers)
    everybody = set(approvers.emails) if isinstance(approvers, People) else set[str]()
    vetoes = len(everybody.intersection(quorum.veto))
    relative = quorum.approve == "all" or isinstance(quorum.approve, Percent)
    if panel is None and quorum.approve == "all":
        if isinstance(quorum.reject, Percent) or (quorum.reject or 1) > 1:
            text.complain(
                given["reject"], "Where all must approve, one rejection ends the stage: reject can only be 1."
            )
        return
    if panel is None and not (relative and isinstance(quorum.reject, Percent)):
        return  # that shows only when they are asked: ``rules.thresholds`` then lets the vote end
    for size in range(1, MOST_PEOPLE + 1) if panel is None else (panel,):
        needed = _of(quorum.approve, size)
        if needed > size:
            text.complain(
                given["approve"],
                "%(approve)s approvals can never come from %(panel)s people.",
                approve=needed,
                panel=size,
            )
            return
        # as many rejections as leave it undecided, by people without a veto: fewer than end it, too many to approve
        undecided = size - needed + 1
        if quorum.reject is not None and undecided <= min(_of(quorum.reject, size) - 1, size - vetoes):
            text.complain(
                given["reject"],
                "The vote could end undecided: where %(approve)s of %(panel)s must approve, reject is at most"
                " %(most)s.",
                approve=needed,
                panel=size,
                most=undecided,
            )
            return


def _of(part: int | Literal["all"] | Percent, panel: int) -> int:
    if isinstance(part, Percent):
        return part.of(panel)
    return panel if part == "all" else part


def _panel_size(approvers: Approvers | None) -> int | None:
    """How many people a stage asks, where the route itself says so."""
    match approvers:
        case People(emails) if emails:
            return len(emails)
        case ManagerOf("submitter") | AtField() | Authority():
            return 1
        case _:
            return None
