"""Who sits where in a stage, who may, and how a seat goes from one person to another.

Whoever acts for somebody sits in their seat: it has one vote, and the record says for whom they decided. Separation of
duties holds for them as it does for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from workflows.approvals.links import ask, refusal
from workflows.approvals.model import Round, Stage, Task, TaskState
from workflows.approvals.operations import invite, lock_journey, may_know, void
from workflows.approvals.panels import barred_from, seated_in
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import LONGEST_COMMENT, why_not_own
from workflows.approvals.standing_in import Candidate
from workflows.approvals.timing import look_again
from workflows.database import Work, insert_rows
from workflows.errors import Forbidden, NotFound, Refused
from workflows.parties.model import Person
from workflows.parties.queries import by_email
from workflows.parties.rules import Actor, normalised_email, who


@dataclass(frozen=True)
class Place:
    """A task in its round, which is locked. ``tasks``, ``stages``: all of the round."""

    round: Round
    stage: Stage
    task: Task
    tasks: list[Task]
    stages: list[Stage]

    @property
    def reviews(self) -> list[Task]:
        """Who is asked for an opinion about the task."""
        return [each for each in self.tasks if each.review_of_id == self.task.id and each.state is TaskState.OPEN]


def place_of(session: Work, task_id: UUID) -> Place:
    """Where a task stands, once the round's lock is held.

    Raises:
        NotFound: there is no such task.
    """
    round, stages, tasks = lock_journey(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    return Place(round, next(each for each in stages if each.id == task.stage_id), task, tasks, stages)


def insist_own(session: Session, at: Place, by: Actor) -> None:
    if why := why_not_own(by, at.task):
        insist_known(session, at, by)
        raise refusal(why)


def insist_known(session: Session, at: Place, by: Actor) -> None:
    if not may_know(session, at.round, at.tasks, by):
        raise NotFound("There is no such task.")


def administers(session: Session, at: Place, by: Actor) -> bool:
    return by.administers and by.organisation_id == session.get_one(Person, at.round.submitter_id).organisation_id


def colleague(session: Session, address: str, organisation_id: UUID | None, *, field: str) -> Person:
    """Somebody of this organisation.

    Raises:
        Forbidden: there is none.
        Refused: at ``field``: nobody there has that address.
    """
    if organisation_id is None:
        raise Forbidden("Only people of an organisation may turn to their colleagues here.")
    address = normalised_email(address, field=field)
    found = by_email(session, address)
    if found is None or found.organisation_id != organisation_id:
        raise Refused("Nobody of your organisation has the address %(email)s.", field=field, email=address)
    return found


def checked_words(comment: str) -> str:
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise Refused("The comment is longer than %(most)s letters.", field="comment", most=LONGEST_COMMENT)
    return comment


def candidate(session: Session, at: Place, person: Person, *, leaving: bool = False) -> Candidate:
    """Somebody as a seat in this stage could go to them. ``leaving``: the task itself is given up for it."""
    others = [each for each in at.tasks if not (leaving and each is at.task)]
    return Candidate(
        id=person.id,
        name=person.name,
        active=person.active,
        asked=person.id in seated_in(at.stage, others),
        excluded=person.id in barred_from(session, at.round, at.stage, at.stages, others),
    )


def pass_veto(at: Place, to: Person) -> dict[str, Any]:
    """A seat becomes somebody else's for good, with the veto that it may have; how an entry of the history says so."""
    seat = str(at.task.instead_of_id or at.task.person_id)
    if seat in at.stage.veto:
        at.stage.veto = [str(to.id) if each == seat else each for each in at.stage.veto]
    return {"seat": seat, "to_seat": str(to.id)}


def hand(
    session: Work,
    at: Place,
    to: Person,
    *,
    because: str,
    now: datetime,
    told: dict[str, Any],
    words: str = "",
    instead_of: tuple[UUID, str] | None = None,
    handed_from: tuple[UUID, str] | None = None,
) -> Task:
    """Close a task and ask somebody else in its place. Who was asked for an opinion about it tells them from now on."""
    task, reviews = at.task, at.reviews
    made = another_task(
        session,
        at,
        to,
        review_of_id=task.review_of_id,
        instead_of=instead_of,
        handed_from=handed_from,
        words=words,
        in_its_time=True,
        now=now,
    )
    void(session, [task], because, now=now)
    task.handed_to_name = to.name
    for review in reviews:
        review.review_of_id, review.handed_from_id, review.handed_from_name = made.id, made.person_id, made.name
    invite(session, at.round.process, at.round.subject_id, [to.id])
    ask(session, at.round, at.stage, made, to, now=now, handing=told)
    return made


def about(at: Place, task: Task, by: Actor) -> dict[str, Any]:
    """What every entry of a history about a task that changed hands says."""
    return {**who(by), "via": by.via, "stage": at.stage.name, "task": str(task.id)}


def another_task(
    session: Work,
    at: Place,
    person: Person,
    *,
    review_of_id: UUID | None = None,
    instead_of: tuple[UUID, str] | None = None,
    handed_from: tuple[UUID, str] | None = None,
    words: str,
    in_its_time: bool = False,
    now: datetime,
) -> Task:
    """A task of somebody else beside the one that is there, in the same opening of its stage. Nobody is told yet.

    ``in_its_time``: it is due when that one is, where that has a due time of its own.
    """
    task = at.task
    made = Task(
        round_id=task.round_id,
        stage_id=task.stage_id,
        person_id=person.id,
        name=person.name,
        email=person.email,
        kind=task.kind,
        ordinal=task.ordinal,
        opening=task.opening,
        asked_at=now,
        words=words,
        review_of_id=review_of_id,
    )
    if instead_of:
        made.instead_of_id, made.instead_of_name = instead_of
    if in_its_time:
        made.due_at, made.due = task.due_at, task.due
    if handed_from:
        made.handed_from_id, made.handed_from_name = handed_from
    insert_rows(session, [made])
    at.tasks.append(made)
    route = route_of(session, at.round.route_id)
    if plan := branch_of(route, at.stage.name):
        look_again(session, at.stage, plan, at.tasks, route.calendar, now=now)
    return made
