"""``/api/payment-files`` and ``/api/payment-orders``: released invoices on their way to the payment system."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from api.dependencies import Engine, Now, Reading, ReadsInvoices, Transaction, WritesInvoices
from api.errors import said
from api.once import Creation, Key, request_hash
from api.payment_files import run_file
from api.releasing import MOST, released_together
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from documents.rendering import Reader
from workflows.database import Work
from workflows.errors import Conflict
from workflows.invoices.model import Invoice
from workflows.invoices.payment import insist_on_payer, make_run, runs, send_anew, waiting_orders
from workflows.invoices.payment_model import PaymentOrder, PaymentRun

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["payments"])

POSTED = "Released invoices are posted to the payment system here; there are no files."


class PaymentFileShape(Shape):
    id: UUID
    number: Annotated[str, Field(examples=["P-2026-0003"])]
    by: str
    at: datetime
    orders: int


class PaymentFiles(Shape):
    items: Annotated[list[PaymentFileShape], Field(description="The newest 50, newest first.")]


class PaymentOrderShape(Shape):
    id: Annotated[UUID, Field(description="The same in file, webhook and each repetition of it.")]
    invoice_id: UUID
    number: str
    supplier: str
    currency: str | None
    amount: Annotated[str, Field(description="What a credit note gives back has a minus before it.")]
    attempts: int
    failure: Annotated[str, Field(description="Of the last try to post it.")]
    next_try: datetime | None


class PaymentOrders(Shape):
    items: Annotated[list[PaymentOrderShape], Field(description="The first 100 that have not left, oldest first.")]


@router.post(
    "/payment-files",
    status_code=201,
    response_model=PaymentFileShape,
    summary="Make a file of all that was released and has not left",
    responses=refusals(401, 403, 409, 422),
)
def post_file(runtime: Engine, actor: WritesInvoices, now: Now, idempotency_key: Key = None) -> Response:
    """Each invoice stands in one file. Send an `Idempotency-Key`: then the same request again gives the same file."""
    if runtime.settings.payment_url:
        raise Conflict(POSTED)
    creation = Creation(runtime, actor, idempotency_key, request_hash("POST /api/payment-files", {}), now)

    def work(session: Work) -> dict[str, object]:
        return _file(make_run(session, by=actor, now=now)).model_dump(mode="json")

    return creation.answer(work)


@router.get("/payment-files", response_model=PaymentFiles, summary="The files", responses=refusals(401, 403))
def list_files(session: Reading, actor: ReadsInvoices) -> PaymentFiles:
    insist_on_payer(session, actor)
    return PaymentFiles(items=[_file(each) for each in runs(session, actor)])


@router.get(
    "/payment-files/{file_id}/file",
    summary="One of them, as CSV",
    response_class=Response,
    responses=refusals(401, 403, 404),
)
def file(file_id: UUID, session: Reading, actor: ReadsInvoices) -> Response:
    return run_file(session, file_id, actor)


class ReleasesIn(Shape):
    invoices: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class ReleaseShape(Shape):
    id: UUID
    number: str | None
    released: bool
    refused: Annotated[str | None, Field(description="Why it is not, in the caller's language.")]


class Releases(Shape):
    items: list[ReleaseShape]


@router.post(
    "/releases",
    response_model=Releases,
    summary="Release several invoices for payment, each on its own",
    responses=refusals(401, 403, 422),
)
def post_releases(body: ReleasesIn, runtime: Engine, actor: WritesInvoices, now: Now) -> Releases:
    """What was released before counts as released."""
    reader = Reader(actor.locale, actor.timezone)
    return Releases(
        items=[
            ReleaseShape(
                id=each.id,
                number=each.number,
                released=each.refused is None,
                refused=said(each.refused, reader) if each.refused else None,
            )
            for each in released_together(runtime, body.invoices, actor, now)
        ]
    )


@router.get("/payment-orders", response_model=PaymentOrders, summary="What has not left", responses=refusals(401, 403))
def list_orders(session: Reading, actor: ReadsInvoices, failed: bool = False) -> PaymentOrders:
    if not actor.administers:
        insist_on_payer(session, actor)
    found = waiting_orders(session, actor.organisation_id, failed=failed)
    return PaymentOrders(items=[_order(order, invoice) for order, invoice in found])


@router.post(
    "/payment-orders/{order_id}/retry",
    status_code=204,
    summary="Post it to the payment system once more, at once",
    responses=refusals(401, 403, 404),
)
def post_retry(order_id: UUID, session: Transaction, actor: WritesInvoices, now: Now) -> None:
    send_anew(session, order_id, by=actor, now=now)


def _file(run: PaymentRun) -> PaymentFileShape:
    return PaymentFileShape(id=run.id, number=run.number, by=run.by, at=run.at, orders=run.orders)


def _order(order: PaymentOrder, invoice: Invoice) -> PaymentOrderShape:
    return PaymentOrderShape(
        id=order.id,
        invoice_id=order.invoice_id,
        number=invoice.number,
        supplier=invoice.supplier,
        currency=invoice.currency,
        amount=str(order.said["amount"]),
        attempts=order.attempts,
        failure=order.failure,
        next_try=order.next_try,
    )
