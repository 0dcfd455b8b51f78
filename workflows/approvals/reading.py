"""A route's text as a tree, read into values, with everything that is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import yaml

from workflows.approvals import conditions
from workflows.approvals.plan import (
    SUBMITTER,
    WITHOUT_CALENDAR,
    Band,
    Links,
    OnChange,
    ParallelPlan,
    ReopenFrom,
    Route,
    Separation,
    StagePlan,
)
from workflows.approvals.reading_cases import read_case
from workflows.approvals.reading_match import read_match
from workflows.approvals.reading_stages import MOST_STAGES, read_repeated, read_stages
from workflows.approvals.reading_values import read_amount, read_condition, read_currency
from workflows.approvals.source import Source, near_to, short
from workflows.business_time import Calendar, Hours, countries, hours_of, knows_country, knows_timezone, timezones

MOST_TESTS = 200
MOST_BANDS = 50
HIGHEST_PRIORITY = 1_000_000

_ROUTE = (
    *("name", "document", "priority", "when", "currency", "calendar", "separation", "repeated", "on_change"),
    *("match", "bands", "links", "stages", "tests"),
)
_AMOUNTS = ("bands", "match", "links", "authority")
"""Fields beside conditions in which an amount is compared."""

_Read = TypeVar("_Read")


def read_route(text: Source, root: yaml.Node) -> Route:
    """The route that a text means, as far as it means one: what is wrong is in the text's findings."""
    given = text.fields(root, known=_ROUTE, needed=("name", "document", "stages"))

    def read(name: str, reader: Callable[[yaml.Node], _Read | None], otherwise: _Read) -> _Read:
        made = reader(given[name]) if name in given else None
        return otherwise if made is None else made

    document = read("document", lambda node: _document(text, node), "contract")
    separation = read("separation", lambda node: _separation(text, node), Separation())
    distinct, has_calendar = separation.distinct_across_stages, "calendar" in given
    stages = (
        read_stages(text, given["stages"], document, has_calendar=has_calendar, distinct=distinct)
        if "stages" in given
        else ()
    )
    route = Route(
        name=read("name", lambda node: _route_name(text, node), ""),
        document=document,
        stages=stages,
        priority=read("priority", lambda node: text.whole(node, least=0, most=HIGHEST_PRIORITY), 100),
        when=read_condition(text, given["when"], document) if "when" in given else None,
        currency=read_currency(text, given["currency"]) if "currency" in given else None,
        calendar=read("calendar", lambda node: _calendar(text, node), WITHOUT_CALENDAR),
        separation=separation,
        repeated=read("repeated", lambda node: read_repeated(text, node, distinct=distinct), "ask"),
        on_change=read("on_change", lambda node: _on_change(text, node, stages), "restart"),
        bands=_bands(text, given["bands"], stages, matched="match" in given) if "bands" in given else (),
        links=read("links", lambda node: _links(text, node), Links()),
        match=read("match", lambda node: read_match(text, node, [each.name for each in stages]), None),
    )
    if document == "invoice":
        _insist_on_no_signatures(text, given, route)
    if route.currency is None and "currency" not in given:
        _insist_on_currency(text, given, document)
    if "tests" in given:
        asked = {name for node in _condition_nodes(given) for name in conditions.mentioned(str(node.value), document)}
        cases = [read_case(text, node, route, asked=asked) for node in text.items(given["tests"], most=MOST_TESTS)]
        route = replace(route, tests=tuple(cases))
    return route


def _document(text: Source, node: yaml.Node) -> str | None:
    return text.one_of(node, tuple(conditions.DOCUMENTS))


def _insist_on_no_signatures(text: Source, given: Mapping[str, yaml.Node], route: Route) -> None:
    """Nothing is sealed at the end of an invoice's route."""
    for plan in route.plans:
        if plan.kind == "signature":
            text.complain(
                given["stages"], "Invoices are approved, not signed: “%(name)s” cannot stand here.", name=plan.name
            )


def _route_name(text: Source, node: yaml.Node) -> str:
    name = text.name(node)
    if not name.isascii():
        text.complain(node, "A route’s name is part of its address: letters from a to z, digits and hyphens.")
    return name


def _on_change(text: Source, node: yaml.Node, stages: Sequence[StagePlan | ParallelPlan]) -> OnChange | None:
    if isinstance(node, yaml.MappingNode):
        given = text.fields(node, known=("reopen_from",), needed=("reopen_from",))
        text.uses("reopen_from", node, "reopen_from")
        names = [each.name for each in stages if isinstance(each, ParallelPlan) or each.kind == "approval"]
        stage = text.one_of(given["reopen_from"], names) if "reopen_from" in given else None
        return ReopenFrom(stage) if stage else None
    if text.one_of(node, ("restart", "keep")) != "keep":
        return "restart"
    text.uses("keep", node)
    return "keep"


def _links(text: Source, node: yaml.Node) -> Links:
    given = text.fields(node, known=("one_time_code",), needed=("one_time_code",))
    text.uses("links", node, "links")
    if "one_time_code" not in given:
        return Links()
    code = text.fields(given["one_time_code"], known=("above",), needed=("above",))
    return Links(read_amount(text, code["above"]) if "above" in code else None)


def _insist_on_currency(text: Source, given: Mapping[str, yaml.Node], document: str) -> None:
    """An amount compared without its currency would take 80,000 won for 80,000 euros."""
    for node in _condition_nodes(given):
        mentions = conditions.mentioned(str(node.value), document)
        if "amount" in mentions and "currency" not in mentions:
            text.complain(node, "A condition on the amount needs the route’s currency, such as “currency: EUR”.")
    for name, field in _fields_within(given):
        if name in _AMOUNTS:
            text.complain(
                field, "“%(name)s” compares amounts: it needs the route’s currency, such as “currency: EUR”.", name=name
            )


def _condition_nodes(given: Mapping[str, yaml.Node]) -> Iterator[yaml.ScalarNode]:
    for name, node in _fields_within(given):
        if name == "when" and isinstance(node, yaml.ScalarNode):
            yield node


def _fields_within(given: Mapping[str, yaml.Node]) -> Iterator[tuple[str, yaml.Node]]:
    """The fields of the route, of its stages, and of what those hold, each by its name."""
    for name, node in given.items():
        yield name, node
        within = (
            node.value
            if name in ("stages", "parallel") and isinstance(node, yaml.SequenceNode)
            else [node]
            if name in ("approvers", "fallback", "escalate", "to")
            else []
        )
        for each in within:
            if isinstance(each, yaml.MappingNode):
                yield from _fields_within({str(key.value): value for key, value in each.value})


def _calendar(text: Source, node: yaml.Node) -> Calendar:
    given = text.fields(node, known=("country", "timezone", "hours"), needed=("country", "timezone"))
    country = _country(text, given["country"]) if "country" in given else None
    timezone = _timezone(text, given["timezone"]) if "timezone" in given else None
    hours = _hours(text, given["hours"]) if "hours" in given else WITHOUT_CALENDAR.hours
    return Calendar(country, timezone or "UTC", hours)


def _country(text: Source, node: yaml.Node) -> str | None:
    country = text.text(node)
    if country is None or knows_country(country):
        return country
    if knows_country(country.upper()):
        text.complain(
            node, "“%(text)s” is not known here. Did you mean “%(near)s”?", text=country, near=country.upper()
        )
    else:
        text.complain(
            node,
            "“%(text)s” is not one of the %(count)s countries whose holidays are known, such as KR or DE.",
            text=short(country),
            count=len(countries()),
        )
    return None


def _timezone(text: Source, node: yaml.Node) -> str | None:
    timezone = text.text(node)
    if timezone is None or knows_timezone(timezone):
        return timezone
    if near := near_to(timezone, timezones()):
        text.complain(node, "“%(text)s” is not known here. Did you mean “%(near)s”?", text=short(timezone), near=near)
    else:
        text.complain(node, "“%(text)s” is not a time zone such as Asia/Seoul.", text=short(timezone))
    return None


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


def _bands(
    text: Source, node: yaml.Node, stages: Sequence[StagePlan | ParallelPlan], *, matched: bool
) -> tuple[Band, ...]:
    nodes = text.items(node, most=MOST_BANDS)
    if isinstance(node, yaml.SequenceNode) and not node.value:
        text.complain(node, 'Bands are a list, such as [{to: "1000", stages: [a]}, {from: "1000", stages: [a, b]}].')
    made = [_band(text, each, stages) for each in nodes]
    _insist_on_no_gap(text, nodes, made)
    banded = {name for band in made for name in band.stages}
    always = any(_approves(stage) and stage.name not in banded for stage in stages)
    for band, each in zip(made, nodes, strict=True):
        if not matched and not always and not any(_approves(stage) for stage in stages if stage.name in band.stages):
            text.complain(each, "In this band nobody is asked: the document would be approved by nobody.")
    return tuple(made)


def _approves(stage: StagePlan | ParallelPlan) -> bool:
    return isinstance(stage, ParallelPlan) or stage.kind == "approval"


def _band(text: Source, node: yaml.Node, stages: Sequence[StagePlan | ParallelPlan]) -> Band:
    given = text.fields(node, known=("from", "to", "stages"), needed=("stages",))
    names = tuple(stage.name for stage in stages)
    asked = text.items(given["stages"], most=MOST_STAGES) if "stages" in given else []
    start = read_amount(text, given["from"]) if "from" in given else None
    end = read_amount(text, given["to"]) if "to" in given else None
    if start is not None and end is not None and start >= end:
        text.complain(given["to"], "A band ends above where it begins, at %(start)s.", start=f"{start:f}")
    return Band(start, end, tuple(dict.fromkeys(name for each in asked if (name := text.one_of(each, names)))))


def _insist_on_no_gap(text: Source, nodes: Sequence[yaml.Node], bands: Sequence[Band]) -> None:
    """Every amount is in one band: the first begins with the lowest, each next where the one before ends."""
    reached: Decimal | None = Decimal(0)
    for place, (node, band) in enumerate(zip(nodes, bands, strict=True)):
        start = band.start if band.start is not None else Decimal(0)
        if reached is None or (place and start < reached):
            until = band.end if reached is None else reached
            text.complain(
                node,
                "Two bands hold the same amounts, from %(start)s to %(end)s. Bands are in the order of their amounts.",
                start=f"{start:f}",
                end="…" if until is None else f"{until:f}",
            )
        elif start > reached:
            text.complain(
                node, "No band holds amounts from %(start)s to %(end)s.", start=f"{reached:f}", end=f"{start:f}"
            )
        reached = band.end
    if reached is not None and nodes:
        text.complain(
            nodes[-1], "No band holds amounts from %(start)s: the last one has no “to”.", start=f"{reached:f}"
        )
