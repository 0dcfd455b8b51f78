"""People leave: what they are asked goes to others, and what they decided stays as it was."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.approvers import resolve
from workflows.approvals.links import kill_links, tell_administrators
from workflows.approvals.model import StageKind, Task, TaskState
from workflows.approvals.notices import handing, tell_sender
from workflows.approvals.operations import void
from workflows.approvals.panels import approvers_before, asking_of
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import why_closed
from workflows.approvals.seats import Place, candidate, hand, pass_veto, place_of
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Refused
from workflows.parties import personnel
from workflows.parties.model import Person
from workflows.parties.rules import Actor

MOST_HANDED_ON = 200
"""Tasks that change hands in one transaction; what is left over follows with the next look of the upkeep."""


def see_off(session: Work, person_id: UUID, *, by: Actor, now: datetime) -> Person:
    """Somebody has left: nobody asks them any more, and what they are asked goes to others. Twice is as once.

    Raises:
        NotFound, Refused: as ``personnel.sign_off``.
    """
    person = personnel.sign_off(session, person_id, by=by, now=now)
    session.flush()
    hand_on_tasks(session, person_id=person.id, now=now)
    return person


def hand_on_tasks(session: Work, *, now: datetime, person_id: UUID | None = None) -> int:
    """Give what people who have left are asked to others; how many tasks changed hands. Safe to repeat.

    A seat goes back to whose it is, where they acted for somebody, else to the stage's fallback, with its veto. Where
    nobody can be asked the task stays open, for an administrator to give to somebody; they are told of it once.
    """
    waiting = (
        select(Task.id, Task.round_id)
        .where(
            col(Task.state).in_((TaskState.OPEN, TaskState.WAITING)),
            col(Task.person_id).in_(select(Person.id).where(col(Person.active).is_(False))),
        )
        .order_by(col(Task.left_alone_at).is_not(None), col(Task.round_id), col(Task.id))
        .limit(MOST_HANDED_ON)
    )
    if person_id is not None:
        waiting = waiting.where(Task.person_id == person_id)
    found = session.exec(waiting).all()
    in_order = sorted(found, key=lambda each: (each[1], each[0]))  # one order of locks for everybody
    return sum(_hand_on(session, task_id, now=now) for task_id, _ in in_order)


def _hand_on(session: Work, task_id: UUID, *, now: datetime) -> bool:
    at = place_of(session, task_id)
    task, round = at.task, at.round
    signs = task.kind is StageKind.SIGNATURE
    if why_closed(round, task) and not (signs and task.state is TaskState.WAITING):
        return False
    kill_links(session, [task.id], now=now)
    if task.review_of_id is not None:
        void(session, [task], "left", now=now)
        asked_by = next(each for each in at.tasks if each.id == task.review_of_id)
        asked_by.handed_to_name = ""
        record(session, "review_ended", round.process, round.subject_id, now=now, of=task.name, stage=at.stage.name)
        return True
    heir = None if signs else _heir(session, at)
    entry: dict[str, Any] = {"now": now, "stage": at.stage.name, "task": str(task.id), "of": task.name}
    if heir is None:
        if task.left_alone_at is None:
            task.left_alone_at = now
            record(session, "left_alone", round.process, round.subject_id, **entry)
            tell_administrators(session, round, at.stage, left_by=task.name, now=now)
        return False
    owner_id = task.instead_of_id
    seat = (owner_id, task.instead_of_name) if owner_id is not None and owner_id != heir.id else None
    made = hand(
        session,
        at,
        heir,
        because="left",
        instead_of=seat,
        told=handing("left", for_name=task.name),
        now=now,
    )
    if task.instead_of_id is None:
        entry |= pass_veto(at, heir)
    record(session, "left_to", round.process, round.subject_id, **entry, to=made.name)
    tell_sender(session, round, at.stage, made, "left", of_name=task.name, by=None, now=now)
    return True


def _heir(session: Session, at: Place) -> Person | None:
    owner = session.get(Person, at.task.instead_of_id) if at.task.instead_of_id else None
    for each in [*([owner] if owner else []), *_fallback(session, at)]:
        seat = candidate(session, at, each, leaving=True)
        if seat.active and not seat.asked and not seat.excluded:
            return each
    return None


def _fallback(session: Session, at: Place) -> list[Person]:
    route = route_of(session, at.round.route_id)
    plan = branch_of(route, at.stage.name)
    if plan is None or plan.fallback is None:
        return []
    try:
        asking = asking_of(at.round, route, approved=approvers_before(at.stage, at.stages, at.tasks))
        return resolve(session, plan.fallback, asking)
    except Refused:  # it takes a rate that was not kept: for administrators to see to
        return []
