"""Approval routes: an ordered list of stages, written as YAML or as JSON, which is a part of it. Pure.

``parse`` reads one and refuses it with everything that is wrong, each with its line. What a route may say one day but
Signoff cannot do yet is refused as well, never passed over. Texts are taken as they are written: ``country: NO`` is
Norway, ``amount: 1e3`` is no amount (YAML 1.1 would read a truth value and a text).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, cast
from zoneinfo import available_timezones

import yaml
from babel.numbers import list_currencies

from workflows.approvals import conditions
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

MOST_BYTES = 200_000
MOST_STAGES = 100  # branches of parallel groups included
MOST_PEOPLE = 500  # of one stage
MOST_TESTS = 200
MOST_NODES = 20_000
DEEPEST = 10  # lists and mappings inside one another; a sound route needs six
LONGEST_NAME = 60
HIGHEST_PRIORITY = 1_000_000

SUBMITTER = "submitter"
SIGNATURES = "signatures"
"""The stage that a document's own signers form where its route has no signature stage."""

WITHOUT_CALENDAR = Calendar()
"""Of a route that names none, and therefore has no due times."""


@dataclass(frozen=True)
class Finding:
    """Something wrong in a route's text. ``line`` and ``column``: 1-based."""

    line: int
    column: int
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence


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
    text = _Text(source)
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


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is a hundred times faster

_Read = TypeVar("_Read")


class _Text:
    """A route's text as nodes with their places, and what was found wrong with it so far."""

    def __init__(self, source: str) -> None:
        self.findings: list[Finding] = []
        self.source = source
        self.lines: list[str] = []

    def root(self) -> yaml.Node | None:
        """The text as a tree; None, with a finding, where it is none."""
        if len(self.source.encode(errors="replace")) > MOST_BYTES:
            self.complain_at(None, "A route has at most %(most)s kB.", most=MOST_BYTES // 1000)
            return None
        source = _as_yaml(unicodedata.normalize("NFC", self.source).removeprefix("\ufeff"))
        self.lines = source.splitlines()
        try:
            if not self.is_plain_tree(source):
                return None
            root = yaml.compose(source, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.complain_at(mark, "This cannot be read as YAML: %(problem)s.", problem=error.problem)
            return None
        except (yaml.YAMLError, UnicodeEncodeError):
            self.complain_at(None, "The text has characters that cannot be shown.")
            return None
        if root is None:
            self.complain_at(None, "There is no route in this text.")
        return root

    def is_plain_tree(self, source: str) -> bool:
        """Whether the text is one tree of modest size. Looked at as a stream, so that no bomb is ever unfolded."""
        nodes = depth = documents = 0
        for event in yaml.parse(source, Loader=_Loader):
            mark = event.start_mark
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    depth += 1
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    depth -= 1
                case _:
                    pass
            nodes += isinstance(event, yaml.NodeEvent)
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                self.complain_at(mark, "References with & and * are not allowed in a route.")
            if depth > DEEPEST:
                self.complain_at(mark, "This is nested too deeply for a route.")
                return False
            if nodes > MOST_NODES:
                self.complain_at(mark, "This is more than a route can hold.")
                return False
            if documents > 1:
                self.complain_at(mark, "A text holds one route; a second one begins here.")
                return False
        return not self.findings

    def complain_at(self, mark: Any, sentence: str, **values: object) -> None:
        """``mark``: PyYAML's, of the place; None for the text as a whole."""
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.findings.append(Finding(line, column, sentence, values))

    def complain(self, node: yaml.Node, sentence: str, **values: object) -> None:
        self.complain_at(node.start_mark, sentence, **values)

    def fields(
        self, node: yaml.Node, *, known: Collection[str], later: Collection[str] = (), needed: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        """The fields of a mapping, without those that are empty; every other field is a finding."""
        if not isinstance(node, yaml.MappingNode):
            self.complain(node, "Fields are expected here, such as “%(name)s: …”.", name=next(iter(known)))
            return {}
        found: dict[str, yaml.Node] = {}
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self.complain(key, "“%(name)s” is there twice.", name=name)
            elif name in later:
                self.complain(key, "“%(name)s” is not supported yet.", name=name)
            elif name not in known:
                self.unknown(key, name, known)
            elif self.is_empty(value):
                self.complain(key, "“%(name)s” is empty.", name=name)
            else:
                found[name] = value
            seen.add(name)
        for name in needed:
            if name not in seen:
                self.complain(node, "“%(name)s” is missing.", name=name)
        return found

    def unknown(self, key: yaml.Node, name: str, known: Collection[str]) -> None:
        shown = name[:LONGEST_NAME]
        if near := get_close_matches(shown, known, 1, 0.6):
            self.complain(key, "There is no field “%(name)s” here. Did you mean “%(near)s”?", name=shown, near=near[0])
        else:
            self.complain(key, "There is no field “%(name)s” here.", name=shown)

    def is_empty(self, node: yaml.Node) -> bool:
        return node.tag == "tag:yaml.org,2002:null" and isinstance(node, yaml.ScalarNode) and node.style is None

    def items(self, node: yaml.Node, *, most: int) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.complain(node, "A list is expected here.")
            return []
        if len(node.value) > most:
            self.complain(node, "There are more than %(most)s here.", most=most)
            return []
        return list(node.value)

    def text(self, node: yaml.Node) -> str | None:
        """A scalar as it is written."""
        if not isinstance(node, yaml.ScalarNode):
            self.complain(node, "A single value is expected here.")
            return None
        if not node.tag.startswith("tag:yaml.org,2002:") and not node.style:
            self.complain(node, "YAML reads a leading ! as a mark of its own: put the text in quotes.")
            return None
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.complain(node, "Marks with ! are not allowed in a route.")
            return None
        return str(node.value)

    def one_of(self, node: yaml.Node, known: Collection[str], later: Collection[str] = ()) -> str | None:
        text = self.text(node)
        if text is None or text in known:
            return text
        if text in later:
            self.complain(node, "“%(name)s” is not supported yet.", name=text)
        elif near := get_close_matches(text, known, 1, 0.6):
            self.complain(
                node, "“%(text)s” is not known here. Did you mean “%(near)s”?", text=_short(text), near=near[0]
            )
        else:
            self.complain(
                node, "“%(text)s” is not known here; known are %(known)s.", text=_short(text), known=", ".join(known)
            )
        return None

    def whole(self, node: yaml.Node, *, least: int, most: int) -> int | None:
        text = self.text(node)
        if text is None:
            return None
        if re.fullmatch(r"0|[1-9][0-9]{0,8}", text) is None or not least <= int(text) <= most:
            self.complain(
                node,
                "“%(text)s” is not a whole number from %(least)s to %(most)s.",
                text=_short(text),
                least=least,
                most=most,
            )
            return None
        return int(text)

    def flag(self, node: yaml.Node) -> bool:
        text = self.text(node)
        if text is not None and text not in ("true", "false"):
            self.complain(node, "Write true or false here, not “%(text)s”.", text=_short(text))
        return text == "true"

    def name(self, node: yaml.Node, *, any_script: bool) -> str:
        text = self.text(node)
        if text is None:
            return ""
        pattern = r"[^\W_A-Z][^\W_A-Z-]*(-[^\W_A-Z]+)*" if any_script else r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
        if len(text) > LONGEST_NAME or re.fullmatch(pattern, text) is None:
            self.complain(
                node,
                "“%(text)s” is not a name such as legal-review: small letters, digits and hyphens.",
                text=_short(text),
            )
        return text

    def condition(self, node: yaml.Node, document: str) -> str | None:
        text = self.text(node)
        if text is None:
            return None
        if wrong := conditions.check(text, document):
            line, column = self.place(node, text, wrong.position)
            self.findings.append(Finding(line, column, wrong.sentence, wrong.values))
            return None
        return text.strip()

    def place(self, node: yaml.Node, text: str, position: int) -> tuple[int, int]:
        """Where a letter of a scalar stands: exact where the scalar stands in its line as it is, else its beginning."""
        line, column = node.start_mark.line, node.start_mark.column
        written = self.lines[line][column:] if line < len(self.lines) else ""
        for quote in (0, 1):
            if written[quote:].startswith(text):
                return line + 1, column + quote + position + 1
        return line + 1, column + 1


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "…"


def _as_yaml(source: str) -> str:
    """JSON is YAML but for tabs between its parts, and for letters beyond U+FFFF written as two escapes."""
    if not source.lstrip().startswith("{"):
        return source
    try:
        json.loads(source)
    except (ValueError, RecursionError):
        return source
    pair = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
    return pair.sub(_as_one_escape, source.replace("\t", " "))


def _as_one_escape(pair: re.Match[str]) -> str:
    letter = 0x10000 + ((int(pair[2], 16) & 0x3FF) << 10 | int(pair[3], 16) & 0x3FF)
    return f"{pair[1]}\\U{letter:08x}"


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


def _route(text: _Text, root: yaml.Node) -> Route:
    given = text.fields(root, known=_ROUTE, later=_ROUTE_LATER, needed=("name", "document", "stages"))

    def read(name: str, reader: Callable[[yaml.Node], _Read | None], otherwise: _Read) -> _Read:
        made = reader(given[name]) if name in given else None
        return otherwise if made is None else made

    document = read("document", lambda node: text.one_of(node, tuple(conditions.DOCUMENTS), ("invoice",)), "contract")
    has_calendar = "calendar" in given
    stages = _stages(text, given["stages"], document, has_calendar=has_calendar) if "stages" in given else ()
    route = Route(
        name=read("name", lambda node: text.name(node, any_script=False), ""),
        document=document,
        stages=stages,
        priority=read("priority", lambda node: text.whole(node, least=0, most=HIGHEST_PRIORITY), 100),
        when=text.condition(given["when"], document) if "when" in given else None,
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


def _restart(text: _Text, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        text.fields(node, known=(), later=("reopen_from",))
    else:
        text.one_of(node, ("restart",), ("keep", "reopen_from"))


def _currency(text: _Text, node: yaml.Node) -> str | None:
    code = text.text(node)
    if code is not None and code not in list_currencies():
        text.complain(node, "“%(text)s” is not a currency such as EUR or KRW.", text=_short(code))
    return code


def _insist_on_currency(text: _Text, given: Mapping[str, yaml.Node], document: str) -> None:
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


def _calendar(text: _Text, node: yaml.Node) -> Calendar:
    given = text.fields(node, known=("country", "timezone", "hours"), needed=("country", "timezone"))
    country = text.text(given["country"]) if "country" in given else None
    if country is not None and not knows_country(country):
        near = country.upper() if knows_country(country.upper()) else ""
        if near:
            text.complain(
                given["country"],
                "“%(text)s” is not known here. Did you mean “%(near)s”?",
                text=_short(country),
                near=near,
            )
        else:
            text.complain(
                given["country"],
                "“%(text)s” is not one of the %(count)s countries whose holidays are known, such as KR or DE.",
                text=_short(country),
                count=len(countries()),
            )
        country = None
    timezone = text.text(given["timezone"]) if "timezone" in given else None
    if timezone is not None and not knows_timezone(timezone):
        if near_zones := get_close_matches(timezone[:LONGEST_NAME], available_timezones(), 1, 0.6):
            text.complain(
                given["timezone"],
                "“%(text)s” is not known here. Did you mean “%(near)s”?",
                text=_short(timezone),
                near=near_zones[0],
            )
        else:
            text.complain(given["timezone"], "“%(text)s” is not a time zone such as Asia/Seoul.", text=_short(timezone))
        timezone = None
    return Calendar(
        country, timezone or "UTC", _hours(text, given["hours"]) if "hours" in given else WITHOUT_CALENDAR.hours
    )


def _hours(text: _Text, node: yaml.Node) -> Hours:
    written = text.text(node)
    hours = hours_of(written) if written is not None else None
    if written is not None and hours is None:
        text.complain(
            node,
            '“%(text)s” are not business hours such as "09:00-18:00": an hour at least, within one day.',
            text=_short(written),
        )
    return hours or WITHOUT_CALENDAR.hours


def _separation(text: _Text, node: yaml.Node) -> Separation:
    given = text.fields(node, known=("exclude", "distinct_across_stages"))
    excluded = text.items(given["exclude"], most=10) if "exclude" in given else []
    return Separation(
        exclude=tuple(dict.fromkeys(each for one in excluded if (each := text.one_of(one, (SUBMITTER,))))),
        distinct_across_stages=text.flag(given["distinct_across_stages"])
        if "distinct_across_stages" in given
        else False,
    )


def _stages(text: _Text, node: yaml.Node, document: str, *, has_calendar: bool) -> tuple[StagePlan | ParallelPlan, ...]:
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

    def __init__(self, text: _Text, document: str, *, has_calendar: bool) -> None:
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
        when = self.text.condition(given["when"], self.document) if "when" in given else None
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
            when=text.condition(given["when"], self.document) if "when" in given else None,
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
        name = self.text.name(node, any_script=True)
        if name == SUBMITTER:
            self.text.complain(node, "“submitter” is who sends the document: give the stage another name.")
        elif name == SIGNATURES:
            self.text.complain(node, "“signatures” is the stage of a document’s own signers: give it another name.")
        elif name and name in self.names:
            self.text.complain(node, "There are two stages with the name “%(name)s”.", name=_short(name))
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
                text=_short(written),
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


def _approvers(text: _Text, node: yaml.Node) -> Approvers | None:
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


def _people(text: _Text, node: yaml.Node) -> People:
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


def _party(text: _Text, node: yaml.Node) -> str:
    written = text.text(node)
    if written is None:
        return ""
    try:
        return checked_name(written)
    except Refused as refused:
        text.complain(node, refused.sentence, **refused.values)
        return ""


def _quorum(text: _Text, node: yaml.Node, approvers: Approvers | None) -> Quorum:
    if isinstance(node, yaml.ScalarNode):
        written = text.text(node)
        if written is not None and re.fullmatch(r"[0-9.]+ ?%", written):
            text.complain(node, "“%(name)s” is not supported yet.", name=_short(written))
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


def _case(text: _Text, node: yaml.Node, route: Route) -> GoldenCase:
    fields = text.fields(node, known=("given", "expect"), needed=("given", "expect"))
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    facts = _facts(text, fields["given"], route) if "given" in fields else {}
    names = tuple(stage.name for stage in route.stages)
    expected = text.items(fields["expect"], most=MOST_STAGES) if "expect" in fields else []
    return GoldenCase(facts, tuple(name for each in expected if (name := text.one_of(each, names))), line, column)


def _facts(text: _Text, node: yaml.Node, route: Route) -> dict[str, object]:
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


def _amount(text: _Text, node: yaml.Node) -> Decimal | None:
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
            text=_short(written),
            most=conditions.MOST_DIGITS,
        )
        return None
    return Decimal(written)


def _digits(written: str) -> int:
    return len(written.replace(".", "").lstrip("0"))


def _document_facts(text: _Text, node: yaml.Node, route: Route) -> dict[str, object]:
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


def _fact(text: _Text, node: yaml.Node, kind: conditions.Kind) -> object:
    match kind:
        case conditions.Kind.NUMBER:
            return text.whole(node, least=0, most=999_999_999)
        case conditions.Kind.DAY:
            written = text.text(node)
            if written is not None and not conditions.is_day(written):
                text.complain(node, '“%(text)s” is not a day such as "2026-12-31".', text=_short(written))
            return written
        case conditions.Kind.ANY if isinstance(node, yaml.ScalarNode) and node.style is None:
            written = text.text(node)
            if written in ("true", "false"):
                return written == "true"
            return int(written) if written and re.fullmatch("0|[1-9][0-9]{0,14}", written) else written
        case _:
            return text.text(node)
