"""The sheets of invoices: their heads, their lines, their tax, and what was billed for which machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, String, and_, cast, or_, select
from sqlmodel import Session, col

from documents.rendering import Reader, sentence
from documents.spreadsheet import Amount, Cell
from workflows.exports.sheets import Heading, Table, still_seen
from workflows.inventory.model import Machine
from workflows.invoices.model import Invoice, InvoiceLine, InvoiceMatch, InvoiceMatching, InvoiceState, InvoiceTax
from workflows.invoices.queries import difference_words
from workflows.parties.model import Person
from workflows.parties.rules import Actor
from workflows.search.terms import whole_number

STATES = {
    InvoiceState.RECEIVED: Heading("Received"),
    InvoiceState.CHECKED: Heading("Checked"),
    InvoiceState.MATCHED: Heading("Held against orders"),
    InvoiceState.IN_APPROVAL: Heading("Being decided"),
    InvoiceState.RETURNED: Heading("Sent back"),
    InvoiceState.APPROVED: Heading("Approved"),
    InvoiceState.RELEASED: Heading("Released for payment"),
    InvoiceState.PAID: Heading("Paid"),
    InvoiceState.REJECTED: Heading("Rejected"),
    InvoiceState.DISPUTED: Heading("Asked about"),
    InvoiceState.WITHDRAWN: Heading("Withdrawn"),
}
KINDS = {"invoice": Heading("Invoice"), "credit note": Heading("Credit note")}
OUTCOMES = {
    "matched": Heading("as ordered"),
    "failed": Heading("not as ordered"),
    "without_order": Heading("without an order"),
}
NOT_LISTED = Heading("No machine of this serial number is on the list.")

WHICH = (Heading("Number", 16), Heading("Supplier", 28), Heading("Supplier’s number", 18))
"""On every sheet, so that rows of one can be looked up in another."""

INVOICES = (
    *WHICH,
    Heading("Supplier’s identifier", 18),
    Heading("Kind"),
    Heading("Issued on", 12),
    Heading("Due on", 12),
    Heading("Currency", 9),
    Heading("Without tax", 16),
    Heading("Tax", 14),
    Heading("With tax", 16),
    Heading("To be paid", 16),
    Heading("State", 20),
    Heading("In this state since", 19),
    Heading("Matching", 16),
    Heading("Order number", 16),
    Heading("Contract number", 16),
    Heading("Cost centre", 14),
    Heading("Account", 26),
    Heading("Buyer", 24),
    Heading("In charge", 20),
    Heading("Received", 19),
    Heading("Released", 19),
    Heading("Paid on", 12),
    Heading("Amount paid", 16),
    Heading("Outstanding", 16),
    Heading("Your own number", 18),
)
LINES = (
    *WHICH,
    Heading("Currency", 9),
    Heading("Position", 9),
    Heading("Line", 9),
    Heading("Name", 36),
    Heading("Description", 36),
    Heading("Quantity", 11),
    Heading("Unit", 7),
    Heading("Unit price", 14),
    Heading("Price is for", 9),
    Heading("Without tax", 16),
    Heading("Tax category", 9),
    Heading("Tax rate, %", 9),
    Heading("Order number", 16),
    Heading("Order line", 9),
    Heading("Supplier’s item", 16),
    Heading("Buyer’s item", 16),
    Heading("Accounting", 14),
    Heading("Serial numbers", 20),
    Heading("Note", 30),
)
TAX = (
    *WHICH,
    Heading("Currency", 9),
    Heading("Tax category", 9),
    Heading("Tax rate, %", 9),
    Heading("Taxable amount", 16),
    Heading("Tax", 14),
    Heading("Why no tax", 36),
)
MACHINES = (
    *WHICH,
    Heading("Position", 9),
    Heading("Line", 36),
    Heading("Currency", 9),
    Heading("Without tax", 16),
    Heading("Serial number", 20),
    Heading("Model", 20),
    Heading("Location", 24),
    Heading("Customer", 20),
    Heading("Installed on", 12),
    Heading("Removed on", 12),
    Heading("Contract of the machine", 16),
    Heading("What differs", 60),
)


def _said(words: Mapping[Any, Heading], reader: Reader) -> dict[Any, str]:
    return {each: sentence(heading.sentence, reader.locale) for each, heading in words.items()}


def _money(value: Decimal | None, currency: str | None) -> Cell:
    return None if value is None else Amount(value, currency)


def _read(session: Session, rows: Executable) -> Iterator[Any]:
    """Values and no objects: hundreds of thousands of them pass by."""
    return iter(session.connection().execute(rows))


def _invoices(session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader) -> Iterator[Sequence[Cell]]:
    states, kinds, outcomes = _said(STATES, reader), _said(KINDS, reader), _said(OUTCOMES, reader)
    it = Invoice
    found = select(
        *(col(it.number), col(it.supplier), col(it.supplier_number), col(it.supplier_id), col(it.kind)),
        *(col(it.issued_on), col(it.due_on), col(it.currency), col(it.net), col(it.tax), col(it.gross)),
        *(col(it.payable), col(it.state), col(it.state_since), col(it.match_outcome), col(it.order_number)),
        *(col(it.contract_number), col(it.cost_center), col(it.iban), col(it.buyer), col(Person.name)),
        *(col(it.created_at), col(it.released_at), col(it.paid_on), col(it.paid_amount), col(it.external_id)),
    )
    rows = (
        found.join(Person, col(Person.id) == it.owner_id)
        .where(still_seen(Invoice, actor, ids))
        .order_by(col(it.id).desc())
    )
    for row in _read(session, rows):
        number, supplier, theirs, their_id, kind, issued, due, currency, net, tax, gross, payable, state, *rest = row
        since, outcome, order, contract, center, iban, buyer, owner, created, released, paid_on, paid, own = rest
        still_open = (payable or Decimal(0)) - (paid or Decimal(0)) if state is InvoiceState.RELEASED else None
        if state is InvoiceState.PAID:
            still_open = Decimal(0)
        yield (
            *(number, supplier, theirs, their_id, kinds.get(kind, kind), issued, due, currency),
            *(_money(net, currency), _money(tax, currency), _money(gross, currency), _money(payable, currency)),
            *(states[state], since, outcomes.get(outcome, outcome), order, contract, center, iban, buyer, owner),
            *(created, released, paid_on, _money(paid, currency), _money(still_open, currency), own),
        )


def _lines(session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader) -> Iterator[Sequence[Cell]]:
    it = InvoiceLine
    rows = (
        select(
            *(col(Invoice.number), col(Invoice.supplier), col(Invoice.supplier_number), col(Invoice.currency)),
            *(col(it.position), col(it.line_id), col(it.name), col(it.description), col(it.quantity), col(it.unit)),
            *(col(it.price), col(it.price_base), col(it.net), col(it.tax_category), col(it.tax_rate)),
            *(col(it.order_number), col(it.order_line), col(it.sellers_id), col(it.buyers_id), col(it.accounting)),
            *(col(it.serial_numbers), col(it.note)),
        )
        .join(Invoice, col(Invoice.id) == it.invoice_id)
        .where(still_seen(Invoice, actor, ids))
        .order_by(col(Invoice.id).desc(), col(it.position))
    )
    for (
        number,
        supplier,
        theirs,
        currency,
        position,
        line,
        name,
        about,
        quantity,
        unit,
        price,
        base,
        net,
        *rest,
    ) in _read(session, rows):
        category, rate, order, order_line, sellers, buyers, accounting, serials, note = rest
        yield (
            *(number, supplier, theirs, currency, position, line, name, about, quantity, unit, price, base),
            *(_money(net, currency), category, rate, order, order_line, sellers, buyers, accounting),
            *(", ".join(serials) if serials else None, note),
        )


def _tax(session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader) -> Iterator[Sequence[Cell]]:
    it = InvoiceTax
    rows = (
        select(
            *(col(Invoice.number), col(Invoice.supplier), col(Invoice.supplier_number), col(Invoice.currency)),
            *(col(it.category), col(it.rate), col(it.taxable), col(it.tax), col(it.exemption_reason)),
        )
        .join(Invoice, col(Invoice.id) == it.invoice_id)
        .where(still_seen(Invoice, actor, ids))
        .order_by(col(Invoice.id).desc(), col(it.position))
    )
    for number, supplier, theirs, currency, category, rate, taxable, tax, reason in _read(session, rows):
        yield (
            *(number, supplier, theirs, currency, category, rate),
            *(_money(taxable, currency), _money(tax, currency), reason),
        )


def _machines(session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader) -> Iterator[Sequence[Cell]]:
    """A row for each machine that a line was matched with, and one for each serial number that no machine has."""
    held = _machines_held(session, actor, ids)
    told = _differences(session, actor, ids, reader)
    not_listed = sentence(NOT_LISTED.sentence, reader.locale)
    nothing = (None,) * 6
    it = InvoiceLine
    rows = (
        select(
            *(col(Invoice.id), col(Invoice.number), col(Invoice.supplier), col(Invoice.supplier_number)),
            *(col(Invoice.currency), col(it.position), col(it.name), col(it.net), col(it.serial_numbers)),
        )
        .join(Invoice, col(Invoice.id) == it.invoice_id)
        .where(
            still_seen(Invoice, actor, ids), or_(_names_machines, col(it.invoice_id).in_({each for each, _ in held}))
        )
        .order_by(col(Invoice.id).desc(), col(it.position))
    )
    for invoice_id, number, supplier, theirs, currency, position, name, net, serials in _read(session, rows):
        matched = held.get((invoice_id, position), ())
        if not matched and not serials:
            continue
        line = (number, supplier, theirs, position, name, currency, _money(net, currency))
        for label, machine in matched:
            differs = " ".join(told.get((invoice_id, position, label), ()))
            yield (*line, label, *(machine or nothing), differs)
        known = {whole_number(label) for label, _ in matched}
        for serial in serials:
            if whole_number(serial) not in known:
                yield (*line, serial, *nothing, not_listed)


_names_machines = cast(col(InvoiceLine.serial_numbers), String) != "[]"
"""Most lines name none, and need not be read."""


def _machines_held(
    session: Session, actor: Actor, ids: Sequence[UUID]
) -> dict[tuple[UUID, int], list[tuple[str, tuple[Cell, ...] | None]]]:
    """By invoice and position: serial numbers, and what is kept of those machines, where the actor may read it."""
    it, theirs = InvoiceMatch, Machine
    rows = (
        select(
            *(col(it.invoice_id), col(it.position), col(it.label), col(theirs.id), col(theirs.model)),
            *(col(theirs.location), col(theirs.customer), col(theirs.installed_on), col(theirs.removed_on)),
            col(theirs.contract_number),
        )
        .join(Invoice, col(Invoice.id) == it.invoice_id)
        .outerjoin(theirs, and_(col(theirs.id) == it.target_id, col(theirs.organisation_id) == actor.organisation_id))
        .where(still_seen(Invoice, actor, ids), col(it.kind) == "machine", col(it.undone_at).is_(None))
        .order_by(col(it.label))
    )
    held = defaultdict(list)
    for invoice_id, position, label, machine_id, *kept in _read(session, rows):
        held[invoice_id, position].append((label, tuple(kept) if machine_id else None))
    return held


def _differences(
    session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader
) -> dict[tuple[UUID, int, str], list[str]]:
    """By invoice, position and serial number: what is not as it should be."""
    rows = (
        select(col(InvoiceMatching.invoice_id), col(InvoiceMatching.differences))
        .join(Invoice, col(Invoice.id) == InvoiceMatching.invoice_id)
        .where(still_seen(Invoice, actor, ids))
    )
    told = defaultdict(list)
    for invoice_id, differences in _read(session, rows):
        for each in differences:
            if serial := each["values"].get("serial"):
                told[invoice_id, each["position"], serial].append(difference_words(each, reader))
    return told


TABLES = {
    "invoices": Table(Heading("Invoices"), INVOICES, _invoices),
    "lines": Table(Heading("Lines"), LINES, _lines),
    "tax": Table(Heading("Tax"), TAX, _tax),
    "machines": Table(Heading("Machines"), MACHINES, _machines),
}
