"""What people may see of a discussion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.approvals.model import Participant, Round, Task
from workflows.approvals.queries import current_round
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.discussions.model import Attachment, Comment, CommentWithdrawal, Visibility
from workflows.discussions.rules import Mentionable, Subject, is_inside, may_read
from workflows.errors import Gone, NotFound
from workflows.parties.model import Person
from workflows.parties.queries import people
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Entry:
    """A comment as it may be shown: once it is withdrawn, ``text`` is empty and ``attachments`` are none."""

    comment: Comment
    text: str
    attachments: Sequence[Attachment]
    withdrawn_at: datetime | None


def entries(
    session: Session, subject: Subject, actor: Actor, *, after: UUID | None = None, limit: int = 50
) -> list[Entry]:
    """What was said, in its order; to people from outside only what is shared."""
    wanted = _readable(subject, actor)
    if after is not None:
        wanted = wanted.where(col(Comment.id) > after)
    return _entries(session, session.exec(wanted.order_by(col(Comment.id)).limit(limit)).all())


def newest(session: Session, subject: Subject, actor: Actor, *, limit: int) -> list[Entry]:
    """The last of what was said, in its order."""
    found = session.exec(_readable(subject, actor).order_by(col(Comment.id).desc()).limit(limit)).all()
    return _entries(session, found[::-1])


def entry(session: Session, subject: Subject, comment_id: UUID, actor: Actor) -> Entry:
    """Raises NotFound also where the actor may not know that it exists."""
    found = session.exec(_readable(subject, actor).where(Comment.id == comment_id)).first()
    if found is None:
        raise NotFound("There is no such comment.")
    return _entries(session, [found])[0]


def attachment(session: Session, subject: Subject, attachment_id: UUID, actor: Actor) -> Attachment:
    """A file that came with a comment; raises as ``attached``."""
    return attached(session, subject, attachment_id, actor)[0]


def attached(session: Session, subject: Subject, attachment_id: UUID, actor: Actor) -> tuple[Attachment, Comment]:
    """A file, and the comment that it came with.

    Raises:
        NotFound: there is none, or the actor may not know that it exists.
        Gone: its author has withdrawn it.
    """
    found = session.get(Attachment, attachment_id)
    comment = session.get(Comment, found.comment_id) if found else None
    if found is None or comment is None or (comment.process, comment.subject_id) != (subject.process, subject.id):
        raise NotFound("There is no such file.")
    if not may_read(comment, inside=is_inside(subject, actor.organisation_id)):
        raise NotFound("There is no such file.")
    if withdrawal := session.get(CommentWithdrawal, comment.id):
        raise Gone("%(name)s withdrew this file on %(at)s.", name=comment.author, at=withdrawal.at)
    return found, comment


def _readable(subject: Subject, actor: Actor) -> SelectOfScalar[Comment]:
    wanted = select(Comment).where(Comment.process == subject.process, Comment.subject_id == subject.id)
    inside = is_inside(subject, actor.organisation_id)
    return wanted if inside else wanted.where(Comment.visibility == Visibility.SHARED)


def _entries(session: Session, comments: Sequence[Comment]) -> list[Entry]:
    ids = [comment.id for comment in comments]
    files: dict[UUID, list[Attachment]] = {}
    for each in session.exec(
        select(Attachment).where(col(Attachment.comment_id).in_(ids)).order_by(col(Attachment.id))
    ):
        files.setdefault(each.comment_id, []).append(each)
    withdrawn = {
        each.comment_id: each.at
        for each in session.exec(select(CommentWithdrawal).where(col(CommentWithdrawal.comment_id).in_(ids)))
    }
    return [
        Entry(comment, "", (), withdrawn[comment.id])
        if comment.id in withdrawn
        else Entry(comment, comment.text, files.get(comment.id, ()), None)
        for comment in comments
    ]


def inside_history(
    session: Session, subject: Subject, actor: Actor, *, after: int = 0, limit: int = 1000
) -> Sequence[AuditEvent]:
    """What happened inside, in its order; nothing for people from outside. It is chained as the document's own history
    is, with positions of its own."""
    if not is_inside(subject, actor.organisation_id):
        return ()
    return history(session, subject.inside, subject.id, after=after, limit=limit)


def mentionable(session: Session, subject: Subject, actor: Actor) -> list[Mentionable]:
    """Whom the actor may call by name, in the order of the names: whoever may see the document and has a page to answer
    on. People from outside are told of those alone whom they meet on the document's way."""
    round = current_round(session, subject.process, subject.id)
    asked = asked_in(session, round)
    on_the_way = {round.submitter_id, *asked} if round else set()
    if is_inside(subject, actor.organisation_id):
        invited = select(Participant.person_id).where(
            Participant.process == subject.process, Participant.subject_id == subject.id
        )
        on_the_way |= set(session.exec(invited))
    else:
        on_the_way |= {each.comment.author_id for each in newest(session, subject, actor, limit=1000)}
    found = [
        Mentionable(each.id, each.name, each.email, is_inside(subject, each.organisation_id))
        for each in people(session, on_the_way).values()
        if each.id != actor.id and each.active and may_answer(each, asked)
    ]
    return sorted(found, key=lambda each: (not each.inside, each.name))


def asked_in(session: Session, round: Round | None) -> dict[UUID, Task]:
    """Those who have been asked in a round, with the task of each."""
    if round is None:
        return {}
    asked = select(Task).where(Task.round_id == round.id, col(Task.asked_at).is_not(None)).order_by(col(Task.id))
    return {task.person_id: task for task in session.exec(asked)}


def may_answer(person: Person, asked: dict[UUID, Task]) -> bool:
    """Whether there is a page for them: by their account, or by a link to what they were asked."""
    return person.password_hash is not None or person.id in asked
