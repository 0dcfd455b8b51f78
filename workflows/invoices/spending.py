"""What was spent: by month, by supplier and by cost centre, each currency for itself.

Of invoices that everybody has approved, with their tax, in the month of their issue; credit notes count against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import case, extract, func, select
from sqlmodel import Session, col

from workflows.columns import ExactSum
from workflows.errors import Refused
from workflows.invoices.model import CostCenter, Invoice, InvoiceState
from workflows.invoices.statements import CREDIT_NOTE
from workflows.papers.queries import may_see
from workflows.parties.rules import Actor

APPROVED = (InvoiceState.APPROVED, InvoiceState.RELEASED, InvoiceState.PAID)
MOST_MONTHS = 36
MOST_NAMED = 10
"""Suppliers, and cost centres, that are named one by one; all others are one sum."""


@dataclass(frozen=True)
class Part:
    """``key``: of a supplier, or the code of a cost centre; empty for what names none. ``invoices``: how many."""

    key: str
    name: str
    invoices: int
    amount: Decimal


@dataclass(frozen=True)
class MonthSpent:
    """``first``: day of the month. ``invoices``: how many."""

    first: date
    invoices: int
    amount: Decimal


@dataclass(frozen=True)
class Spending:
    """In one currency. ``others``: of suppliers, and of cost centres, what is not named one by one."""

    currency: str
    invoices: int
    total: Decimal
    months: Sequence[MonthSpent]
    suppliers: Sequence[Part]
    other_suppliers: Part | None
    cost_centers: Sequence[Part]
    other_cost_centers: Part | None


def spending(session: Session, actor: Actor, since: date, until: date) -> Sequence[Spending]:
    """Of the actor's organisation, as far as the actor may see its invoices; by currency.

    Raises:
        Refused: the period ends before it begins, or is too long to be drawn.
    """
    months = months_between(since, until)
    year, month = extract("year", col(Invoice.issued_on)), extract("month", col(Invoice.issued_on))
    by_month: dict[str, dict[date, list[tuple[int, Decimal]]]] = defaultdict(lambda: defaultdict(list))
    for currency, number, amount, of_year, of_month in _sums(session, actor, since, until, year, month):
        by_month[currency][date(int(of_year), int(of_month), 1)].append((number, amount))
    names = {each.code: each.name for each in _cost_centers(session, actor)}
    suppliers, other_suppliers = _parts(
        (currency, number, amount, key, name)
        for currency, number, amount, key, name in _sums(
            session, actor, since, until, col(Invoice.supplier_key), named=col(Invoice.supplier)
        )
    )
    centers, other_centers = _parts(
        (currency, number, amount, code, names.get(code) or code)
        for currency, number, amount, code in _sums(session, actor, since, until, col(Invoice.cost_center))
    )
    found = []
    for currency in sorted(by_month):
        spent = [_month(each, by_month[currency][each]) for each in months]
        found.append(
            Spending(
                currency,
                sum(each.invoices for each in spent),
                sum((each.amount for each in spent), Decimal(0)),
                spent,
                suppliers[currency],
                other_suppliers.get(currency),
                centers[currency],
                other_centers.get(currency),
            )
        )
    return found


def months_between(since: date, until: date) -> list[date]:
    """The first day of each month that the period touches.

    Raises Refused: it ends before it begins, or has more than ``MOST_MONTHS``.
    """
    if since > until:
        raise Refused("The period ends before it begins.", field="since")
    first, last = since.year * 12 + since.month - 1, until.year * 12 + until.month - 1
    if last - first >= MOST_MONTHS:
        raise Refused("At most %(most)s months can be shown.", field="since", most=MOST_MONTHS)
    return [date(each // 12, each % 12 + 1, 1) for each in range(first, last + 1)]


def a_year_until(day: date) -> date:
    """The first day of the month with which twelve months end in that day's."""
    month = day.year * 12 + day.month - 12
    return date(month // 12, month % 12 + 1, 1)


def _month(first: date, sums: Iterable[tuple[int, Decimal]]) -> MonthSpent:
    told = list(sums)
    return MonthSpent(first, sum(number for number, _ in told), sum((amount for _, amount in told), Decimal(0)))


def _sums(
    session: Session, actor: Actor, since: date, until: date, *by: Any, named: Any = None
) -> Iterator[Sequence[Any]]:
    """Currency, number of invoices, amount with its sign, then what it is ordered ``by``, and one name of it."""
    rows = (
        select(
            col(Invoice.currency).label("currency"),
            case((col(Invoice.kind) == CREDIT_NOTE, -1), else_=1).label("sign"),
            func.coalesce(col(Invoice.gross), col(Invoice.payable)).label("amount"),
            *(each.label(f"by_{index}") for index, each in enumerate(by)),
            *((named.label("named"),) if named is not None else ()),
        )
        .where(
            may_see(Invoice, actor),
            col(Invoice.organisation_id) == actor.organisation_id,
            col(Invoice.state).in_(APPROVED),
            col(Invoice.issued_on).between(since, until),
            col(Invoice.currency).is_not(None),
        )
        .subquery()
    )
    alike = (rows.c.currency, rows.c.sign, *(rows.c[f"by_{index}"] for index in range(len(by))))
    names = (func.max(rows.c.named),) if named is not None else ()
    summed = select(*alike, func.count(), ExactSum(rows.c.amount), *names).group_by(*alike)
    for currency, sign, *rest in session.execute(summed):
        number, amount = rest[len(by)], rest[len(by) + 1]
        yield (currency, number, sign * (amount or Decimal(0)), *rest[: len(by)], *rest[len(by) + 2 :])


def _parts(
    sums: Iterable[tuple[str, int, Decimal, str, str]],
) -> tuple[dict[str, Sequence[Part]], dict[str, Part]]:
    """By currency: the largest, and all others as one."""
    found: dict[str, dict[str, Part]] = defaultdict(dict)
    for currency, number, amount, key, name in sums:
        before = found[currency].get(key, Part(key, name, 0, Decimal(0)))
        found[currency][key] = Part(key, name, before.invoices + number, before.amount + amount)
    largest: dict[str, Sequence[Part]] = {}
    others: dict[str, Part] = {}
    for currency, parts in found.items():
        ordered = sorted(parts.values(), key=lambda each: (-each.amount, each.key))
        largest[currency], rest = ordered[:MOST_NAMED], ordered[MOST_NAMED:]
        if rest:
            amounts = sum((each.amount for each in rest), Decimal(0))
            others[currency] = Part("", "", sum(each.invoices for each in rest), amounts)
    return largest, others


def _cost_centers(session: Session, actor: Actor) -> Sequence[CostCenter]:
    wanted = select(CostCenter).where(col(CostCenter.organisation_id) == actor.organisation_id)
    return session.execute(wanted).scalars().all()
