"""What people may see of rounds and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from workflows.approvals.model import Decision, Participant, Round, RoundState, RouteVersion, Stage, Task, TaskState
from workflows.approvals.operations import stages_of, tasks_of
from workflows.errors import NotFound
from workflows.outbox import MailState, OutgoingMail
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Asked:
    """A task with all that an inbox shows of it."""

    task: Task
    stage: Stage
    round: Round


def inbox(session: Session, actor: Actor, *, after: UUID | None = None, limit: int = 50) -> list[Asked]:
    """The actor's open tasks, what is due first on top, then the longest waiting."""
    query = (
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Task.person_id == actor.id, Task.state == TaskState.OPEN)
        .order_by(func.coalesce(Stage.due_at, Task.asked_at), col(Task.id))
    )
    rows = [Asked(*row) for row in session.exec(query.limit(5000)).all()]
    if after is not None:
        position = next((index for index, row in enumerate(rows) if row.task.id == after), -1)
        rows = rows[position + 1 :]
    return rows[:limit]


def count_open(session: Session, person_id: UUID) -> int:
    return session.exec(
        select(func.count()).select_from(Task).where(Task.person_id == person_id, Task.state == TaskState.OPEN)
    ).one()


def task(session: Session, task_id: UUID, actor: Actor) -> Asked:
    """One task, to its own person.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = asked(session, task_id)
    if found.task.person_id != actor.id:
        raise NotFound("There is no such task.")
    return found


def asked(session: Session, task_id: UUID) -> Asked:
    row = session.exec(
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Task.id == task_id)
    ).first()
    if row is None:
        raise NotFound("There is no such task.")
    return Asked(*row)


def open_task_for(session: Session, process: str, subject_id: UUID, person_id: UUID) -> Asked | None:
    """What the person is asked about this document just now."""
    row = session.exec(
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(
            Round.process == process,
            Round.subject_id == subject_id,
            Task.person_id == person_id,
            Task.state == TaskState.OPEN,
        )
    ).first()
    return Asked(*row) if row else None


@dataclass(frozen=True)
class Journey:
    """A round with its stages, tasks and decisions (by task)."""

    round: Round
    stages: Sequence[Stage]
    tasks: Sequence[Task]
    decisions: dict[UUID, Decision]

    def tasks_in(self, stage: Stage) -> list[Task]:
        return [task for task in self.tasks if task.stage_id == stage.id]


def journey(session: Session, round: Round) -> Journey:
    decisions = session.exec(select(Decision).where(Decision.round_id == round.id).order_by(col(Decision.at))).all()
    return Journey(
        round, stages_of(session, round.id), tasks_of(session, round.id), {each.task_id: each for each in decisions}
    )


def current_round(session: Session, process: str, subject_id: UUID) -> Round | None:
    return session.exec(
        select(Round)
        .where(Round.process == process, Round.subject_id == subject_id)
        .order_by(col(Round.number).desc())
        .limit(1)
    ).first()


def approved_before(session: Session, round: Round, person_id: UUID) -> tuple[Round, Decision] | None:
    """The newest earlier round in which this person approved, with their decision then."""
    row = session.exec(
        select(Round, Decision)
        .join(Decision, col(Decision.round_id) == col(Round.id))
        .where(
            Round.process == round.process,
            Round.subject_id == round.subject_id,
            col(Round.number) < round.number,
            Decision.person_id == person_id,
            Decision.verdict == "approve",
        )
        .order_by(col(Round.number).desc())
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else None


def is_participant(session: Session, process: str, subject_id: UUID, person_id: UUID) -> bool:
    return session.get(Participant, (process, subject_id, person_id)) is not None


def current_routes(session: Session) -> Sequence[RouteVersion]:
    return session.exec(
        select(RouteVersion)
        .where(col(RouteVersion.current))
        .order_by(col(RouteVersion.document), col(RouteVersion.priority).desc())
    ).all()


def route_versions(session: Session, name: str) -> Sequence[RouteVersion]:
    return session.exec(
        select(RouteVersion).where(RouteVersion.name == name).order_by(col(RouteVersion.version).desc())
    ).all()


def running_rounds(session: Session, name: str) -> int:
    """Rounds under way on any version of a route: publishing touches none of them."""
    under_way = (RoundState.OPEN, RoundState.APPROVED)
    return session.exec(
        select(func.count()).select_from(Round).where(Round.route_name == name, col(Round.state).in_(under_way))
    ).one()


@dataclass(frozen=True)
class MailTrouble:
    to_name: str
    to_email: str
    kind: str
    failure: str
    attempts: int
    for_good: bool
    next_try: datetime | None


def mail_troubles(session: Session, process: str, subject_id: UUID) -> list[MailTrouble]:
    """Mails about this document that the server refused, or that could not be delivered so far."""
    rows = session.exec(
        select(OutgoingMail)
        .where(
            OutgoingMail.process == process,
            OutgoingMail.subject_id == subject_id,
            OutgoingMail.failure != "",
            col(OutgoingMail.state).in_((MailState.QUEUED, MailState.FAILED)),
        )
        .order_by(col(OutgoingMail.created_at))
    ).all()
    return [
        MailTrouble(
            to_name=mail.to_name,
            to_email=mail.to_email,
            kind=mail.kind,
            failure=mail.failure,
            attempts=mail.attempts,
            for_good=mail.state is MailState.FAILED,
            next_try=mail.not_before if mail.state is MailState.QUEUED else None,
        )
        for mail in rows
    ]
