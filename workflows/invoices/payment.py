"""Release an invoice for payment; note that it was paid."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from workflows.columns import as_json
from workflows.database import Work
from workflows.errors import Conflict
from workflows.invoices.model import PROCESS, Invoice, InvoiceState
from workflows.invoices.rules import why_not_pay, why_not_release
from workflows.outbox import wake
from workflows.papers.operations import locked, note_event, permission
from workflows.parties.rules import Actor


def release(session: Work, invoice_id: UUID, *, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Everybody has approved it: it may be paid, as it was approved. Twice is as once."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state in (InvoiceState.RELEASED, InvoiceState.PAID):
        return invoice
    if sentence := why_not_release(by, invoice):
        raise Conflict(sentence) if sentence.startswith("Only an") else permission(sentence)
    invoice.enter(InvoiceState.RELEASED, now=now)
    invoice.released_at = now
    note_event(
        session,
        "released",
        invoice,
        by=by,
        now=now,
        amount=as_json(invoice.payable),
        currency=invoice.currency,
        iban=invoice.iban,
        due_on=as_json(invoice.due_on),
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def pay(
    session: Work,
    invoice_id: UUID,
    *,
    paid_on: date,
    amount: Decimal | None,
    by: Actor,
    now: datetime,
    visible: bool,
) -> Invoice:
    """Note that it was paid. ``amount``: None for all of it."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    paid = invoice.payable if amount is None else amount
    if invoice.state is InvoiceState.PAID and (invoice.paid_on, invoice.paid_amount) == (paid_on, paid):
        return invoice
    if sentence := why_not_pay(by, invoice):
        raise permission(sentence)
    invoice.enter(InvoiceState.PAID, now=now)
    invoice.paid_on, invoice.paid_amount = paid_on, paid
    note_event(
        session,
        "paid",
        invoice,
        by=by,
        now=now,
        day=paid_on.isoformat(),
        amount=as_json(paid),
        currency=invoice.currency,
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice
