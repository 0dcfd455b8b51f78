"""``/incoming``: mails of the watched mailbox and what became of each, for administrators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.auth import Administers
from api.dependencies import Engine
from api.files import content_disposition
from api.pages.shell import page
from api.readers import reader_of
from documents.rendering import Reader, sentence
from workflows.errors import NotFound
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice
from workflows.invoices.queries import incoming_mails, invoices_of_mails

router = APIRouter(prefix="/incoming", include_in_schema=False)

A_PAGE = 50
OUTCOMES = {
    IncomingOutcome.INVOICES: "Handed in",
    IncomingOutcome.REPLY: "Answer put beside its invoice",
    IncomingOutcome.KEPT: "Put aside",
}
VIEWS = {"": "All", "kept": "Put aside"}


@dataclass(frozen=True)
class Row:
    mail: IncomingMail
    outcome: str
    reasons: Sequence[tuple[str, str]]
    """The file, or nothing, and the sentence."""
    invoices: Sequence[Invoice]


@router.get("")
def list_page(
    request: Request,
    runtime: Engine,
    visitor: Administers,
    outcome: Annotated[str, Query(max_length=20)] = "",
    cursor: UUID | None = None,
) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        wanted = IncomingOutcome(outcome) if outcome in set(IncomingOutcome) else None
        found = incoming_mails(session, visitor.actor, outcome=wanted, after=cursor, limit=A_PAGE + 1)
        invoices = invoices_of_mails(session, found)
        rows = [_row(each, invoices, reader) for each in found[:A_PAGE]]
    kept = f"?outcome={outcome}&" if wanted else "?"
    return page(
        request,
        "incoming.html",
        here="invoices",
        rows=rows,
        outcome=outcome if wanted else "",
        views=[
            (name, sentence(words, reader.locale), f"/incoming?outcome={name}" if name else "/incoming")
            for name, words in VIEWS.items()
        ],
        first="/incoming" + kept.rstrip("?&") if cursor else None,
        next=f"/incoming{kept}cursor={found[A_PAGE - 1].id}" if len(found) > A_PAGE else None,
    )


def _row(mail: IncomingMail, invoices: Mapping[str, Invoice], reader: Reader) -> Row:
    return Row(
        mail=mail,
        outcome=sentence(OUTCOMES[mail.outcome], reader.locale),
        reasons=[(each["file"], sentence(each["sentence"], reader.locale, **each["values"])) for each in mail.reasons],
        invoices=[invoices[each] for each in mail.invoice_ids if each in invoices],
    )


@router.get("/{mail_id}/mail")
def mail(mail_id: UUID, runtime: Engine, visitor: Administers) -> Response:
    """The mail as it came: never shown here, as strangers wrote it."""
    with runtime.reading() as session:
        found = session.get(IncomingMail, mail_id)
    if found is None or found.organisation_id != visitor.actor.organisation_id or not found.key:
        raise NotFound("There is no such mail.")
    headers = {
        "Content-Disposition": content_disposition(f"{found.subject[:60] or 'mail'}.eml"),
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Response(runtime.blobs.get(found.key), media_type="message/rfc822", headers=headers)
