"""What time does to documents that wait: people are reminded, others are asked, stages run out.

Everything that has come due about a stage is done in one transaction, under its round's lock, together with the time of
the next look. So each happens once, however often and however late somebody looks.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.approvers import resolve
from workflows.approvals.deadlines import Escalate, Escalated, Expire, escalated, escalations_due, reminders_due
from workflows.approvals.letters import letter, page_of, sender_of
from workflows.approvals.links import act_link, administrators_of, ask
from workflows.approvals.model import Round, RoundState, Stage, StageKind, StageState, Task, TaskState
from workflows.approvals.notices import handing
from workflows.approvals.operations import advance, end_round, invite, stages_of, tasks_of, void
from workflows.approvals.panels import approvers_before, asking_of, barred_from, seated_in
from workflows.approvals.plan import Escalation, Route, StagePlan
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import due_of, standing_votes, votes_in
from workflows.approvals.seats import Place, another_task
from workflows.approvals.timing import clock, look_again, open_in, waits_for_mail
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Refused
from workflows.outbox import post, wake
from workflows.parties.model import Person
from workflows.parties.queries import people

log = logging.getLogger(__name__)

MAIL_WAITS = timedelta(minutes=5)
"""When to look again where the mail that asks somebody has not left yet."""


def stages_due(session: Session, *, now: datetime) -> Sequence[UUID]:
    """Stages about which something has come due, what is due longest first. Those that wait cost nothing."""
    return session.exec(select(Stage.id).where(col(Stage.look_at) <= now).order_by(col(Stage.look_at))).all()


def chase(session: Work, stage_id: UUID, *, now: datetime) -> bool:
    """Do all that has come due about a stage; whether something was done. Safe to repeat.

    A round that somebody else has locked is left to the next look.
    """
    round = session.exec(
        select(Round)
        .join(Stage, col(Stage.round_id) == col(Round.id))
        .where(Stage.id == stage_id)
        .with_for_update(skip_locked=True, of=Round)
    ).first()
    stage = session.get(Stage, stage_id, populate_existing=True) if round is not None else None
    if round is None or stage is None or stage.look_at is None or stage.look_at > now:
        return False
    route = route_of(session, round.route_id)
    plan = branch_of(route, stage.name)
    going = RoundState.OPEN if stage.kind is StageKind.APPROVAL else RoundState.APPROVED
    if plan is None or stage.state is not StageState.OPEN or round.state is not going:
        stage.look_at = None
        return False
    if waits_for_mail(session, stage):
        stage.look_at = now + MAIL_WAITS
        return False
    done = _Chase(session, round, stage, route, plan, now).all_that_is_due()
    look_again(session, stage, plan, tasks_of(session, round.id), route.calendar, now=now)
    return done


class _Chase:
    """One stage at one instant."""

    def __init__(self, session: Work, round: Round, stage: Stage, route: Route, plan: StagePlan, now: datetime) -> None:
        self.session, self.round, self.stage, self.now = session, round, stage, now
        self.route, self.plan = route, plan
        self.stages, self.tasks = stages_of(session, round.id), tasks_of(session, round.id)

    def all_that_is_due(self) -> bool:
        times, _ = clock(self.session, self.stage, self.tasks)
        due = escalations_due(self.plan, times, now=self.now, calendar=self.route.calendar)
        for each in due:
            match each:
                case Escalate(escalation):
                    self.escalate(escalation)
                case Expire(how="reject"):
                    self.reject()
                case Expire():
                    self.run_out()
        reminded = self.remind() if self.stage.state is StageState.OPEN and self.stage.expired_at is None else 0
        return bool(due) or reminded > 0

    def remind(self) -> int:
        _, asked = clock(self.session, self.stage, self.tasks)
        due = reminders_due(self.plan, asked, due_at=self.stage.due_at, now=self.now, calendar=self.route.calendar)
        by_id = {task.id: task for task in self.tasks}
        for each in due:
            by_id[each.task].settled_until = each.settled_until
            self.remind_of(by_id[each.task])
        return len(due)

    def remind_of(self, task: Task, *, asked_as_well: Sequence[str] = ()) -> None:
        """``asked_as_well``: who is asked in addition since nobody decided in time."""
        task.reminded_at = self.now
        person = self.session.get_one(Person, task.person_id)
        if not person.active:
            return
        link, until = act_link(self.session, self.round, task, now=self.now)
        due_at, due = due_of(self.stage, task)
        self.post(
            "reminder",
            person,
            signature=task.kind is StageKind.SIGNATURE,
            overdue=due_at is not None and due_at <= self.now,
            due_at=due_at.isoformat() if due_at else None,
            due=due,
            asked_at=(task.asked_at or self.now).isoformat(),
            for_name=task.instead_of_name,
            people=", ".join(asked_as_well),
            link_until=until.isoformat(),
            link=link,
            task_id=task.id,
        )
        record(self.session, "reminded", *self.subject, **self.here, to=task.name, task=str(task.id))

    def escalate(self, escalation: Escalation) -> None:
        self.stage.escalated_at = self.now
        undecided = open_in(self.stage, self.tasks)
        meant = self.meant_by(escalation, undecided) if undecided else []
        change = self.changed_by(escalation, [person.id for person in meant])
        of = ", ".join(task.name for task in undecided)
        if change is None:
            record(self.session, "nobody_to_escalate_to", *self.subject, **self.here, of=of)
            self.tell_administrators("ran_out", how="nobody", of_name=of)
            return
        to = [person for person in meant if person.id in change.ask]
        released = [task for task in undecided if _seat(task) in change.release]
        self.stage.approve, self.stage.reject = change.approve, change.reject
        for person in to:
            self.ask(person, undecided[0], of)
        self.release(released)
        names = [person.name for person in to]
        record(
            self.session,
            "escalated",
            *self.subject,
            **self.here,
            people=names,
            of=of,
            mode="replace" if released else "add",
            approve=change.approve,
            reject=change.reject,
        )
        self.tell_of_escalation(names, of, undecided, released)
        wake(self.session, self.round.process, self.round.subject_id, label=self.round.card["label"], now=self.now)

    def meant_by(self, escalation: Escalation, undecided: Sequence[Task]) -> list[Person]:
        try:
            asking = asking_of(self.round, self.route, approved=approvers_before(self.stage, self.stages, self.tasks))
            return resolve(self.session, escalation.to, replace(asking, undecided=[_seat(task) for task in undecided]))
        except Refused:  # a limit of authority in a currency without a rate: for administrators to see to
            return []

    def changed_by(self, escalation: Escalation, to: Sequence[UUID]) -> Escalated | None:
        mine = [
            task for task in standing_votes(self.stage, self.tasks) if task.state in (TaskState.OPEN, TaskState.DECIDED)
        ]
        counted = [UUID(each) for each in self.stage.counted]
        return escalated(
            escalation,
            to,
            seats=[*counted, *map(_seat, mine)],
            decided=[*counted, *(_seat(task) for task in mine if task.state is TaskState.DECIDED)],
            votes=votes_in(self.stage, self.tasks),
            excluded=barred_from(self.session, self.round, self.stage, self.stages, self.tasks)
            | seated_in(self.stage, self.tasks),
            quorum=self.plan.quorum,
            approve=self.stage.approve,
        )

    def release(self, tasks: Sequence[Task]) -> None:
        ids = {task.id for task in tasks}
        opinions = [each for each in self.tasks if each.review_of_id in ids and each.state is TaskState.OPEN]
        void(self.session, opinions, "settled", now=self.now)
        void(self.session, tasks, "escalated", now=self.now)

    def ask(self, person: Person, beside: Task, of: str) -> None:
        at = Place(self.round, self.stage, beside, self.tasks, list(self.stages))
        made = another_task(self.session, at, person, words="", now=self.now)
        invite(self.session, *self.subject, [person.id])
        told = handing("escalated", for_name=of)
        ask(self.session, self.round, self.stage, made, person, now=self.now, handing=told)

    def tell_of_escalation(
        self, names: Sequence[str], of: str, undecided: Sequence[Task], released: Sequence[Task]
    ) -> None:
        """Those who have not decided, and whoever sent the document."""
        asked = people(self.session, {task.person_id for task in undecided} | {self.round.submitter_id})
        for task in undecided:
            if task in released:
                self.post("escalated", asked[task.person_id], people=", ".join(names), of_name=of, yours=True)
            else:
                task.settled_until = self.now  # this is their reminder, whatever else has come due
                self.remind_of(task, asked_as_well=names)
        if self.round.submitter_id not in {task.person_id for task in undecided}:
            self.post(
                "escalated",
                asked[self.round.submitter_id],
                people=", ".join(names),
                of_name=of,
                yours=False,
                instead=bool(released),
            )

    def run_out(self) -> None:
        """Nobody decides any more until the due time is put off: administrators, and the sender, see to it."""
        self.stage.expired_at = self.now
        record(self.session, "ran_out", *self.subject, **self.here, due_at=self.due())
        self.tell_administrators("ran_out", how="incident")
        sender = self.session.get_one(Person, self.round.submitter_id)
        if sender.id not in {each.id for each in administrators_of(self.session, self.round)}:
            self.post("ran_out", sender, how="sender")

    def reject(self) -> None:
        """The stage is rejected, by nobody, and the round ends with it."""
        self.stage.expired_at = self.stage.closed_at = self.now
        self.stage.state = StageState.REJECTED
        mine = [task for task in self.tasks if task.stage_id == self.stage.id]
        void(
            self.session,
            [task for task in mine if task.state in (TaskState.OPEN, TaskState.WAITING)],
            "expired",
            now=self.now,
        )
        record(self.session, "rejected_by_time", *self.subject, **self.here, due_at=self.due())
        self.session.flush()
        if self.stage.kind is StageKind.SIGNATURE:
            end_round(self.session, self.round, RoundState.DECLINED, now=self.now)
        else:
            advance(self.session, self.round, now=self.now)
        wake(self.session, self.round.process, self.round.subject_id, label=self.round.card["label"], now=self.now)

    def due(self) -> str | None:
        return self.stage.due_at.isoformat() if self.stage.due_at else None

    def tell_administrators(self, kind: str, **values: Any) -> None:
        for administrator in administrators_of(self.session, self.round):
            self.post(kind, administrator, **values)

    def post(
        self, kind: str, person: Person, *, link: str | None = None, task_id: UUID | None = None, **values: Any
    ) -> None:
        sender = sender_of(self.round)
        values = {
            "stage": self.stage.name,
            "due_at": self.due(),
            "due": self.stage.due,
            "page": page_of(self.round, person),
            **values,
        }
        reply_to = sender if sender[1] != person.email else ("", "")
        post(
            self.session,
            letter(self.round, kind, person, values, reply_to=reply_to, link=link, task_id=task_id),
            now=self.now,
        )

    @property
    def subject(self) -> tuple[str, UUID]:
        return self.round.process, self.round.subject_id

    @property
    def here(self) -> dict[str, Any]:
        """What every entry of the history says."""
        return {"now": self.now, "stage": self.stage.name}


def _seat(task: Task) -> UUID:
    return task.instead_of_id or task.person_id
