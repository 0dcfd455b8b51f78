"""What is said of a document is found in a search, by those who may read it.

Two entries a document beside its own: of what is said inside, and of what is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.model import Participant
from workflows.discussions.model import Comment, CommentWithdrawal, Visibility
from workflows.discussions.rules import Subject, is_inside
from workflows.parties.model import Person
from workflows.search.operations import put, remove


def kinds_of_entries(process: str) -> tuple[str, ...]:
    """The kinds under which a document of this process, and what is said of it, stand in the index."""
    return (process, *(_kind(process, each) for each in Visibility))


def _kind(process: str, visibility: Visibility) -> str:
    return f"{process}_{visibility.value}"


def put_talk(session: Session, subject: Subject) -> None:
    """Let what is said now be found, and nothing that was withdrawn."""
    said = session.exec(
        select(Comment.visibility, Comment.text, col(CommentWithdrawal.comment_id).is_not(None))
        .outerjoin(CommentWithdrawal, col(CommentWithdrawal.comment_id) == col(Comment.id))
        .where(Comment.process == subject.process, Comment.subject_id == subject.id)
        .order_by(col(Comment.id))
    ).all()
    if not said:
        return
    persons = session.exec(
        select(Person.id, Person.organisation_id)
        .join(Participant, col(Participant.person_id) == col(Person.id))
        .where(Participant.process == subject.process, Participant.subject_id == subject.id)
    ).all()
    for visibility in Visibility:
        words = [text for seen, text, withdrawn in said if seen is visibility and text and not withdrawn]
        kind = _kind(subject.process, visibility)
        if not words:
            remove(session, kind, str(subject.id))
            continue
        put(
            session,
            kind=kind,
            object_id=str(subject.id),
            head="",
            body="\n".join(words),
            numbers=[],
            seen_by=_readers(subject, visibility, persons),
        )


def _readers(subject: Subject, visibility: Visibility, persons: Sequence[tuple[UUID, UUID | None]]) -> list[str]:
    heard = [
        person
        for person, organisation in persons
        if visibility is Visibility.SHARED or is_inside(subject, organisation)
    ]
    return [f"o{subject.organisation_id.hex}", *(f"p{each.hex}" for each in heard)]
