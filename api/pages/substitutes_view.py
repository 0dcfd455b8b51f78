"""Who stands in for somebody, as a page shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlmodel import Session

from api.pages.fields import CURRENCIES, offered_colleagues
from documents.rendering import Reader
from workflows.approvals.absences import substitutions_of, today_of
from workflows.approvals.model import Substitution
from workflows.approvals.substitutes import standing_in_for
from workflows.parties.model import Person
from workflows.parties.queries import people
from workflows.parties.rules import Actor
from workflows.words import INVOICE_KINDS, KINDS, kind_name


@dataclass(frozen=True)
class Row:
    """``name``: the substitute's; where the reader stands in themselves, whose they are."""

    made: Substitution
    name: str
    kinds: str
    now: bool


@dataclass(frozen=True)
class Absences:
    """``base``: the address that the form goes to; below it each is ended."""

    base: str
    rows: tuple[Row, ...]
    standing_in: tuple[Row, ...]
    kinds: tuple[tuple[str, str], ...]
    colleagues: tuple[Person, ...]
    today: date
    typed: Mapping[str, str] = field(default_factory=lambda: defaultdict(str))
    chosen: tuple[str, ...] = ()
    currencies: tuple[str, ...] = CURRENCIES


def absences_of(
    session: Session,
    person: Person,
    actor: Actor,
    reader: Reader,
    *,
    base: str,
    typed: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
) -> Absences:
    today = today_of(person, datetime.now(UTC))
    named = substitutions_of(session, [person.id], on=today)
    substitutes = people(session, {each.substitute_id for each in named})
    return Absences(
        base=base,
        rows=tuple(_row(each, substitutes[each.substitute_id].name, reader, today) for each in named),
        standing_in=tuple(
            _row(made, away.name, reader, today) for made, away in standing_in_for(session, person.id, on=today)
        ),
        kinds=tuple((name, kind_name(name, reader)) for name in (*KINDS, *INVOICE_KINDS)),
        colleagues=offered_colleagues(session, actor, but=person),
        today=today,
        typed=defaultdict(str, typed or {}),
        chosen=tuple(chosen),
    )


def _row(made: Substitution, name: str, reader: Reader, today: date) -> Row:
    kinds = ", ".join(kind_name(each, reader) for each in made.kinds)
    return Row(made, name, kinds, made.first_day <= today <= made.last_day)
