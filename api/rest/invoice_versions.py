"""``/api/invoices/{id}/versions``: a corrected file in the place of the one before."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, UploadFile

from api.dependencies import Engine, Now, WritesInvoices
from api.files import read_upload
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.invoice_shapes import InvoiceShape, invoice_shape
from api.rest.invoices import taken_in
from workflows.database import Work
from workflows.invoices.model import Invoice
from workflows.invoices.steps import send_where_possible
from workflows.invoices.versions import replace
from workflows.papers import queries as papers

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


@router.post(
    "/{invoice_id}/versions",
    status_code=201,
    response_model=InvoiceShape,
    summary="Hand in a corrected file",
    responses=refusals(401, 403, 404, 409, 413, 422, 503),
)
def add_version(
    invoice_id: UUID,
    runtime: Engine,
    actor: WritesInvoices,
    now: Now,
    file: Annotated[UploadFile, File(description="XML (UBL, CII, Korean tax invoice), Factur-X or ZUGFeRD, or PDF.")],
    note: Annotated[str, Form(description="What changed.")] = "",
    password: Annotated[str, Form(description="Opens the PDF, where it needs one.")] = "",
    idempotency_key: Key = None,
) -> Any:
    """Open links to the version before are void, and it travels its route anew where nothing keeps it. What the pages
    of a plain PDF say is typed afterwards (`POST …/data`); nothing of the version before is taken over."""
    data = read_upload(file, runtime.settings.intake_file_bytes)
    request_sha256 = request_hash(f"POST /api/invoices/{invoice_id}/versions", {"note": note}, data)
    creation = Creation(runtime, actor, idempotency_key, request_sha256, now)
    if answered := creation.answered_already():
        return answered
    with runtime.reading() as session:
        papers.one(session, Invoice, invoice_id, actor)
    taken = taken_in(runtime, file, data, password, locale=actor.locale)

    def work(session: Work) -> dict[str, Any]:
        invoice = replace(
            session,
            invoice_id,
            taken,
            note=note,
            by=actor,
            now=now,
            visible=papers.is_visible(session, Invoice, invoice_id, actor),
        )
        session.flush()
        return invoice_shape(session, invoice).model_dump(mode="json")

    answer = creation.answer(work)
    send_where_possible(runtime, invoice_id, now=now)
    return answer
