"""Keep orders, each in the place of what was kept under its number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlmodel import col, delete, insert, select

from workflows.audit.operations import record
from workflows.columns import as_json, new_id
from workflows.database import Work, in_parts
from workflows.errors import Conflict, Forbidden, NotFound
from workflows.orders.model import PROCESS, Order, OrderLine
from workflows.orders.rules import Ordered, checked, number_key, why_not_keep_orders
from workflows.parties.operations import take_turns
from workflows.parties.rules import Actor, who

NAMED = 100  # numbers that the history names; the hash covers all


def keep_orders(session: Work, orders: Sequence[Ordered], *, by: Actor, now: datetime) -> int:
    """Put these in the place of what was kept under their numbers, lines and all; how many.

    Matches of invoices name order and line, and stay: they are looked at anew when the invoice is matched again.

    Raises:
        Forbidden: to all but administrators of an organisation.
        Refused: with what is wrong in the first that cannot be kept.
    """
    if sentence := why_not_keep_orders(by):
        raise Forbidden(sentence)
    assert by.organisation_id is not None
    take_turns(session, by.organisation_id)
    said = {number_key(order.number): checked(order) for order in orders}
    kept = _kept(session, by.organisation_id, list(said))
    for some in in_parts([order.id for order in kept.values()]):
        session.exec(delete(OrderLine).where(col(OrderLine.order_id).in_(some)))
    lines = []
    for key, order in said.items():
        row = kept.get(key) or Order(
            id=new_id(), organisation_id=by.organisation_id, number="", number_key=key, kept_at=now
        )
        row.number, row.supplier, row.supplier_id = order.number, order.supplier, order.supplier_id
        row.currency, row.ordered_on, row.kept_at = order.currency, order.ordered_on, now
        session.add(row)
        lines += [{"order_id": row.id, "position": at, **asdict(each)} for at, each in enumerate(order.lines, 1)]
    session.flush()
    if lines:
        session.execute(insert(OrderLine), lines)
    record(
        session,
        "orders_kept",
        PROCESS,
        by.organisation_id,
        now=now,
        **who(by),
        via=by.via,
        count=len(said),
        numbers=[order.number for order in said.values()][:NAMED],
        sha256=_sha256(list(said.values())),
    )
    return len(said)


def drop_order(session: Work, number: str, *, referred: Callable[[UUID], bool], by: Actor, now: datetime) -> None:
    """Keep an order no longer. ``referred``: whether an invoice refers to it, asked while nobody can match it.

    Raises:
        Forbidden: to all but administrators of an organisation.
        NotFound: there is none.
        Conflict: an invoice refers to it.
    """
    if sentence := why_not_keep_orders(by):
        raise Forbidden(sentence)
    assert by.organisation_id is not None
    order = _kept(session, by.organisation_id, [number_key(number)]).get(number_key(number))
    if order is None:
        raise NotFound("There is no order %(number)s.", number=number[:80])
    if referred(order.id):
        raise Conflict("Invoices were matched with %(number)s, so it stays.", number=order.number)
    session.exec(delete(OrderLine).where(col(OrderLine.order_id) == order.id))
    session.delete(order)
    numbers = [order.number]
    record(session, "order_dropped", PROCESS, by.organisation_id, now=now, **who(by), via=by.via, numbers=numbers)


def _kept(session: Work, organisation_id: UUID, keys: Sequence[str]) -> dict[str, Order]:
    found: dict[str, Order] = {}
    for some in in_parts(keys):
        rows = select(Order).where(Order.organisation_id == organisation_id, col(Order.number_key).in_(some))
        found |= {row.number_key: row for row in session.exec(rows.order_by(col(Order.id)).with_for_update())}
    return found


def _sha256(orders: Sequence[Ordered]) -> str:
    text = json.dumps(as_json([asdict(each) for each in orders]), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
