"""Send a document to somebody, note that it was opened, revoke its link."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from workflows.audit.operations import record
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.errors import Forbidden, Refused, TooMany
from workflows.outbox import Letter, MailState, OutgoingMail, Recipient, post
from workflows.papers.model import Paper
from workflows.papers.operations import card_head, version_of
from workflows.papers.queries import subject_of
from workflows.papers.rules import owns
from workflows.parties.operations import sha256_of_secret
from workflows.parties.queries import by_emails
from workflows.parties.rules import Actor, who
from workflows.sendings.model import Sending
from workflows.sendings.queries import file_of, followed, one
from workflows.sendings.rules import MOST_AN_HOUR, Addressed, until, why_not_open, why_not_revoke, why_not_send

MAIL = "sending"


def send(
    session: Work,
    paper: Paper,
    to: Addressed,
    *,
    by: Actor,
    now: datetime,
    outside: bool,
    most_attached: int,
) -> Sending:
    """Mail a link to the current version, and the file itself where that is wanted. It opens this version alone.

    ``paper``: one that the actor may see. ``outside``: whether addresses of others may be sent to. ``most_attached``:
    bytes that a mail carries at most.

    Raises:
        Forbidden: the document is another organisation's.
        Refused: the address is outside where that is not allowed, or the file is too large for a mail.
        TooMany: this person has sent ``MOST_AN_HOUR`` within the hour.
    """
    if sentence := why_not_send(by, paper.organisation_id):
        raise Forbidden(sentence)
    known = next(iter(by_emails(session, [to.email])), None)
    inside = known is not None and known.organisation_id == paper.organisation_id
    if not inside and not outside:
        raise Refused(
            "%(address)s is nobody of your organisation, and documents are not sent to others here.",
            field="to",
            address=to.email,
        )
    _insist_on_measure(session, by, now)
    now = to_millisecond(now)
    version = version_of(session, paper)
    file = file_of(session, paper, version)
    if to.with_file and file.size > most_attached:
        limit = f"{most_attached // 1_000_000} MB"
        raise Refused("A mail carries at most %(limit)s. Please send the link alone.", field="with_file", limit=limit)
    token = secrets.token_urlsafe(32)
    locale, timezone = (known.locale, known.timezone) if known else (by.locale, by.timezone)
    sending = Sending(
        process=paper.process,
        subject_id=paper.id,
        version_number=version.number,
        token_sha256=sha256_of_secret(token),
        to_name=known.name if known else to.name or to.email,
        to_email=to.email,
        locale=locale,
        timezone=timezone,
        inside=inside,
        with_file=to.with_file,
        note=to.note,
        by_id=by.id,
        by=by.name,
        at=now,
        expires_at=until(now, to.days),
    )
    session.add(sending)
    session.flush()
    _note(session, "passed_on", paper, sending, now=now, version=version.number, comment=to.note, by=by)
    attached = {"key": file.key, "file_name": file.name} if to.with_file else None
    post(
        session,
        Letter(
            kind=MAIL,
            to=Recipient(sending.to_name, sending.to_email, locale, timezone),
            process=subject_of(paper).inside,
            subject_id=paper.id,
            sender_name=card_head(session, paper)["organisation"],
            reply_to=(by.name, by.email),
            payload={
                **card_head(session, paper),
                "paper": paper.process,
                "sender_name": by.name,
                "sender_email": by.email,
                "sender_reads": [by.locale, by.timezone],
                "counterparty": None,
                "amount": None,
                "currency": None,
                "note": to.note or None,
                "version": version.number,
                "sending": str(sending.id),
                "link_until": sending.expires_at.isoformat(),
                "attachment": attached,
                "file_name": file.name if attached else None,
            },
            link=token,
        ),
        now=now,
    )
    return sending


def _insist_on_measure(session: Session, by: Actor, now: datetime) -> None:
    since = now - timedelta(hours=1)
    recent = select(func.count(), func.min(Sending.at)).where(Sending.by_id == by.id, col(Sending.at) > since)
    sent, first = session.exec(recent).one()
    if sent >= MOST_AN_HOUR:
        wait = max(1, int((first + timedelta(hours=1) - now).total_seconds()))
        raise TooMany(
            "Enough was sent for now. More can be sent in %(minutes)s minutes.",
            retry_after=wait,
            minutes=-(-wait // 60),
        )


def open_sent(session: Work, token: str, *, now: datetime) -> Sending:
    """Somebody pressed the button that opens what was sent: the receipt, which the document's page shows.

    Raises:
        NotFound: no such link was ever sent.
        Gone: it was revoked, or has run out.
    """
    sent = followed(session, token)
    session.refresh(sent.sending, with_for_update=True)
    if refused := why_not_open(sent.sending, now=now):
        raise refused
    sent.sending.openings += 1
    if sent.sending.opened_at is None:
        sent.sending.opened_at = now
        _note(session, "passed_on_opened", sent.paper, sent.sending, now=now, version=sent.version.number)
    return sent.sending


def revoke(session: Work, paper: Paper, sending_id: UUID, *, by: Actor, now: datetime) -> Sending:
    """From now on its link opens nothing; where the mail has not left, it does not leave. Twice is as once.

    Raises:
        NotFound: there is none.
        Forbidden: to all but whoever sent it, and whoever keeps the document.
    """
    sending = one(session, paper, sending_id, by)
    session.refresh(sending, with_for_update=True)
    if sending.revoked_at is not None:
        return sending
    now = to_millisecond(now)
    if sentence := why_not_revoke(by, sending, keeps=owns(by, paper)):
        raise Forbidden(sentence, name=sending.by)
    sending.revoked_at, sending.revoked_by = now, by.name
    _note(session, "passed_on_revoked", paper, sending, now=now, by=by)
    _drop_mail(session, paper, sending)
    return sending


def _drop_mail(session: Work, paper: Paper, sending: Sending) -> None:
    waiting = (
        select(OutgoingMail)
        .where(
            OutgoingMail.process == subject_of(paper).inside,
            OutgoingMail.subject_id == paper.id,
            OutgoingMail.kind == MAIL,
            OutgoingMail.state == MailState.QUEUED,
            col(OutgoingMail.claimed_until).is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    for mail in session.exec(waiting):
        if mail.payload.get("sending") == str(sending.id):
            mail.state, mail.sealed_link = MailState.DROPPED, None


def _note(
    session: Work, action: str, paper: Paper, sending: Sending, *, now: datetime, by: Actor | None = None, **data: Any
) -> None:
    """In the history of what happens inside: the document's own is read by counterparties, too."""
    record(
        session,
        action,
        subject_of(paper).inside,
        paper.id,
        now=now,
        **who(by),
        via=by.via if by else "link",
        sending=str(sending.id),
        to_name=sending.to_name,
        to_email=sending.to_email,
        with_file=sending.with_file,
        **data,
    )
