"""The time of a stage: when it is due, when somebody has to look at it next, and whether it has run out.

The time of people without an account begins when the mail that asks them has left: before, they cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.deadlines import Asked, StageTimes, has_expired, next_look, why_expired
from workflows.approvals.model import Round, Stage, StageState, Task, TaskState
from workflows.approvals.plan import StagePlan
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import Why, due_of
from workflows.approvals.wanted import ASKING
from workflows.business_time import Calendar, due_after
from workflows.outbox import MailState, OutgoingMail
from workflows.parties.model import Person


def start_clock(stage: Stage, plan: StagePlan, calendar: Calendar, *, now: datetime) -> None:
    """The stage's people are asked now, for the first time or anew."""
    stage.due_at = stage.first_due_at = stage.escalated_at = stage.expired_at = stage.due = None
    if plan.due is not None:
        due = due_after(now, plan.due, calendar)
        stage.due_at, stage.due = due.at, due.as_data()
    stage.look_at = next_look(plan, StageTimes(now, stage.due_at), [Asked(stage.id, now)], now=now, calendar=calendar)


def count_from(session: Session, round: Round, stage: Stage, task: Task, *, at: datetime) -> None:
    """Have a task's time run from this instant on, where that makes it due later. Its stage goes on until the last of
    its people has had their time; for the others theirs stays as it was."""
    route = route_of(session, round.route_id)
    plan = branch_of(route, stage.name)
    if plan is None or plan.due is None:
        return
    due = due_after(at, plan.due, route.calendar)
    if not _is_later(due.at, stage, task):
        return
    session.exec(select(Round.id).where(Round.id == round.id).with_for_update()).one()
    tasks = session.exec(select(Task).where(Task.stage_id == stage.id).execution_options(populate_existing=True)).all()
    session.refresh(stage)
    if stage.state is not StageState.OPEN or not _is_later(due.at, stage, task):
        return
    task.due_at, task.due = due.at, due.as_data()
    if stage.due_at is not None and due.at >= stage.due_at:
        for each in open_in(stage, tasks):
            each.due_at, each.due = due_of(stage, each)
        stage.due_at, stage.due = due.at, due.as_data()
        task.due_at = task.due = None
    look_again(session, stage, plan, tasks, route.calendar, now=at)


def _is_later(due_at: datetime, stage: Stage, task: Task) -> bool:
    before, _ = due_of(stage, task)
    return before is not None and due_at > before


def look_again(
    session: Session, stage: Stage, plan: StagePlan, tasks: Sequence[Task], calendar: Calendar, *, now: datetime
) -> None:
    """Say when somebody has to look at the stage next. ``tasks``: those of its round."""
    if stage.state is not StageState.OPEN or (stage.expired_at is not None and has_expired(plan, stage.due_at, at=now)):
        stage.look_at = None
        return
    times, asked = clock(session, stage, tasks)
    stage.look_at = next_look(plan, times, asked, now=now, calendar=calendar)


def clock(session: Session, stage: Stage, tasks: Sequence[Task]) -> tuple[StageTimes, list[Asked]]:
    """Since when a stage's time runs, what was done about it so far, and who is asked."""
    opened_at = stage.opened_at
    assert opened_at is not None, "only stages that were opened have a time"
    left = _mails_left(session, stage)
    asked = []
    for task in open_in(stage, tasks):
        at = task.asked_at or opened_at
        asked.append(Asked(task.id, max(at, left.get(task.id, at)), task.settled_until, task.reminded_at, task.due_at))
    first = [left[task.id] for task in tasks if task.id in left and task.asked_at == opened_at]
    return StageTimes(max([opened_at, *first]), stage.due_at, stage.escalated_at, stage.expired_at), asked


def open_in(stage: Stage, tasks: Sequence[Task]) -> list[Task]:
    """The tasks of a stage that wait for a decision or a signature: no opinions."""
    return [
        each
        for each in tasks
        if each.stage_id == stage.id and each.state is TaskState.OPEN and each.review_of_id is None
    ]


def _mails_left(session: Session, stage: Stage) -> dict[UUID, datetime]:
    """When the first mail left that asked somebody without an account, by their task."""
    found = session.exec(
        select(Task.id, OutgoingMail.sent_at)
        .join(OutgoingMail, col(OutgoingMail.task_id) == col(Task.id))
        .join(Person, col(Person.id) == col(Task.person_id))
        .where(
            Task.stage_id == stage.id,
            col(Person.password_hash).is_(None),
            col(OutgoingMail.kind).in_(ASKING),
            col(OutgoingMail.sent_at).is_not(None),
        )
        .order_by(col(OutgoingMail.sent_at).desc())
    )
    return {task_id: sent_at for task_id, sent_at in found if sent_at is not None}


def waits_for_mail(session: Session, stage: Stage) -> bool:
    """Whether somebody without an account has no working link yet, since no mail with one has left: until then no time
    runs out."""
    mails = session.exec(
        select(Task.id, OutgoingMail.state)
        .join(Task, col(Task.id) == col(OutgoingMail.task_id))
        .join(Person, col(Person.id) == col(Task.person_id))
        .where(
            Task.stage_id == stage.id,
            Task.state == TaskState.OPEN,
            col(Person.password_hash).is_(None),
            col(OutgoingMail.kind).in_(ASKING),
        )
    ).all()
    reached = {task_id for task_id, state in mails if state is MailState.SENT}
    return any(
        state is MailState.QUEUED or (state is MailState.FAILED and task_id not in reached) for task_id, state in mails
    )


def why_ran_out(session: Session, round: Round, stage: Stage, task: Task, *, at: datetime) -> Why | None:
    """Why a decision that comes in at this instant does not count any more; None where it does."""
    due_at, _ = due_of(stage, task)
    if due_at is None or at < due_at:
        return None
    plan = branch_of(route_of(session, round.route_id), stage.name)
    why = why_expired(plan, due_at, at=at) if plan is not None else None
    return why if why is None or not waits_for_mail(session, stage) else None
