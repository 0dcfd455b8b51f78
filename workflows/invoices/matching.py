"""How an invoice comes out that is held against orders."""

from __future__ import annotations

from workflows.approvals.plan import Match, MatchOutcome
from workflows.database import Work
from workflows.invoices.model import Invoice


def held_against_orders(session: Work, invoice: Invoice, match: Match) -> MatchOutcome:
    """Without orders that are known here nothing can be confirmed: one that names an order has failed."""
    return "failed" if invoice.order_number else "without_order"
