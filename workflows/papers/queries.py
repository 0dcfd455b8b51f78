"""What people may see of papers. Every query starts from ``visible_to``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.approvals.model import Participant, Round, Task, TaskState
from workflows.discussions.rules import Subject
from workflows.errors import NotFound, Refused
from workflows.papers.model import Paper, Version, model_of
from workflows.parties.model import Person
from workflows.parties.rules import Actor

P = TypeVar("P", bound=Paper)


def may_see(model: type[Paper], actor: Actor) -> ColumnElement[bool]:
    """Their own, those on whose route they are, and with the role for it all of their organisation."""
    mine = or_(
        col(model.owner_id) == actor.id,
        col(model.id).in_(
            select(Participant.subject_id).where(
                Participant.process == model.process, Participant.person_id == actor.id
            )
        ),
    )
    return or_(mine, col(model.organisation_id) == actor.organisation_id) if reads_all(model, actor) else mine


def reads_all(model: type[Paper], actor: Actor) -> bool:
    return actor.reads_all or (actor.organisation_id is not None and not actor.roles.isdisjoint(model.readers))


def visible_to(model: type[P], actor: Actor) -> SelectOfScalar[P]:
    return select(model).where(may_see(model, actor))


def one(session: Session, model: type[P], paper_id: UUID, actor: Actor) -> P:
    """Raises NotFound also where the actor may not know that it exists."""
    paper = session.exec(visible_to(model, actor).where(model.id == paper_id)).first()
    if paper is None:
        raise NotFound(model.missing)
    return paper


def is_visible(session: Session, model: type[Paper], paper_id: UUID, actor: Actor) -> bool:
    return session.exec(visible_to(model, actor).where(model.id == paper_id)).first() is not None


def paper_of(session: Session, round: Round) -> Paper:
    """The paper that travels in a round."""
    return session.get_one(model_of(round.process), round.subject_id)


def subject_of(paper: Paper) -> Subject:
    """The paper as something that people talk about."""
    return Subject(
        paper.process,
        paper.id,
        paper.organisation_id,
        number=paper.number,
        title=paper.title,
        version=paper.current_version,
    )


def owner_of(session: Session, paper: Paper) -> Person:
    return session.get_one(Person, paper.owner_id)


def versions(session: Session, paper: Paper) -> Sequence[Version]:
    """Newest first."""
    return session.exec(
        select(Version)
        .where(Version.process == paper.process, Version.subject_id == paper.id)
        .order_by(col(Version.number).desc())
    ).all()


def version(session: Session, paper: Paper, number: int) -> Version:
    return version_in(session, paper.process, paper.id, number)


def version_in(session: Session, process: str, subject_id: UUID, number: int) -> Version:
    found = session.exec(
        select(Version).where(Version.process == process, Version.subject_id == subject_id, Version.number == number)
    ).first()
    if found is None:
        raise NotFound("There is no such version.")
    return found


def principals(model: type[Paper], actor: Actor) -> list[str]:
    """The marks under which the search index lets this person see an entry about such a paper."""
    mine = [f"p{actor.id.hex}"]
    return [*mine, f"o{actor.organisation_id.hex}"] if actor.organisation_id and reads_all(model, actor) else mine


def asked_of(model: type[Paper], actor: Actor) -> SelectOfScalar[UUID]:
    """Ids of those on which the actor is asked to act."""
    return (
        select(Round.subject_id)
        .join(Task, col(Task.round_id) == col(Round.id))
        .where(Round.process == model.process, Task.person_id == actor.id, Task.state == TaskState.OPEN)
    )


def literally(text: str) -> str:
    """A pattern that finds this text anywhere."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def id_of(cursor: str) -> UUID:
    """After which row a page begins."""
    try:
        return UUID(cursor)
    except ValueError:
        raise Refused("This cursor is not one of ours.", field="cursor") from None
