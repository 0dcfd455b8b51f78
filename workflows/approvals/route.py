"""Approval routes: an ordered list of stages, written as YAML or as JSON, which is a part of it. Pure.

``parse`` reads one and refuses it with everything that is wrong, each with its line. What a route may say but Signoff
cannot do yet is refused as well, never passed over. Texts are taken as they are written: ``country: NO`` is Norway,
``amount: 1e3`` is no amount (YAML 1.1 would read a truth value and a text).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from workflows.approvals import conditions
from workflows.approvals.plan import (
    SIGNATURES,
    SUBMITTER,
    WITHOUT_CALENDAR,
    Approvers,
    AtField,
    Authority,
    Band,
    Escalation,
    GoldenCase,
    Group,
    Insert,
    Links,
    ManagerOf,
    Match,
    OnChange,
    ParallelPlan,
    People,
    Percent,
    Quorum,
    Reminder,
    ReopenFrom,
    Role,
    Route,
    Separation,
    StagePlan,
    Together,
    Tolerance,
    kinds_of,
)
from workflows.approvals.rates import Rates, amount_in
from workflows.approvals.reading import read_route
from workflows.approvals.source import Finding, Source
from workflows.approvals.writing import canonical
from workflows.errors import Refused

__all__ = [
    "NOT_YET",
    "SIGNATURES",
    "SUBMITTER",
    "WITHOUT_CALENDAR",
    "Approvers",
    "AtField",
    "Authority",
    "Band",
    "Escalation",
    "GoldenCase",
    "Group",
    "Insert",
    "Links",
    "ManagerOf",
    "Match",
    "OnChange",
    "ParallelPlan",
    "People",
    "Percent",
    "Quorum",
    "Rates",
    "Reminder",
    "ReopenFrom",
    "Role",
    "Route",
    "RouteRefused",
    "Separation",
    "StagePlan",
    "Together",
    "Tolerance",
    "amount_in",
    "applies",
    "arranged",
    "band_of",
    "canonical",
    "comparable",
    "going_through",
    "golden_failures",
    "kinds_of",
    "parse",
    "planned",
    "planned_branches",
    "read",
    "sha256_of",
    "why_asks_nobody",
    "why_not_comparable",
]

NOT_YET: tuple[str, ...] = ()
"""Features that are read, checked and have their rules, but that no round follows yet: a route with one is refused."""


class RouteRefused(Exception):
    """The text is no sound route. ``findings``: everything that is wrong, in the order of the lines."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(f"line {finding.line}: {finding}" for finding in self.findings))


def parse(source: str) -> Route:
    """The route that a text means, where Signoff can do all that it says.

    Raises:
        RouteRefused: with everything that is wrong with it.
    """
    return _read(source, refused=NOT_YET)


def read(source: str) -> Route:
    """The route that a text means, whether rounds can follow all of it or not.

    Raises:
        RouteRefused: with everything that is wrong with it.
    """
    return _read(source, refused=())


def _read(source: str, *, refused: Sequence[str]) -> Route:
    text = Source(source)
    root = text.root()
    route = read_route(text, root) if root is not None else None
    findings = [*text.findings, *(finding for feature, finding in text.used if feature in refused)]
    if findings or route is None:
        raise RouteRefused(sorted(findings, key=lambda each: (each.line, each.column)))
    return route


def sha256_of(source: str) -> str:
    """What names a version of a route: of its text, byte for byte. Hexadecimal."""
    return hashlib.sha256(source.encode()).hexdigest()


def applies(route: Route, facts: Mapping[str, object], rates: Rates | None = None) -> bool:
    """Whether the route is meant for a document with these facts.

    Raises:
        Unanswerable: its condition cannot be answered from them.
        Refused: its condition compares an amount in another currency, without a rate.
    """
    if route.when is None:
        return True
    if _asks_amount(route, route.when):
        facts = _in_route_currency(route, facts, rates)
    return conditions.holds(route.when, facts, route.document)


def planned(
    route: Route, facts: Mapping[str, object], rates: Rates | None = None
) -> tuple[StagePlan | ParallelPlan, ...]:
    """The stages that a document with these facts goes through; of a parallel group the branches that it goes through.

    A stage that some band names is gone through where the amount's own band names it, one that a match puts in where
    it came out so; every other one always.

    Raises:
        Unanswerable: a condition cannot be answered from them.
        Refused: they compare an amount in another currency, without a rate.
    """
    facts = comparable(route, facts, rates)
    here = band_of(route, facts)
    in_case = {name for band in route.bands for name in band.stages}
    in_case |= {insert.stage for insert in route.match.inserts} if route.match else set()
    inserted = _inserted(route, facts)
    elsewhere = in_case - set(here.stages if here else ()) - ({inserted.stage} if inserted else set())
    going: list[StagePlan | ParallelPlan] = []
    for stage in arranged(route, facts):
        branches = planned_branches(stage, facts, route.document) if stage.name not in elsewhere else ()
        if isinstance(stage, StagePlan):
            going += branches
        elif branches:
            going.append(replace(stage, branches=branches))
    return tuple(going)


def arranged(route: Route, facts: Mapping[str, object]) -> tuple[StagePlan | ParallelPlan, ...]:
    """All stages in the order in which this document goes through them: one that a match puts in stands elsewhere."""
    insert = _inserted(route, facts)
    if insert is None or insert.before is None:
        return route.stages
    moved = [each for each in route.stages if each.name == insert.stage]
    others = [each for each in route.stages if each.name != insert.stage]
    at = 0 if insert.before == "first" else next(i for i, each in enumerate(others) if each.name == insert.before)
    return (*others[:at], *moved, *others[at:])


def _inserted(route: Route, facts: Mapping[str, object]) -> Insert | None:
    return route.match.insert_for(facts.get("match")) if route.match else None


def going_through(route: Route, facts: Mapping[str, object], rates: Rates | None = None) -> frozenset[str]:
    """Names of the planned stages, groups and branches.

    Raises:
        Unanswerable, Refused: as ``planned``.
    """
    names: set[str] = set()
    for stage in planned(route, facts, rates):
        names.add(stage.name)
        if isinstance(stage, ParallelPlan):
            names.update(branch.name for branch in stage.branches)
    return frozenset(names)


def why_asks_nobody(
    route: Route, going: Collection[str], facts: Mapping[str, object]
) -> tuple[str, dict[str, object]] | None:
    """Why a document cannot travel the route: none of its stages applies, and no order speaks for it.

    ``going``: as ``going_through`` gives it.
    """
    if going or (route.match is not None and bool(route.bands) and facts.get("match") == "matched"):
        return None
    return "No stage of the route “%(route)s” applies to this document: nobody would be asked.", {"route": route.name}


def planned_branches(
    stage: StagePlan | ParallelPlan, facts: Mapping[str, object], document: str = "contract"
) -> tuple[StagePlan, ...]:
    """The stage itself, or the group's branches, as far as their conditions hold.

    ``facts``: with the amount in the route's currency, as ``comparable`` gives them.
    """
    if stage.when is not None and not conditions.holds(stage.when, facts, document):
        return ()
    if isinstance(stage, StagePlan):
        return (stage,)
    return tuple(each for each in stage.branches if each.when is None or conditions.holds(each.when, facts, document))


def band_of(route: Route, facts: Mapping[str, object]) -> Band | None:
    """The band that holds the amount of these ``comparable`` facts; None where the route has none.

    Raises:
        Unanswerable: no amount is given.
    """
    if not route.bands:
        return None
    amount = _amount(facts)
    if amount is None:
        raise conditions.Unanswerable(
            "The route “%(route)s” goes by bands of the amount, and no amount is given.",
            field="amount",
            route=route.name,
        )
    return next((band for band in route.bands if band.end is None or amount < band.end), route.bands[-1])


def comparable(route: Route, facts: Mapping[str, object], rates: Rates | None = None) -> Mapping[str, object]:
    """The facts with their amount in the route's currency, where the route compares amounts. ``currency`` stays theirs.

    Raises:
        Refused: there is no rate for it.
    """
    return _in_route_currency(route, facts, rates) if _compares_amounts(route) else facts


def why_not_comparable(
    route: Route, facts: Mapping[str, object], rates: Rates | None = None
) -> tuple[str, dict[str, object]] | None:
    """Why the route's conditions say nothing about this document's amount; None where they do, or do not ask for it."""
    try:
        comparable(route, facts, rates)
    except Refused as refused:
        return refused.sentence, refused.values
    return None


def _in_route_currency(route: Route, facts: Mapping[str, object], rates: Rates | None) -> Mapping[str, object]:
    amount, currency = _amount(facts), facts.get("currency")
    if amount is None or route.currency is None or currency == route.currency:
        return facts
    if rates is None or not isinstance(currency, str):
        raise Refused(
            "The route “%(route)s” compares amounts in %(currency)s, and this one is in %(other)s, for which there is"
            " no rate.",
            field="currency",
            route=route.name,
            currency=route.currency,
            other=currency or "?",
        )
    return {**facts, "amount": amount_in(route.currency, amount, currency, rates)}


def _amount(facts: Mapping[str, object]) -> Decimal | None:
    """Facts that were stored have their amount as text."""
    amount = facts.get("amount")
    if amount in (None, ""):
        return None
    try:
        return Decimal(str(amount))
    except InvalidOperation:
        return None


def _compares_amounts(route: Route) -> bool:
    return (
        bool(route.bands)
        or route.links.code_above is not None
        or any(isinstance(kind, Authority) for plan in route.plans for kind in plan.kinds)
        or any(_asks_amount(route, condition) for condition in _conditions(route))
    )


def _asks_amount(route: Route, condition: str) -> bool:
    return "amount" in conditions.mentioned(condition, route.document)


def _conditions(route: Route) -> Iterator[str]:
    groups = [each.when for each in route.stages if isinstance(each, ParallelPlan)]
    yield from (when for when in (route.when, *groups, *(plan.when for plan in route.plans)) if when is not None)


def golden_failures(route: Route) -> tuple[Finding, ...]:
    """The route's own test cases that do not hold: it is not to be published with any."""
    return tuple(finding for case in route.tests if (finding := _failure(route, case)))


def _failure(route: Route, case: GoldenCase) -> Finding | None:
    def found(sentence: str, **values: object) -> Finding:
        return Finding(case.line, case.column, sentence, values)

    try:
        if why := why_not_comparable(route, case.facts, case.rates):
            return Finding(case.line, case.column, *why)
        if not applies(route, case.facts, case.rates):
            return found("The route is not taken in this case: “%(condition)s” does not hold.", condition=route.when)
        going = tuple(stage.name for stage in planned(route, case.facts, case.rates))
    except Refused as refused:
        return Finding(case.line, case.column, refused.sentence, refused.values)
    if going != case.expect:
        return found(
            "This case goes through %(found)s, not through %(expected)s.",
            found=", ".join(going) or "∅",
            expected=", ".join(case.expect) or "∅",
        )
    return None
