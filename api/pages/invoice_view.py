"""An invoice as pages show it: what it says, line by line, and what was found in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from api.pages.invoice_arithmetic import StepRow, steps_of
from api.pages.words import said_name, said_value
from documents.einvoices import data
from documents.einvoices.as_json import from_json
from documents.einvoices.data import Note
from documents.einvoices.finding_words import foreign, place_said
from documents.einvoices.finding_words import said as said_of
from documents.einvoices.findings import Finding
from documents.einvoices.findings import from_json as finding_of
from documents.einvoices.sheet import unit_said
from documents.rendering import Reader
from workflows.invoices.model import Invoice, InvoiceAdjustment, InvoiceLine, InvoiceTax
from workflows.invoices.queries import adjustments, lines, newest_reading, taxes
from workflows.invoices.readings import reading_before
from workflows.invoices.rules import differences


@dataclass(frozen=True)
class FindingRow:
    """``blocks``: it keeps the invoice from being decided on. ``rule``: its number, ours in small letters.
    ``foreign``: the language of the words, where it is not the reader's."""

    blocks: bool
    words: str
    foreign: str
    places: str
    rule: str


@dataclass(frozen=True)
class InvoiceView:
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    units: Mapping[int, str]
    """Of the lines by their positions, in words; nothing where the number alone says it."""
    taxes: Sequence[InvoiceTax]
    adjustments: Sequence[InvoiceAdjustment]
    findings: Sequence[FindingRow]
    notes: Sequence[Note]
    terms: str
    steps: Sequence[StepRow]
    corrected: bool
    """A person typed or corrected what stands here."""
    version: int
    changes: Sequence[tuple[str, str, str]]
    """What the version before said otherwise: what, before and now, in words."""


def view_of(session: Session, invoice: Invoice, reader: Reader) -> InvoiceView:
    reading = newest_reading(session, invoice)
    said = from_json(reading.data)
    of_it = lines(session, invoice)
    return InvoiceView(
        invoice=invoice,
        lines=of_it,
        units={each.position: unit_said(each.unit, reader.locale) for each in of_it},
        taxes=taxes(session, invoice),
        adjustments=adjustments(session, invoice),
        findings=finding_rows(map(finding_of, reading.findings), reader),
        notes=said.notes,
        terms=said.payment_terms,
        steps=steps_of(said, reader.locale),
        corrected=reading.number > 1,
        version=invoice.current_version,
        changes=_changes(session, invoice, said, reader),
    )


def finding_rows(findings: Iterable[Finding], reader: Reader) -> list[FindingRow]:
    """Those that keep it from being decided on first."""
    found = [
        FindingRow(
            blocks=each.severity == "error",
            words=said_of(each, reader.locale),
            foreign=foreign(each, reader.locale),
            places=", ".join(dict.fromkeys(place_said(place, reader.locale) for place in each.places)),
            rule=each.rule,
        )
        for each in findings
    ]
    return sorted(found, key=lambda each: not each.blocks)


def _changes(session: Session, invoice: Invoice, said: data.Invoice, reader: Reader) -> list[tuple[str, str, str]]:
    before = reading_before(session, invoice)
    return changes_said(from_json(before.data), said, reader) if before else []


def changes_said(before: data.Invoice, now: data.Invoice, reader: Reader) -> list[tuple[str, str, str]]:
    """What is said otherwise, before and now, as pages show it."""
    return [
        (
            said_name(name, reader),
            said_value(name, was, reader, before.currency),
            said_value(name, at, reader, now.currency),
        )
        for name, was, at in differences(before, now)
    ]
