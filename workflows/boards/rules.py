"""Statistics of how documents get on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MONTHS = 12
"""How far back cycle times are shown, the current month included."""
AGES = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=30))
"""Where one class of age ends and the next begins."""


@dataclass(frozen=True)
class Month:
    """A calendar month in its reader's zone. ``start`` belongs to it, ``end`` to the next."""

    first: date
    start: datetime
    end: datetime


def months(now: datetime, zone: str, number: int = MONTHS) -> list[Month]:
    """The last months, the current one as the last."""
    today = now.astimezone(ZoneInfo(zone)).date()
    firsts = [_first(today, number - 1 - back) for back in range(number + 1)]
    starts = [datetime.combine(first, time(), ZoneInfo(zone)) for first in firsts]
    return [Month(*each) for each in zip(firsts, starts, starts[1:], strict=False)]


def _first(today: date, back: int) -> date:
    """The first day of the month so many months before."""
    year, month = divmod(today.year * 12 + today.month - 1 - back, 12)
    return date(year, month + 1, 1)


@dataclass(frozen=True)
class Neighbours:
    """Two values in a row of ``number`` sorted ones, between which a quantile lies."""

    number: int
    low: float
    high: float


def place(number: int, percent: int) -> tuple[int, float]:
    """Where a quantile lies among sorted values: behind how many of them, and which part of the way to the next.

    Linear between neighbours, as ``percentile_cont`` of SQL (ISO 9075-2, 10.9) and the "inclusive" of Python have it.
    """
    whole, rest = divmod((number - 1) * percent, 100)
    return whole, rest / 100


def quantile(between: Neighbours, percent: int) -> float:
    _, part = place(between.number, percent)
    return between.low + (between.high - between.low) * part


def age_class(age: timedelta, ages: Sequence[timedelta] = AGES) -> int:
    """In which class of age something is: 0 is the youngest, ``len(ages)`` the oldest."""
    return sum(age >= each for each in ages)
