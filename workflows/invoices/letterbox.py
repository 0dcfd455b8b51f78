"""A watched mailbox: each invoice in a mail is handed in once, answers of suppliers are put beside what they answer.

All else is kept with the reason. What was dealt with is moved to Done, or to Refused, below the mailbox's folder.
"""

from __future__ import annotations

import hashlib
import imaplib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from workflows.discussions.intake import take_in as take_in_file
from workflows.discussions.operations import File
from workflows.discussions.rules import LONGEST_TEXT, tidied
from workflows.errors import NotReady, Refused
from workflows.imap import Folder, MailboxUnavailable, Waiting, opened, place_of
from workflows.incoming import Incoming, IncomingFile, Unreadable, own_words, taken_apart
from workflows.invoices.folder import came_before
from workflows.invoices.intake import take_in_by_settings
from workflows.invoices.model import IncomingMail, IncomingOutcome, Invoice
from workflows.invoices.operations import receive
from workflows.invoices.received import Received
from workflows.invoices.replies import Asked, add_reply, question_of
from workflows.invoices.steps import send_where_possible
from workflows.parties.operations import actor
from workflows.parties.queries import by_email
from workflows.parties.rules import Actor, shown
from workflows.runtime import Runtime

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Mails looked at in one go."""
MOST_BYTES = 50_000_000
DONE, REFUSED = "Done", "Refused"


def hand_in_from_mailbox(runtime: Runtime, *, now: datetime) -> int:
    """Deal with what lies in the mailbox of the settings; with how many mails."""
    settings = runtime.settings
    if not settings.invoices_mailbox_url.get_secret_value():
        return 0
    with runtime.reading() as session:
        person = by_email(session, settings.invoices_mailbox_by)
        by = actor(session, person, via="mail") if person is not None and person.active else None
    if by is None or by.organisation_id is None:
        log.error("SIGNOFF_INVOICES_MAILBOX_BY names nobody of an organisation: %s", settings.invoices_mailbox_by)
        return 0
    done = 0
    try:
        with opened(place_of(settings.invoices_mailbox_url.get_secret_value())) as folder:
            for waiting in folder.waiting(AT_ONCE):
                try:
                    done += _deal_with(runtime, folder, waiting, by, now=now)
                except (MailboxUnavailable, imaplib.IMAP4.error):
                    raise
                except Exception:  # one mail must not keep the others; it stays where it is, and is looked at again
                    log.exception("A mail of the mailbox for invoices could not be dealt with.")
    except (MailboxUnavailable, ValueError) as failure:
        log.error("The mailbox for invoices cannot be read: %s", failure)
    return done


def _deal_with(runtime: Runtime, folder: Folder, waiting: Waiting, by: Actor, *, now: datetime) -> bool:
    if waiting.size > MOST_BYTES:
        key = hashlib.sha256(f"{folder.validity}:{waiting.uid}".encode()).hexdigest()
        limit = f"{MOST_BYTES // 1_000_000} MB"
        reason = Reason("A mail may have at most %(limit)s; this one was not read.", {"limit": limit})
        _keep(runtime, Head(key), [reason], None, by, now=now)
        folder.move(waiting.uid, REFUSED)
        return True
    try:
        outcome = deal_with(runtime, folder.fetch(waiting.uid), by, now=now)
    except NotReady:
        return False  # it is looked at again
    folder.move(waiting.uid, REFUSED if outcome is IncomingOutcome.KEPT else DONE)
    return True


@dataclass(frozen=True)
class Head:
    """What is noted of a mail, whatever becomes of it. ``files``: as ``IncomingMail`` has them."""

    sha256: str
    from_name: str = ""
    from_email: str = ""
    subject: str = ""
    text: str = ""
    files: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Reason:
    """Why something of a mail is no invoice. ``file``: its name, or nothing where the whole mail is meant. ``weighs``:
    somebody has to see to it."""

    sentence: str
    values: dict[str, Any] = field(default_factory=dict)
    file: str = ""
    weighs: bool = True


def deal_with(runtime: Runtime, data: bytes, by: Actor, *, now: datetime) -> IncomingOutcome:
    """One mail, once: the same again changes nothing.

    Raises:
        NotReady: too many documents are being read just now.
    """
    try:
        mail = taken_apart(data)
    except Unreadable as unreadable:
        head = Head(hashlib.sha256(data).hexdigest())
        return _keep(runtime, head, [Reason(unreadable.sentence)], data, by, now=now)
    with runtime.reading() as session:
        if known := _dealt_with(session, mail.sha256):
            return known
        asked = question_of(session, mail, runtime.settings.invoices_mailbox_address)
    head = Head(
        mail.sha256,
        shown(mail.from_name)[:200],
        mail.from_email,
        shown(mail.subject)[:300],
        tidied(own_words(mail.text))[:LONGEST_TEXT],
        [{"name": shown(each.name)[:200], "size": len(each.data)} for each in mail.files],
    )
    if mail.automatic and not mail.files:
        return _keep(runtime, head, [Reason("A machine wrote it.", weighs=False)], data, by, now=now)
    if asked is not None:
        return _reply(runtime, head, mail, asked, data, by, now=now)
    return _invoices(runtime, head, mail, data, by, now=now)


def _dealt_with(session: Session, sha256: str) -> IncomingOutcome | None:
    found = session.exec(select(IncomingMail).where(IncomingMail.sha256 == sha256)).first()
    return found.outcome if found else None


def _reply(
    runtime: Runtime, head: Head, mail: Incoming, asked: Asked, data: bytes, by: Actor, *, now: datetime
) -> IncomingOutcome:
    files: list[File] = []
    reasons: list[Reason] = []
    for each in mail.files:
        try:
            files.append(take_in_file(each.data, file_name=each.name, blobs=runtime.blobs))
        except Refused as refused:
            reasons.append(_reason(each, refused))
    if not files and not mail.text.strip():
        return _keep(runtime, head, [*reasons, Reason("Nothing was written.", weighs=False)], data, by, now=now)
    kept = _put(runtime, data) if reasons else ""
    with runtime.transaction() as session:
        invoice = add_reply(session, asked, mail, files, now=now)
        return _note(session, head, IncomingOutcome.REPLY, [invoice], reasons, by, now=now, kept=kept)


def _invoices(
    runtime: Runtime, head: Head, mail: Incoming, data: bytes, by: Actor, *, now: datetime
) -> IncomingOutcome:
    taken, reasons = _taken(runtime, mail.files, by)
    if not taken:
        none = Reason("There is no file in it, and it answers nothing that was asked here.")
        return _keep(runtime, head, reasons or [none], data, by, now=now)
    note = f"{head.from_email}: {head.subject}"[:2000]
    kept = _put(runtime, data) if reasons else ""
    try:
        with runtime.transaction() as session:
            made = [
                receive(session, each.document, each.invoice, each.findings, note=note, by=by, now=now)
                for each in taken
            ]
            _note(session, head, IncomingOutcome.INVOICES, made, reasons, by, now=now, kept=kept)
            ids = [each.id for each in made]
    except IntegrityError:
        with runtime.reading() as session:
            if known := _dealt_with(session, head.sha256):
                return known  # by somebody else, in this very instant
        raise
    for each in ids:
        send_where_possible(runtime, each, now=now)
    return IncomingOutcome.INVOICES


def _taken(runtime: Runtime, files: Sequence[IncomingFile], by: Actor) -> tuple[list[Received], list[Reason]]:
    """The invoices among the files. A PDF without data beside one with data is the picture of it, or its terms."""
    settings = runtime.settings
    taken: list[tuple[IncomingFile, Received]] = []
    reasons: list[Reason] = []
    for each in files:
        with runtime.reading() as session:
            known = came_before(session, each.data, by)
        if known:
            reasons.append(Reason("This very file was handed in before.", file=each.name, weighs=False))
            continue
        if len(each.data) > settings.intake_file_bytes:
            limit = f"{settings.intake_file_bytes // 1_000_000} MB"
            sentence = "A file may have at most %(limit)s. Nothing was changed."
            reasons.append(Reason(sentence, {"limit": limit}, each.name))
            continue
        try:
            received = take_in_by_settings(runtime, each.data, file_name=each.name, locale=by.locale)
        except NotReady:
            raise
        except Refused as refused:
            reasons.append(_reason(each, refused))
        else:
            taken.append((each, received))
    if any(received.said for _, received in taken):
        beside = [each for each, received in taken if received.said is None]
        reasons += [
            Reason("It came beside an invoice with data, and has none itself.", file=each.name, weighs=False)
            for each in beside
        ]
        taken = [(each, received) for each, received in taken if received.said is not None]
    return [received for _, received in taken], reasons


def _reason(file: IncomingFile, refused: Refused) -> Reason:
    return Reason(refused.sentence, {name: str(value) for name, value in refused.values.items()}, file.name)


def _keep(
    runtime: Runtime, head: Head, reasons: Sequence[Reason], data: bytes | None, by: Actor, *, now: datetime
) -> IncomingOutcome:
    """``data``: the mail itself; None where it was not read."""
    kept = "" if data is None else _put(runtime, data)
    with runtime.transaction() as session:
        known = _dealt_with(session, head.sha256)
        return known or _note(session, head, IncomingOutcome.KEPT, (), reasons, by, now=now, kept=kept)


def _put(runtime: Runtime, data: bytes) -> str:
    """Its key, under which the mail is found again."""
    return runtime.blobs.put(data, folder="mails", media_type="message/rfc822").key


def _note(
    session: Session,
    head: Head,
    outcome: IncomingOutcome,
    invoices: Sequence[Invoice],
    reasons: Sequence[Reason],
    by: Actor,
    *,
    now: datetime,
    kept: str = "",
) -> IncomingOutcome:
    """``kept``: key of the mail itself."""
    assert by.organisation_id is not None, "looked at before anything was read"
    session.add(
        IncomingMail(
            organisation_id=by.organisation_id,
            sha256=head.sha256,
            at=now,
            from_name=head.from_name,
            from_email=head.from_email,
            subject=head.subject,
            outcome=outcome,
            invoice_ids=[str(each.id) for each in invoices],
            reasons=[
                {"file": shown(each.file)[:200], "sentence": each.sentence, "values": each.values} for each in reasons
            ],
            key=kept,
            text=head.text,
            files=list(head.files),
            waits=any(each.weighs for each in reasons),
        )
    )
    session.flush()
    return outcome
