"""Approval routes: an ordered list of stages, written as YAML or as JSON, which is a part of it. Pure.

``parse`` reads one and refuses it with everything that is wrong, each with its line. What a route may say one day but
Signoff cannot do yet is refused as well, never passed over. Texts are taken as they are written: ``country: NO`` is
Norway, ``amount: 1e3`` is no amount (YAML 1.1 would read a truth value and a text).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast
from zoneinfo import available_timezones

import yaml
from babel.numbers import list_currencies

from workflows.approvals import conditions
from workflows.approvals.source import Finding, Source, near_to, short
from workflows.business_time import (
    MOST,
    Calendar,
    Due,
    Hours,
    countries,
    due_of,
    hours_of,
    knows_country,
    knows_timezone,
)
from workflows.errors import Refused
from workflows.parties.rules import checked_name, normalised_email

MOST_STAGES = 100  # branches of parallel groups included
MOST_PEOPLE = 500  # of one stage
MOST_TESTS = 200
HIGHEST_PRIORITY = 1_000_000

SUBMITTER = "submitter"
SIGNATURES = "signatures"
"""The stage that a document's own signers form where its route has no signature stage."""

_Read = TypeVar("_Read")

WITHOUT_CALENDAR = Calendar()
"""Of a route that names none, and therefore has no due times."""


class RouteRefused(Exception):
    """The text is no sound route. ``findings``: everything that is wrong, in the order of the lines."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"line {finding.line}: {finding}" for finding in self.findings))


@dataclass(frozen=True)
class People:
    emails: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    name: str


@dataclass(frozen=True)
class Group:
    name: str


@dataclass(frozen=True)
class ManagerOf:
    whom: Literal["submitter"] = "submitter"


Approvers = People | Role | Group | ManagerOf


@dataclass(frozen=True)
class Quorum:
    """``approve`` approvals carry a stage, ``reject`` rejections end it; None: as many as rule the approvals out."""

    approve: int | Literal["all"] = "all"
    reject: int | None = None


@dataclass(frozen=True)
class Separation:
    exclude: tuple[str, ...] = ()
    distinct_across_stages: bool = False


@dataclass(frozen=True)
class StagePlan:
    name: str
    kind: Literal["approval", "signature"] = "approval"
    when: str | None = None
    approvers: Approvers | None = None
    """None only for a signature stage: the document's own signers."""
    fallback: Approvers | None = None
    quorum: Quorum = Quorum()
    due: Due | None = None
    send_back_to: tuple[str, ...] = (SUBMITTER,)
    order: Literal["sequential"] | None = None


@dataclass(frozen=True)
class ParallelPlan:
    """Stages that are asked together; the next one begins when all of them are done."""

    name: str
    branches: tuple[StagePlan, ...]
    when: str | None = None


@dataclass(frozen=True)
class GoldenCase:
    """Facts, and the stages that a document with these facts must go through."""

    facts: Mapping[str, object]
    expect: tuple[str, ...]
    line: int = field(default=1, compare=False)
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Route:
    name: str
    document: str
    stages: tuple[StagePlan | ParallelPlan, ...]
    priority: int = 100
    when: str | None = None
    currency: str | None = None
    calendar: Calendar = WITHOUT_CALENDAR
    separation: Separation = Separation()
    on_change: Literal["restart"] = "restart"
    tests: tuple[GoldenCase, ...] = ()


def parse(source: str) -> Route:
    """The route that a text means.

    Raises:
        RouteRefused: with everything that is wrong with it.
    """
    text = Source(source)
    root = text.root()
    route = _route(text, root) if root is not None else None
    if text.findings or route is None:
        raise RouteRefused(sorted(text.findings, key=lambda each: (each.line, each.column)))
    return route


def sha256_of(source: str) -> str:
    """What names a version of a route: of its text, byte for byte. Hexadecimal."""
    return hashlib.sha256(source.encode()).hexdigest()


def applies(route: Route, facts: Mapping[str, object]) -> bool:
    """Whether the route is meant for a document with these facts.

    Raises:
        Unanswerable: its condition cannot be answered from them.
        Refused: its condition compares an amount in another currency.
    """
    if route.when is None:
        return True
    if _asks_amount(route, route.when) and (why := why_not_comparable(route, facts)):
        raise Refused(why[0], field="currency", **why[1])
    return conditions.holds(route.when, facts, route.document)


def planned(route: Route, facts: Mapping[str, object]) -> tuple[StagePlan | ParallelPlan, ...]:
    """The stages that a document with these facts goes through; of a parallel group the branches that it goes through.

    Raises:
        Unanswerable: a condition cannot be answered from them.
    """
    going: list[StagePlan | ParallelPlan] = []
    for stage in route.stages:
        branches = planned_branches(stage, facts, route.document)
        if isinstance(stage, StagePlan):
            going += branches
        elif branches:
            going.append(replace(stage, branches=branches))
    return tuple(going)


def planned_branches(
    stage: StagePlan | ParallelPlan, facts: Mapping[str, object], document: str = "contract"
) -> tuple[StagePlan, ...]:
    """The stage itself, or the group's branches, as far as their conditions hold."""
    if stage.when is not None and not conditions.holds(stage.when, facts, document):
        return ()
    if isinstance(stage, StagePlan):
        return (stage,)
    return tuple(each for each in stage.branches if each.when is None or conditions.holds(each.when, facts, document))


def why_not_comparable(route: Route, facts: Mapping[str, object]) -> tuple[str, dict[str, object]] | None:
    """Why the route's conditions say nothing about this document's amount; None where they do, or do not ask for it."""
    amount, currency = facts.get("amount"), facts.get("currency")
    if amount in (None, "") or route.currency is None or currency == route.currency:
        return None
    if not any(_asks_amount(route, condition) for condition in _conditions(route)):
        return None
    return (
        "The route “%(route)s” compares amounts in %(currency)s, and this one is in %(other)s.",
        {"route": route.name, "currency": route.currency, "other": currency or "?"},
    )


def _asks_amount(route: Route, condition: str) -> bool:
    return "amount" in conditions.mentioned(condition, route.document)


def _conditions(route: Route) -> Iterator[str]:
    branches = (each.branches for each in route.stages if isinstance(each, ParallelPlan))
    for each in (route, *route.stages, *(branch for together in branches for branch in together)):
        if each.when is not None:
            yield each.when


def golden_failures(route: Route) -> tuple[Finding, ...]:
    """The route's own test cases that do not hold: it is not to be published with any."""
    return tuple(finding for case in route.tests if (finding := _failure(route, case)))


def _failure(route: Route, case: GoldenCase) -> Finding | None:
    def found(sentence: str, **values: object) -> Finding:
        return Finding(case.line, case.column, sentence, values)

    try:
        if why := why_not_comparable(route, case.facts):
            return Finding(case.line, case.column, *why)
        if not applies(route, case.facts):
            return found("The route is not taken in this case: “%(condition)s” does not hold.", condition=route.when)
        going = tuple(stage.name for stage in planned(route, case.facts))
    except Refused as refused:
        return Finding(case.line, case.column, refused.sentence, refused.values)
    if going != case.expect:
        return found(
            "This case goes through %(found)s, not through %(expected)s.",
            found=", ".join(going) or "∅",
            expected=", ".join(case.expect) or "∅",
        )
    return None


def canonical(route: Route) -> str:
    """The route as JSON in one fixed form, whatever it was written in; reading it gives the same route."""
    return json.dumps(_tree(route), ensure_ascii=False, indent=2) + "\n"


def _tree(route: Route) -> dict[str, Any]:
    calendar = route.calendar
    made: dict[str, Any] = {
        "name": route.name,
        "document": route.document,
        "priority": route.priority,
        "when": route.when,
        "currency": route.currency,
        "calendar": {"country": calendar.country, "timezone": calendar.timezone, "hours": str(calendar.hours)}
        if calendar != WITHOUT_CALENDAR
        else None,
        "separation": {
            "exclude": list(route.separation.exclude),
            "distinct_across_stages": route.separation.distinct_across_stages,
        },
        "on_change": route.on_change,
        "stages": [_stage_tree(each) for each in route.stages],
        "tests": [{"given": _given_tree(case.facts), "expect": list(case.expect)} for case in route.tests] or None,
    }
    return {name: value for name, value in made.items() if value is not None}


def _stage_tree(stage: StagePlan | ParallelPlan) -> dict[str, Any]:
    made: dict[str, Any]
    if isinstance(stage, ParallelPlan):
        made = {"name": stage.name, "when": stage.when, "parallel": [_stage_tree(each) for each in stage.branches]}
    else:
        approval = stage.kind == "approval"
        quorum = {"approve": stage.quorum.approve, "reject": stage.quorum.reject}
        made = {
            "name": stage.name,
            "kind": None if approval else stage.kind,
            "when": stage.when,
            "approvers": _approvers_tree(stage.approvers),
            "fallback": _approvers_tree(stage.fallback),
            "quorum": {name: value for name, value in quorum.items() if value is not None} if approval else None,
            "due": str(stage.due) if stage.due else None,
            "send_back_to": list(stage.send_back_to) if approval else None,
            "order": stage.order,
        }
    return {name: value for name, value in made.items() if value is not None}


def _approvers_tree(approvers: Approvers | None) -> dict[str, Any] | None:
    match approvers:
        case None:
            return None
        case People(emails):
            return {"people": list(emails)}
        case Role(name):
            return {"role": name}
        case Group(name):
            return {"group": name}
        case ManagerOf(whom):
            return {"manager_of": whom}


def _given_tree(facts: Mapping[str, object]) -> dict[str, Any]:
    amount = facts.get("amount")
    submitter = cast(Mapping[str, object], facts.get(SUBMITTER) or {})
    made = {**facts, "amount": None if amount is None else format(cast(Decimal, amount), "f")}
    made[SUBMITTER] = submitter.get("email")
    return {name: value for name, value in made.items() if value is not None}


_ROUTE = (
    *("name", "document", "priority", "when", "currency", "calendar", "separation", "on_change", "stages", "tests"),
)
_ROUTE_LATER = ("bands", "match", "link", "links")
_STAGE = ("name", "kind", "when", "approvers", "fallback", "quorum", "due", "send_back_to", "order", "parallel")
_STAGE_LATER = ("remind", "escalate", "on_expiry", "repeated", "extend", "on_change")
_GROUP = ("name", "when", "parallel")
_SIGNATURE = ("name", "kind", "when", "approvers", "due", "order")
_APPROVERS = ("people", "role", "group", "manager_of")
_APPROVERS_LATER = ("field", "authority", "limit")
_QUORUM = ("approve", "reject")
_QUORUM_LATER = ("veto", "percent")


def _route(text: Source, root: yaml.Node) -> Route:
    given = text.fields(root, known=_ROUTE, later=_ROUTE_LATER, needed=("name", "document", "stages"))

    def read(name: str, reader: Callable[[yaml.Node], _Read | None], otherwise: _Read) -> _Read:
        made = reader(given[name]) if name in given else None
        return otherwise if made is None else made

    document = read("document", lambda node: text.one_of(node, tuple(conditions.DOCUMENTS), ("invoice",)), "contract")
    has_calendar = "calendar" in given
    stages = _stages(text, given["stages"], document, has_calendar=has_calendar) if "stages" in given else ()
    route = Route(
        name=read("name", lambda node: _route_name(text, node), ""),
        document=document,
        stages=stages,
        priority=read("priority", lambda node: text.whole(node, least=0, most=HIGHEST_PRIORITY), 100),
        when=_condition(text, given["when"], document) if "when" in given else None,
        currency=_currency(text, given["currency"]) if "currency" in given else None,
        calendar=read("calendar", lambda node: _calendar(text, node), WITHOUT_CALENDAR),
        separation=read("separation", lambda node: _separation(text, node), Separation()),
    )
    if "on_change" in given:
        _restart(text, given["on_change"])
    if route.currency is None and "currency" not in given:
        _insist_on_currency(text, given, document)
    if "tests" in given:
        cases = [_case(text, node, route) for node in text.items(given["tests"], most=MOST_TESTS)]
        route = replace(route, tests=tuple(cases))
    return route


def _route_name(text: Source, node: yaml.Node) -> str:
    name = text.name(node)
    if not name.isascii():
        text.complain(node, "A route’s name is part of its address: letters from a to z, digits and hyphens.")
    return name


def _condition(text: Source, node: yaml.Node, document: str) -> str | None:
    written = text.text(node)
    if written is None:
        return None
    if wrong := conditions.check(written, document):
        text.complain_within(node, written, wrong.position, wrong.sentence, wrong.values)
        return None
    return written.strip()


def _restart(text: Source, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        text.fields(node, known=(), later=("reopen_from",))
    else:
        text.one_of(node, ("restart",), ("keep", "reopen_from"))


def _currency(text: Source, node: yaml.Node) -> str | None:
    code = text.text(node)
    if code is not None and code not in list_currencies():
        text.complain(node, "“%(text)s” is not a currency such as EUR or KRW.", text=short(code))
    return code


def _insist_on_currency(text: Source, given: Mapping[str, yaml.Node], document: str) -> None:
    """An amount compared without its currency would take 80,000 won for 80,000 euros."""
    for node in _condition_nodes(given):
        mentions = conditions.mentioned(str(node.value), document)
        if "amount" in mentions and "currency" not in mentions:
            text.complain(node, "A condition on the amount needs the route’s currency, such as “currency: EUR”.")


def _condition_nodes(given: Mapping[str, yaml.Node]) -> Iterator[yaml.ScalarNode]:
    for name, node in given.items():
        if name == "when" and isinstance(node, yaml.ScalarNode):
            yield node
        elif name in ("stages", "parallel") and isinstance(node, yaml.SequenceNode):
            for each in node.value:
                if isinstance(each, yaml.MappingNode):
                    yield from _condition_nodes({str(key.value): value for key, value in each.value})


def _calendar(text: Source, node: yaml.Node) -> Calendar:
    given = text.fields(node, known=("country", "timezone", "hours"), needed=("country", "timezone"))
    country = text.text(given["country"]) if "country" in given else None
    if country is not None and not knows_country(country):
        if knows_country(country.upper()):
            text.complain(
                given["country"],
                "“%(text)s” is not known here. Did you mean “%(near)s”?",
                text=country,
                near=country.upper(),
            )
        else:
            text.complain(
                given["country"],
                "“%(text)s” is not one of the %(count)s countries whose holidays are known, such as KR or DE.",
                text=short(country),
                count=len(countries()),
            )
        country = None
    timezone = text.text(given["timezone"]) if "timezone" in given else None
    if timezone is not None and not knows_timezone(timezone):
        if near := near_to(timezone, available_timezones()):
            text.complain(
                given["timezone"],
                "“%(text)s” is not known here. Did you mean “%(near)s”?",
                text=short(timezone),
                near=near,
            )
        else:
            text.complain(given["timezone"], "“%(text)s” is not a time zone such as Asia/Seoul.", text=short(timezone))
        timezone = None
    return Calendar(
        country, timezone or "UTC", _hours(text, given["hours"]) if "hours" in given else WITHOUT_CALENDAR.hours
    )


def _hours(text: Source, node: yaml.Node) -> Hours:
    written = text.text(node)
    hours = hours_of(written) if written is not None else None
    if written is not None and hours is None:
        text.complain(
            node,
            '“%(text)s” are not business hours such as "09:00-18:00": an hour at least, within one day.',
            text=short(written),
        )
    return hours or WITHOUT_CALENDAR.hours


def _separation(text: Source, node: yaml.Node) -> Separation:
    given = text.fields(node, known=("exclude", "distinct_across_stages"))
    excluded = text.items(given["exclude"], most=10) if "exclude" in given else []
    return Separation(
        exclude=tuple(dict.fromkeys(each for one in excluded if (each := text.one_of(one, (SUBMITTER,))))),
        distinct_across_stages=text.flag(given["distinct_across_stages"])
        if "distinct_across_stages" in given
        else False,
    )


def _stages(
    text: Source, node: yaml.Node, document: str, *, has_calendar: bool
) -> tuple[StagePlan | ParallelPlan, ...]:
    nodes = text.items(node, most=MOST_STAGES)
    if isinstance(node, yaml.SequenceNode) and not node.value:
        text.complain(node, "A route has at least one stage: a document that nobody is asked about would be approved.")
    reading = _Stages(text, document, has_calendar=has_calendar)
    made = tuple(reading.stage(each, last=each is nodes[-1]) for each in nodes)
    if reading.count > MOST_STAGES:
        text.complain(node, "There are more than %(most)s here.", most=MOST_STAGES)
    return made


class _Stages:
    """Reads stages one after the other; ``names``: those that were there before."""

    def __init__(self, text: Source, document: str, *, has_calendar: bool) -> None:
        self.text = text
        self.document = document
        self.has_calendar = has_calendar
        self.names: list[str] = []
        self.count = 0

    def stage(self, node: yaml.Node, *, last: bool) -> StagePlan | ParallelPlan:
        names = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        return self.group(node) if "parallel" in names else self.single(node, last=last)

    def group(self, node: yaml.Node) -> ParallelPlan:
        given = self.text.fields(node, known=_GROUP, later=("order", "join"), needed=("name",))
        name = self.named(given)
        when = _condition(self.text, given["when"], self.document) if "when" in given else None
        nodes = self.text.items(given["parallel"], most=MOST_STAGES) if "parallel" in given else []
        if (
            "parallel" in given
            and isinstance(given["parallel"], yaml.SequenceNode)
            and len(given["parallel"].value) < 2
        ):
            self.text.complain(given["parallel"], "A parallel group has at least two branches.")
        before = tuple(self.names)
        branches = tuple(self.branch(each, before) for each in nodes)
        return ParallelPlan(name, branches, when)

    def branch(self, node: yaml.Node, before: Sequence[str]) -> StagePlan:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == "parallel":
                    self.text.complain(key, "A parallel group inside another one is not supported yet.")
                    return StagePlan("")
                if key.value == "kind" and value.value == "signature":
                    self.text.complain(value, "Signatures come last, after every approval.")
        return self.single(node, last=True, before=before)

    def single(self, node: yaml.Node, *, last: bool, before: Sequence[str] | None = None) -> StagePlan:
        text = self.text
        kinds = (
            [value.value for key, value in node.value if key.value == "kind"]
            if isinstance(node, yaml.MappingNode)
            else []
        )
        signature = kinds == ["signature"]
        known = _SIGNATURE if signature else tuple(name for name in _STAGE if name not in ("order", "parallel"))
        needed = ("name",) if signature else ("name", "approvers")
        later = _STAGE_LATER if not signature else (*_STAGE_LATER, "fallback", "quorum", "send_back_to")
        given = text.fields(node, known=known, later=later, needed=needed)
        before = tuple(self.names) if before is None else before
        self.count += 1
        name = self.named(given)
        if "kind" in given:
            text.one_of(given["kind"], ("approval", "signature"))
        if signature and not last:
            text.complain(given["kind"], "Signatures come last, after every approval.")
        if "order" in given:
            text.one_of(given["order"], ("sequential",), ("parallel", "any"))
        approvers = _approvers(text, given["approvers"]) if "approvers" in given else None
        return StagePlan(
            name=name,
            kind="signature" if signature else "approval",
            when=_condition(text, given["when"], self.document) if "when" in given else None,
            approvers=approvers,
            fallback=_approvers(text, given["fallback"]) if "fallback" in given else None,
            quorum=_quorum(text, given["quorum"], approvers) if "quorum" in given else Quorum(),
            due=self.due(given["due"]) if "due" in given else None,
            send_back_to=self.send_back_to(given["send_back_to"], before) if "send_back_to" in given else (SUBMITTER,),
            order="sequential" if signature else None,
        )

    def named(self, given: Mapping[str, yaml.Node]) -> str:
        if "name" not in given:
            return ""
        node = given["name"]
        name = self.text.name(node)
        if name == SUBMITTER:
            self.text.complain(node, "“submitter” is who sends the document: give the stage another name.")
        elif name == SIGNATURES:
            self.text.complain(node, "“signatures” is the stage of a document’s own signers: give it another name.")
        elif name and name in self.names:
            self.text.complain(node, "There are two stages with the name “%(name)s”.", name=short(name))
        self.names.append(name)
        return name

    def due(self, node: yaml.Node) -> Due | None:
        written = self.text.text(node)
        if written is None:
            return None
        due = due_of(written)
        if due is None:
            self.text.complain(
                node,
                "“%(text)s” is not a time such as “2 business days”, “4 business hours” or “14 days”.",
                text=short(written),
            )
        elif due.amount > MOST[due.unit]:
            self.text.complain(node, "“%(text)s” is too long a time.", text=written)
        elif not self.has_calendar:
            self.text.complain(node, "A due time needs the route’s calendar: its country, time zone and hours.")
        return due

    def send_back_to(self, node: yaml.Node, before: Sequence[str]) -> tuple[str, ...]:
        targets: list[str] = []
        for each in self.text.items(node, most=MOST_STAGES):
            if (target := self.text.text(each)) in before:
                self.text.complain(each, "Sending back to an earlier stage is not supported yet.")
            elif target is not None and self.text.one_of(each, (SUBMITTER, *before)):
                targets.append(target)
        return tuple(dict.fromkeys(targets))


def _approvers(text: Source, node: yaml.Node) -> Approvers | None:
    given = text.fields(node, known=_APPROVERS, later=_APPROVERS_LATER)
    if isinstance(node, yaml.MappingNode) and not node.value:
        text.complain(node, "Somebody is to be asked here: people, a role, a group or the manager.")
    if len(given) > 1:
        text.complain(node, "More than one kind of approvers in a stage is not supported yet.")
    for name, value in given.items():
        match name:
            case "people":
                return _people(text, value)
            case "role" | "group":
                called = _party(text, value)
                return Role(called) if name == "role" else Group(called)
            case _:
                text.one_of(value, (SUBMITTER,), ("assignee", "approver", "owner"))
                return ManagerOf()
    return None


def _people(text: Source, node: yaml.Node) -> People:
    emails: list[str] = []
    nodes = text.items(node, most=MOST_PEOPLE)
    if isinstance(node, yaml.SequenceNode) and not node.value:
        text.complain(node, "Somebody is to be asked here: people, a role, a group or the manager.")
    for each in nodes:
        if (written := text.text(each)) is None:
            continue
        try:
            email = normalised_email(written)
        except Refused as refused:
            text.complain(each, refused.sentence, **refused.values)
            continue
        if email in emails:
            text.complain(each, "%(email)s is named twice in this stage.", email=email)
        emails.append(email)
    return People(tuple(emails))


def _party(text: Source, node: yaml.Node) -> str:
    written = text.text(node)
    if written is None:
        return ""
    try:
        return checked_name(written)
    except Refused as refused:
        text.complain(node, refused.sentence, **refused.values)
        return ""


def _quorum(text: Source, node: yaml.Node, approvers: Approvers | None) -> Quorum:
    if isinstance(node, yaml.ScalarNode):
        written = text.text(node)
        if written is not None and re.fullmatch(r"[0-9.]+ ?%", written):
            text.complain(node, "“%(name)s” is not supported yet.", name=short(written))
            return Quorum()
        return Quorum(1) if text.one_of(node, ("any", "all")) == "any" else Quorum()
    given = text.fields(node, known=_QUORUM, later=_QUORUM_LATER)
    approve: int | Literal["all"] = "all"
    if "approve" in given and text.text(given["approve"]) != "all":
        approve = text.whole(given["approve"], least=1, most=MOST_PEOPLE) or "all"
    reject = text.whole(given["reject"], least=1, most=MOST_PEOPLE) if "reject" in given else None
    panel = _panel_size(approvers)
    if panel is None:
        if approve == "all" and reject is not None and reject > 1:
            text.complain(
                given["reject"], "Where all must approve, one rejection ends the stage: reject can only be 1."
            )
        return Quorum(approve, reject)
    needed = panel if approve == "all" else approve
    if needed > panel:
        text.complain(
            given["approve"],
            "%(approve)s approvals can never come from %(panel)s people.",
            approve=needed,
            panel=panel,
        )
    elif reject is not None and reject > panel - needed + 1:
        text.complain(
            given["reject"],
            "The vote could end undecided: where %(approve)s of %(panel)s must approve, reject is at most %(most)s.",
            approve=needed,
            panel=panel,
            most=panel - needed + 1,
        )
    return Quorum(approve, reject)


def _panel_size(approvers: Approvers | None) -> int | None:
    """How many people a stage asks, where the route itself says so."""
    match approvers:
        case People(emails) if emails:
            return len(emails)
        case ManagerOf():
            return 1
        case _:
            return None


def _case(text: Source, node: yaml.Node, route: Route) -> GoldenCase:
    fields = text.fields(node, known=("given", "expect"), needed=("given", "expect"))
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    facts = _facts(text, fields["given"], route) if "given" in fields else {}
    names = tuple(stage.name for stage in route.stages)
    expected = text.items(fields["expect"], most=MOST_STAGES) if "expect" in fields else []
    return GoldenCase(facts, tuple(name for each in expected if (name := text.one_of(each, names))), line, column)


def _facts(text: Source, node: yaml.Node, route: Route) -> dict[str, object]:
    given = text.fields(node, known=("amount", "currency", route.document, SUBMITTER))
    facts: dict[str, object] = {}
    if "amount" in given:
        facts["amount"] = _amount(text, given["amount"])
        facts["currency"] = route.currency
    if "currency" in given:
        facts["currency"] = _currency(text, given["currency"])
    facts[route.document] = _document_facts(text, given[route.document], route) if route.document in given else {}
    if SUBMITTER in given and (written := text.text(given[SUBMITTER])) is not None:
        try:
            facts[SUBMITTER] = {"email": normalised_email(written)}
        except Refused as refused:
            text.complain(given[SUBMITTER], refused.sentence, **refused.values)
    return facts


def _amount(text: Source, node: yaml.Node) -> Decimal | None:
    written = text.text(node)
    if written is None:
        return None
    if isinstance(node, yaml.ScalarNode) and node.style not in ('"', "'"):
        text.complain(node, 'Write the amount in quotes, such as "1000.00".')
        return None
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", written) is None or _digits(written) > conditions.MOST_DIGITS:
        text.complain(
            node,
            '“%(text)s” is not an amount such as "1000.00", with at most %(most)s digits.',
            text=short(written),
            most=conditions.MOST_DIGITS,
        )
        return None
    return Decimal(written)


def _digits(written: str) -> int:
    return len(written.replace(".", "").lstrip("0"))


def _document_facts(text: Source, node: yaml.Node, route: Route) -> dict[str, object]:
    fields = conditions.DOCUMENTS[route.document]
    asked = {
        name.partition(".")[2] for each in _conditions(route) for name in conditions.mentioned(each, route.document)
    }
    given = text.fields(node, known=(*fields, *sorted(asked - set(fields) - {""})))
    return {
        name: value
        for name, each in given.items()
        if (value := _fact(text, each, fields.get(name, conditions.Kind.ANY))) is not None
    }


def _fact(text: Source, node: yaml.Node, kind: conditions.Kind) -> object:
    match kind:
        case conditions.Kind.NUMBER:
            return text.whole(node, least=0, most=999_999_999)
        case conditions.Kind.DAY:
            written = text.text(node)
            if written is not None and not conditions.is_day(written):
                text.complain(node, '“%(text)s” is not a day such as "2026-12-31".', text=short(written))
            return written
        case conditions.Kind.ANY if isinstance(node, yaml.ScalarNode) and not node.style:
            written = text.text(node)
            if written in ("true", "false"):
                return written == "true"
            return int(written) if written and re.fullmatch("0|[1-9][0-9]{0,14}", written) else written
        case _:
            return text.text(node)
