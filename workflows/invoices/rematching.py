"""Hold waiting invoices anew against what has become known since: an order that came after its invoice, a machine."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, delete, select

from workflows.database import in_parts
from workflows.inventory.model import Machine
from workflows.invoices.matching import hold_anew
from workflows.invoices.model import (
    OVER,
    Invoice,
    InvoiceMatching,
    InvoiceNamed,
    InvoiceState,
    MatchingLook,
)
from workflows.invoices.steps import send_where_possible
from workflows.orders.model import Order
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
"""Orders or machines that are looked for together."""


def hold_waiting_anew(runtime: Runtime, *, now: datetime) -> int:
    """Hold anew what names an order or a machine that was kept since it was held last; how many invoices.

    Costs nothing as long as nothing new is kept; of the invoices those are read that name what is new.
    """
    with runtime.reading() as session:
        organisations = _with_news(session)
    done = 0
    for organisation_id, since, newest in organisations:
        for invoice_id in _concerned(runtime, organisation_id, since):
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


def _concerned(runtime: Runtime, organisation_id: UUID, since: datetime | None) -> Iterator[UUID]:
    """Waiting invoices that name something of what was kept since the last look, and after they were held last."""
    of_orders, of_machines = ("order", Order, col(Order.number_key)), ("machine", Machine, col(Machine.serial_key))
    for kind, model, key in (of_orders, of_machines):
        last = ""
        while True:
            with runtime.reading() as session:
                kept = _kept(session, model, key, organisation_id, since, last)
                named = _naming(session, organisation_id, kind, list(kept))
            waiting = (each for each in named if each.state in WAITING)
            yield from sorted({each.id for each in waiting if each.at is not None and kept[each.key] > each.at})
            _forget(runtime, {each.id for each in named if each.state in OVER})
            if len(kept) < AT_ONCE:
                break
            *_, last = kept


def _kept(
    session: Session,
    model: type[Order] | type[Machine],
    key: Mapped[str],
    organisation_id: UUID,
    since: datetime | None,
    last: str,
) -> dict[str, datetime]:
    """When each was kept, by its key; the next of them in the order of their keys."""
    news = columns(key, col(model.kept_at)).where(col(model.organisation_id) == organisation_id, key > last)
    if since is not None:
        news = news.where(col(model.kept_at) > since)
    return dict(session.execute(news.order_by(key).limit(AT_ONCE)).all())


@dataclass(frozen=True)
class _Naming:
    id: UUID
    key: str
    state: InvoiceState
    at: datetime | None
    """When it was held last."""


def _naming(session: Session, organisation_id: UUID, kind: str, keys: Sequence[str]) -> list[_Naming]:
    """The invoices that name one of these."""
    found = session.execute(
        columns(col(InvoiceNamed.invoice_id), col(InvoiceNamed.key), col(Invoice.state), col(InvoiceMatching.at))
        .join(Invoice, col(Invoice.id) == col(InvoiceNamed.invoice_id))
        .outerjoin(InvoiceMatching, col(InvoiceMatching.invoice_id) == col(InvoiceNamed.invoice_id))
        .where(
            col(InvoiceNamed.organisation_id) == organisation_id,
            col(InvoiceNamed.kind) == kind,
            col(InvoiceNamed.key).in_(keys),
        )
    )
    return [_Naming(invoice_id, key, state, at) for invoice_id, key, state, at in found]


def _forget(runtime: Runtime, ids: Collection[UUID]) -> None:
    """What is over does not come back: it need not be read again with each news of what it names."""
    for some in in_parts(list(ids)):
        with runtime.transaction() as session:
            session.exec(delete(InvoiceNamed).where(col(InvoiceNamed.invoice_id).in_(some)))
