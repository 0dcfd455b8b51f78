"""What is owed, how long since, in which currency. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from workflows.errors import Refused


class Side(StrEnum):
    """Whose account it is: of those who wrote the invoices, or of those they were written to."""

    SUPPLIERS = "suppliers"
    CUSTOMERS = "customers"


class Age(StrEnum):
    """For how many days it has been due."""

    NOT_DUE = "not_due"  # also where no day is named
    TO_30 = "1_to_30"
    TO_60 = "31_to_60"
    TO_90 = "61_to_90"
    OVER_90 = "over_90"


AGES = {
    Age.NOT_DUE: "Not due",
    Age.TO_30: "1–30 days",
    Age.TO_60: "31–60 days",
    Age.TO_90: "61–90 days",
    Age.OVER_90: "Over 90 days",
}
"""In words, to be translated."""
LAST_DAYS = {Age.TO_30: 30, Age.TO_60: 60, Age.TO_90: 90}
"""The last day of each age that has one, counted from the day after the one on which it was due."""


def age_of(due_on: date | None, as_of: date) -> Age:
    """``due_on``: the last day on which it may be paid; on the next it is one day overdue."""
    if due_on is None or due_on >= as_of:
        return Age.NOT_DUE
    days = (as_of - due_on).days
    return next((age for age, last in LAST_DAYS.items() if days <= last), Age.OVER_90)


@dataclass(frozen=True)
class Sum:
    """Of invoices that have all this in common. A credit note's amounts are turned round."""

    key: str
    """Of the supplier or customer."""
    currency: str
    is_paid: bool
    is_disputed: bool
    age: Age
    number: int
    payable: Decimal
    settled: Decimal
    """The part of it that was paid until the end of the period."""
    paid: Decimal
    """Within the period."""

    @property
    def open(self) -> Decimal:
        """What is still to be paid, in the currency."""
        return Decimal(0) if self.is_paid else self.payable - self.settled


@dataclass(frozen=True)
class Balance:
    """Of one account in one currency: what is open, how long it has been due, and what was paid."""

    currency: str
    invoices: int = 0
    """How many are open."""
    open: Decimal = Decimal(0)
    overdue: Decimal = Decimal(0)
    disputed: Decimal = Decimal(0)
    """The part of what is open that its supplier has been asked about."""
    paid: Decimal = Decimal(0)
    ages: Mapping[Age, Decimal] = field(default_factory=lambda: dict.fromkeys(Age, Decimal(0)))


def balances(sums: Iterable[Sum]) -> Sequence[Balance]:
    """One for each currency, by its name."""
    found: dict[str, Balance] = {}
    for each in sums:
        found[each.currency] = _with(found.get(each.currency, Balance(each.currency)), each)
    return [found[currency] for currency in sorted(found)]


def _with(before: Balance, each: Sum) -> Balance:
    return Balance(
        before.currency,
        before.invoices + (0 if each.is_paid else each.number),
        before.open + each.open,
        before.overdue + (each.open if each.age is not Age.NOT_DUE else 0),
        before.disputed + (each.open if each.is_disputed else 0),
        before.paid + each.paid,
        {**before.ages, each.age: before.ages[each.age] + each.open},
    )


FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Days are reckoned with from here on, and must not leave what can be written as one."""


@dataclass(frozen=True)
class Period:
    """What was open on the evening of ``as_of``, and what was paid from ``since`` until then."""

    since: date
    as_of: date


def period(since: date | None, as_of: date | None, *, today: date) -> Period:
    """Until today and from the first day of its year, where nothing else is said.

    Raises:
        Refused: it would end before it begins, or lies in no time of which there are invoices.
    """
    end = as_of or today
    begin = since or end.replace(month=1, day=1)
    for name, day in (("since", begin), ("as_of", end)):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise Refused("A year from %(first)s to %(last)s.", field=name, first=FIRST_YEAR, last=LAST_YEAR)
    if begin > end:
        raise Refused("The period ends before it begins.", field="since")
    return Period(begin, end)


def day_after(day: date) -> date:
    """Raises OverflowError for the last day that there is; `period` lets none of those in."""
    return day + timedelta(days=1)
