"""Released invoices leave as the settings say now: what waited for files is posted once there is an address, and what
waited to be posted is for the next file where there is none any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, literal_column
from sqlmodel import col, or_, select, update

from workflows.database import Work
from workflows.invoices.model import PROCESS
from workflows.invoices.payment_model import OrderState, PaymentOrder
from workflows.outbox import RunOwed, wake
from workflows.runtime import Runtime

MOST_WOKEN = 500
"""In one upkeep: more runs than that are not worked off until the next one."""


def leave_as_set(runtime: Runtime, *, now: datetime) -> int:
    """How many were sent on their way, or laid down for a file. Safe to repeat; costs nothing where nothing waits."""
    with runtime.transaction() as session:
        return _have_posted(session, now=now) if runtime.settings.payment_url else _lay_down(session, now=now)


def _have_posted(session: Work, *, now: datetime) -> int:
    """Owe a run for each order that waits and that no run will come to. What was given up waits for somebody's word."""
    settled = or_(col(RunOwed.subject_id).is_(None), col(RunOwed.finished) >= col(RunOwed.sequence))
    orders = session.exec(
        select(PaymentOrder)
        .join(
            RunOwed,
            and_(col(RunOwed.process) == PROCESS, col(RunOwed.subject_id) == col(PaymentOrder.invoice_id)),
            isouter=True,
        )
        .where(_WAITS, settled, or_(PaymentOrder.attempts == 0, col(PaymentOrder.next_try).is_not(None)))
        .order_by(col(PaymentOrder.id))
        .limit(MOST_WOKEN)
        .with_for_update(of=PaymentOrder, skip_locked=True)
    ).all()
    for order in orders:
        wake(session, PROCESS, order.invoice_id, label=str(order.said["number"]), now=now)
    return len(orders)


def _lay_down(session: Work, *, now: datetime) -> int:
    """Nobody posts them any more: that they were not taken is no incident. Should there be an address again, they are
    tried again."""
    failed = update(PaymentOrder).where(_WAITS, col(PaymentOrder.failure) != "").values(failure="", next_try=now)
    return session.connection().execute(failed).rowcount


_WAITS = col(PaymentOrder.state) == literal_column(f"'{OrderState.WAITING.value}'")
"""With the word itself, so that the index of what waits answers: it is asked with every upkeep."""
