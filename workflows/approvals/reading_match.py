"""How a route holds invoices against orders: tolerances, and stages that are put in. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from workflows.approvals.plan import Insert, Match, Tolerance
from workflows.approvals.reading_values import read_amount
from workflows.approvals.source import Source

FIRST = "first"


def read_match(text: Source, node: yaml.Node, names: Sequence[str]) -> Match | None:
    """``names``: of the route's stages."""
    given = text.fields(node, known=("price", "quantity", "on_failure", "without_order"))
    return Match(
        price=_tolerance(text, given["price"]) if "price" in given else Tolerance(),
        quantity=_tolerance(text, given["quantity"]) if "quantity" in given else Tolerance(),
        on_failure=_insert(text, given["on_failure"], names) if "on_failure" in given else None,
        without_order=_insert(text, given["without_order"], names) if "without_order" in given else None,
    )


def _tolerance(text: Source, node: yaml.Node) -> Tolerance:
    given = text.fields(node, known=("percent", "amount"))
    percent = read_amount(text, given["percent"]) if "percent" in given else None
    if percent is not None and percent > 100:
        text.complain(given["percent"], "A tolerance is at most 100 percent.")
    amount = read_amount(text, given["amount"]) if "amount" in given else None
    return Tolerance(percent, amount)


def _insert(text: Source, node: yaml.Node, names: Sequence[str]) -> Insert | None:
    given = text.fields(node, known=("insert", "before"), needed=("insert",))
    stage = text.one_of(given["insert"], tuple(names)) if "insert" in given else None
    before = text.one_of(given["before"], (FIRST, *names)) if "before" in given else None
    if stage is not None and stage == before:
        text.complain(given["before"], "A stage cannot stand before itself.")
        return None
    return Insert(stage, before) if stage else None
