"""Who is away, and who was named to act for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from workflows.approvals.model import Round, Substitution
from workflows.approvals.rates import rates_of
from workflows.approvals.rules import Limit
from workflows.approvals.standing_in import Seat, seated
from workflows.approvals.standing_in import Substitution as Absence
from workflows.parties.model import Person
from workflows.parties.queries import people

_A_DAY = timedelta(days=1)  # zones differ by no more than that


def today_of(person: Person, now: datetime) -> date:
    return now.astimezone(ZoneInfo(person.timezone)).date()


def substitutions_of(session: Session, person_ids: Collection[UUID], *, on: date) -> list[Substitution]:
    """What holds for these people on a day, or will later; what was named first comes first."""
    return list(session.exec(_SUBSTITUTIONS, params={"people": list(person_ids), "day": on}))


_SUBSTITUTIONS = (
    select(Substitution)
    .where(
        col(Substitution.person_id).in_(bindparam("people", expanding=True)),
        col(Substitution.ended_at).is_(None),
        col(Substitution.last_day) >= bindparam("day"),
    )
    .order_by(col(Substitution.made_at), col(Substitution.id))
)  # made once, as it is part of most decisions


def as_absence(made: Substitution) -> Absence:
    """The same as the rules read it."""
    limit = Limit(made.up_to, made.currency) if made.currency else None
    return Absence(
        person=made.person_id,
        substitute=made.substitute_id,
        first_day=made.first_day,
        last_day=made.last_day,
        up_to=limit,
        kinds=frozenset(made.kinds),
    )


def worth_of(round: Round) -> tuple[Decimal | None, str | None, str]:
    """Amount, currency and kind of a round's document, as substitutions ask for them."""
    facts = round.facts
    about = facts.get(round.process)
    kind = about.get("kind") if isinstance(about, dict) else None
    amount = facts.get("amount")
    return Decimal(str(amount)) if amount not in (None, "") else None, facts.get("currency") or None, str(kind or "")


def away_until(named: Collection[Substitution], substitute: UUID, *, on: date) -> date:
    return max(each.last_day for each in named if each.substitute_id == substitute and each.first_day <= on)


def seats_of(
    session: Session, round: Round, panel: Sequence[Person], *, excluded: Collection[UUID], now: datetime
) -> tuple[tuple[Seat, ...], dict[UUID, Person], dict[UUID, date]]:
    """Who sits in the seats of a panel today; the substitutes by their ids; until when whoever is stood in for is away.

    ``excluded``: who may not act here.
    """
    day = now.date() - _A_DAY
    maybe = [person.id for person in panel if person.stood_in_until is not None and person.stood_in_until >= day]
    named = substitutions_of(session, maybe, on=day) if maybe else []
    if not named:
        return tuple(Seat(person.id) for person in panel), {}, {}
    substitutes = people(session, {each.substitute_id for each in named})
    today = {person.id: today_of(person, now) for person in panel}
    amount, currency, kind = worth_of(round)
    seats = seated(
        [person.id for person in panel],
        [as_absence(each) for each in named],
        today=today,
        kind=kind,
        amount=amount,
        currency=currency,
        rates=rates_of(round.rates) if round.rates else None,
        excluded={*excluded, *(each.id for each in substitutes.values() if not each.active)},
    )
    until = {
        seat.instead_of: away_until(
            [each for each in named if each.person_id == seat.instead_of], seat.person, on=today[seat.instead_of]
        )
        for seat in seats
        if seat.instead_of
    }
    return seats, substitutes, until
