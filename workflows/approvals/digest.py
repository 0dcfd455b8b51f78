"""One mail a day with all that waits for somebody, for those who want it besides the mail that comes with each request.

At eight in the morning of their own zone, Monday to Friday; later that day where Signoff was not running then. Not on
public holidays of the country in whose zone they live.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.core import get_global
from sqlmodel import Session, col, select

from workflows.approvals.letters import recipient
from workflows.approvals.model import DailyDigest, Round, Stage, StageKind, Task, TaskState
from workflows.approvals.queries import count_open
from workflows.approvals.rules import due_of
from workflows.business_time import Calendar, knows_country, why_not_worked
from workflows.database import Work
from workflows.errors import NotFound
from workflows.outbox import Letter, post
from workflows.parties.model import PROCESS, Person
from workflows.parties.queries import organisation_of

AT = time(8)
SATURDAY = 5
MOST_LISTED = 50


def day_due(now: datetime, timezone: str, last_day: date | None, office: Calendar | None = None) -> date | None:
    """The day whose digest is to be given now; None where there is none. ``last_day``: the newest that is done.

    ``office``: whose holidays are kept by those who live by its clocks. By the clock on the wall, so that a changed
    clock neither doubles a day nor drops one.
    """
    there = now.astimezone(ZoneInfo(timezone))
    today = there.date()
    if today.weekday() >= SATURDAY or there.time() < AT or (last_day is not None and today <= last_day):
        return None
    calendar = _calendar_of(timezone, office)
    return None if calendar is not None and why_not_worked(today, calendar) else today


def _calendar_of(timezone: str, office: Calendar | None) -> Calendar | None:
    """The calendar that somebody lives by; None where no country is known for their zone."""
    if office is not None and timezone == office.timezone:
        return office
    country = get_global("zone_territories").get(timezone, "")
    return Calendar(country, timezone) if knows_country(country) else None


def choose_digest(session: Work, person_id: UUID, wanted: bool, *, now: datetime) -> None:
    """Whether somebody wants the digest; from the next morning on, as what waits now is before their eyes."""
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound("There is no such person.")
    chosen = session.get(DailyDigest, person_id)
    if wanted and chosen is None:
        session.add(DailyDigest(person_id=person_id, last_day=day_due(now, person.timezone, None)))
    if not wanted and chosen is not None:
        session.delete(chosen)


def wants_digest(session: Session, person_id: UUID) -> bool:
    return session.get(DailyDigest, person_id) is not None


def people_due(session: Session, *, now: datetime, office: Calendar | None = None) -> list[UUID]:
    """Those whose digest is to be given now: people with an account, since it leads to the inbox."""
    rows = session.exec(
        select(Person.id, Person.timezone, col(DailyDigest.last_day))
        .join(DailyDigest, col(DailyDigest.person_id) == col(Person.id))
        .where(col(Person.active), col(Person.password_hash).is_not(None))
    )
    return [person_id for person_id, timezone, last_day in rows if day_due(now, timezone, last_day, office)]


def give_digest(session: Work, person_id: UUID, *, now: datetime, office: Calendar | None = None) -> bool:
    """Mail somebody what waits for them, once a day; True where a mail was queued. Safe to repeat.

    With nothing waiting there is no mail that day: whatever comes later brings a mail of its own.
    """
    chosen = session.exec(select(DailyDigest).where(DailyDigest.person_id == person_id).with_for_update()).first()
    person = session.get_one(Person, person_id)
    day = day_due(now, person.timezone, chosen.last_day, office) if chosen is not None else None
    if chosen is None or day is None:
        return False
    chosen.last_day = day
    waiting = count_open(session, person_id)
    if waiting == 0:
        return False
    organisation = organisation_of(session, person)
    name = organisation.name if organisation else ""
    post(
        session,
        Letter(
            kind="digest",
            to=recipient(person),
            process=PROCESS,
            subject_id=person.id,
            sender_name=name,
            payload={
                "organisation": name,
                "address": organisation.address if organisation else "",
                "waiting": waiting,
                "tasks": _longest_waiting(session, person_id),
                "page": "/",
            },
        ),
        now=now,
    )
    return True


def _longest_waiting(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Task.person_id == person_id, Task.state == TaskState.OPEN)
        .order_by(col(Task.asked_at), col(Task.id))
        .limit(MOST_LISTED)
    )
    return [
        {
            "title": round.card.get("title", ""),
            "number": round.card.get("number", round.card["label"]),
            "sender_name": round.card["sender"]["name"],
            "signature": task.kind is StageKind.SIGNATURE,
            "asked_at": (task.asked_at or round.opened_at).isoformat(),
            "due_at": due_at.isoformat() if (due_at := due_of(stage, task)[0]) else None,
        }
        for task, stage, round in rows
    ]
