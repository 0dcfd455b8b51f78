"""What was paid of an invoice, on its page: note a payment, take one back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.auth import FromForm
from api.dependencies import Engine, Now
from api.once import request_hash
from api.pages.fields import Text, plain_amount
from api.pages.papers import changed
from workflows.database import Work
from workflows.errors import Refused
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.paying import pay, payments_of, refusal_to_pay, refusal_to_reverse, reverse
from workflows.invoices.payment import order_for
from workflows.invoices.payment_model import OrderState, Payment
from workflows.invoices.rules import amount_of, owed
from workflows.papers import queries as papers
from workflows.papers.rules import checked_day
from workflows.parties.rules import Actor

router = APIRouter(prefix="/invoices", include_in_schema=False)


@dataclass(frozen=True)
class PaymentsView:
    """``rows``: all that were noted, those that were taken back among them. ``open``: with the sign of its payments.
    ``waived``: what is not to be paid, with that sign.
    ``stays``: it does not leave for the payment system, as a payment was noted before it had. ``once``: of the form."""

    rows: Sequence[Payment]
    open: Decimal
    waived: Decimal
    may_pay: bool
    may_reverse: bool
    stays: bool
    once: str


def payments_view(session: Session, invoice: Invoice, actor: Actor) -> PaymentsView | None:
    """None before it is released."""
    if invoice.state not in (InvoiceState.RELEASED, InvoiceState.PAID):
        return None
    rows = payments_of(session, invoice.id)
    order = order_for(session, invoice.id)
    left = owed(invoice) - sum((each.amount for each in rows if each.reversed_at is None), Decimal(0))
    is_paid = invoice.state is InvoiceState.PAID
    return PaymentsView(
        rows,
        Decimal(0) if is_paid else left,
        left if is_paid else Decimal(0),
        refusal_to_pay(session, invoice, actor) is None,
        refusal_to_reverse(session, invoice, actor) is None,
        invoice.state is InvoiceState.RELEASED and order is not None and order.state is OrderState.DROPPED,
        secrets.token_urlsafe(16),
    )


@router.post("/{invoice_id}/payment")
def post_payment(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    paid_on: Text = "",
    amount: Text = "",
    reference: Text = "",
    settles: Text = "",
    once: Text = "",
) -> Response:
    def work(session: Work) -> None:
        invoice = papers.one(session, Invoice, invoice_id, visitor.actor)
        day = checked_day(paid_on, "paid_on")
        if day is None:
            raise Refused("Say on which day it was paid.", field="paid_on")
        paid = amount_of(plain_amount(amount), invoice.currency, "amount")
        pay(
            session,
            invoice_id,
            paid_on=day,
            amount=paid,
            reference=reference,
            settles=bool(settles),
            by=visitor.actor,
            now=now,
            visible=True,
        )

    typed: Mapping[str, str] = {"paid_on": paid_on, "amount": amount, "reference": reference, "settles": settles}
    return changed(
        Invoice,
        invoice_id,
        request,
        runtime,
        visitor,
        now,
        work,
        done="paid",
        typed={"form": "payment", **typed},
        key=once,
        digest=request_hash(f"payment of {invoice_id}", typed),
    )


@router.post("/{invoice_id}/payments/{payment_id}/reversal")
def post_reversal(
    invoice_id: UUID,
    payment_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    reason: Text = "",
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        reverse(session, invoice_id, payment_id, reason=reason, by=visitor.actor, now=now, visible=visible)

    typed = {"form": "reversal", "payment": str(payment_id), "reason": reason}
    return changed(Invoice, invoice_id, request, runtime, visitor, now, work, done="reversed", typed=typed)
