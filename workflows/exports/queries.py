"""Which documents belong to an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.contracts import queries as contracts
from workflows.contracts.model import Contract
from workflows.errors import Conflict, Gone, NotFound, Refused
from workflows.exports.model import Export, ExportState
from workflows.exports.rules import StatementWanted, Wanted
from workflows.invoices import queries as invoices
from workflows.invoices.aging import Period
from workflows.invoices.model import Invoice
from workflows.invoices.statements import account
from workflows.papers.lists import Page, newest_ids
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
    if wanted.what == "contracts":
        agreed = contracts.asked_for(
            actor, state=wanted.state, party=wanted.name, expires_before=wanted.before, today=today
        )
        return newest_ids(session, agreed, below=after, limit=most)
    billed = invoices.asked_for(actor, state=wanted.state, supplier=wanted.name, due_before=wanted.before, today=today)
    return newest_ids(session, billed, below=after, limit=most)


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


def looked_up(session: Session, actor: Actor, asked: StatementWanted) -> StatementWanted:
    """With its name. Raises NotFound where the actor may see nothing of them."""
    if not asked.key:
        return asked
    shown = Period(asked.since, asked.as_of)
    return replace(asked, name=account(session, asked.side, asked.key, actor, shown).name)


def exports(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Export]:
    """The actor's own, the newest first."""
    return session.exec(
        select(Export).where(Export.person_id == actor.id).order_by(col(Export.id).desc()).limit(limit)
    ).all()


def export(session: Session, actor: Actor, export_id: UUID) -> Export:
    """Raises NotFound also for those of others."""
    found = session.get(Export, export_id)
    if found is None or found.person_id != actor.id:
        raise NotFound("There is no such export.")
    return found


def ready(session: Session, actor: Actor, export_id: UUID) -> Export:
    """Raises NotFound; Conflict where it is still being made or could not be; Gone where its file was removed."""
    found = export(session, actor, export_id)
    match found.state:
        case ExportState.READY:
            return found
        case ExportState.REMOVED:
            raise Gone("This file was kept until %(at)s, and is no longer there.", at=found.expires_at)
        case ExportState.FAILED:
            raise Conflict("This export could not be made.")
        case ExportState.ASKED:
            raise Conflict("This export is still being made.")
