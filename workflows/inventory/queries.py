"""What people may see of machines: all of their own organisation's."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.errors import NotFound
from workflows.inventory.model import Machine
from workflows.inventory.rules import serial_key
from workflows.papers.queries import id_of, literally
from workflows.parties.rules import Actor


def visible_to(actor: Actor) -> SelectOfScalar[Machine]:
    return select(Machine).where(Machine.organisation_id == actor.organisation_id)


def one(session: Session, serial: str, actor: Actor) -> Machine:
    """Raises NotFound also for those of other organisations."""
    found = session.exec(visible_to(actor).where(Machine.serial_key == serial_key(serial))).first()
    if found is None:
        raise NotFound("There is no machine %(serial)s.", serial=serial[:80])
    return found


def listed(
    session: Session, actor: Actor, *, q: str = "", cursor: str = "", limit: int = 20
) -> tuple[Sequence[Machine], str | None]:
    """One page, the newest first, and where the next begins. ``q``: part of serial number, model, place or customer."""
    wanted = visible_to(actor)
    if q.strip():
        there = literally(q.strip())
        columns = (Machine.serial, Machine.model, Machine.location, Machine.customer)
        wanted = wanted.where(or_(*(col(each).ilike(there, escape="\\") for each in columns)))
    if cursor:
        wanted = wanted.where(col(Machine.id) < id_of(cursor))
    rows = session.exec(wanted.order_by(col(Machine.id).desc()).limit(limit + 1)).all()
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None
