"""Hold an invoice against orders, contracts and machines, as its route says; match and undo by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import cast
from uuid import UUID

from sqlalchemy import and_, or_, true
from sqlmodel import Session, col, select

from documents.einvoices.as_json import from_json
from workflows.approvals.plan import Tolerance
from workflows.audit.operations import record
from workflows.columns import as_json, new_id
from workflows.contracts.model import Contract, ContractState
from workflows.database import Work, in_parts
from workflows.errors import Conflict, NotFound, Refused
from workflows.inventory.model import Machine
from workflows.inventory.rules import serial_key
from workflows.invoices.billed import Billed, billed
from workflows.invoices.known import (
    WHOLE,
    Held,
    Kind,
    Known,
    KnownContract,
    KnownLine,
    KnownMachine,
    KnownOrder,
    Target,
)
from workflows.invoices.matching_rules import hold
from workflows.invoices.model import PROCESS, Invoice, InvoiceMatch, InvoiceMatching, InvoiceState
from workflows.invoices.readings import newest_reading
from workflows.invoices.rules import why_not_match
from workflows.orders.model import Order, OrderLine
from workflows.orders.queries import lines as lines_of
from workflows.orders.rules import number_key
from workflows.papers.operations import locked, note_event, permission
from workflows.papers.queries import visible_to
from workflows.parties.rules import Actor, shown
from workflows.search.terms import whole_number

GIVEN_UP = (InvoiceState.WITHDRAWN, InvoiceState.REJECTED)
LAST = UUID(int=2**128 - 1)
"""The turn of an invoice that is held together with something new: after all others, until their orders are locked."""
DECIDED = (InvoiceState.APPROVED, InvoiceState.RELEASED, InvoiceState.PAID)
LONGEST_REASON = 2000


def held_against_orders(
    session: Work, invoice: Invoice, *, price: Tolerance, quantity: Tolerance, now: datetime
) -> Held:
    """Hold a locked invoice against all that is known now, and keep how it came out.

    Orders are locked: two invoices at the same moment do not both find the same quantity left.
    """
    said = billed(from_json(newest_reading(session, invoice).data))
    rows = matches(session, invoice.id)
    by_hand = [each for each in rows if each.how == "hand" and each.undone_at is None]
    for each in by_hand:
        if told_by(said, each.position) != each.told_by:
            each.undone_at = now
    made = {(each.position, _target(each)): each for each in by_hand if each.undone_at is None}
    undone = {
        (each.position, _target(each))
        for each in rows
        if each.undone_at and each.undone_by and told_by(said, each.position) == each.told_by
    }

    def held_now() -> Held:
        return hold(
            said,
            _known(session, invoice, said, [target for _, target in made]),
            price=price,
            quantity=quantity,
            made=list(made),
            undone=undone - set(made),
        )

    held, kept = held_now(), session.get(InvoiceMatching, invoice.id)
    before = {_target(each) for each in rows if each.undone_at is None}
    if kept and kept.turn != LAST and any(each.target not in before for each in held.pairings):
        # an order that others bill already, who were held against it while this one was not: it comes after them
        kept.turn = LAST
        session.flush()
        held = held_now()
    for row in rows:
        if row.how != "hand" and row.undone_at is None:
            session.delete(row)
    for pairing in held.pairings:
        kind, target_id, line = pairing.target
        row = made.get((pairing.position, pairing.target)) or InvoiceMatch(
            invoice_id=invoice.id,
            position=pairing.position,
            kind=kind,
            target_id=target_id,
            target_line=line,
            how=pairing.how,
            told_by=told_by(said, pairing.position),
            at=now,
        )
        row.label, row.quantity, row.net = pairing.label or row.label, pairing.quantity, pairing.net
        session.add(row)
    kept = kept or InvoiceMatching(invoice_id=invoice.id, at=now, outcome="")
    if kept.turn == LAST:
        kept.turn = new_id()
    kept.at, kept.outcome = now, held.outcome
    kept.differences = [{**asdict(each), "values": as_json(each.values)} for each in held.differences]
    kept.tolerances = as_json({"price": asdict(price), "quantity": asdict(quantity)})
    session.add(kept)
    invoice.match_outcome = held.outcome
    session.flush()
    return held


def match_again(session: Work, invoice_id: UUID, *, by: Actor, now: datetime, visible: bool, asked: bool) -> Invoice:
    """Hold an invoice against what is known by now, with the tolerances of its route. ``asked``: to decide on it.

    Raises:
        NotFound: there is no such invoice, or the actor may not see it.
        Forbidden: to all but its owner, their administrators, and those who are asked.
        Conflict: it is decided, or over.
    """
    invoice = _open(session, invoice_id, by, visible=visible, asked=asked)
    _again(session, invoice, now=now)
    return invoice


def hold_anew(session: Work, invoice_id: UUID, *, states: Collection[InvoiceState], now: datetime) -> None:
    """Hold an invoice against what has become known since, where it still is in one of these states; on record."""
    _, invoice = locked(session, Invoice, invoice_id, visible=True)
    if invoice.state not in states:
        return
    before = invoice.match_outcome
    _again(session, invoice, now=now)
    if invoice.match_outcome == before:
        record(session, "held_against_orders", PROCESS, invoice.id, now=now, outcome=before)


def refers_to(session: Session, kind: Kind, target_id: UUID) -> bool:
    """Whether an invoice was ever matched with it: what was undone stays on record, too."""
    wanted = select(InvoiceMatch.id).where(InvoiceMatch.kind == kind, InvoiceMatch.target_id == target_id)
    return session.exec(wanted.limit(1)).first() is not None


def make_match(
    session: Work,
    invoice_id: UUID,
    *,
    position: int,
    order: str = "",
    order_line: str = "",
    contract: str = "",
    machine: str = "",
    reason: str,
    by: Actor,
    now: datetime,
    visible: bool,
    asked: bool,
) -> Invoice:
    """Match a line (0: the whole invoice) by hand with one of these, by its number. Twice is as once.

    Raises:
        as ``match_again``; also
        Refused: no such line, nothing or several to match with, or no reason.
        Conflict: the line is matched with another line of an order.
    """
    invoice = _open(session, invoice_id, by, visible=visible, asked=asked)
    said = billed(from_json(newest_reading(session, invoice).data))
    if position != WHOLE and all(line.position != position for line in said.lines):
        raise Refused("The invoice has no line %(position)s.", field="position", position=position)
    target, label = _named(session, by, order.strip(), order_line.strip(), contract.strip(), machine.strip())
    there = [each for each in matches(session, invoice.id) if each.undone_at is None and each.position == position]
    if any(each.how == "hand" and _target(each) == target for each in there):
        return invoice
    reason = _reason(reason)
    if target[0] == "order" and (other := next((e for e in there if e.kind == "order" and e.how == "hand"), None)):
        raise Conflict("It is matched with %(label)s by hand. Undo that first.", label=other.label)
    session.add(
        InvoiceMatch(
            invoice_id=invoice.id,
            position=position,
            kind=target[0],
            target_id=target[1],
            target_line=target[2],
            label=label,
            how="hand",
            told_by=told_by(said, position),
            by_id=by.id,
            by=by.name,
            reason=reason,
            at=now,
        )
    )
    session.flush()
    note_event(
        session, "match_made", invoice, by=by, now=now, position=position, of=_what(said, position, invoice), to=label,
        comment=reason,
    )  # fmt: skip
    if kept := matching(session, invoice.id):
        kept.turn = LAST
        session.flush()
    _again(session, invoice, now=now)
    return invoice


def undo_match(
    session: Work,
    invoice_id: UUID,
    match_id: UUID,
    *,
    reason: str,
    by: Actor,
    now: datetime,
    visible: bool,
    asked: bool,
) -> Invoice:
    """Undo a match, whoever or whatever made it: no rule makes it again. Twice is as once.

    Raises:
        as ``match_again``; also
        NotFound: there is no such match.
        Refused: no reason is given.
    """
    invoice = _open(session, invoice_id, by, visible=visible, asked=asked)
    row = session.get(InvoiceMatch, match_id)
    if row is None or row.invoice_id != invoice.id:
        raise NotFound("There is no such match any more.")
    if row.undone_at is not None:
        return invoice
    reason = _reason(reason)
    row.undone_at, row.undone_by, row.undone_reason = now, by.name, reason
    said = billed(from_json(newest_reading(session, invoice).data))
    note_event(
        session, "match_undone", invoice, by=by, now=now, position=row.position,
        of=_what(said, row.position, invoice), to=row.label, comment=reason,
    )  # fmt: skip
    session.flush()
    _again(session, invoice, now=now)
    return invoice


def matches(session: Session, invoice_id: UUID) -> Sequence[InvoiceMatch]:
    """All of an invoice, those that were undone too, in the order of its lines."""
    return session.exec(
        select(InvoiceMatch)
        .where(InvoiceMatch.invoice_id == invoice_id)
        .order_by(col(InvoiceMatch.position), col(InvoiceMatch.id))
    ).all()


def matching(session: Session, invoice_id: UUID) -> InvoiceMatching | None:
    """How it came out when it was held last; None where it never was."""
    return session.get(InvoiceMatching, invoice_id)


def told_by(said: Billed, position: int) -> str:
    """By what this line is known again in another reading; "" for the whole, and where there is no such line."""
    line = next((each for each in said.lines if each.position == position), None)
    return line.told_by if line else ""


def _open(session: Work, invoice_id: UUID, by: Actor, *, visible: bool, asked: bool) -> Invoice:
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if sentence := why_not_match(by, invoice, asked=asked):
        raise permission(sentence)
    return invoice


def _again(session: Work, invoice: Invoice, *, now: datetime) -> None:
    before, kept = invoice.match_outcome, matching(session, invoice.id)
    tolerances = kept.tolerances if kept else {}
    held = held_against_orders(
        session,
        invoice,
        price=_tolerance(tolerances.get("price", {})),
        quantity=_tolerance(tolerances.get("quantity", {})),
        now=now,
    )
    if held.outcome != before:
        record(session, "held_against_orders", PROCESS, invoice.id, now=now, outcome=held.outcome)


def _tolerance(kept: dict[str, str | None]) -> Tolerance:
    percent, amount = kept.get("percent"), kept.get("amount")
    return Tolerance(None if percent is None else Decimal(percent), None if amount is None else Decimal(amount))


def _reason(reason: str) -> str:
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Refused("Say why: whoever decides reads it.", field="reason")
    return reason


def _target(row: InvoiceMatch) -> Target:
    return cast(Kind, row.kind), row.target_id, row.target_line


def _what(said: Billed, position: int, invoice: Invoice) -> str:
    line = next((each for each in said.lines if each.position == position), None)
    return f"{position}: {shown(line.name or line.description)[:80]}" if line else invoice.number


def _named(session: Session, by: Actor, order: str, order_line: str, contract: str, machine: str) -> tuple[Target, str]:
    """What somebody names, among what they may see; and what it is called."""
    if sum(map(bool, (order, contract, machine))) != 1:
        raise Refused("Name an order, a contract or a machine: one of them.", field="order")
    if machine:
        wanted = select(Machine).where(Machine.organisation_id == by.organisation_id)
        found = session.exec(wanted.where(Machine.serial_key == serial_key(machine))).first()
        if found is None:
            raise Refused("There is no machine %(serial)s.", field="machine", serial=machine[:80])
        return ("machine", found.id, ""), found.serial
    if contract:
        agreed = session.exec(visible_to(Contract, by).where(Contract.number == contract.upper())).first()
        if agreed is None:
            raise Refused("There is no contract %(number)s.", field="contract", number=contract[:80])
        return ("contract", agreed.id, ""), agreed.number
    orders = select(Order).where(Order.organisation_id == by.organisation_id)
    its = session.exec(orders.where(Order.number_key == number_key(order))).first()
    if its is None:
        raise Refused("There is no order %(number)s.", field="order", number=order[:80])
    if not order_line:
        return ("order", its.id, ""), its.number
    if session.get(OrderLine, (its.id, order_line)) is None:
        raise Refused(
            "The order %(order)s has no line %(line)s.", field="order_line", order=its.number, line=order_line[:80]
        )
    return ("order", its.id, order_line), f"{its.number} / {order_line}"


def _known(session: Session, invoice: Invoice, said: Billed, named: Iterable[Target]) -> Known:
    ids: dict[str, set[UUID]] = {"order": set(), "contract": set(), "machine": set()}
    for kind, target_id, _ in named:
        ids[kind].add(target_id)
    return Known(
        orders=_orders(session, invoice, said, ids["order"]),
        contracts=_contracts(session, invoice, said, ids["contract"]),
        machines=_machines(session, invoice, said, ids["machine"]),
    )


def _orders(session: Session, invoice: Invoice, said: Billed, ids: Collection[UUID]) -> dict[str, KnownOrder]:
    keys = {number_key(each) for each in (said.order, *(line.order for line in said.lines)) if each} - {""}
    if not keys and not ids:
        return {}
    orders = session.exec(
        select(Order)
        .where(
            Order.organisation_id == invoice.organisation_id,
            or_(col(Order.number_key).in_(keys), col(Order.id).in_(ids)),
        )
        .order_by(col(Order.id))
        .with_for_update(key_share=True)
    ).all()
    lines = lines_of(session, [each.id for each in orders])
    before = _billed_by_others(session, invoice, "order", [each.id for each in orders])
    return {
        order.number_key: KnownOrder(
            id=order.id,
            number=order.number,
            supplier=order.supplier,
            supplier_id=order.supplier_id,
            currency=order.currency,
            lines=tuple(_line(each, before) for each in lines if each.order_id == order.id),
            billed=_sum(each.net for each in before if each.target_id == order.id),
        )
        for order in orders
    }


def _line(line: OrderLine, before: Sequence[InvoiceMatch]) -> KnownLine:
    return KnownLine(
        line=line.line,
        sellers_id=line.sellers_id,
        buyers_id=line.buyers_id,
        standard_id=line.standard_id,
        name=line.name,
        quantity=line.quantity,
        unit=line.unit,
        price=line.price,
        billed=_sum(
            each.quantity for each in before if each.target_id == line.order_id and each.target_line == line.line
        ),
    )


def _contracts(session: Session, invoice: Invoice, said: Billed, ids: Collection[UUID]) -> dict[str, KnownContract]:
    number = said.contract.strip()
    if not number and not ids:
        return {}
    found = session.exec(
        select(Contract)
        .where(
            Contract.organisation_id == invoice.organisation_id,
            or_(
                col(Contract.number) == number.upper(),
                col(Contract.external_id) == number,
                col(Contract.id).in_(ids),
            ),
        )
        .order_by(col(Contract.id))
    ).all()
    before = _billed_by_others(session, invoice, "contract", [each.id for each in found])
    return {
        whole_number(number if each.id not in ids else each.number): KnownContract(
            id=each.id,
            number=each.number,
            counterparty=each.counterparty,
            amount=each.amount,
            currency=each.currency or "",
            starts_on=each.starts_on,
            ends_on=each.ends_on,
            in_force=each.state in (ContractState.IN_FORCE, ContractState.EXPIRED),
            billed=_sum(one.net for one in before if one.target_id == each.id),
        )
        for each in found
    }


def _machines(session: Session, invoice: Invoice, said: Billed, ids: Collection[UUID]) -> dict[str, KnownMachine]:
    keys = list(dict.fromkeys((*said.serials, *(key for line in said.lines for key in line.serials))))
    machines = select(Machine).where(Machine.organisation_id == invoice.organisation_id)
    found = [
        *(row for some in in_parts(keys) for row in session.exec(machines.where(col(Machine.serial_key).in_(some)))),
        *(session.exec(machines.where(col(Machine.id).in_(ids))) if ids else ()),
    ]
    return {
        each.serial_key: KnownMachine(
            id=each.id,
            serial=each.serial,
            model=each.model,
            installed_on=each.installed_on,
            removed_on=each.removed_on,
            contract_number=each.contract_number,
        )
        for each in found
    }


def _billed_by_others(
    session: Session, invoice: Invoice, kind: Kind, target_ids: Collection[UUID]
) -> Sequence[InvoiceMatch]:
    """What other invoices bill of these: those that were held before, unless they were given up, and all decided ones.

    Not those that came before: of two that are sent on at once the later one may be held first.
    """
    if not target_ids:
        return []
    own = matching(session, invoice.id)
    earlier = col(InvoiceMatching.turn) < own.turn if own else true()
    return session.exec(
        select(InvoiceMatch)
        .join(Invoice, col(Invoice.id) == col(InvoiceMatch.invoice_id))
        .join(InvoiceMatching, col(InvoiceMatching.invoice_id) == col(InvoiceMatch.invoice_id))
        .where(
            InvoiceMatch.kind == kind,
            col(InvoiceMatch.target_id).in_(target_ids),
            col(InvoiceMatch.undone_at).is_(None),
            InvoiceMatch.invoice_id != invoice.id,
            or_(
                and_(earlier, col(Invoice.state).not_in(GIVEN_UP)),
                col(Invoice.state).in_(DECIDED),
            ),
        )
    ).all()


def _sum(numbers: Iterable[Decimal | None]) -> Decimal:
    return sum((each for each in numbers if each is not None), Decimal(0))
