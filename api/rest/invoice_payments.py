"""``/api/invoices/{id}/payment``: what was paid of an invoice, in one payment or several."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Engine, Now, Transaction, WritesInvoices
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.invoice_shapes import InvoiceShape, invoice_shape
from api.rest.shapes import Shape
from workflows.database import Work
from workflows.invoices.model import Invoice
from workflows.invoices.paying import pay, reverse
from workflows.invoices.rules import amount_of
from workflows.papers import queries as papers

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


class PaymentIn(Shape):
    paid_on: date
    amount: Annotated[
        str | None,
        Field(
            default=None,
            description="All that is open otherwise. What comes back for a credit note has a minus.",
            examples=["200.00"],
        ),
    ]
    reference: Annotated[str, Field(default="", max_length=200, description="Of the bank's statement, say.")]
    currency: Annotated[str, Field(default="", max_length=3, description="Refused where it is not the invoice's.")]

    settles: Annotated[
        bool,
        Field(default=False, description="What is left is not to be paid, after a discount for early payment say."),
    ]


class ReversalIn(Shape):
    reason: Annotated[str, Field(max_length=4000)]


@router.post(
    "/{invoice_id}/payment",
    status_code=201,
    response_model=InvoiceShape,
    summary="Note a payment; the invoice is paid when nothing is open",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_payment(
    invoice_id: UUID,
    body: PaymentIn,
    runtime: Engine,
    actor: WritesInvoices,
    now: Now,
    idempotency_key: Key = None,
) -> Any:
    """Without an `Idempotency-Key` two payments of the same day and amount are one where they have the same
    reference, or where the invoice is paid already."""
    asked = request_hash(f"POST /api/invoices/{invoice_id}/payment", body.model_dump(mode="json"))

    def work(session: Work) -> dict[str, Any]:
        known = papers.one(session, Invoice, invoice_id, actor)
        invoice = pay(
            session,
            invoice_id,
            paid_on=body.paid_on,
            amount=amount_of(body.amount or "", known.currency, "amount"),
            reference=body.reference,
            currency=body.currency,
            settles=body.settles,
            by=actor,
            now=now,
            visible=True,
        )
        session.flush()
        return invoice_shape(session, invoice).model_dump(mode="json")

    return Creation(runtime, actor, idempotency_key, asked, now).answer(work)


@router.post(
    "/{invoice_id}/payments/{payment_id}/reversal",
    status_code=201,
    response_model=InvoiceShape,
    summary="Take back a payment that was noted by mistake",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_reversal(
    invoice_id: UUID, payment_id: UUID, body: ReversalIn, session: Transaction, actor: WritesInvoices, now: Now
) -> InvoiceShape:
    """It stays on record, with the reason; the invoice is open again by its amount."""
    visible = papers.is_visible(session, Invoice, invoice_id, actor)
    invoice = reverse(session, invoice_id, payment_id, reason=body.reason, by=actor, now=now, visible=visible)
    session.flush()
    return invoice_shape(session, invoice)
