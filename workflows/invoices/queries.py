"""What people may see of invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from documents.rendering import Reader, day_plain, sentence
from workflows.errors import Refused
from workflows.invoices.model import (
    CostCenter,
    IncomingMail,
    IncomingOutcome,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
)
from workflows.invoices.readings import newest_reading
from workflows.invoices.rules import UNDER_WAY
from workflows.papers.queries import Page, asked_of, literally, page_of, visible_to
from workflows.parties.rules import Actor

__all__ = [
    "FILTERS",
    "adjustments",
    "asked_for",
    "cost_centers",
    "difference_words",
    "incoming_mails",
    "invoices_of_mails",
    "lines",
    "listed",
    "newest_reading",
    "taxes",
    "unfinished",
    "waiting",
]

FILTERS = ("needs_me", "open", "overdue")


def listed(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    state: str = "",
    supplier: str = "",
    due_before: date | None = None,
    today: date,
    cursor: str = "",
    limit: int = 20,
) -> Page[Invoice]:
    """One page of the invoices the actor may see, newest first, or by rank where ``q`` asks for words.

    ``state``: a state of an invoice, or one of ``FILTERS``. ``due_before``: not paid, and due before that day.
    """
    if supplier.strip():
        # found by the index over all words first: looking through every name takes seconds among a million
        q = f"{q} {supplier}"
    return page_of(
        session,
        Invoice,
        actor,
        asked_for(actor, state=state, supplier=supplier, due_before=due_before, today=today),
        q=q,
        filtered=bool(state or supplier.strip() or due_before),
        cursor=cursor,
        limit=limit,
    )


def asked_for(
    actor: Actor, *, state: str = "", supplier: str = "", due_before: date | None = None, today: date
) -> SelectOfScalar[Invoice]:
    """Those of the invoices the actor may see; the arguments as of ``listed``."""
    wanted = visible_to(Invoice, actor)
    to_pay = col(Invoice.state).in_(UNDER_WAY)
    match state:
        case "":
            pass
        case "needs_me":
            wanted = wanted.where(col(Invoice.id).in_(asked_of(Invoice, actor)))
        case "open":
            wanted = wanted.where(to_pay)
        case "overdue":
            wanted = wanted.where(to_pay, col(Invoice.due_on) < today)
        case _ if state in set(InvoiceState):
            wanted = wanted.where(Invoice.state == InvoiceState(state))
        case _:
            raise Refused("There is no state “%(state)s”.", field="state", state=state[:40])
    if due_before is not None:
        wanted = wanted.where(to_pay, col(Invoice.due_on) < due_before)
    if supplier.strip():
        wanted = wanted.where(col(Invoice.supplier).ilike(literally(supplier.strip()), escape="\\"))
    return wanted


def unfinished(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Invoice]:
    """The actor's own that were sent back, or that say too little or break a rule."""
    states = (InvoiceState.RETURNED, InvoiceState.RECEIVED)
    return session.exec(
        select(Invoice)
        .where(Invoice.owner_id == actor.id, col(Invoice.state).in_(states))
        .order_by(col(Invoice.id))
        .limit(limit)
    ).all()


def waiting(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Invoice]:
    """On its route, and somebody else's turn."""
    return session.exec(
        visible_to(Invoice, actor)
        .where(Invoice.state == InvoiceState.IN_APPROVAL, col(Invoice.id).not_in(asked_of(Invoice, actor)))
        .order_by(col(Invoice.id).desc())
        .limit(limit)
    ).all()


def lines(session: Session, invoice: Invoice) -> Sequence[InvoiceLine]:
    return session.exec(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(col(InvoiceLine.position))
    ).all()


def taxes(session: Session, invoice: Invoice) -> Sequence[InvoiceTax]:
    return session.exec(
        select(InvoiceTax).where(InvoiceTax.invoice_id == invoice.id).order_by(col(InvoiceTax.position))
    ).all()


def adjustments(session: Session, invoice: Invoice) -> Sequence[InvoiceAdjustment]:
    return session.exec(
        select(InvoiceAdjustment)
        .where(InvoiceAdjustment.invoice_id == invoice.id)
        .order_by(col(InvoiceAdjustment.position))
    ).all()


def cost_centers(session: Session, actor: Actor) -> Sequence[CostCenter]:
    return session.exec(
        select(CostCenter).where(CostCenter.organisation_id == actor.organisation_id).order_by(col(CostCenter.code))
    ).all()


DAYS = ("day", "starts_on", "ends_on", "removed_on", "installed_on")


def difference_words(kept: Mapping[str, Any], reader: Reader) -> str:
    """What differs, in the reader's language, with days as they read them."""
    values = {
        name: day_plain(date.fromisoformat(value), reader) if name in DAYS and value else value
        for name, value in kept["values"].items()
    }
    return sentence(kept["sentence"], reader.locale, **values)


def incoming_mails(
    session: Session,
    actor: Actor,
    *,
    outcome: IncomingOutcome | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[IncomingMail]:
    """Mails of the watched mailbox, the newest first; ``actor``: an administrator. ``after``: the last one seen."""
    wanted = select(IncomingMail).where(IncomingMail.organisation_id == actor.organisation_id)
    if outcome is not None:
        wanted = wanted.where(IncomingMail.outcome == outcome)
    if after is not None:
        wanted = wanted.where(col(IncomingMail.id) < after)
    return session.exec(wanted.order_by(col(IncomingMail.id).desc()).limit(limit)).all()


def invoices_of_mails(session: Session, mails: Sequence[IncomingMail]) -> dict[str, Invoice]:
    """What came by these mails, or is answered about in them, by their ids."""
    ids = {UUID(each) for mail in mails for each in mail.invoice_ids}
    found = session.exec(select(Invoice).where(col(Invoice.id).in_(ids))) if ids else ()
    return {str(each.id): each for each in found}
