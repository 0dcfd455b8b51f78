"""``/api/incoming-mails``: what came into the watched mailbox, and what becomes of that which was put aside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field
from sqlmodel import Session

from api.dependencies import Engine, Now, Reading, ReadsInvoices, Transaction, WritesInvoices
from api.files import content_disposition
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.invoice_shapes import InvoiceShape, invoice_shape
from api.rest.invoices import id_in
from api.rest.shapes import Shape
from documents.rendering import sentence
from workflows.database import Work
from workflows.errors import Forbidden, NotFound
from workflows.invoices import queries
from workflows.invoices.intake import take_in_by_settings
from workflows.invoices.mails_put_aside import attached, dismiss, hand_in
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice
from workflows.invoices.received import Received
from workflows.invoices.rules import why_not_receive
from workflows.invoices.steps import send_where_possible
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api/incoming-mails", tags=["invoices"])


class ReasonShape(Shape):
    file: Annotated[str, Field(description="Empty: the whole mail.")]
    text: str


class MailFileShape(Shape):
    number: Annotated[int, Field(description="From 1, as they are attached.")]
    file_name: Annotated[str, Field(examples=["invoice.pdf"])]
    size: Annotated[int, Field(description="Bytes.")]
    invoice: Annotated[UUID | None, Field(description="Where somebody handed it in after all.")]
    by: Annotated[str, Field(description="Who did.")]
    at: datetime | None
    links: dict[str, str]


class SettlementShape(Shape):
    by: str
    at: datetime
    reason: Annotated[str, Field(description="Why it was dismissed; empty where something of it was handed in.")]


class IncomingMailShape(Shape):
    id: UUID
    at: Annotated[datetime, Field(description="When it was taken out of the mailbox.")]
    from_name: str
    from_email: Annotated[str, Field(examples=["bills@aurora.example"])]
    subject: str
    text: Annotated[str, Field(description="How its own words begin.")]
    outcome: Annotated[
        Literal["invoices", "reply", "kept"],
        Field(description="What the mailbox made of it: invoices, a comment beside one, or nothing: it was put aside."),
    ]
    waits: Annotated[bool, Field(description="Something of it could not be taken, and nobody has settled that.")]
    reasons: list[ReasonShape]
    files: list[MailFileShape]
    invoices: Annotated[list[UUID], Field(description="Those that you may see.")]
    settled: SettlementShape | None
    links: dict[str, str]


class IncomingMailPage(Shape):
    items: list[IncomingMailShape]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]


class HandInIn(Shape):
    file: Annotated[int, Field(ge=1, description="Its number among the mail's files.")]
    note: Annotated[str, Field(default="", max_length=2000, description="Sender and subject otherwise.")]
    password: Annotated[str, Field(default="", max_length=200, description="Opens the PDF, where it needs one.")]


class DismissalIn(Shape):
    reason: Annotated[str, Field(max_length=2000, examples=["Advertising."])]


@router.get("", response_model=IncomingMailPage, summary="Mails of the watched mailbox", responses=refusals(401, 403))
def list_mails(
    session: Reading,
    actor: ReadsInvoices,
    outcome: Annotated[Literal["invoices", "reply", "kept"] | None, Query()] = None,
    waits: Annotated[bool | None, Query(description="Whether somebody has to see to them.")] = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> IncomingMailPage:
    """The newest first. Who does not read all of their organisation sees those of which something was put aside."""
    insist_on_receiving(actor)
    wanted = IncomingOutcome(outcome) if outcome else None
    found = queries.incoming_mails(session, actor, outcome=wanted, waits=waits, after=cursor, limit=limit + 1)
    visible = queries.invoices_of_mails(session, found, actor)
    return IncomingMailPage(
        items=[_shape(each, visible) for each in found[:limit]],
        next_cursor=str(found[limit - 1].id) if len(found) > limit else None,
    )


@router.get("/{mail_id}", response_model=IncomingMailShape, summary="One mail", responses=refusals(401, 403, 404))
def read(mail_id: UUID, session: Reading, actor: ReadsInvoices) -> IncomingMailShape:
    return _shown(session, _mail(session, mail_id, actor), actor)


@router.get(
    "/{mail_id}/mail",
    summary="The mail as it came, where something of it was put aside",
    response_class=Response,
    responses=refusals(401, 403, 404),
)
def read_mail(mail_id: UUID, runtime: Engine, session: Reading, actor: ReadsInvoices) -> Response:
    return mail_response(runtime, _mail(session, mail_id, actor))


@router.get(
    "/{mail_id}/files/{number}",
    summary="The bytes of an attached file",
    response_class=Response,
    responses=refusals(401, 403, 404),
)
def read_file(mail_id: UUID, number: int, runtime: Engine, session: Reading, actor: ReadsInvoices) -> Response:
    return file_response(runtime, _mail(session, mail_id, actor), number)


@router.post(
    "/{mail_id}/invoices",
    status_code=201,
    response_model=InvoiceShape,
    summary="Hand in an attached file after all",
    responses=refusals(401, 403, 404, 409, 422, 503),
)
def post_invoice(
    mail_id: UUID, body: HandInIn, runtime: Engine, actor: WritesInvoices, now: Now, idempotency_key: Key = None
) -> Any:
    """It becomes an invoice once, yours, and goes on its route where nothing keeps it."""
    request_sha256 = request_hash(f"POST /api/incoming-mails/{mail_id}/invoices", body.model_dump(exclude={"password"}))
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    taken = taken_from(runtime, mail_id, body.file, body.password, actor)

    def work(session: Work) -> dict[str, Any]:
        invoice = hand_in(
            session,
            mail_id,
            body.file,
            taken,
            note=body.note,
            by=actor,
            now=now,
        )
        session.flush()
        return invoice_shape(session, invoice).model_dump(mode="json")

    answer = creation.answer(work)
    send_where_possible(runtime, id_in(answer), now=now)
    return answer


@router.post(
    "/{mail_id}/dismissal",
    status_code=201,
    response_model=IncomingMailShape,
    summary="Say that nothing of it becomes an invoice",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_dismissal(
    mail_id: UUID, body: DismissalIn, session: Transaction, actor: WritesInvoices, now: Now
) -> IncomingMailShape:
    return _shown(session, dismiss(session, mail_id, body.reason, by=actor, now=now), actor)


def insist_on_receiving(actor: Actor) -> None:
    if sentence := why_not_receive(actor):
        raise Forbidden(sentence)


def taken_from(runtime: Runtime, mail_id: UUID, number: int, password: str, actor: Actor) -> Received:
    """An attached file, read and kept as any other invoice that is handed in. Raises DocumentRefused or NotReady."""
    with runtime.reading() as session:
        mail = _mail(session, mail_id, actor)
    file = attached(mail, number, runtime.blobs)
    return take_in_by_settings(runtime, file.data, file_name=file.name, locale=actor.locale, password=password)


def mail_response(runtime: Runtime, mail: IncomingMail) -> Response:
    """Never shown here, as strangers wrote it."""
    if not mail.key:
        raise NotFound("This mail is not kept here.")
    return _download(runtime.blobs.get(mail.key), f"{mail.subject[:60] or 'mail'}.eml", "message/rfc822")


def file_response(runtime: Runtime, mail: IncomingMail, number: int) -> Response:
    file = attached(mail, number, runtime.blobs)
    return _download(file.data, mail.files[number - 1]["name"], "application/octet-stream")


def _download(data: bytes, name: str, media_type: str) -> Response:
    headers = {
        "Content-Disposition": content_disposition(name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type=media_type, headers=headers)


def _mail(session: Session, mail_id: UUID, actor: Actor) -> IncomingMail:
    insist_on_receiving(actor)
    return queries.incoming_mail(session, mail_id, actor)


def _shown(session: Session, mail: IncomingMail, actor: Actor) -> IncomingMailShape:
    return _shape(mail, queries.invoices_of_mails(session, [mail], actor))


def _shape(mail: IncomingMail, visible: Mapping[str, Invoice]) -> IncomingMailShape:
    here = f"/api/incoming-mails/{mail.id}"
    names = ("id", "at", "from_name", "from_email", "subject", "text", "waits")
    return IncomingMailShape(
        **{name: getattr(mail, name) for name in names},
        outcome=mail.outcome.value,
        reasons=reason_shapes(mail),
        files=[
            MailFileShape(
                number=number,
                file_name=each["name"],
                size=each["size"],
                invoice=each["invoice"] if each.get("invoice") in visible else None,
                by=each.get("by", ""),
                at=each.get("at"),
                links={"self": f"{here}/files/{number}"} if mail.key else {},
            )
            for number, each in enumerate(mail.files, 1)
        ],
        invoices=[visible[each].id for each in mail.invoice_ids if each in visible],
        settled=SettlementShape(by=mail.settled_by, at=mail.settled_at, reason=mail.settled_because)
        if mail.settled_at
        else None,
        links={"self": here, "page": f"/incoming/{mail.id}", **({"mail": f"{here}/mail"} if mail.key else {})},
    )


def reason_shapes(mail: IncomingMail) -> list[ReasonShape]:
    return [
        ReasonShape(file=each["file"], text=sentence(each["sentence"], "en", **each["values"])) for each in mail.reasons
    ]
