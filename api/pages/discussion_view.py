"""A discussion as pages show it: what was said, and the form to say something."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from workflows.discussions.model import Attachment, Visibility
from workflows.discussions.queries import Entry, inside_history, mentionable, newest
from workflows.discussions.rules import (
    SECOND_THOUGHTS,
    Mentionable,
    Piece,
    Subject,
    is_inside,
    pieces,
    why_not_withdraw,
)
from workflows.parties.model import Organisation
from workflows.parties.rules import Actor

MOST_SHOWN = 300


@dataclass(frozen=True)
class Tried:
    """What somebody typed into the form, and why it was not taken. ``people``: ids of those ticked."""

    text: str = ""
    visibility: str = ""
    people: Sequence[str] = ()
    colleague: str = ""
    refused: str = ""
    field: str = ""


@dataclass(frozen=True)
class Line:
    """One comment. ``until``: until when its reader can withdraw it; None where they cannot."""

    entry: Entry
    pieces: Sequence[Piece]
    until: datetime | None

    @property
    def shared(self) -> bool:
        return self.entry.comment.visibility is Visibility.SHARED

    @property
    def invoices(self) -> Sequence[UUID]:
        """Of its files those that may be an invoice: PDFs and XML."""
        return [each.id for each in self.entry.attachments if _may_be_invoice(each)]


def _may_be_invoice(file: Attachment) -> bool:
    return file.media_type == "application/pdf" or file.file_name.lower().endswith(".xml")


@dataclass(frozen=True)
class Talk:
    """``here``: address of the page below which comments and files lie. ``inside``: the reader is one of the document's
    own people. ``position``: of the last entry in the history of what was said inside; None for others."""

    here: str
    organisation: str
    inside: bool
    lines: Sequence[Line]
    cut: bool
    people: Sequence[Mentionable]
    position: int | None
    tried: Tried
    takes: bool = False
    """Whether the reader may take a file of a comment as the document's next version."""
    once: str = field(default_factory=lambda: secrets.token_urlsafe(16))


def talk_of(
    session: Session,
    subject: Subject,
    actor: Actor,
    *,
    here: str,
    now: datetime,
    tried: Tried | None = None,
    takes: bool = False,
) -> Talk:
    said = newest(session, subject, actor, limit=MOST_SHOWN + 1)
    inside = is_inside(subject, actor.organisation_id)
    events = inside_history(session, subject, actor)
    return Talk(
        here=here,
        organisation=session.get_one(Organisation, subject.organisation_id).name,
        inside=inside,
        lines=[_line(each, actor, now) for each in said[-MOST_SHOWN:]],
        cut=len(said) > MOST_SHOWN,
        people=mentionable(session, subject, actor),
        position=(events[-1].position if events else 0) if inside else None,
        tried=tried or Tried(),
        takes=takes,
    )


def _line(entry: Entry, actor: Actor, now: datetime) -> Line:
    possible = entry.withdrawn_at is None and why_not_withdraw(actor, entry.comment, now=now) is None
    return Line(entry, tuple(pieces(entry.text)), entry.comment.at + SECOND_THOUGHTS if possible else None)


def addresses(session: Session, subject: Subject, actor: Actor, people: Sequence[str], colleague: str) -> list[str]:
    """Of those who are ticked in the form, and of the colleague typed below. Pages name people by id, so that nobody
    reads addresses in them."""
    known = {str(each.id): each.email for each in mentionable(session, subject, actor)}
    return [*(known[each] for each in people if each in known), *([colleague] if colleague.strip() else [])]
