"""Say something about a document, put a file beside it, take it back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from documents.blobs import BlobRef
from workflows.approvals.letters import mail_values, recipient
from workflows.approvals.links import act_link, reading_link
from workflows.approvals.model import Round, Task, TaskState
from workflows.approvals.operations import invite
from workflows.approvals.queries import current_round, is_participant
from workflows.audit.operations import record
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.discussions.finding import put_talk
from workflows.discussions.model import Attachment, Comment, CommentWithdrawal, Visibility
from workflows.discussions.queries import Entry, asked_in, entry, may_answer, mentionable
from workflows.discussions.rules import (
    Said,
    Subject,
    is_inside,
    named_in,
    visibility_for,
    why_not_mention,
    why_not_withdraw,
)
from workflows.errors import Conflict, Forbidden, Refused
from workflows.outbox import Letter, MailState, OutgoingMail, post
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import actor
from workflows.parties.queries import by_emails, people
from workflows.parties.rules import Actor, who

READING_DAYS = 30
"""How long somebody without an account, whose task is done, can read and answer by the link in a mail."""


@dataclass(frozen=True)
class File:
    """A file that was taken; it is kept already."""

    stored: BlobRef
    name: str


def say(session: Work, subject: Subject, said: Said, *, by: Actor, now: datetime, file: File | None = None) -> Entry:
    """Add a comment, with or without a file, and mail it once to each who is mentioned.

    ``subject``: of a document that the actor may see. A colleague who is mentioned by address and may not see it yet
    may from now on.

    Raises:
        Refused: somebody is mentioned who may not be, or an outsider wants to talk inside.
    """
    now = to_millisecond(now)
    round = _locked_round(session, subject)
    visibility = visibility_for(by, subject, said.visibility)
    chosen = _mentioned(session, subject, said, visibility, round, by=by)
    comment = Comment(
        process=subject.process,
        subject_id=subject.id,
        visibility=visibility,
        author_id=by.id,
        author=by.name,
        organisation=_organisation_of(session, by, round),
        text=said.text,
        mentions=[{"person": str(each.id), "name": each.name} for each in chosen],
        version_number=subject.version,
        at=now,
        via=by.via,
    )
    session.add(comment)
    session.flush()  # attachments refer to it
    if said.text:
        record(
            session,
            "commented",
            _chain(comment, subject),
            subject.id,
            now=now,
            **_about(comment, by),
            text_sha256=hashlib.sha256(said.text.encode()).hexdigest(),
            people=[each.name for each in chosen],
        )
    if file is not None:
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
        record(
            session,
            "attached",
            _chain(comment, subject),
            subject.id,
            now=now,
            **_about(comment, by),
            file_name=file.name,
            size=file.stored.size,
            sha256=file.stored.sha256,
        )
    _let_see(
        session, subject, [each for each in chosen if is_inside(subject, each.organisation_id)], comment, by=by, now=now
    )
    asked = asked_in(session, round)
    for person in chosen:
        _tell(session, subject, comment, person, asked.get(person.id), round, file, by=by, now=now)
    session.flush()
    put_talk(session, subject)
    return entry(session, subject, comment.id, by)


def withdraw(session: Work, subject: Subject, comment_id: UUID, *, by: Actor, now: datetime) -> Entry:
    """Take a comment of one's own back, with its files; that it was there stays to be seen. Twice is as once.

    Raises:
        NotFound, Forbidden, Conflict: it is not there, somebody else's, or too late.
    """
    now = to_millisecond(now)
    _locked_round(session, subject)
    found = entry(session, subject, comment_id, by)
    if found.withdrawn_at is not None and found.comment.author_id == by.id:
        return found
    if sentence := why_not_withdraw(by, found.comment, now=now):
        raise Forbidden(sentence) if found.comment.author_id != by.id else Conflict(sentence)
    session.add(CommentWithdrawal(comment_id=comment_id, at=now))
    chain = _chain(found.comment, subject)
    record(session, "comment_withdrawn", chain, subject.id, now=now, **_about(found.comment, by))
    _drop_mails(session, found.comment, subject)
    session.flush()
    put_talk(session, subject)
    return entry(session, subject, comment_id, by)


def _locked_round(session: Work, subject: Subject) -> Round | None:
    """The document's newest round, with all of them locked: the order in which a decision locks, too. None where it has
    travelled none yet."""
    session.exec(
        select(Round.id).where(Round.process == subject.process, Round.subject_id == subject.id).with_for_update()
    ).all()
    return current_round(session, subject.process, subject.id)


def _mentioned(
    session: Session, subject: Subject, said: Said, visibility: Visibility, round: Round | None, *, by: Actor
) -> Sequence[Person]:
    """Whom a comment is for: called in the text, or by address; each once, and never its author."""
    here = mentionable(session, subject, by)
    known = people(session, [each.id for each in here])
    by_address = {each.email: each for each in known.values()}
    chosen = {each: known[each] for each in named_in(said.text, here)}
    for address in said.mentions:
        if address == by.email:
            continue
        person = by_address.get(address) or _colleague(session, subject, address, round, by=by)
        chosen[person.id] = person
    for person in chosen.values():
        if sentence := why_not_mention(visibility, inside=is_inside(subject, person.organisation_id)):
            raise Refused(sentence, field="mentions", name=person.name)
    return list(chosen.values())


def _colleague(session: Session, subject: Subject, address: str, round: Round | None, *, by: Actor) -> Person:
    """Somebody of the document's organisation who is not on its way yet.

    Raises:
        Refused: there is none; a stranger and somebody of another organisation are told apart for nobody.
    """
    if not is_inside(subject, by.organisation_id):
        raise Refused(
            "Nobody who may see this document has the address %(address)s.", field="mentions", address=address
        )
    found = next(iter(by_emails(session, [address])), None)
    on_the_way = found is not None and is_participant(session, subject.process, subject.id, found.id)
    if found is None or not (is_inside(subject, found.organisation_id) or on_the_way):
        raise Refused(
            "Nobody of your organisation, and nobody who may see this document, has the address %(address)s.",
            field="mentions",
            address=address,
        )
    if not may_answer(found, asked_in(session, round)):
        raise Refused(
            "%(name)s has no account and has not been asked anything here, so there is no page to answer on.",
            field="mentions",
            name=found.name,
        )
    return found


def _organisation_of(session: Session, by: Actor, round: Round | None) -> str:
    if by.organisation_id is not None:
        return session.get_one(Organisation, by.organisation_id).name
    signers: Iterable[dict[str, Any]] = round.card.get("signers", ()) if round else ()
    return next((str(each.get("organisation") or "") for each in signers if each.get("email") == by.email), "")


def _let_see(
    session: Work, subject: Subject, colleagues: Sequence[Person], comment: Comment, *, by: Actor, now: datetime
) -> None:
    """Colleagues who are mentioned may see the document from now on, where they could not."""
    fresh = [
        each
        for each in colleagues
        if not is_participant(session, subject.process, subject.id, each.id)
        and not actor(session, each, via="").reads_all
    ]
    if not fresh:
        return
    invite(session, subject.process, subject.id, [each.id for each in fresh])
    record(
        session,
        "invited",
        subject.inside,
        subject.id,
        now=now,
        **who(by),
        via=by.via,
        comment_id=str(comment.id),
        people=[each.name for each in fresh],
    )


def _tell(
    session: Work,
    subject: Subject,
    comment: Comment,
    person: Person,
    task: Task | None,
    round: Round | None,
    file: File | None,
    *,
    by: Actor,
    now: datetime,
) -> None:
    link, until = (
        (None, None) if person.password_hash or task is None or round is None else _link(session, task, round, now=now)
    )
    about = mail_values(round) if round else values_without_round(session, subject, by)
    post(
        session,
        Letter(
            kind="mention",
            to=recipient(person),
            process=_chain(comment, subject),
            subject_id=subject.id,
            sender_name=about["organisation"],
            reply_to=(by.name, by.email),
            payload={
                **about,
                "by_name": by.name,
                "comment": comment.text,
                "comment_id": str(comment.id),
                "file_name": file.name if file else None,
                "shared": comment.visibility is Visibility.SHARED,
                "page": f"/{subject.process}s/{subject.id}#comment-{comment.id}" if person.password_hash else None,
                "link_until": until.isoformat() if until else None,
            },
            link=link,
        ),
        now=now,
    )


def values_without_round(session: Session, subject: Subject, by: Actor) -> dict[str, Any]:
    """What a mail says of a document that has not travelled a route yet; ``by``: whom it is from."""
    organisation = session.get_one(Organisation, subject.organisation_id)
    return {
        "paper": subject.process,
        "organisation": organisation.name,
        "address": organisation.address,
        "sender_name": by.name,
        "sender_email": by.email,
        "sender_reads": [by.locale, by.timezone],
        "title": subject.title,
        "number": subject.number,
        "version": subject.version,
    }


def _link(session: Work, task: Task, round: Round, *, now: datetime) -> tuple[str, datetime]:
    """A secret by which somebody without an account comes to the discussion: to their task while it is open, else to
    what they had been asked, for reading and answering only."""
    if task.state is not TaskState.OPEN:
        until = now + timedelta(days=READING_DAYS)
        return reading_link(session, task, now=now, until=until), until
    return act_link(session, round, task, now=now)


def _drop_mails(session: Work, comment: Comment, subject: Subject) -> None:
    """Mails with what was taken back do not leave any more; those that are on their way do."""
    waiting = (
        select(OutgoingMail)
        .where(
            OutgoingMail.process == _chain(comment, subject),
            OutgoingMail.subject_id == subject.id,
            OutgoingMail.kind == "mention",
            OutgoingMail.state == MailState.QUEUED,
            col(OutgoingMail.claimed_until).is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    for mail in session.exec(waiting):
        if mail.payload.get("comment_id") == str(comment.id):
            mail.state, mail.sealed_link = MailState.DROPPED, None


def _about(comment: Comment, by: Actor) -> dict[str, Any]:
    """What every entry of a history about a comment says."""
    return {
        **who(by),
        "via": by.via,
        "comment_id": str(comment.id),
        "visibility": comment.visibility.value,
    }


def _chain(comment: Comment, subject: Subject) -> str:
    return subject.process if comment.visibility is Visibility.SHARED else subject.inside
