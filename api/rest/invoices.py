"""``/api/invoices``: hand in, follow, correct, release, withdraw."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, File, Form, Header, Query, Request, UploadFile
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from api.dependencies import Engine, Now, Reading, ReadsInvoices, Transaction, WritesInvoices
from api.files import read_upload
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.invoice_shapes import InvoiceShape, InvoiceSummary, invoice_shape, summary_of
from api.rest.papers import event_page, file_response, stream_of, today_of
from api.rest.shapes import EventPage, Shape, WithdrawalIn
from workflows.audit.queries import history
from workflows.database import Work
from workflows.invoices import queries
from workflows.invoices.disputes import dispute, settle
from workflows.invoices.intake import take_in_by_settings
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.operations import correct, receive, send_again, withdraw
from workflows.invoices.payment import release
from workflows.invoices.payment_model import Separation
from workflows.invoices.received import Received
from workflows.invoices.rules import typed_invoice
from workflows.invoices.steps import send_where_possible
from workflows.papers import queries as papers
from workflows.papers.operations import recall
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


class InvoicePage(Shape):
    items: list[InvoiceSummary]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]
    count: str | None
    cut_short: bool


class InvoiceDataIn(Shape):
    """What is left out stays as it is; an empty text empties it."""

    kind: Literal["invoice", "credit note"] | None = None
    supplier: str | None = None
    supplier_id: str | None = None
    supplier_email: str | None = None
    supplier_number: str | None = None
    issued_on: str | None = None
    due_on: str | None = None
    currency: str | None = None
    net: str | None = None
    tax: str | None = None
    payable: str | None = None
    order_number: str | None = None
    contract_number: str | None = None
    cost_center: str | None = None
    iban: str | None = None
    reason: Annotated[str, Field(default="", max_length=4000, description="Needed where data were read.")]

    def words(self) -> dict[str, str]:
        sent = self.model_dump(exclude={"reason"}, exclude_none=True)
        return {name: str(value) for name, value in sent.items()}


class DisputeIn(Shape):
    question: Annotated[str, Field(max_length=4000)]
    to: Annotated[str, Field(default="", max_length=254, description="The address that the invoice names otherwise.")]


async def typed_words(
    kind: Annotated[str, Form(description="Of a plain PDF, as all that follows.")] = "",
    supplier: Annotated[str, Form()] = "",
    supplier_id: Annotated[str, Form(description="VAT id or registration.")] = "",
    supplier_email: Annotated[str, Form()] = "",
    supplier_number: Annotated[str, Form(description="The invoice's number.")] = "",
    issued_on: Annotated[str, Form(examples=["2026-07-01"])] = "",
    due_on: Annotated[str, Form(examples=["2026-07-31"])] = "",
    currency: Annotated[str, Form(description="ISO 4217.", examples=["EUR"])] = "",
    net: Annotated[str, Form()] = "",
    tax: Annotated[str, Form()] = "",
    payable: Annotated[str, Form(examples=["562.87"])] = "",
    order_number: Annotated[str, Form()] = "",
    contract_number: Annotated[str, Form()] = "",
    iban: Annotated[str, Form()] = "",
    cost_center: Annotated[str, Form(description="Also where the file names another.")] = "",
) -> dict[str, str]:
    return {
        "kind": kind,
        "supplier": supplier,
        "supplier_id": supplier_id,
        "supplier_email": supplier_email,
        "supplier_number": supplier_number,
        "issued_on": issued_on,
        "due_on": due_on,
        "currency": currency,
        "net": net,
        "tax": tax,
        "payable": payable,
        "order_number": order_number,
        "contract_number": contract_number,
        "cost_center": cost_center,
        "iban": iban,
    }


TypedWords = Annotated[dict[str, str], Depends(typed_words)]
"""What somebody types who reads an invoice from its pages, by the names of ``rules.TYPED``."""


@router.post(
    "",
    status_code=201,
    response_model=InvoiceShape,
    summary="Hand in an invoice; it goes on its route where nothing keeps it",
    responses=refusals(401, 403, 413, 422, 503),
)
def create(
    runtime: Engine,
    actor: WritesInvoices,
    now: Now,
    file: Annotated[UploadFile, File(description="XML (UBL, CII, Korean tax invoice), Factur-X or ZUGFeRD, or PDF.")],
    words: TypedWords,
    route: Annotated[str, Form(description="Name of a route; the first that fits otherwise.")] = "",
    external_id: Annotated[str, Form(description="Your own number for it.")] = "",
    note: Annotated[str, Form(description="A sentence for those who are asked.")] = "",
    password: Annotated[str, Form(description="Opens the PDF, where it needs one.")] = "",
    idempotency_key: Key = None,
) -> Any:
    typed = typed_invoice(words)
    beside = {"external_id": external_id, "note": note, "route": route, "cost_center": words["cost_center"]}
    data = read_upload(file, runtime.settings.intake_file_bytes)
    request_sha256 = request_hash("POST /api/invoices", {**words, **beside}, data)
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    taken = taken_in(runtime, file, data, password, locale=actor.locale)

    def work(session: Work) -> dict[str, Any]:
        invoice = receive(session, taken.document, taken.said or typed, taken.findings, **beside, by=actor, now=now)
        session.flush()
        return invoice_shape(session, invoice).model_dump(mode="json")

    answer = creation.answer(work)
    send_where_possible(runtime, id_in(answer), now=now)
    return answer


def id_in(answer: Response) -> UUID:
    """Of what was created."""
    return UUID(json.loads(bytes(answer.body))["id"])


def taken_in(runtime: Runtime, file: UploadFile, data: bytes, password: str, *, locale: str) -> Received:
    """The invoice that was uploaded, read and kept. Raises DocumentRefused or NotReady."""
    return take_in_by_settings(runtime, data, file_name=file.filename or "", locale=locale, password=password)


@router.get("", response_model=InvoicePage, summary="List and search", responses=refusals(401, 403, 422))
def list_invoices(
    session: Reading,
    actor: ReadsInvoices,
    q: Annotated[str, Query(max_length=400, description="Words, numbers, or a phrase in quotes.")] = "",
    state: Annotated[str, Query(description="A state, or needs_me, open, overdue.")] = "",
    supplier: Annotated[
        str, Query(max_length=200, description="Words of the supplier's name or their beginnings")
    ] = "",
    due_before: Annotated[date | None, Query(description="Not paid, and due before that day.")] = None,
    cursor: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> InvoicePage:
    page = queries.listed(
        session,
        actor,
        q=q,
        state=state,
        supplier=supplier,
        due_before=due_before,
        today=today_of(actor),
        cursor=cursor,
        limit=limit,
    )
    return InvoicePage(
        items=[InvoiceSummary(**summary_of(each)) for each in page.papers],
        next_cursor=page.next_cursor,
        count=page.count,
        cut_short=page.cut_short,
    )


@router.get(
    "/{invoice_id}",
    response_model=InvoiceShape,
    summary="What it says, what was found in it, whose turn it is",
    responses=refusals(401, 404),
)
def read(invoice_id: UUID, session: Reading, actor: ReadsInvoices) -> InvoiceShape:
    return invoice_shape(session, papers.one(session, Invoice, invoice_id, actor))


@router.post(
    "/{invoice_id}/data",
    response_model=InvoiceShape,
    status_code=201,
    summary="Say what a plain PDF says, or correct what was read",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_data(invoice_id: UUID, body: InvoiceDataIn, runtime: Engine, actor: WritesInvoices, now: Now) -> InvoiceShape:
    """What was read stays on record. It goes on its route where nothing keeps it any more."""
    with runtime.transaction() as session:
        invoice = papers.one(session, Invoice, invoice_id, actor)
        correct(
            session,
            invoice_id,
            body.words(),
            reason=body.reason,
            by=actor,
            now=now,
            visible=papers.is_visible(session, Invoice, invoice.id, actor),
        )
    return _sent_on(runtime, invoice_id, actor, now)


@router.post(
    "/{invoice_id}/route",
    response_model=InvoiceShape,
    status_code=201,
    summary="Send it on its route again, unchanged",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_route(invoice_id: UUID, runtime: Engine, actor: WritesInvoices, now: Now) -> InvoiceShape:
    with runtime.transaction() as session:
        visible = papers.is_visible(session, Invoice, invoice_id, actor)
        send_again(session, invoice_id, by=actor, now=now, visible=visible)
    if refused := send_where_possible(runtime, invoice_id, now=now):
        raise refused
    return _sent_on(runtime, invoice_id, actor, now)


def _sent_on(runtime: Runtime, invoice_id: UUID, actor: Actor, now: datetime) -> InvoiceShape:
    send_where_possible(runtime, invoice_id, now=now)
    with runtime.reading() as session:
        return invoice_shape(session, papers.one(session, Invoice, invoice_id, actor))


@router.get("/{invoice_id}/events", response_model=EventPage, summary="The history", responses=refusals(401, 404))
def events(
    invoice_id: UUID,
    session: Reading,
    actor: ReadsInvoices,
    cursor: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EventPage:
    papers.one(session, Invoice, invoice_id, actor)
    return event_page(history(session, PROCESS, invoice_id, after=cursor, limit=limit + 1), limit)


@router.get(
    "/{invoice_id}/events/stream",
    summary="The history live, as server-sent events",
    response_class=StreamingResponse,
    responses=refusals(401, 404),
)
async def stream(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    actor: ReadsInvoices,
    last_event_id: Annotated[int, Header(alias="Last-Event-ID", ge=0)] = 0,
    inside: Annotated[int | None, Query(ge=0)] = None,
) -> StreamingResponse:
    """Each event's id is its position: a client that reconnects goes on where it was."""
    return await stream_of(request, runtime, Invoice, invoice_id, actor, last_event_id, inside)


@router.get(
    "/{invoice_id}/versions/{number}/file",
    summary="The bytes of a version, as they were handed in",
    response_class=Response,
    responses=refusals(401, 404),
)
def version_file(invoice_id: UUID, number: int, runtime: Engine, session: Reading, actor: ReadsInvoices) -> Response:
    version = papers.version(session, papers.one(session, Invoice, invoice_id, actor), number)
    return file_response(runtime, version.original_key, version.file_name)


@router.post(
    "/{invoice_id}/recall",
    status_code=201,
    response_model=InvoiceShape,
    summary="Take it back to correct it, while people still decide",
    responses=refusals(401, 403, 404, 409),
)
def post_recall(
    invoice_id: UUID,
    session: Transaction,
    actor: WritesInvoices,
    now: Now,
    body: Annotated[WithdrawalIn | None, Body()] = None,
) -> InvoiceShape:
    visible = papers.is_visible(session, Invoice, invoice_id, actor)
    comment = body.comment if body else ""
    invoice = recall(session, Invoice, invoice_id, comment=comment, by=actor, now=now, visible=visible)
    session.flush()
    return invoice_shape(session, invoice)


@router.post(
    "/{invoice_id}/withdrawal",
    status_code=201,
    response_model=InvoiceShape,
    summary="Withdraw",
    responses=refusals(401, 403, 404, 409),
)
def withdrawal(
    invoice_id: UUID,
    session: Transaction,
    actor: WritesInvoices,
    now: Now,
    body: Annotated[WithdrawalIn | None, Body()] = None,
) -> InvoiceShape:
    visible = papers.is_visible(session, Invoice, invoice_id, actor)
    invoice = withdraw(session, invoice_id, comment=body.comment if body else "", by=actor, now=now, visible=visible)
    session.flush()
    return invoice_shape(session, invoice)


@router.post(
    "/{invoice_id}/release",
    status_code=201,
    response_model=InvoiceShape,
    summary="Release it for payment, once everybody has approved it",
    responses=refusals(401, 403, 404, 409),
)
def post_release(
    invoice_id: UUID, runtime: Engine, session: Transaction, actor: WritesInvoices, now: Now
) -> InvoiceShape:
    visible = papers.is_visible(session, Invoice, invoice_id, actor)
    separation = Separation(runtime.settings.release_separation)
    invoice = release(session, invoice_id, by=actor, now=now, visible=visible, separation=separation)
    session.flush()
    return invoice_shape(session, invoice)


@router.post(
    "/{invoice_id}/dispute",
    status_code=201,
    response_model=InvoiceShape,
    summary="Ask its supplier, by mail",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_dispute(
    invoice_id: UUID, body: DisputeIn, session: Transaction, runtime: Engine, actor: WritesInvoices, now: Now
) -> InvoiceShape:
    """It waits until it is settled; whoever was asked to decide on it is told."""
    visible = papers.is_visible(session, Invoice, invoice_id, actor)
    invoice = dispute(
        session,
        invoice_id,
        to=body.to,
        question=body.question,
        by=actor,
        now=now,
        visible=visible,
        mailbox=runtime.settings.invoices_mailbox_address,
    )
    session.flush()
    return invoice_shape(session, invoice)


@router.post(
    "/{invoice_id}/settlement",
    status_code=201,
    response_model=InvoiceShape,
    summary="Its supplier has answered: take it up again",
    responses=refusals(401, 403, 404, 409),
)
def post_settlement(
    invoice_id: UUID,
    runtime: Engine,
    actor: WritesInvoices,
    now: Now,
    body: Annotated[WithdrawalIn | None, Body()] = None,
) -> InvoiceShape:
    with runtime.transaction() as session:
        visible = papers.is_visible(session, Invoice, invoice_id, actor)
        settle(session, invoice_id, comment=body.comment if body else "", by=actor, now=now, visible=visible)
    return _sent_on(runtime, invoice_id, actor, now)
