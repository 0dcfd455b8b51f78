"""Substitutes: who acts for somebody while they are away, from when to when, up to which amount, for which kinds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.absences import as_absence, away_until, substitutions_of, today_of, worth_of
from workflows.approvals.letters import recipient
from workflows.approvals.links import refusal
from workflows.approvals.model import StageKind, Substitution, Task, TaskState
from workflows.approvals.notices import handing
from workflows.approvals.operations import tell_of_substitute
from workflows.approvals.panels import barred_from, seated_in
from workflows.approvals.rates import rates_of
from workflows.approvals.rules import Limit, why_closed
from workflows.approvals.seats import Place, colleague, hand, place_of
from workflows.approvals.standing_in import acting_for, why_not_stand_in
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.outbox import Letter, post
from workflows.parties.model import PROCESS as PERSON
from workflows.parties.model import Person
from workflows.parties.queries import organisation_of, people
from workflows.parties.rules import Actor, shown, who, why_not_keep

MOST_SEATED = 200
"""Tasks that change hands in one transaction; what is left over follows with the next look of the upkeep."""
MOST_KINDS = 20
_KIND = re.compile(r"[a-z][a-z0-9 -]{0,39}")


def name_substitute(
    session: Work,
    person_id: UUID,
    *,
    substitute: str,
    first_day: date,
    last_day: date,
    up_to: Limit | None = None,
    kinds: Collection[str] = (),
    by: Actor,
    now: datetime,
) -> Substitution:
    """Have a colleague act for somebody from the first day to the last one, both included; on open tasks, too.

    ``substitute``: their address. Days are those of the person's own time zone.

    Raises:
        NotFound: there is nobody such, or the actor is neither they nor their administrator.
        Refused: the days, the substitute or a kind will not do.
    """
    person = _whose(session, person_id, by)
    acting = colleague(session, substitute, person.organisation_id, field="substitute")
    if not acting.active:
        raise Refused("%(name)s has left, and cannot be asked.", field="substitute", name=acting.name)
    if why := why_not_stand_in(
        person.id, acting.id, first_day=first_day, last_day=last_day, today=today_of(person, now)
    ):
        raise refusal(why)
    made = Substitution(
        person_id=person.id,
        substitute_id=acting.id,
        first_day=first_day,
        last_day=last_day,
        up_to=up_to.amount if up_to else None,
        currency=up_to.currency if up_to else None,
        kinds=_kinds(kinds),
        made_by=by.id,
        made_at=now,
    )
    session.add(made)
    person.stood_in_until = max(last_day, person.stood_in_until or last_day)
    session.flush()
    record(
        session,
        "substitute_named",
        PERSON,
        person.id,
        now=now,
        **who(by),
        via=by.via,
        name=person.name,
        substitution=str(made.id),
        substitute=acting.name,
        first_day=first_day.isoformat(),
        last_day=last_day.isoformat(),
        up_to=str(made.up_to) if made.up_to is not None else None,
        currency=made.currency,
        kinds=made.kinds,
    )
    _tell_substitute(session, made, person, acting, by=by, now=now)
    seat_substitutes(session, person_id=person.id, now=now)
    return made


def _tell_substitute(
    session: Work, made: Substitution, person: Person, acting: Person, *, by: Actor, now: datetime
) -> None:
    """Whoever is to stand in hears of it, before anything is asked of them; not where they named themselves."""
    if by.id == acting.id:
        return
    organisation = organisation_of(session, person)
    reads = [person.locale, person.timezone]
    post(
        session,
        Letter(
            kind="substitute",
            to=recipient(acting),
            process=PERSON,
            subject_id=person.id,
            sender_name=organisation.name if organisation else "",
            reply_to=(person.name, person.email),
            payload={
                "organisation": organisation.name if organisation else "",
                "address": organisation.address if organisation else "",
                "sender_reads": reads,
                "by_name": by.name,
                "for_name": person.name,
                "starts_on": made.first_day.isoformat(),
                "ends_on": made.last_day.isoformat(),
                "amount": f"{made.up_to:f}" if made.up_to is not None else None,
                "currency": made.currency,
                "kinds": made.kinds,
                "page": "/" if acting.password_hash else None,
            },
        ),
        now=now,
    )


def end_substitution(session: Work, substitution_id: UUID, *, by: Actor, now: datetime) -> Substitution:
    """From now on nobody is asked by it any more; what the substitute was asked stays theirs. Twice is as once.

    Raises:
        NotFound: there is none such, or the actor is neither the person nor their administrator.
    """
    made = session.get(Substitution, substitution_id, with_for_update=True)
    if made is None:
        raise NotFound("There is no such substitution.")
    try:
        person = _whose(session, made.person_id, by)
    except NotFound:
        raise NotFound("There is no such substitution.") from None
    if made.ended_at is None:
        made.ended_at = now
        record(
            session,
            "substitution_ended",
            PERSON,
            person.id,
            now=now,
            **who(by),
            via=by.via,
            name=person.name,
            substitution=str(made.id),
        )
    return made


def _whose(session: Session, person_id: UUID, by: Actor) -> Person:
    person = session.get(Person, person_id)
    if person is None or (by.id != person.id and why_not_keep(by, person) is not None):
        raise NotFound("There is no such person.")
    return person


def _kinds(kinds: Iterable[str]) -> list[str]:
    found = sorted({each.strip().lower() for each in kinds} - {""})
    if wrong := next((each for each in found if not _KIND.fullmatch(each)), None):
        raise Refused(
            "“%(kind)s” is not a kind of document: a short word such as lease or nda.",
            field="kinds",
            kind=shown(wrong)[:40],
        )
    if len(found) > MOST_KINDS:
        raise Refused("At most %(most)s kinds can be named.", field="kinds", most=MOST_KINDS)
    return found


def standing_in_for(session: Session, substitute_id: UUID, *, on: date) -> list[tuple[Substitution, Person]]:
    """For whom somebody stands in on a day, or will later."""
    found = session.exec(
        select(Substitution, Person)
        .join(Person, col(Person.id) == col(Substitution.person_id))
        .where(
            Substitution.substitute_id == substitute_id,
            col(Substitution.ended_at).is_(None),
            col(Substitution.last_day) >= on,
        )
        .order_by(col(Substitution.first_day), col(Substitution.id))
    )
    return [(row[0], row[1]) for row in found]


def seat_substitutes(session: Work, *, now: datetime, person_id: UUID | None = None) -> int:
    """Give open tasks of people who are away today to their substitutes; how many changed hands. Safe to repeat.

    ``person_id``: of this person only. A task that came back to them stays theirs.
    """
    a_day = timedelta(days=1)  # zones differ; whose day it is, is looked at below
    away = select(Substitution.person_id).where(
        col(Substitution.ended_at).is_(None),
        col(Substitution.first_day) <= now.date() + a_day,
        col(Substitution.last_day) >= now.date() - a_day,
    )
    waiting = (
        select(Task.id, Task.round_id)
        .where(
            Task.state == TaskState.OPEN,
            Task.kind == StageKind.APPROVAL,
            col(Task.instead_of_id).is_(None),
            col(Task.review_of_id).is_(None),
            col(Task.person_id).in_(away),
        )
        .order_by(col(Task.round_id), col(Task.id))  # one order of locks for everybody
        .limit(MOST_SEATED)
    )
    if person_id is not None:
        waiting = waiting.where(Task.person_id == person_id)
    return sum(_seat(session, task_id, now=now) for task_id, _ in session.exec(waiting).all())


def _seat(session: Work, task_id: UUID, *, now: datetime) -> bool:
    at = place_of(session, task_id)
    task, round = at.task, at.round
    came_back = any(
        each.stage_id == task.stage_id and each.opening == task.opening and each.instead_of_id == task.person_id
        for each in at.tasks
    )
    if why_closed(round, task) or came_back:
        return False
    person = session.get_one(Person, task.person_id)
    today = today_of(person, now)
    named = substitutions_of(session, [person.id], on=today)
    found = _acting(session, at, named, on=today)
    if found is None:
        return False
    acting, until = found
    told = handing("substitute", for_name=person.name, away_until=until)
    made = hand(
        session,
        at,
        acting,
        because="handed_over",
        instead_of=(person.id, person.name),
        told=told,
        now=now,
    )
    tell_of_substitute(session, round, at.stage, made, until=until, now=now)
    return True


def _acting(session: Session, at: Place, named: list[Substitution], *, on: date) -> tuple[Person, date] | None:
    """Who acts for a task's person on a day, and until when; None where they act themselves."""
    substitutes = people(session, {each.substitute_id for each in named})
    gone = {each.id for each in substitutes.values() if not each.active}
    excluded = gone | seated_in(at.stage, at.tasks) | barred_from(session, at.round, at.stage, at.stages, at.tasks)
    amount, currency, kind = worth_of(at.round)
    chosen = acting_for(
        at.task.person_id,
        [as_absence(each) for each in named],
        on=on,
        kind=kind,
        amount=amount,
        currency=currency,
        rates=rates_of(at.round.rates) if at.round.rates else None,
        excluded=excluded,
    )
    if chosen is None:
        return None
    return substitutes[chosen], away_until(named, chosen, on=on)
