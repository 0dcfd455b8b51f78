"""Whether an invoice bills what was ordered or agreed, line by line, in numbers. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal, localcontext

from workflows.approvals.plan import Match, Route, Tolerance
from workflows.approvals.rates import Rates, amount_in
from workflows.errors import Refused
from workflows.invoices.billed import Billed
from workflows.invoices.differing import of_contracts, of_machines, of_orders
from workflows.invoices.known import Difference, Held, Known, Outcome, Pairing, Target
from workflows.invoices.pairing import pair

DIGITS = 120  # numbers of invoices have up to 40, and two of them are multiplied: nothing is rounded on the way


def hold(
    said: Billed,
    known: Known,
    *,
    price: Tolerance,
    quantity: Tolerance,
    made: Sequence[tuple[int, Target]] = (),
    undone: Collection[tuple[int, Target]] = (),
) -> Held:
    """Hold an invoice against what is known. ``made``, ``undone``: by hand, per position."""
    with localcontext() as context:
        context.prec = DIGITS
        pairings, lost = pair(said, known, made, undone)
        differences = [
            *lost,
            *of_orders(said, known, pairings, price, quantity),
            *of_contracts(said, known, pairings),
            *of_machines(said, known, pairings),
        ]
    return Held(_outcome(said, known, pairings, differences), tuple(pairings), tuple(differences))


def _outcome(said: Billed, known: Known, pairings: Sequence[Pairing], differences: Sequence[Difference]) -> Outcome:
    if any(each.severity == "error" for each in differences):
        return "failed"
    if any(each.target[0] == "order" for each in pairings):
        return "matched"
    agreed = {each.target[1] for each in pairings if each.target[0] == "contract"}
    priced = [each for each in known.contracts.values() if each.id in agreed and each.amount is not None]
    return "matched" if priced else "without_order"


def tolerances(route: Route, currency: str, rates: Rates | None) -> tuple[Tolerance, Tolerance]:
    """Of prices, in the invoice's currency, and of quantities. Without a rate an amount counts as nothing."""
    match = route.match or Match()
    amount = match.price.amount
    if amount and route.currency and currency and route.currency != currency:
        try:
            amount = amount_in(currency, amount, route.currency, rates)
        except Refused:
            amount = Decimal(0)
    return replace(match.price, amount=amount), match.quantity
