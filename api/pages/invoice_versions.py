"""``/invoices/…/versions``: hand in a corrected file."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn
from api.dependencies import Engine, Now
from api.files import read_upload
from api.pages.fields import Text
from api.pages.sending import version_form
from api.readers import reader_of
from api.rest.invoices import taken_in
from workflows.errors import NotFound, Refused
from workflows.invoices.model import Invoice
from workflows.invoices.steps import send_where_possible
from workflows.invoices.versions import replace
from workflows.papers import queries as papers

router = APIRouter(prefix="/invoices", include_in_schema=False)


@router.get("/{invoice_id}/versions/new")
def version_page(invoice_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    return version_form(Invoice, invoice_id, request, runtime, visitor)


@router.post("/{invoice_id}/versions")
def add_version(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    file: Annotated[UploadFile, File()],
    note: Text = "",
    password: Text = "",
) -> Response:
    with runtime.reading() as session:
        papers.one(session, Invoice, invoice_id, visitor.actor)
    try:
        data = read_upload(file, runtime.settings.intake_file_bytes)
        taken = taken_in(runtime, file, data, password, locale=reader_of(request).locale)
        with runtime.transaction() as session:
            replace(
                session,
                invoice_id,
                taken,
                note=note,
                by=visitor.actor,
                now=now,
                visible=papers.is_visible(session, Invoice, invoice_id, visitor.actor),
            )
    except NotFound:
        raise
    except Refused as refused:
        return version_form(Invoice, invoice_id, request, runtime, visitor, note=note, refused=refused)
    send_where_possible(runtime, invoice_id, now=now)
    return RedirectResponse(f"/invoices/{invoice_id}?done=replaced", status_code=303)
