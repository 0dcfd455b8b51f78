"""A file beside an invoice, such as of its supplier's answer: what it says otherwise, and it as the next version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from sqlmodel import Session

from api.dependencies import Engine, Now, ReadsInvoices, WritesInvoices
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.invoice_shapes import FindingShape, InvoiceShape, finding_shape, invoice_shape
from api.rest.shapes import Shape
from documents.einvoices import data
from documents.einvoices.as_json import from_json
from documents.einvoices.findings import Finding
from workflows.database import Work
from workflows.discussions.model import Attachment, Comment
from workflows.discussions.queries import attached
from workflows.invoices.intake import look_into, take_in_by_settings
from workflows.invoices.model import Invoice
from workflows.invoices.queries import newest_reading
from workflows.invoices.received import Received
from workflows.invoices.rules import differences, why_not_hand_in
from workflows.invoices.steps import send_where_possible
from workflows.invoices.versions import replace
from workflows.papers import queries as papers
from workflows.papers.operations import permission
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


class ChangeShape(Shape):
    field: Annotated[str, Field(examples=["payable"])]
    before: Annotated[str, Field(examples=["119.00"])]
    now: Annotated[str, Field(examples=["238.00"])]


class ReadingShape(Shape):
    read: Annotated[bool, Field(description="False: a PDF without data. What its pages say is typed afterwards.")]
    changes: Annotated[list[ChangeShape], Field(description="What it says otherwise than the current version.")]
    findings: list[FindingShape]


class TakenIn(Shape):
    note: Annotated[str, Field(default="", max_length=2000, description="What changed.")]
    password: Annotated[str, Field(default="", max_length=200, description="Opens the PDF, where it needs one.")]


@router.get(
    "/{invoice_id}/attachments/{attachment_id}/reading",
    response_model=ReadingShape,
    summary="What a comment's file says otherwise than the invoice; nothing is changed",
    responses=refusals(401, 403, 404, 409, 410, 422, 503),
)
def read(invoice_id: UUID, attachment_id: UUID, runtime: Engine, actor: ReadsInvoices) -> ReadingShape:
    """For those who may take it as its next version."""
    looked = looked_at(runtime, invoice_id, attachment_id, actor)
    changes = differences(looked.before, looked.said) if looked.said else ()
    return ReadingShape(
        read=looked.said is not None,
        changes=[ChangeShape(field=name, before=was, now=now) for name, was, now in changes],
        findings=[finding_shape(each) for each in looked.findings],
    )


@router.post(
    "/{invoice_id}/attachments/{attachment_id}/version",
    status_code=201,
    response_model=InvoiceShape,
    summary="Take a comment's file, such as of the supplier's answer, as the next version",
    responses=refusals(401, 403, 404, 409, 410, 422, 503),
)
def post_version(
    invoice_id: UUID,
    attachment_id: UUID,
    body: TakenIn,
    runtime: Engine,
    actor: WritesInvoices,
    now: Now,
    idempotency_key: Key = None,
) -> Any:
    """By the same rules as a file that is handed in at `POST /api/invoices/{id}/versions`."""
    request_sha256 = request_hash(f"POST {invoice_id}/attachments/{attachment_id}/version", {"note": body.note})
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    taken = taken_out_of(runtime, invoice_id, attachment_id, body.password, actor)

    def work(session: Work) -> dict[str, Any]:
        invoice = replace(
            session,
            invoice_id,
            taken,
            note=body.note,
            out_of=file_of(session, invoice_id, attachment_id, actor),
            by=actor,
            now=now,
            visible=True,
        )
        session.flush()
        return invoice_shape(session, invoice).model_dump(mode="json")

    answer = creation.answer(work)
    send_where_possible(runtime, invoice_id, now=now)
    return answer


@dataclass(frozen=True)
class Looked:
    """``before``: what the invoice says now. ``said``: None where the file is a PDF without data."""

    file: Attachment
    comment: Comment
    before: data.Invoice
    said: data.Invoice | None
    findings: Sequence[Finding]


def looked_at(runtime: Runtime, invoice_id: UUID, attachment_id: UUID, actor: Actor, password: str = "") -> Looked:
    """What the file says beside what the invoice says now.

    Raises:
        NotFound, Gone: there is no such file, or its author has withdrawn it.
        Forbidden, Conflict: the actor may not hand in a new version, or nobody may any more.
        DocumentRefused, NotReady: it is no invoice that can be read, or too much is being read just now.
    """
    with runtime.reading() as session:
        file, comment = file_of(session, invoice_id, attachment_id, actor)
        invoice = session.get_one(Invoice, invoice_id)
        if sentence := why_not_hand_in(actor, invoice):
            raise permission(sentence)
        before = from_json(newest_reading(session, invoice).data)
    bytes_of_it = runtime.blobs.get(file.key)
    settings = runtime.settings
    read, findings = look_into(
        bytes_of_it, limits=runtime.intake_limits, rules=settings.invoice_rules, password=password or None
    )
    return Looked(file, comment, before, read.invoice, findings)


def taken_out_of(runtime: Runtime, invoice_id: UUID, attachment_id: UUID, password: str, actor: Actor) -> Received:
    """The file, read and kept as one that is handed in. Raises as ``looked_at``."""
    with runtime.reading() as session:
        file, _ = file_of(session, invoice_id, attachment_id, actor)
        if sentence := why_not_hand_in(actor, session.get_one(Invoice, invoice_id)):
            raise permission(sentence)
    data_of_it = runtime.blobs.get(file.key)
    return take_in_by_settings(runtime, data_of_it, file_name=file.file_name, locale=actor.locale, password=password)


def file_of(session: Session, invoice_id: UUID, attachment_id: UUID, actor: Actor) -> tuple[Attachment, Comment]:
    subject = papers.subject_of(papers.one(session, Invoice, invoice_id, actor))
    return attached(session, subject, attachment_id, actor)
