"""Which documents belong to an export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from workflows.contracts import queries as contracts
from workflows.contracts.model import Contract
from workflows.errors import Refused
from workflows.exports.rules import Wanted
from workflows.invoices import queries as invoices
from workflows.invoices.model import Invoice
from workflows.papers.queries import Page
from workflows.parties.rules import Actor

MOST_FOUND = 1000
"""Hits of a search for words."""


def chosen(
    session: Session, actor: Actor, wanted: Wanted, *, today: date, most: int, after: UUID | None = None
) -> Sequence[UUID]:
    """The first ``most`` documents that the list would show, in its order: the newest first, or by rank.

    ``after``: the last one of those that were read before.

    Raises:
        Refused: words are asked for, and more than a search can list have them.
    """
    if wanted.q:
        return _found(session, actor, wanted, today=today)[:most]
    model = Contract if wanted.what == "contracts" else Invoice
    rows = _asked_for(actor, wanted, today).with_only_columns(col(model.id))
    if after is not None:
        rows = rows.where(col(model.id) < after)
    found: Sequence[UUID] = (
        session.connection().execute(rows.order_by(col(model.id).desc()).limit(most)).scalars().all()
    )
    return found


def _asked_for(actor: Actor, wanted: Wanted, today: date) -> SelectOfScalar[Any]:
    if wanted.what == "contracts":
        return contracts.asked_for(
            actor, state=wanted.state, party=wanted.name, expires_before=wanted.before, today=today
        )
    return invoices.asked_for(actor, state=wanted.state, supplier=wanted.name, due_before=wanted.before, today=today)


def _found(session: Session, actor: Actor, wanted: Wanted, *, today: date) -> list[UUID]:
    page: Page[Contract] | Page[Invoice]
    if wanted.what == "contracts":
        page = contracts.listed(
            session, actor, q=wanted.q, state=wanted.state, party=wanted.name, expires_before=wanted.before,
            today=today, limit=MOST_FOUND,
        )  # fmt: skip
    else:
        page = invoices.listed(
            session, actor, q=wanted.q, state=wanted.state, supplier=wanted.name, due_before=wanted.before,
            today=today, limit=MOST_FOUND,
        )  # fmt: skip
    if page.cut_short or page.next_cursor or (page.count or "").endswith("+"):
        raise Refused(
            "More than %(most)s documents have these words. Further words narrow them down; without any, the list can "
            "be exported whole.",
            field="q",
            most=f"{MOST_FOUND:,}",
        )
    return [each.id for each in page.papers]
