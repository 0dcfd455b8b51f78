"""What versions of an invoice say, and what is found in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, delete, select

from documents.einvoices import data
from documents.einvoices.as_json import from_json, to_json
from documents.einvoices.findings import Finding
from documents.einvoices.findings import to_json as to_kept
from workflows.approvals.model import Round
from workflows.database import Work
from workflows.discussions.rules import tidied
from workflows.invoices import suspicions
from workflows.invoices.billed import billed
from workflows.invoices.model import (
    PROCESS,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    InvoiceNamed,
    InvoiceReading,
    InvoiceState,
    InvoiceTax,
)
from workflows.invoices.rules import head_of, missing_in, reckoned
from workflows.papers.model import Version
from workflows.parties.rules import Actor, shown

MOST_NAMED = 20_000
"""Orders, then possible serial numbers, by which an invoice is found; ordinary ones name some ten."""


def newest_reading(session: Session, invoice: Invoice) -> InvoiceReading:
    """Of the current version, as it was read or corrected last. Raises NoResultFound: there is none."""
    return session.exec(
        select(InvoiceReading)
        .where(InvoiceReading.invoice_id == invoice.id, InvoiceReading.version == invoice.current_version)
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).one()


def reading_of(session: Session, invoice: Invoice, round: Round) -> InvoiceReading:
    """What was decided on in a round: its version, as it had been corrected until then."""
    return session.exec(
        select(InvoiceReading)
        .where(
            InvoiceReading.invoice_id == invoice.id,
            InvoiceReading.version == round.version_number,
            col(InvoiceReading.at) <= round.opened_at,
        )
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).one()


def reading_before(session: Session, invoice: Invoice) -> InvoiceReading | None:
    """What the version before the current one said last; None of a first version."""
    return session.exec(
        select(InvoiceReading)
        .where(InvoiceReading.invoice_id == invoice.id, InvoiceReading.version == invoice.current_version - 1)
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).first()


def take_down(
    session: Work,
    invoice: Invoice,
    said: data.Invoice,
    findings: Sequence[Finding],
    version: Version,
    *,
    reason: str,
    by: Actor,
    now: datetime,
) -> None:
    """Keep a reading; head, lines and taxes are as it says from now on."""
    for name, value in head_of(said).items():
        setattr(invoice, name, value)
    invoice.title = invoice.title or version.file_name
    found = [*findings, *missing_in(said)]
    found += reckoned(said, found, now.date())
    found += _suspicious(session, invoice, said, version)
    latest = session.exec(
        select(InvoiceReading.number)
        .where(InvoiceReading.invoice_id == invoice.id, InvoiceReading.version == version.number)
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).first()
    session.add(
        InvoiceReading(
            invoice_id=invoice.id,
            version=version.number,
            number=(latest or 0) + 1,
            data=to_json(said),
            findings=[to_kept(each) for each in found],
            reason=reason,
            author=by.name,
            at=now,
        )
    )
    invoice.blocked = any(each.severity == "error" for each in found)
    invoice.warnings = sum(each.severity == "warning" for each in found)
    invoice.enter(InvoiceState.RECEIVED if invoice.blocked else InvoiceState.CHECKED, now=now)
    for table in (InvoiceLine, InvoiceTax, InvoiceAdjustment, InvoiceNamed):
        session.exec(delete(table).where(col(table.invoice_id) == invoice.id))
    session.add_all(_rows(invoice, said))
    session.flush()
    named = [(kind, key) for kind, keys in billed(said).named.items() for key in sorted(keys)][:MOST_NAMED]
    if named:
        of_it = {"invoice_id": invoice.id, "organisation_id": invoice.organisation_id}
        session.execute(insert(InvoiceNamed), [{**of_it, "kind": kind, "key": key} for kind, key in named])


def _rows(invoice: Invoice, said: data.Invoice) -> list[Any]:
    rows: list[Any] = [
        InvoiceLine(
            invoice_id=invoice.id,
            position=position,
            line_id=shown(line.id),
            name=shown(line.name),
            description=tidied(line.description),
            note=tidied(line.note),
            quantity=line.quantity.value if line.quantity else None,
            unit=shown(line.quantity.unit) if line.quantity else "",
            price=line.price.net,
            price_base=line.price.base_quantity.value if line.price.base_quantity else None,
            net=line.net_amount,
            tax_category=(line.tax.code if line.tax else "")[:10],
            tax_rate=line.tax.rate if line.tax else None,
            order_number=shown(line.order or said.order),
            order_line=shown(line.order_line),
            sellers_id=shown(line.sellers_id),
            buyers_id=shown(line.buyers_id),
            accounting=shown(line.accounting),
            serial_numbers=[shown(each) for each in line.serial_numbers],
        )
        for position, line in enumerate(said.lines, 1)
    ]
    rows += [
        InvoiceTax(
            invoice_id=invoice.id,
            position=position,
            category=tax.category[:10],
            rate=tax.rate,
            taxable=tax.taxable,
            tax=tax.tax,
            exemption_reason=tidied(tax.exemption_reason),
        )
        for position, tax in enumerate(said.taxes, 1)
    ]
    both = [(False, each) for each in said.allowances] + [(True, each) for each in said.charges]
    rows += [
        InvoiceAdjustment(
            invoice_id=invoice.id,
            position=position,
            charge=charge,
            amount=each.amount,
            reason=tidied(each.reason),
            tax_category=(each.tax.code if each.tax else "")[:10],
            tax_rate=each.tax.rate if each.tax else None,
        )
        for position, (charge, each) in enumerate(both, 1)
    ]
    return rows


def _suspicious(session: Session, invoice: Invoice, said: data.Invoice, version: Version) -> list[Finding]:
    """Beside the others of the organisation."""
    bytes_of_others = select(Version.subject_id).where(
        Version.process == PROCESS, Version.sha256 == version.sha256, Version.subject_id != invoice.id
    )
    other = session.exec(_others(invoice).where(col(Invoice.id).in_(bytes_of_others)).limit(1)).first()
    found = suspicions.same_file(other)
    if not invoice.supplier_key:
        return found
    of_supplier = _others(invoice).where(Invoice.supplier_key == invoice.supplier_key)
    of_kind = of_supplier.where(Invoice.kind == invoice.kind)
    same_number = session.exec(of_kind.where(Invoice.supplier_number_key == invoice.supplier_number_key)).all()
    same_day = session.exec(
        of_kind.where(Invoice.issued_on == invoice.issued_on, Invoice.currency == invoice.currency)
    ).all()
    found += suspicions.duplicate(invoice, [*same_number, *same_day])
    last = session.exec(of_supplier.where(Invoice.iban != "").limit(1)).first()
    if last is not None:
        found += suspicions.other_account(said, from_json(newest_reading(session, last).data), number=last.number)
    return found


def _others(invoice: Invoice) -> Any:
    """Of the same organisation, and still meant."""
    ended = (InvoiceState.WITHDRAWN, InvoiceState.REJECTED)
    return (
        select(Invoice)
        .where(Invoice.organisation_id == invoice.organisation_id, Invoice.id != invoice.id)
        .where(col(Invoice.state).not_in(ended))
        .order_by(col(Invoice.id).desc())
    )
