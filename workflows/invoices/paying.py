"""Note what was paid of an invoice, in one payment or several, and take back what was noted by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.columns import as_json, new_id
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.invoices.model import PROCESS, Invoice, InvoiceState
from workflows.invoices.payment import has_payers, order_for
from workflows.invoices.payment_model import OrderState, Payment
from workflows.invoices.rules import insist_on_payment, owed, sign_of, why_not_pay, why_not_reverse
from workflows.outbox import wake
from workflows.papers.operations import locked, note_event, permission
from workflows.parties.rules import Actor, shown

LONGEST_REFERENCE = 200
ONE_DAY = timedelta(days=1)
"""East of here it is tomorrow already."""


def pay(
    session: Work,
    invoice_id: UUID,
    *,
    paid_on: date,
    amount: Decimal | None,
    reference: str = "",
    currency: str = "",
    settles: bool = False,
    by: Actor,
    now: datetime,
    visible: bool,
) -> Invoice:
    """Note a payment. Of a credit note it has a minus: money comes back. The invoice is paid when nothing is open.

    What has not left for the payment system stays here. One payment told twice counts once: it is known by its day,
    amount and reference, and without a reference where the invoice is paid already.

    ``amount``: None for all that is open. ``currency``: the invoice's own where nothing is said. ``settles``: what is
    left is not to be paid, after a discount for early payment say.

    Raises:
        Refused: another sign or currency, more than is open, or a day that lies ahead.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    before, reference = standing_payments(session, invoice.id), shown(reference)[:LONGEST_REFERENCE]
    if _told_before(invoice, before, paid_on, amount, reference, settles):
        return invoice
    if sentence := refusal_to_pay(session, invoice, by):
        raise permission(sentence)
    still_open = owed(invoice) - _sum(before)
    paid = still_open if amount is None else amount
    insist_on_payment(invoice, paid, still_open=still_open, currency=currency)
    if paid_on > now.date() + ONE_DAY:
        raise Refused("A payment is noted once it was made: this day lies ahead.", field="paid_on")
    payment = Payment(
        id=new_id(),
        invoice_id=invoice.id,
        paid_on=paid_on,
        amount=paid,
        reference=reference,
        settles=settles,
        by_id=by.id,
        by=by.name,
        at=now,
    )
    session.add(payment)
    _reckon(invoice, [*before, payment], now=now)
    order = order_for(session, invoice.id, lock=True)
    if order is not None and order.state is OrderState.WAITING:
        order.state, order.next_try = OrderState.DROPPED, None
    told = {
        "day": paid_on.isoformat(),
        "amount": as_json(paid),
        "open": as_json(still_open - paid),
        "currency": invoice.currency,
        "reference": reference,
    }
    if settles and paid != still_open:
        note_event(session, "settled_by_payment", invoice, by=by, now=now, **told)
    elif invoice.state is InvoiceState.PAID:
        note_event(session, "paid", invoice, by=by, now=now, **told)
    else:
        note_event(session, "paid_in_part", invoice, by=by, now=now, **told)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def _told_before(
    invoice: Invoice,
    standing: Iterable[Payment],
    paid_on: date,
    amount: Decimal | None,
    reference: str,
    settles: bool,
) -> bool:
    paid = invoice.state is InvoiceState.PAID
    return (paid or (bool(reference) and not settles)) and any(
        (each.paid_on, each.reference) == (paid_on, reference) and (each.amount == amount or (paid and amount is None))
        for each in standing
    )


def reverse(
    session: Work, invoice_id: UUID, payment_id: UUID, *, reason: str, by: Actor, now: datetime, visible: bool
) -> Invoice:
    """Take back a payment that was noted by mistake; it stays on record, with the reason. Twice is as once.

    Where nothing is paid of the invoice any more, and its order never left, that leaves for the payment system again.

    Raises:
        NotFound: there is no such payment of this invoice.
        Refused: no reason is given.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    payment = session.get(Payment, payment_id)
    if payment is None or payment.invoice_id != invoice.id:
        raise NotFound("There is no such payment.")
    if payment.reversed_at is not None:
        return invoice
    if sentence := why_not_reverse(by, invoice, has_payers=has_payers(session, invoice.organisation_id)):
        raise permission(sentence)
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the payment is taken back: it stays on record.", field="reason")
    payment.reversed_at, payment.reversed_by, payment.reversed_because = now, by.name, reason
    session.flush()
    left = standing_payments(session, invoice.id)
    for each in left:
        each.settles = False  # nothing was waived but the rest of what is no longer paid
    _reckon(invoice, left, now=now)
    order = order_for(session, invoice.id, lock=True)
    if order is not None and order.state is OrderState.DROPPED and not left:
        order.state = OrderState.WAITING
    note_event(
        session,
        "payment_reversed",
        invoice,
        by=by,
        now=now,
        day=payment.paid_on.isoformat(),
        amount=as_json(payment.amount),
        open=as_json(owed(invoice) - _sum(left)),
        currency=invoice.currency,
        reference=payment.reference,
        comment=reason,
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def _reckon(invoice: Invoice, standing: Sequence[Payment], *, now: datetime) -> None:
    """Bring the invoice after its payments: paid, where nothing is open or to be paid, on the day of the last."""
    paid = _sum(standing)
    invoice.paid_amount = paid * sign_of(invoice) if standing else None
    if standing and (paid == owed(invoice) or any(each.settles for each in standing)):
        invoice.enter(InvoiceState.PAID, now=now)
        invoice.paid_on = max(each.paid_on for each in standing)
    else:
        invoice.enter(InvoiceState.RELEASED, now=now)
        invoice.paid_on = None


def refusal_to_pay(session: Session, invoice: Invoice, by: Actor) -> str | None:
    """Why ``by`` may not note a payment; None: they may."""
    return why_not_pay(by, invoice, has_payers=has_payers(session, invoice.organisation_id))


def refusal_to_reverse(session: Session, invoice: Invoice, by: Actor) -> str | None:
    """Why ``by`` may not take a payment back; None: they may."""
    return why_not_reverse(by, invoice, has_payers=has_payers(session, invoice.organisation_id))


def payments_of(session: Session, invoice_id: UUID) -> Sequence[Payment]:
    """In the order of their days; those that were taken back among them."""
    found = select(Payment).where(Payment.invoice_id == invoice_id)
    return session.exec(found.order_by(col(Payment.paid_on), col(Payment.id))).all()


def standing_payments(session: Session, invoice_id: UUID) -> Sequence[Payment]:
    """Without those that were taken back; by their days."""
    return [each for each in payments_of(session, invoice_id) if each.reversed_at is None]


def _sum(payments: Iterable[Payment]) -> Decimal:
    return sum((each.amount for each in payments), Decimal(0))
