"""``/incoming``: mails of the watched mailbox, what became of each, and what becomes of that which was put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import Text
from api.pages.shell import page
from api.readers import reader_of
from api.rest.incoming_mails import file_response, insist_on_receiving, mail_response, taken_from
from documents.rendering import Reader, sentence
from workflows.errors import NotFound, Refused
from workflows.invoices.mails_put_aside import dismiss, hand_in
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice
from workflows.invoices.queries import incoming_mail, incoming_mails, invoices_of_mails
from workflows.invoices.steps import send_where_possible
from workflows.papers.rules import number_up_to
from workflows.runtime import Runtime

router = APIRouter(prefix="/incoming", include_in_schema=False)

A_PAGE = 50
OUTCOMES = {
    IncomingOutcome.INVOICES: "Handed in",
    IncomingOutcome.REPLY: "Answer put beside its invoice",
    IncomingOutcome.KEPT: "Put aside",
}
WAITS = "waits"
VIEWS = {"": "All", WAITS: "Somebody has to see to it", "kept": "Put aside"}


@dataclass(frozen=True)
class MailFile:
    """``number``: from 1. ``invoice``: where it was handed in after all, and the reader may see it; ``by``: who did."""

    number: int
    name: str
    size: int
    by: str
    at: datetime | None
    invoice: Invoice | None


@dataclass(frozen=True)
class Row:
    mail: IncomingMail
    outcome: str
    tone: str
    reasons: Sequence[tuple[str, str]]
    """As ``reasons_said`` has them."""
    invoices: Sequence[Invoice]
    files: Sequence[MailFile]

    @property
    def takeable(self) -> Sequence[MailFile]:
        """Files that somebody may hand in."""
        return [each for each in self.files if not each.by] if self.mail.key else ()


@router.get("")
def list_page(
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    outcome: Annotated[str, Query(max_length=20)] = "",
    cursor: UUID | None = None,
) -> Response:
    reader, actor = reader_of(request), visitor.actor
    insist_on_receiving(actor)
    wanted = IncomingOutcome(outcome) if outcome in set(IncomingOutcome) else None
    waits = True if outcome == WAITS else None
    with runtime.reading() as session:
        found = incoming_mails(session, actor, outcome=wanted, waits=waits, after=cursor, limit=A_PAGE + 1)
        invoices = invoices_of_mails(session, found, actor)
        rows = [_row(each, invoices, reader) for each in found[:A_PAGE]]
    chosen = outcome if wanted or waits else ""
    kept = f"?outcome={chosen}&" if chosen else "?"
    return page(
        request,
        "incoming.html",
        here="invoices",
        rows=rows,
        outcome=chosen,
        views=[
            (name, sentence(words, reader.locale), f"/incoming?outcome={name}" if name else "/incoming")
            for name, words in VIEWS.items()
        ],
        first="/incoming" + kept.rstrip("?&") if cursor else None,
        next=f"/incoming{kept}cursor={found[A_PAGE - 1].id}" if len(found) > A_PAGE else None,
    )


@router.get("/{mail_id}")
def mail_page(mail_id: UUID, request: Request, runtime: Engine, visitor: SignedIn, done: str = "") -> Response:
    return _mail_page(mail_id, request, runtime, visitor, done=done)


def _mail_page(
    mail_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    done: str = "",
    typed: Mapping[str, str] | None = None,
    refused: Refused | None = None,
) -> Response:
    reader, actor = reader_of(request), visitor.actor
    insist_on_receiving(actor)
    with runtime.reading() as session:
        found = incoming_mail(session, mail_id, actor)
        row = _row(found, invoices_of_mails(session, [found], actor), reader)
    return page(
        request,
        "incoming_mail.html",
        here="invoices",
        status=refused.status if refused else 200,
        row=row,
        mail=row.mail,
        done=done == "dismissed",
        typed={"number": "", "note": "", **(typed or {})},
        refused=said(refused, reader) if refused else "",
        wrong=refused.field if refused else None,
    )


@router.post("/{mail_id}/invoices")
def post_invoice(
    mail_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    number: Text = "",
    note: Text = "",
    password: Text = "",
) -> Response:
    try:
        chosen = number_up_to(number, 9_999)
        if chosen is None:
            raise Refused("Choose the file that is handed in.", field="number")
        taken = taken_from(runtime, mail_id, chosen, password, visitor.actor)
        with runtime.transaction() as session:
            invoice = hand_in(
                session,
                mail_id,
                chosen,
                taken,
                note=note,
                by=visitor.actor,
                now=now,
            )
            made, blocked = invoice.id, invoice.blocked
    except NotFound:
        raise
    except Refused as refused:
        typed = {"number": number, "note": note}
        return _mail_page(mail_id, request, runtime, visitor, typed=typed, refused=refused)
    kept = send_where_possible(runtime, made, now=now) is not None or blocked
    return RedirectResponse(f"/invoices/{made}?done={'kept' if kept else 'sent'}", status_code=303)


@router.post("/{mail_id}/dismissal")
def post_dismissal(
    mail_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now, reason: Text = ""
) -> Response:
    try:
        with runtime.transaction() as session:
            dismiss(session, mail_id, reason, by=visitor.actor, now=now)
    except NotFound:
        raise
    except Refused as refused:
        return _mail_page(mail_id, request, runtime, visitor, refused=refused)
    return RedirectResponse(f"/incoming/{mail_id}?done=dismissed", status_code=303)


@router.get("/{mail_id}/mail")
def mail(mail_id: UUID, runtime: Engine, visitor: SignedIn) -> Response:
    return mail_response(runtime, _seen(mail_id, runtime, visitor))


@router.get("/{mail_id}/files/{number}")
def file(mail_id: UUID, number: int, runtime: Engine, visitor: SignedIn) -> Response:
    return file_response(runtime, _seen(mail_id, runtime, visitor), number)


def _seen(mail_id: UUID, runtime: Runtime, visitor: Visitor) -> IncomingMail:
    insist_on_receiving(visitor.actor)
    with runtime.reading() as session:
        return incoming_mail(session, mail_id, visitor.actor)


def _row(mail: IncomingMail, invoices: Mapping[str, Invoice], reader: Reader) -> Row:
    return Row(
        mail=mail,
        outcome=sentence(_words_of(mail), reader.locale),
        tone="soon" if mail.waits else "" if mail.outcome is IncomingOutcome.KEPT else "good",
        reasons=reasons_said(mail, reader),
        invoices=[invoices[each] for each in mail.invoice_ids if each in invoices],
        files=[
            MailFile(
                number=number,
                name=each["name"],
                size=each["size"],
                by=each.get("by", ""),
                at=datetime.fromisoformat(each["at"]) if "at" in each else None,
                invoice=invoices.get(each.get("invoice", "")),
            )
            for number, each in enumerate(mail.files, 1)
        ],
    )


def _words_of(mail: IncomingMail) -> str:
    if mail.settled_because:
        return "Dismissed"
    if mail.outcome is IncomingOutcome.KEPT and mail.settled_at is not None:
        return "Handed in after all"
    return OUTCOMES[mail.outcome]


def reasons_said(mail: IncomingMail, reader: Reader) -> list[tuple[str, str]]:
    """Why something of it was put aside: the file, or nothing where all of it is meant, and the sentence."""
    return [(each["file"], sentence(each["sentence"], reader.locale, **each["values"])) for each in mail.reasons]
