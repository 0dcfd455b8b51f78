"""What suppliers answer by mail to a question about their invoice: put beside it, as a comment from outside."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.letters import recipient
from workflows.audit.operations import record
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.discussions.finding import put_talk
from workflows.discussions.model import Attachment, Comment, Visibility
from workflows.discussions.operations import File
from workflows.discussions.rules import LONGEST_TEXT, tidied
from workflows.incoming import Incoming, own_words
from workflows.invoices.model import PROCESS, Invoice, ReplyAddress
from workflows.outbox import Letter, OutgoingMail, post
from workflows.papers.queries import subject_of
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import sha256_of_secret
from workflows.parties.queries import people
from workflows.parties.rules import Actor, shown


def answer_address(session: Work, invoice: Invoice, asked: Person, mailbox: str, *, by: Actor, now: datetime) -> str:
    """An address of the watched mailbox for the answer to one question, and for that alone (RFC 5233).

    In small letters: some servers fold the part before the @.
    """
    token = secrets.token_hex(16)
    session.add(
        ReplyAddress(
            token_sha256=sha256_of_secret(token), invoice_id=invoice.id, asked_id=asked.id, asked_by_id=by.id, at=now
        )
    )
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{token}@{domain}"


def put_question(session: Work, invoice: Invoice, question: str, *, by: Actor, now: datetime) -> None:
    """The question begins the thread in which its answers stand."""
    _put(session, invoice, question[:LONGEST_TEXT], (), author=by.name, author_id=by.id, via=by.via, now=now)


@dataclass(frozen=True)
class Asked:
    """Who was asked about which invoice, and by whom."""

    invoice_id: UUID
    asked_id: UUID
    asked_by_id: UUID | None


def question_of(session: Session, mail: Incoming, mailbox: str) -> Asked | None:
    """What a mail answers: by the address that it was sent to, else by the mail of ours that it says it answers, where
    it comes from whom that went to."""
    local, _, domain = mailbox.lower().rpartition("@")
    for address in mail.to if mailbox else ():
        name, _, at = address.rpartition("@")
        if at == domain and name.startswith(f"{local}+"):
            found = session.get(ReplyAddress, sha256_of_secret(name.removeprefix(f"{local}+")))
            if found is not None:
                return Asked(found.invoice_id, found.asked_id, found.asked_by_id)
    for answered in mail.answers:
        sent = _sent(session, answered)
        if sent is not None and sent.to_email == mail.from_email:
            asked = session.exec(select(Person).where(Person.email == sent.to_email)).first()
            if asked is not None:
                asker = session.exec(select(Person).where(Person.email == sent.payload["sender_email"])).first()
                return Asked(sent.subject_id, asked.id, asker.id if asker else None)
    return None


def _sent(session: Session, message_id: str) -> OutgoingMail | None:
    """The question whose mail had this Message-ID."""
    try:
        mail_id = UUID(message_id.partition("@")[0])
    except ValueError:
        return None
    wanted = select(OutgoingMail).where(OutgoingMail.id == mail_id, col(OutgoingMail.kind) == "query")
    return session.exec(wanted).first()


def add_reply(session: Work, asked: Asked, mail: Incoming, files: Sequence[File], *, now: datetime) -> Invoice:
    """Put an answer beside its invoice, and tell whoever asked and whoever takes care of it."""
    invoice = session.get_one(Invoice, asked.invoice_id)
    name = shown(mail.from_name)[:120]
    author = f"{name} ({mail.from_email})" if name else mail.from_email
    text = tidied(own_words(mail.text))[:LONGEST_TEXT]
    comment = _put(session, invoice, text, files, author=author, author_id=asked.asked_id, via="mail", now=now)
    organisation = session.get_one(Organisation, invoice.organisation_id)
    owner = session.get_one(Person, invoice.owner_id)
    told = {invoice.owner_id, *([asked.asked_by_id] if asked.asked_by_id else [])}
    for person in people(session, told).values():
        post(
            session,
            Letter(
                kind="mention",
                to=recipient(person),
                process=subject_of(invoice).inside,
                subject_id=invoice.id,
                sender_name=organisation.name,
                payload={
                    "paper": PROCESS,
                    "organisation": organisation.name,
                    "address": organisation.address,
                    "sender_name": owner.name,
                    "sender_email": owner.email,
                    "sender_reads": [owner.locale, owner.timezone],
                    "title": invoice.title,
                    "number": invoice.number,
                    "version": invoice.current_version,
                    "by_name": author,
                    "comment": text,
                    "comment_id": str(comment.id),
                    "file_name": ", ".join(each.name for each in files) or None,
                    "shared": False,
                    "page": f"/{PROCESS}s/{invoice.id}#comment-{comment.id}",
                    "link_until": None,
                },
            ),
            now=now,
        )
    return invoice


def _put(
    session: Work,
    invoice: Invoice,
    text: str,
    files: Sequence[File],
    *,
    author: str,
    author_id: UUID,
    via: str,
    now: datetime,
) -> Comment:
    subject, now = subject_of(invoice), to_millisecond(now)
    comment = Comment(
        process=PROCESS,
        subject_id=invoice.id,
        visibility=Visibility.INSIDE,
        author_id=author_id,
        author=author,
        organisation=invoice.supplier if via == "mail" else "",
        text=text,
        version_number=invoice.current_version,
        at=now,
        via=via,
    )
    session.add(comment)
    session.flush()  # attachments refer to it
    about: dict[str, Any] = {
        "actor": author,
        "actor_id": author_id,
        "via": via,
        "comment_id": str(comment.id),
        "visibility": comment.visibility.value,
    }
    if text:
        digest = hashlib.sha256(text.encode()).hexdigest()
        record(session, "commented", subject.inside, invoice.id, now=now, **about, text_sha256=digest, people=[])
    for file in files:
        session.add(
            Attachment(
                comment_id=comment.id,
                file_name=file.name,
                media_type=file.stored.media_type,
                size=file.stored.size,
                sha256=file.stored.sha256,
                key=file.stored.key,
            )
        )
        told: dict[str, Any] = {"file_name": file.name, "size": file.stored.size, "sha256": file.stored.sha256}
        record(session, "attached", subject.inside, invoice.id, now=now, **about, **told)
    session.flush()
    put_talk(session, subject)
    return comment
