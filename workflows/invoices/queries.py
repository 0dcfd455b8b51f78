"""What people may see of invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from documents.amounts import amount, quantity
from documents.rendering import Reader, day_plain, sentence
from workflows.errors import NotFound, Refused
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
from workflows.papers.lists import Page, Sought, in_states, named, newest, page_of, with_party
from workflows.papers.queries import asked_of, visible_to
from workflows.parties.rules import Actor

__all__ = [
    "FILTERS",
    "adjustments",
    "asked_for",
    "cost_centers",
    "difference_words",
    "has_mails",
    "incoming_mail",
    "incoming_mails",
    "invoices_of_mails",
    "lines",
    "listed",
    "mails_of",
    "mails_waiting",
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
    sought = asked_for(actor, state=state, supplier=supplier, due_before=due_before, today=today)
    return page_of(session, sought, q=with_party(q, supplier), cursor=cursor, limit=limit)


def asked_for(
    actor: Actor, *, state: str = "", supplier: str = "", due_before: date | None = None, today: date
) -> Sought[Invoice]:
    """Those of the invoices the actor may see; the arguments as of ``listed``.

    Raises Refused: no such state.
    """
    states, each = tuple(InvoiceState), list[ColumnElement[bool]]()
    among = asked_of(Invoice, actor) if state == "needs_me" else None
    match state:
        case "" | "needs_me":
            pass
        case "open":
            states = UNDER_WAY
        case "overdue":
            states = UNDER_WAY
            each.append(col(Invoice.due_on) < today)
        case _ if state in set(InvoiceState):
            states = (InvoiceState(state),)
        case _:
            raise Refused("There is no state “%(state)s”.", field="state", state=state[:40])
    if due_before is not None:
        states = tuple(state for state in states if state in UNDER_WAY)
        each.append(col(Invoice.due_on) < due_before)
    if supplier.strip():
        each.append(named(col(Invoice.supplier), supplier))
    return Sought(Invoice, actor, either=in_states(col(Invoice.state), states), each=tuple(each), among=among)


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
    going = Sought(
        Invoice,
        actor,
        either=in_states(col(Invoice.state), (InvoiceState.IN_APPROVAL,)),
        each=(col(Invoice.id).not_in(asked_of(Invoice, actor)),),
    )
    return newest(session, going, limit=limit)


def lines(session: Session, invoice: Invoice) -> Sequence[InvoiceLine]:
    """Of the newest reading, as they stand in it."""
    return session.exec(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(col(InvoiceLine.position))
    ).all()


def taxes(session: Session, invoice: Invoice) -> Sequence[InvoiceTax]:
    """The VAT breakdown (BG-23) of the newest reading."""
    return session.exec(
        select(InvoiceTax).where(InvoiceTax.invoice_id == invoice.id).order_by(col(InvoiceTax.position))
    ).all()


def adjustments(session: Session, invoice: Invoice) -> Sequence[InvoiceAdjustment]:
    """Allowances, then charges on the whole (BG-20, BG-21) of the newest reading."""
    return session.exec(
        select(InvoiceAdjustment)
        .where(InvoiceAdjustment.invoice_id == invoice.id)
        .order_by(col(InvoiceAdjustment.position))
    ).all()


def cost_centers(session: Session, actor: Actor) -> Sequence[CostCenter]:
    """The organisation's, by their codes."""
    return session.exec(
        select(CostCenter).where(CostCenter.organisation_id == actor.organisation_id).order_by(col(CostCenter.code))
    ).all()


DAYS = ("day", "starts_on", "ends_on", "removed_on", "installed_on")
AMOUNTS = ("net", "price", "expected", "more", "extra", "billed", "whole_sum")
QUANTITIES = ("quantity", "now", "before", "whole", "ordered")


def difference_words(kept: Mapping[str, Any], reader: Reader) -> str:
    """What differs, in the reader's language, with days, amounts and quantities as they read them."""
    values: Mapping[str, Any] = kept["values"]
    currency = str(values.get("currency") or "")

    def shown(name: str, value: Any) -> Any:
        if not value:
            return value
        if name in DAYS:
            return day_plain(date.fromisoformat(value), reader)
        if name in AMOUNTS:
            return amount(value, currency)
        return quantity(Decimal(value)) if name in QUANTITIES else value

    return sentence(kept["sentence"], reader.locale, **{name: shown(name, value) for name, value in values.items()})


def mails_of(actor: Actor) -> SelectOfScalar[IncomingMail]:
    """Mails of the watched mailbox that somebody who may hand in invoices may see: all, where they read all of their
    organisation, else those of which something was put aside."""
    wanted = select(IncomingMail).where(IncomingMail.organisation_id == actor.organisation_id)
    if actor.reads_all:
        return wanted
    return wanted.where(or_(col(IncomingMail.outcome) == IncomingOutcome.KEPT, col(IncomingMail.key) != ""))


def incoming_mails(
    session: Session,
    actor: Actor,
    *,
    outcome: IncomingOutcome | None = None,
    waits: bool | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> Sequence[IncomingMail]:
    """Mails of the watched mailbox, the newest first. ``waits``: whether somebody has to see to them. ``after``: the
    last one seen."""
    wanted = mails_of(actor)
    if outcome is not None:
        wanted = wanted.where(IncomingMail.outcome == outcome)
    if waits is not None:
        wanted = wanted.where(IncomingMail.waits == waits)
    if after is not None:
        wanted = wanted.where(col(IncomingMail.id) < after)
    return session.exec(wanted.order_by(col(IncomingMail.id).desc()).limit(limit)).all()


def incoming_mail(session: Session, mail_id: UUID, actor: Actor) -> IncomingMail:
    """Raises NotFound also where the actor may not know that it exists."""
    found = session.exec(mails_of(actor).where(IncomingMail.id == mail_id)).first()
    if found is None:
        raise NotFound("There is no such mail.")
    return found


def mails_waiting(session: Session, organisation_id: UUID | None, *, limit: int) -> tuple[Sequence[IncomingMail], int]:
    """Those that somebody has to see to, the oldest first, and how many there are."""
    wanted = select(IncomingMail).where(
        IncomingMail.organisation_id == organisation_id, col(IncomingMail.waits).is_(True)
    )
    found = session.exec(wanted.order_by(col(IncomingMail.id)).limit(limit)).all()
    if len(found) < limit:
        return found, len(found)
    return found, session.exec(select(func.count()).select_from(wanted.subquery())).one()


def has_mails(session: Session, actor: Actor) -> bool:
    """Whether there is any that the actor may see."""
    return session.exec(mails_of(actor).limit(1)).first() is not None


def invoices_of_mails(session: Session, mails: Sequence[IncomingMail], actor: Actor) -> dict[str, Invoice]:
    """What came by these mails, or is answered about in them, by their ids: as far as the actor may see it."""
    ids = {UUID(each) for mail in mails for each in mail.invoice_ids}
    found = session.exec(visible_to(Invoice, actor).where(col(Invoice.id).in_(ids))) if ids else ()
    return {str(each.id): each for each in found}
