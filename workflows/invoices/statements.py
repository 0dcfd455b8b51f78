"""Accounts of suppliers and customers, as the invoices say that somebody may see. An invoice counts from the day of its
issue; where it does not say who, when or how much, it does not count yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, literal, not_, or_, select, tuple_
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col

from workflows.columns import ExactSum
from workflows.errors import NotFound, Refused
from workflows.invoices.aging import LAST_DAYS, Age, Balance, Period, Side, Sum, age_of, balances, day_after
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.payment_model import Payment
from workflows.invoices.rules import owed
from workflows.papers.queries import id_of, literally, may_see
from workflows.parties.rules import Actor

MISSING = {
    Side.SUPPLIERS: "There is no such supplier.",
    Side.CUSTOMERS: "There is no such customer.",
}
CREDIT_NOTE = "credit note"
ENDED = (InvoiceState.REJECTED, InvoiceState.WITHDRAWN)


@dataclass(frozen=True)
class Account:
    """``balances``: one a currency; none where nothing was open or paid."""

    key: str
    name: str
    balances: Sequence[Balance]


@dataclass(frozen=True)
class Accounts:
    """One page of them; ``next_cursor``: None on the last."""

    items: Sequence[Account]
    next_cursor: str | None


@dataclass(frozen=True)
class Item:
    """One invoice on a statement; a credit note's amounts are turned round."""

    invoice: Invoice
    is_paid: bool
    is_disputed: bool
    age: Age
    days_overdue: int
    """0 where it is not."""
    payable: Decimal
    open: Decimal
    paid: Decimal
    """Within the period."""


@dataclass(frozen=True)
class Items:
    """One page of them; ``next_cursor``: None on the last."""

    items: Sequence[Item]
    next_cursor: str | None


def accounts(
    session: Session, side: Side, actor: Actor, shown: Period, *, q: str = "", cursor: str = "", limit: int = 50
) -> Accounts:
    """By key. ``q``: part of their name. ``cursor``: the key after which they begin."""
    key, name = _key(side), _name(side)
    found: Any = select(key.label("account"), func.max(name)).where(*_counted(side, actor, shown), key > cursor)
    if q.strip():
        found = found.where(name.ilike(literally(q.strip()), escape="\\"))
    rows = session.execute(found.group_by(key).order_by(key).limit(limit + 1)).all()
    names = {row[0]: row[1] for row in rows[:limit]}
    told: dict[str, list[Sum]] = {each: [] for each in names}
    for each in _sums(session, side, actor, shown, key.in_(names)):
        told[each.key].append(each)
    return Accounts(
        [Account(each, names[each], balances(told[each])) for each in names],
        rows[limit - 1][0] if len(rows) > limit else None,
    )


def all_accounts(
    session: Session, side: Side, actor: Actor, shown: Period, *, q: str = "", at_a_time: int = 500
) -> Iterator[Account]:
    """By key, read ``at_a_time``: as many as there are need no more memory."""
    cursor: str | None = ""
    while cursor is not None:
        found = accounts(session, side, actor, shown, q=q, cursor=cursor, limit=at_a_time)
        yield from found.items
        cursor = found.next_cursor


def count_accounts(session: Session, side: Side, actor: Actor, shown: Period) -> int:
    """Of which something was open or paid in the period."""
    counted = select(func.count(func.distinct(_key(side)))).where(*_counted(side, actor, shown))
    return int(session.execute(counted).scalar_one())


def account(session: Session, side: Side, key: str, actor: Actor, shown: Period) -> Account:
    """Raises NotFound where no invoice that the actor may see is of them."""
    newest = session.execute(
        select(_name(side))
        .where(*_own(actor), _key(side) == key, _key(side) != "")
        .order_by(col(Invoice.id).desc())
        .limit(1)
    ).scalar()
    if newest is None:
        raise NotFound(MISSING[side])
    return Account(key, newest, balances(_sums(session, side, actor, shown, _key(side) == key)))


def items(
    session: Session, side: Side, key: str, actor: Actor, shown: Period, *, cursor: str = "", limit: int = 100
) -> Items:
    """By the day of their issue. ``cursor``: of the page before."""
    rows = list(_rows(session, side, key, actor, shown, after=cursor, limit=limit + 1))
    return Items(rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None)


def all_items(
    session: Session, side: Side, key: str, actor: Actor, shown: Period, *, most: int | None = None
) -> Iterator[Item]:
    """By the day of their issue; ``most``: the first so many."""
    return _rows(session, side, key, actor, shown, after="", limit=most)


def count_items(session: Session, side: Side, key: str, actor: Actor, shown: Period) -> int:
    """As many as `all_items` gives."""
    counted = select(func.count()).select_from(Invoice).where(*_counted(side, actor, shown), _key(side) == key)
    return int(session.execute(counted).scalar_one())


def _cursor(item: Item) -> str:
    return f"{item.invoice.issued_on}_{item.invoice.id}"


def _rows(
    session: Session, side: Side, key: str, actor: Actor, shown: Period, *, after: str, limit: int | None
) -> Iterator[Item]:
    issued, number = col(Invoice.issued_on), col(Invoice.id)
    found = (
        select(Invoice, *_paid(shown))
        .where(*_counted(side, actor, shown), _key(side) == key)
        .order_by(issued, number)
        .limit(limit)
        .execution_options(yield_per=500)
    )
    if after:
        day, _, last = after.partition("_")
        try:
            begin = date.fromisoformat(day)
        except ValueError:
            raise Refused("This cursor is not one of ours.", field="cursor") from None
        found = found.where(tuple_(issued, number) > tuple_(literal(begin), literal(id_of(last))))
    end = _end(actor, shown)
    for invoice, settled, paid in session.execute(found):
        yield _item(invoice, settled or Decimal(0), paid or Decimal(0), shown, end)


def _item(invoice: Invoice, settled: Decimal, paid: Decimal, shown: Period, end: datetime) -> Item:
    payable = owed(invoice)
    paid_on = invoice.paid_on
    is_paid = invoice.state is InvoiceState.PAID and paid_on is not None and paid_on <= shown.as_of
    age = Age.NOT_DUE if is_paid else age_of(invoice.due_on, shown.as_of)
    return Item(
        invoice,
        is_paid,
        invoice.state is InvoiceState.DISPUTED and invoice.state_since < end,
        age,
        (shown.as_of - invoice.due_on).days if invoice.due_on and age is not Age.NOT_DUE else 0,
        payable,
        Decimal(0) if is_paid else payable - settled,
        paid,
    )


def _sums(session: Session, side: Side, actor: Actor, shown: Period, which: ColumnElement[bool]) -> Iterator[Sum]:
    end = _end(actor, shown)
    settled, paid = _paid(shown)
    rows = (
        select(
            _key(side).label("account"),
            col(Invoice.currency).label("currency"),
            case((col(Invoice.kind) == CREDIT_NOTE, -1), else_=1).label("sign"),
            case((_is_paid(shown), 1), else_=0).label("is_paid"),
            case((and_(col(Invoice.state) == InvoiceState.DISPUTED, col(Invoice.state_since) < end), 1), else_=0).label(
                "is_disputed"
            ),
            _age(shown).label("age"),
            col(Invoice.payable).label("payable"),
            settled.label("settled"),
            paid.label("paid"),
        )
        .where(*_counted(side, actor, shown), which)
        .subquery()
    )
    alike = (rows.c.account, rows.c.currency, rows.c.sign, rows.c.is_paid, rows.c.is_disputed, rows.c.age)
    amounts = (ExactSum(rows.c.payable), ExactSum(rows.c.settled), ExactSum(rows.c.paid))
    summed = select(*alike, func.count(), *amounts).group_by(*alike)
    for key, currency, sign, is_paid, is_disputed, age, number, *sums in session.execute(summed):
        payable, until_then, within = (each or Decimal(0) for each in sums)
        yield Sum(
            key,
            currency,
            bool(is_paid),
            bool(is_disputed),
            Age(age),
            number,
            sign * payable,
            until_then,
            within,
        )


def _paid(shown: Period) -> tuple[ColumnElement[Decimal], ColumnElement[Decimal]]:
    """What was paid of an invoice until the end of the period, and within it: a credit note's payments have a minus."""
    counted = (
        col(Payment.invoice_id) == col(Invoice.id),
        col(Payment.reversed_at).is_(None),
        col(Payment.paid_on) <= shown.as_of,
    )
    all_of_it = select(ExactSum(col(Payment.amount))).where(*counted)
    settled, paid = (
        # of most invoices nothing was paid, which their row tells
        case((col(Invoice.paid_amount).is_not(None), each.correlate(Invoice).scalar_subquery()), else_=None)
        for each in (all_of_it, all_of_it.where(col(Payment.paid_on) >= shown.since))
    )
    return settled, paid


def _age(shown: Period) -> ColumnElement[str]:
    """As ``age_of``."""
    due = col(Invoice.due_on)
    bounds = [(due >= shown.as_of - timedelta(days=last), age.value) for age, last in LAST_DAYS.items()]
    return case((or_(due.is_(None), due >= shown.as_of), Age.NOT_DUE.value), *bounds, else_=Age.OVER_90.value)


def _counted(side: Side, actor: Actor, shown: Period) -> tuple[ColumnElement[bool], ...]:
    """On the statement: neither refused nor taken back, and open, or paid within the period."""
    gone = and_(col(Invoice.state).in_(ENDED), col(Invoice.state_since) < _end(actor, shown))
    return (
        *_own(actor),
        _key(side) != "",
        col(Invoice.issued_on) <= shown.as_of,
        col(Invoice.currency).is_not(None),
        col(Invoice.payable).is_not(None),
        not_(gone),
        or_(not_(_is_paid(shown)), col(Invoice.paid_on) >= shown.since),
    )


def _own(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """A statement is of one organisation's books, and of no invoice in them that is kept from the reader."""
    return may_see(Invoice, actor), col(Invoice.organisation_id) == actor.organisation_id


def _is_paid(shown: Period) -> ColumnElement[bool]:
    return and_(col(Invoice.state) == InvoiceState.PAID, col(Invoice.paid_on) <= shown.as_of)


def _end(actor: Actor, shown: Period) -> datetime:
    """The midnight after it, where the reader is."""
    return datetime.combine(day_after(shown.as_of), time(), ZoneInfo(actor.timezone))


def _key(side: Side) -> Mapped[str]:
    match side:
        case Side.SUPPLIERS:
            return col(Invoice.supplier_key)
        case Side.CUSTOMERS:
            return col(Invoice.buyer_key)


def _name(side: Side) -> Mapped[str]:
    match side:
        case Side.SUPPLIERS:
            return col(Invoice.supplier)
        case Side.CUSTOMERS:
            return col(Invoice.buyer)
