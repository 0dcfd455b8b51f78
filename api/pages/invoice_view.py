"""An invoice as pages show it: what it says, line by line, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from documents.einvoices.as_json import from_json
from documents.einvoices.data import Note
from documents.rendering import Reader, sentence
from workflows.invoices.model import Invoice, InvoiceAdjustment, InvoiceLine, InvoiceTax
from workflows.invoices.queries import adjustments, lines, newest_reading, taxes


@dataclass(frozen=True)
class FindingRow:
    """``blocks``: it keeps the invoice from being decided on."""

    blocks: bool
    words: str
    code: str


@dataclass(frozen=True)
class InvoiceView:
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    taxes: Sequence[InvoiceTax]
    adjustments: Sequence[InvoiceAdjustment]
    findings: Sequence[FindingRow]
    notes: Sequence[Note]
    terms: str
    corrected: bool
    """A person typed or corrected what stands here."""


def view_of(session: Session, invoice: Invoice, reader: Reader) -> InvoiceView:
    reading = newest_reading(session, invoice)
    said = from_json(reading.data)
    found = [
        FindingRow(each["severity"] == "error", sentence(each["text"], reader.locale, **each["values"]), each["code"])
        for each in reading.findings
    ]
    return InvoiceView(
        invoice=invoice,
        lines=lines(session, invoice),
        taxes=taxes(session, invoice),
        adjustments=adjustments(session, invoice),
        findings=sorted(found, key=lambda each: not each.blocks),
        notes=said.notes,
        terms=said.payment_terms,
        corrected=reading.number > 1,
    )
