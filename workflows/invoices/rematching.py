"""Hold waiting invoices anew against what has become known since: an order that came after its invoice, a machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from workflows.database import in_parts
from workflows.inventory.model import Machine
from workflows.invoices.billed import keys_of
from workflows.invoices.matching import hold_anew
from workflows.invoices.model import Invoice, InvoiceLine, InvoiceMatching, InvoiceState, MatchingLook
from workflows.invoices.steps import send_where_possible
from workflows.orders.model import Order
from workflows.orders.rules import number_key
from workflows.runtime import Runtime

log = logging.getLogger(__name__)

WAITING = (
    InvoiceState.CHECKED,
    InvoiceState.MATCHED,
    InvoiceState.IN_APPROVAL,
    InvoiceState.RETURNED,
    InvoiceState.DISPUTED,
)
LATE = timedelta(minutes=10)
"""What says that it was kept at a time may have been committed that much later."""
AT_ONCE = 500
"""Invoices read together, so that a million of them fit into memory."""


def hold_waiting_anew(runtime: Runtime, *, now: datetime) -> int:
    """Hold anew what names an order or a machine that was kept since it was held last; how many invoices.

    Costs nothing as long as nothing new is kept.
    """
    with runtime.reading() as session:
        organisations = _with_news(session)
    done = 0
    for organisation_id, since, newest in organisations:
        with runtime.reading() as session:
            concerned = list(_concerned(session, organisation_id, _news(session, organisation_id, since)))
        for invoice_id in concerned:
            try:
                with runtime.transaction() as session:
                    hold_anew(session, invoice_id, states=WAITING, now=now)
                send_where_possible(runtime, invoice_id, now=now)
                done += 1
            except Exception:  # one that cannot be held must not keep the others
                log.exception("Invoice %s could not be held anew.", invoice_id)
        with runtime.transaction() as session:
            look = session.get(MatchingLook, organisation_id) or MatchingLook(organisation_id=organisation_id, at=now)
            look.at = min(newest, now - LATE)
            session.add(look)
    return done


def _with_news(session: Session) -> list[tuple[UUID, datetime | None, datetime]]:
    """Organisations of which something was kept since the last look: that look, and when the newest was kept."""
    looks = {each.organisation_id: each.at for each in session.exec(select(MatchingLook))}
    newest: dict[UUID, datetime] = {}
    for model in (Order, Machine):
        kept = select(model.organisation_id, func.max(model.kept_at)).group_by(col(model.organisation_id))
        for organisation_id, at in session.exec(kept):
            newest[organisation_id] = max(at, newest.get(organisation_id, at))
    return [(each, looks.get(each), at) for each, at in newest.items() if each not in looks or looks[each] < at]


@dataclass(frozen=True)
class News:
    """When each was kept, by its key."""

    orders: Mapping[str, datetime]
    machines: Mapping[str, datetime]


def _news(session: Session, organisation_id: UUID, since: datetime | None) -> News:
    orders = select(Order.number_key, Order.kept_at).where(Order.organisation_id == organisation_id)
    machines = select(Machine.serial_key, Machine.kept_at).where(Machine.organisation_id == organisation_id)
    if since is not None:
        orders = orders.where(col(Order.kept_at) > since)
        machines = machines.where(col(Machine.kept_at) > since)
    return News(dict(session.exec(orders).all()), dict(session.exec(machines).all()))


def _concerned(session: Session, organisation_id: UUID, news: News) -> Iterator[UUID]:
    """Waiting invoices that name something of the news, which was kept after they were held last."""
    waiting = session.exec(
        select(Invoice.id, Invoice.order_number, InvoiceMatching.at)
        .join(InvoiceMatching, col(InvoiceMatching.invoice_id) == col(Invoice.id))
        .where(Invoice.organisation_id == organisation_id, col(Invoice.state).in_(WAITING))
        .order_by(col(Invoice.id))
    ).all()
    held = {invoice_id: (order, at) for invoice_id, order, at in waiting}
    for some in in_parts(list(held), AT_ONCE):
        named: dict[UUID, list[datetime]] = {each: [] for each in some}
        for each in some:
            named[each] += _kept(news.orders, (number_key(held[each][0]),))
        lines = select(InvoiceLine).where(col(InvoiceLine.invoice_id).in_(some))
        for line in session.exec(lines):
            named[line.invoice_id] += _kept(news.orders, (number_key(line.order_number),))
            if news.machines:
                numbers = [*line.serial_numbers, *filter(None, (line.sellers_id, line.buyers_id))]
                serials = keys_of(numbers, (line.name, line.description, line.note))
                named[line.invoice_id] += _kept(news.machines, serials)
        yield from (each for each in some if any(at > held[each][1] for at in named[each]))


def _kept(news: Mapping[str, datetime], keys: tuple[str, ...]) -> list[datetime]:
    return [news[each] for each in keys if each in news]
