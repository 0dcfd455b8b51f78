"""What people may see of orders: all of their own organisation's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.errors import NotFound
from workflows.orders.model import Order, OrderLine
from workflows.orders.rules import number_key
from workflows.papers.queries import id_of, literally
from workflows.parties.rules import Actor


def visible_to(actor: Actor) -> SelectOfScalar[Order]:
    return select(Order).where(Order.organisation_id == actor.organisation_id)


def one(session: Session, number: str, actor: Actor) -> Order:
    """Raises NotFound also for those of other organisations."""
    found = session.exec(visible_to(actor).where(Order.number_key == number_key(number))).first()
    if found is None:
        raise NotFound("There is no order %(number)s.", number=number[:80])
    return found


def lines(session: Session, order_ids: Collection[UUID]) -> Sequence[OrderLine]:
    """In their order, one order after the other."""
    return session.exec(
        select(OrderLine)
        .where(col(OrderLine.order_id).in_(order_ids))
        .order_by(col(OrderLine.order_id), col(OrderLine.position))
    ).all()


def listed(
    session: Session, actor: Actor, *, q: str = "", cursor: str = "", limit: int = 20
) -> tuple[Sequence[Order], str | None]:
    """One page, the newest first, and where the next begins. ``q``: part of the number or of the supplier's name."""
    wanted = visible_to(actor)
    if q.strip():
        there = literally(q.strip())
        wanted = wanted.where(
            or_(col(Order.number).ilike(there, escape="\\"), col(Order.supplier).ilike(there, escape="\\"))
        )
    if cursor:
        wanted = wanted.where(col(Order.id) < id_of(cursor))
    rows = session.exec(wanted.order_by(col(Order.id).desc()).limit(limit + 1)).all()
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None
