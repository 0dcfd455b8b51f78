"""Exchange rates that administrators keep, day by day. A round keeps those it was compared by."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies
from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from workflows.approvals.model import ExchangeRate
from workflows.approvals.plan import Route
from workflows.approvals.rates import Rates
from workflows.audit.operations import record
from workflows.database import Work, insert_rows
from workflows.errors import Forbidden, Refused
from workflows.parties.model import Person
from workflows.parties.rules import Actor, shown, who, why_not_administer

PROCESS = "rates"
"""Under this name what administrators keep stands in the history, all of it in one chain."""
HISTORY = UUID(int=0)
MOST_CURRENCIES = 300
MOST_DIGITS = 15
LONGEST_FILE = 100_000  # rows


@dataclass(frozen=True)
class DayRates:
    """``units``: how many units of each currency one unit of ``base`` was worth on ``day``."""

    day: date
    base: str
    units: Mapping[str, Decimal]


def keep_rates(
    session: Work, day: date, base: str, units: Mapping[str, Decimal | str], *, by: Actor, now: datetime
) -> None:
    """Put these in the place of what was kept for that day and base; with no units nothing is kept for it.

    ``units``: by currency, as people write them.

    Rounds under way keep what they were compared by.

    Raises:
        Forbidden: to all but administrators.
        Refused: a day that is to come, something that is no currency, or a rate that is no positive number.
    """
    if sentence := why_not_administer(by):
        raise Forbidden(sentence)
    if day > now.date() + timedelta(days=1):  # somewhere it is tomorrow already
        raise Refused("This day is still to come.", field="day")
    base = checked_currency(base, field="base")
    checked = {checked_currency(each, field="units"): checked_units(rate) for each, rate in units.items()}
    if base in checked:
        raise Refused("%(currency)s is what the rates are for: leave it out.", field="units", currency=base)
    if len(checked) > MOST_CURRENCIES:
        raise Refused("At most %(most)s currencies can be kept for a day.", field="units", most=MOST_CURRENCIES)
    session.exec(delete(ExchangeRate).where(col(ExchangeRate.base) == base, col(ExchangeRate.day) == day))
    insert_rows(
        session,
        [ExchangeRate(base=base, day=day, currency=currency, units=rate) for currency, rate in sorted(checked.items())],
    )
    record(
        session,
        "rates_kept",
        PROCESS,
        HISTORY,
        now=now,
        **who(by),
        via=by.via,
        day=day.isoformat(),
        base=base,
        units={currency: f"{rate:f}" for currency, rate in sorted(checked.items())},
    )


def checked_currency(text: str, *, field: str) -> str:
    code = text.strip().upper()
    if code not in list_currencies():
        raise Refused("“%(text)s” is not a currency, such as EUR or KRW.", field=field, text=shown(text)[:20])
    return code


def checked_units(given: Decimal | str) -> Decimal:
    """A rate as a decimal number over 0, such as “1450.5”."""
    try:
        units = Decimal(str(given).strip())
    except InvalidOperation:
        units = Decimal(0)
    if (
        not units.is_finite()
        or units <= 0
        or len(units.normalize().as_tuple().digits) > MOST_DIGITS
        or len(f"{units:f}") > 24
    ):
        raise Refused(
            "“%(text)s” is not a rate: a number over 0, of at most %(most)s digits, such as 1450.5.",
            field="units",
            text=shown(str(given))[:40],
            most=MOST_DIGITS,
        )
    return units


def read_file(text: str) -> list[DayRates]:
    """What a CSV file with the columns ``day,base,currency,units`` says, day by day.

    Raises:
        Refused: with the line that says nothing.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    wanted = ("day", "base", "currency", "units")
    if not set(wanted) <= set(rows.fieldnames or ()):
        raise Refused("The first line names the columns day, base, currency and units.", field="file")
    found: dict[tuple[date, str], dict[str, Decimal]] = {}
    for row in rows:
        if rows.line_num > LONGEST_FILE:
            raise Refused("A file of rates may have at most %(most)s lines.", field="file", most=LONGEST_FILE)
        try:
            day = date.fromisoformat((row["day"] or "").strip())
            base = checked_currency(row["base"] or "", field="base")
            currency, units = checked_currency(row["currency"] or "", field="units"), checked_units(row["units"] or "")
        except (ValueError, Refused):
            raise Refused(
                "Line %(line)s is not a day, a currency, another one and a rate, such as 2026-05-21,EUR,KRW,1571.3.",
                field="file",
                line=rows.line_num,
            ) from None
        found.setdefault((day, base), {})[currency] = units
    return [DayRates(day, base, units) for (day, base), units in sorted(found.items())]


def rates_of_submission(
    session: Session, route: Route, facts: Mapping[str, object], submitter: Person, *, now: datetime
) -> Rates | None:
    """The rates by which amounts are compared for a document that is handed in now; None where there are none.

    The day is that of the submitter's own zone.
    """
    wanted = {each for each in (route.currency, facts.get("currency")) if isinstance(each, str) and each}
    if not wanted:
        return None
    today = now.astimezone(ZoneInfo(submitter.timezone)).date()
    return rates_on(session, today, wanted, rather=route.currency or "")


def rates_on(session: Session, day: date, currencies: Collection[str], *, rather: str = "") -> Rates | None:
    """The newest rates of this day, or of one before it, that name all of these currencies; None where there are none.

    ``rather``: the base to be taken where there are several for the same day.
    """
    bases = session.exec(select(ExchangeRate.base).distinct()).all()
    newest: list[tuple[date, bool, str]] = []
    for base in bases:
        others = sorted({*currencies} - {base})
        days = select(col(ExchangeRate.day)).where(ExchangeRate.base == base, col(ExchangeRate.day) <= day)
        if others:
            days = days.where(col(ExchangeRate.currency).in_(others))
            days = days.group_by(col(ExchangeRate.day)).having(func.count() == len(others))
        latest = session.exec(days.order_by(col(ExchangeRate.day).desc()).limit(1)).first()
        if latest is not None:
            newest.append((latest, base == rather, base))
    if not newest:
        return None
    on, _, base = max(newest)
    return Rates(base, _units(session, on, base), on)


def kept_on(session: Session, day: date) -> list[DayRates]:
    """What is kept for this very day, base by base."""
    bases = session.exec(select(ExchangeRate.base).where(ExchangeRate.day == day).distinct()).all()
    return [DayRates(day, base, _units(session, day, base)) for base in sorted(bases)]


def days_kept(session: Session, *, before: date | None = None, limit: int = 31) -> Sequence[date]:
    """The days for which rates are kept, the newest first."""
    days = select(col(ExchangeRate.day)).distinct().order_by(col(ExchangeRate.day).desc()).limit(limit)
    return session.exec(days.where(col(ExchangeRate.day) < before) if before else days).all()


def _units(session: Session, day: date, base: str) -> dict[str, Decimal]:
    rows = session.exec(
        select(ExchangeRate)
        .where(ExchangeRate.base == base, ExchangeRate.day == day)
        .order_by(col(ExchangeRate.currency))
    )
    return {row.currency: row.units for row in rows}
