"""What people may see of rounds and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from workflows.approvals.model import (
    Decision,
    Participant,
    Round,
    RoundState,
    RouteVersion,
    Stage,
    StageKind,
    Task,
    TaskState,
    Verdict,
)
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import standing_votes, why_not_send_back
from workflows.errors import NotFound, Refused
from workflows.outbox import MailState, OutgoingMail
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Asked:
    """A task with all that an inbox shows of it."""

    task: Task
    stage: Stage
    round: Round


def inbox(session: Session, actor: Actor, *, after: UUID | None = None, limit: int = 50) -> list[Asked]:
    """The actor's open tasks, what is due first on top, then the longest waiting; ``after``: the last one seen so far.

    Raises:
        Refused: ``after`` is no task of theirs.
    """
    due = func.coalesce(_DUE_AT, Task.asked_at)
    mine: Any = select(col(Task.id).label("id"), due.label("due")).where(
        Task.person_id == actor.id, Task.state == TaskState.OPEN
    )
    if after is not None:
        last = select(due).select_from(Task).where(Task.id == after, Task.person_id == actor.id)
        seen = session.exec(last).first()
        if seen is None:
            raise Refused("This cursor is not one of ours.", field="cursor")
        mine = mine.where(or_(due > seen, and_(due == seen, col(Task.id) > after)))
    first = mine.order_by(due, col(Task.id)).limit(limit).subquery()  # the wide rows of rounds only for those shown
    query = (
        select(Task, Stage, Round)
        .join(first, first.c.id == Task.id)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .order_by(first.c.due, col(Task.id))
    )
    return [Asked(*row) for row in session.exec(query)]


def asked_of(session: Session, task_ids: Sequence[UUID], person_id: UUID) -> dict[UUID, Asked]:
    """Those of the tasks that are this person's own, by their ids."""
    rows = session.exec(
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(col(Task.id).in_(task_ids), Task.person_id == person_id)
    )
    return {row[0].id: Asked(*row) for row in rows}


def count_due(session: Session, person_id: UUID, *, before: datetime) -> int:
    """The person's open tasks whose time is over before then."""
    return session.exec(
        select(func.count())
        .select_from(Task)
        .where(Task.person_id == person_id, Task.state == TaskState.OPEN, before > _DUE_AT)
    ).one()


_DUE_AT = select(col(Stage.due_at)).where(col(Stage.id) == col(Task.stage_id)).correlate(Task).scalar_subquery()
"""Of a task's stage: looked up task by task. Joined, PostgreSQL reads all stages there ever were for a full inbox."""


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
class Approval:
    name: str
    at: datetime


@dataclass(frozen=True)
class Journey:
    """A round with its stages, tasks and decisions (by task)."""

    round: Round
    stages: Sequence[Stage]
    tasks: Sequence[Task]
    decisions: dict[UUID, Decision]

    def tasks_in(self, stage: Stage) -> list[Task]:
        return [task for task in self.tasks if task.stage_id == stage.id]

    def counted_in(self, stage: Stage) -> list[str]:
        """Names of those who are not asked in the stage, since their approval of an earlier one counts there."""
        names = {str(task.person_id): task.name for task in self.tasks}
        return [names[each] for each in stage.counted if each in names]

    @property
    def approvals(self) -> list[Decision]:
        """Those that count: none from before a document was sent back to their stage or before it."""
        standing = [task for stage in self.stages for task in standing_votes(stage, self.tasks)]
        found = (self.decisions.get(task.id) for task in standing)
        return [each for each in found if each is not None and each.verdict is Verdict.APPROVE]

    @property
    def approved_by(self) -> list[Approval]:
        """Who approved this version, or an earlier one where that was left standing; each once, by their last."""
        given = [Approval(each.name, each.at) for each in self.approvals]
        given += [
            Approval(each["name"], datetime.fromisoformat(each["at"]))
            for stage in self.stages
            for each in (stage.kept["by"] if stage.kept else ())
        ]
        last = {each.name: each for each in sorted(given, key=lambda each: each.at)}
        return sorted(last.values(), key=lambda each: each.at)

    def ways_back(self, session: Session, stage: Stage) -> tuple[str, ...]:
        """Whereto an approver of the stage may send the document back: its sender, or stages before."""
        plan = branch_of(route_of(session, self.round.route_id), stage.name)
        if plan is None or stage.kind is not StageKind.APPROVAL:
            return ()
        return tuple(each for each in plan.send_back_to if why_not_send_back(plan, self.stages, each) is None)


def journey(session: Session, round: Round) -> Journey:
    return journeys(session, [round])[round.id]


def journeys(session: Session, rounds: Sequence[Round]) -> dict[UUID, Journey]:
    """By the rounds' ids; as many queries for a hundred rounds as for one."""
    ids = [round.id for round in rounds]
    stages: dict[UUID, list[Stage]] = {each: [] for each in ids}
    tasks: dict[UUID, list[Task]] = {each: [] for each in ids}
    decisions: dict[UUID, dict[UUID, Decision]] = {each: {} for each in ids}
    stages_in_order = select(Stage).where(col(Stage.round_id).in_(ids)).order_by(col(Stage.position), col(Stage.id))
    for stage in session.exec(stages_in_order):
        stages[stage.round_id].append(stage)
    tasks_in_order = select(Task).where(col(Task.round_id).in_(ids)).order_by(col(Task.ordinal), col(Task.id))
    for task in session.exec(tasks_in_order.execution_options(populate_existing=True)):
        tasks[task.round_id].append(task)
    for decision in session.exec(select(Decision).where(col(Decision.round_id).in_(ids)).order_by(col(Decision.at))):
        decisions[decision.round_id][decision.task_id] = decision
    return {round.id: Journey(round, stages[round.id], tasks[round.id], decisions[round.id]) for round in rounds}


def current_round(session: Session, process: str, subject_id: UUID) -> Round | None:
    return current_rounds(session, process, [subject_id]).get(subject_id)


def current_rounds(session: Session, process: str, subject_ids: Sequence[UUID]) -> dict[UUID, Round]:
    """The newest round of each document, by the documents' ids."""
    newest = (
        select(col(Round.subject_id).label("subject_id"), func.max(Round.number).label("number"))
        .where(Round.process == process, col(Round.subject_id).in_(subject_ids))
        .group_by(col(Round.subject_id))
        .subquery()
    )
    found = session.exec(
        select(Round)
        .join(newest, and_(newest.c.subject_id == Round.subject_id, newest.c.number == Round.number))
        .where(Round.process == process)
    )
    return {round.subject_id: round for round in found}


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


def asked_again(session: Session, rounds: Sequence[Round], person_id: UUID) -> set[UUID]:
    """Those of the rounds in which this person is asked about a document that they approved before it changed."""
    later = [round for round in rounds if round.number > 1]
    if not later:
        return set()
    approved = session.exec(
        select(Round.process, Round.subject_id, Round.number)
        .join(Decision, col(Decision.round_id) == col(Round.id))
        .where(
            col(Round.subject_id).in_({round.subject_id for round in later}),
            Decision.person_id == person_id,
            Decision.verdict == Verdict.APPROVE,
        )
    ).all()
    return {
        round.id
        for round in later
        for process, subject_id, number in approved
        if (process, subject_id) == (round.process, round.subject_id) and number < round.number
    }


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
