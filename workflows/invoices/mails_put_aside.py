"""What the watched mailbox could not take: handed in after all, or dismissed, each with who did it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from documents.blobs import BlobStore
from workflows.audit.operations import record
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, NotFound, Refused
from workflows.incoming import IncomingFile, taken_apart
from workflows.invoices.model import IncomingMail, Invoice
from workflows.invoices.operations import receive
from workflows.invoices.queries import mails_of
from workflows.invoices.received import Received
from workflows.invoices.rules import why_not_receive
from workflows.papers.operations import note_event
from workflows.parties.rules import Actor, who

PROCESS = "incoming_mail"
LONGEST_REASON = 2000


def attached(mail: IncomingMail, number: int, blobs: BlobStore) -> IncomingFile:
    """One file of a mail, counted from 1.

    Raises:
        NotFound: it has none of this number, or is not kept itself.
    """
    if not mail.key or not 1 <= number <= len(mail.files):
        raise NotFound("There is no such file.")
    return taken_apart(blobs.get(mail.key)).files[number - 1]


def hand_in(
    session: Work,
    mail_id: UUID,
    number: int,
    taken: Received,
    *,
    note: str = "",
    by: Actor,
    now: datetime,
) -> Invoice:
    """Keep a file of a mail as an invoice, which it becomes once. The same person's same click gives it again.

    ``number``: of the file, as ``attached`` counts.

    Raises:
        NotFound: there is no such mail, the actor may not see it, or it has no such file.
        Conflict: somebody else has handed the file in.
    """
    mail = _locked(session, mail_id, by)
    if not 1 <= number <= len(mail.files):
        raise NotFound("There is no such file.")
    file = mail.files[number - 1]
    if "invoice" in file:
        known = session.get_one(Invoice, UUID(file["invoice"]))
        if file["by_id"] == str(by.id):
            return known
        at = datetime.fromisoformat(file["at"])
        raise Conflict(
            "%(name)s handed this file in on %(at)s, as %(number)s.", name=file["by"], at=at, number=known.number
        )
    note = note.strip() or f"{mail.from_email}: {mail.subject}"
    invoice = receive(session, taken.document, taken.invoice, taken.findings, note=note[:2000], by=by, now=now)
    told = {"file_name": file["name"], "to_name": mail.from_name, "to_email": mail.from_email}
    note_event(session, "taken_from_mail", invoice, by=by, now=now, **told)
    at = to_millisecond(now)
    done = {**file, "invoice": str(invoice.id), "by": by.name, "by_id": str(by.id), "at": at.isoformat()}
    mail.files = [*mail.files[: number - 1], done, *mail.files[number:]]
    mail.invoice_ids = [*mail.invoice_ids, str(invoice.id)]
    _settle(mail, "", by, at)
    record(
        session,
        "handed_in_from_mail",
        PROCESS,
        mail.id,
        now=now,
        **who(by),
        via=by.via,
        file_name=file["name"],
        number=invoice.number,
        version_sha256=taken.document.original.sha256,
    )
    return invoice


def dismiss(session: Work, mail_id: UUID, reason: str, *, by: Actor, now: datetime) -> IncomingMail:
    """Nothing of it becomes an invoice, and nobody need look at it any more. Twice is as once.

    Raises:
        NotFound: there is no such mail, or the actor may not see it.
        Conflict: somebody has dealt with it, or nobody had to.
        Refused: no reason is given.
    """
    mail, reason = _locked(session, mail_id, by), reason.strip()[:LONGEST_REASON]
    if mail.settled_at is not None:
        if mail.settled_by_id == by.id and mail.settled_because:
            return mail
        raise Conflict("%(name)s dealt with this mail on %(at)s.", name=mail.settled_by, at=mail.settled_at)
    if not mail.waits:
        raise Conflict("Nobody has to see to this mail.")
    if not reason:
        raise Refused("Say why it is dismissed: that stays on record.", field="reason")
    _settle(mail, reason, by, to_millisecond(now))
    record(session, "mail_dismissed", PROCESS, mail.id, now=now, **who(by), via=by.via, comment=reason)
    return mail


def _settle(mail: IncomingMail, because: str, by: Actor, at: datetime) -> None:
    mail.waits, mail.settled_because = False, because
    mail.settled_at, mail.settled_by_id, mail.settled_by = at, by.id, by.name


def _locked(session: Work, mail_id: UUID, by: Actor) -> IncomingMail:
    if sentence := why_not_receive(by):
        raise Forbidden(sentence)
    wanted = mails_of(by).where(IncomingMail.id == mail_id).with_for_update()
    found = session.exec(wanted.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound("There is no such mail.")
    return found
