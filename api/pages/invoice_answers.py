"""``/invoices/…/attachments/…/version``: what a comment's file says otherwise, and the button that takes it as the next
version."""

from __future__ import annotations

import secrets
from dataclasses import replace as changed
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.fields import Text
from api.pages.invoice_view import changes_said, finding_rows
from api.pages.sending import words_of_refusal
from api.pages.shell import page
from api.readers import reader_of
from api.rest.invoice_answers import Looked, file_of, looked_at, taken_out_of
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, Gone, NotFound, Refused
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.steps import send_where_possible
from workflows.invoices.versions import replace
from workflows.papers import queries as papers
from workflows.runtime import Runtime

router = APIRouter(prefix="/invoices", include_in_schema=False)


@router.get("/{invoice_id}/attachments/{attachment_id}/version")
def look_page(invoice_id: UUID, attachment_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    try:
        looked = looked_at(runtime, invoice_id, attachment_id, visitor.actor)
    except (NotFound, Gone, Forbidden, Conflict):
        raise
    except Refused as refused:
        return _page(invoice_id, attachment_id, request, runtime, visitor, refused=refused)
    return _page(invoice_id, attachment_id, request, runtime, visitor, looked=looked)


def _page(
    invoice_id: UUID,
    attachment_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    looked: Looked | None = None,
    note: str = "",
    refused: Refused | None = None,
) -> Response:
    """``looked``: None where the file could not be read, or not without its password."""
    reader = changed(reader_of(request), paper=PROCESS)
    with runtime.reading() as session:
        invoice = papers.one(session, Invoice, invoice_id, visitor.actor)
        file, comment = file_of(session, invoice_id, attachment_id, visitor.actor)
    return page(
        request,
        "invoice_answer.html",
        here="invoices",
        reader=reader,
        status=refused.status if refused else 200,
        invoice=invoice,
        file=file,
        comment=comment,
        here_at=f"/invoices/{invoice.id}",
        read=looked is not None and looked.said is not None,
        looked=looked is not None,
        changes=changes_said(looked.before, looked.said, reader) if looked and looked.said else (),
        findings=finding_rows(looked.findings, reader) if looked else (),
        note=note,
        once=secrets.token_urlsafe(16),
        **words_of_refusal(refused, request),
    )


@router.post("/{invoice_id}/attachments/{attachment_id}/version")
def take(
    invoice_id: UUID,
    attachment_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    note: Text = "",
    password: Text = "",
    once: Text = "",
) -> Response:
    actor = visitor.actor
    digest = request_hash(f"take {invoice_id}/{attachment_id}", {"note": note})
    try:
        taken = taken_out_of(runtime, invoice_id, attachment_id, password, actor)

        def work(session: Work) -> dict[str, Any]:
            replace(
                session,
                invoice_id,
                taken,
                note=note,
                out_of=file_of(session, invoice_id, attachment_id, actor),
                by=actor,
                now=now,
                visible=True,
            )
            return {}

        # a button pressed twice takes it once
        done_once(runtime, actor, page_key(once, digest), digest, now, work)
    except (NotFound, Gone, Forbidden):
        raise
    except Refused as refused:
        return _page(invoice_id, attachment_id, request, runtime, visitor, note=note, refused=refused)
    send_where_possible(runtime, invoice_id, now=now)
    return RedirectResponse(f"/invoices/{invoice_id}?done=replaced", status_code=303)
