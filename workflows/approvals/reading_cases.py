"""The golden cases of a route's text. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import get_args

import yaml

from workflows.approvals import conditions
from workflows.approvals.plan import SUBMITTER, GoldenCase, MatchOutcome, Route
from workflows.approvals.rates import Rates
from workflows.approvals.reading_stages import MOST_STAGES
from workflows.approvals.reading_values import read_amount, read_currency
from workflows.approvals.source import Source, short
from workflows.errors import Refused
from workflows.parties.rules import normalised_email

MOST_RATES = 50


def read_case(text: Source, node: yaml.Node, route: Route, *, asked: Collection[str]) -> GoldenCase:
    """``asked``: the facts that the route's conditions ask for, such as “contract.risk”."""
    fields = text.fields(node, known=("given", "expect"), needed=("given", "expect"))
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    facts, rates = _facts(text, fields["given"], route, asked) if "given" in fields else ({}, None)
    names = tuple(stage.name for stage in route.stages)
    expected = text.items(fields["expect"], most=MOST_STAGES) if "expect" in fields else []
    expect = tuple(name for each in expected if (name := text.one_of(each, names)))
    return GoldenCase(facts, expect, rates, line, column)


def _facts(
    text: Source, node: yaml.Node, route: Route, asked: Collection[str]
) -> tuple[dict[str, object], Rates | None]:
    given = text.fields(node, known=("amount", "currency", "rates", "match", route.document, SUBMITTER))
    facts: dict[str, object] = {}
    if "amount" in given:
        facts["amount"] = read_amount(text, given["amount"])
        facts["currency"] = route.currency
    if "currency" in given:
        facts["currency"] = read_currency(text, given["currency"])
    if "match" in given and (outcome := text.one_of(given["match"], get_args(MatchOutcome))):
        facts["match"] = outcome
    fields = _document_facts(text, given[route.document], route, asked) if route.document in given else {}
    facts[route.document] = fields
    if SUBMITTER in given and (written := text.text(given[SUBMITTER])) is not None:
        try:
            facts[SUBMITTER] = {"email": normalised_email(written)}
        except Refused as refused:
            text.complain(given[SUBMITTER], refused.sentence, **refused.values)
    return facts, _rates(text, given["rates"], route) if "rates" in given else None


def _rates(text: Source, node: yaml.Node, route: Route) -> Rates | None:
    """What one unit of the route's currency is worth, such as ``{KRW: "1600"}``."""
    if route.currency is None:
        text.complain(node, "Exchange rates need the route’s currency, such as “currency: EUR”.")
        return None
    if not isinstance(node, yaml.MappingNode):
        text.complain(node, "Fields are expected here, such as “%(name)s: …”.", name="KRW")
        return None
    units: dict[str, Decimal] = {}
    for key, value in node.value[:MOST_RATES]:
        code, rate = read_currency(text, key), read_amount(text, value)
        if rate is not None and not rate:
            text.complain(value, "An exchange rate is more than 0.")
        elif code is not None and rate is not None:
            units[code] = rate
    return Rates(route.currency, units)


def _document_facts(text: Source, node: yaml.Node, route: Route, asked: Collection[str]) -> dict[str, object]:
    fields = conditions.DOCUMENTS[route.document]
    own = {name.partition(".")[2] for name in asked if name.startswith(f"{route.document}.")} - set(fields)
    given = text.fields(node, known=(*fields, *sorted(own)))
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
