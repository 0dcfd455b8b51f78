"""Read an invoice, whatever it comes in: XML of five syntaxes, a PDF with XML inside, a PDF with pages only.

Strangers' files are read in a child process that may die alone (`documents.sandbox`); `read_here` is what it does.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

from lxml import etree
from pikepdf import Pdf

from documents import pdf as pdfs
from documents import sandbox, text
from documents.einvoices import cii, korea, ubl
from documents.einvoices.as_json import from_json, to_json
from documents.einvoices.data import Invoice, Signature
from documents.einvoices.hybrid import embedded_invoices
from documents.einvoices.suggestions import Difference, Suggestion, differences, suggest
from documents.einvoices.xml import harmless, insist_on_what_people_write, looks_like_xml, parsed
from documents.intake import AT_ONCE, SNIFFED_BYTES, IntakeLimits, IntakeRefused, in_child, megabytes

LONGEST_NUMBER = 200
"""Letters. EN 16931 sets no limit to BT-1; no system that writes invoices comes near this one."""
MOST_ROWS = 20_000
"""Lines, entries of the VAT breakdown, allowances and charges, payment means: of each so many."""

Form = Literal["xml", "hybrid", "pdf"]

ORDINARY = IntakeLimits(memory_bytes=1_500_000_000, seconds=20, file_bytes=60_000_000, pages=2_000)

READERS: Mapping[str, Callable[[etree._Element], Invoice]] = {
    ubl.INVOICE: ubl.read,
    ubl.CREDIT_NOTE: ubl.read,
    cii.CII: cii.read,
    cii.ZUGFERD_1: cii.read,
    korea.TAX_INVOICE: korea.read,
}
"""By the root element: what a file is says its content, never its name."""
ENVELOPE = "{http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader}StandardBusinessDocument"
"""In which Peppol carries an invoice."""


@dataclass(frozen=True)
class Reading:
    """What a file says, and where it says it."""

    form: Form
    invoice: Invoice | None
    """None for a PDF without XML: a person types what its pages say."""
    xml: bytes
    """UTF-8, free of what could hurt a parser (`xml.harmless`), and without an envelope: what rules are run on. Empty
    without XML."""
    xml_name: str
    """Under which it lies in the PDF."""
    signature: Signature | None
    """Of a Korean tax invoice."""
    suggestions: tuple[Suggestion, ...]
    """From the pages of a PDF."""
    differences: tuple[Difference, ...]
    """Where the pages of a hybrid say otherwise than its XML, which counts."""


def read(data: bytes, *, limits: IntakeLimits = ORDINARY, password: str | None = None) -> Reading:
    """Safe in threads, whatever the file holds.

    Raises IntakeRefused: not_invoice, incomplete, hostile, damaged, too_large, too_costly, password, busy.
    """
    if len(data) > limits.file_bytes:
        raise IntakeRefused("too_large", "The file is larger than %(limit)s.", limit=megabytes(limits.file_bytes))
    arguments = {"password": password, "most_pages": limits.pages}
    answer = in_child("documents.einvoices.reading:read_in_child", data, arguments, limits=limits, places=_places)
    try:
        return _from_values(answer.values, answer.parts[0], json.loads(answer.parts[1]))
    except (KeyError, TypeError, ValueError, IndexError):  # only a child that was taken over answers so
        raise IntakeRefused("too_costly", "The file is damaged, or made so that reading it costs too much.") from None


_places = sandbox.Places(AT_ONCE)


def read_here(data: bytes, *, password: str | None = None, most_pages: int = ORDINARY.pages) -> Reading:
    """`read` without the child process. Raises IntakeRefused."""
    if not data:
        raise IntakeRefused("not_invoice", "The file is empty.")
    if b"%PDF-" in data[:SNIFFED_BYTES]:
        return _pdf(data, password, most_pages)
    if looks_like_xml(data):
        return _xml(data)
    raise IntakeRefused("not_invoice", "The file is neither XML nor a PDF, so it cannot be read as an invoice.")


def _xml(data: bytes) -> Reading:
    xml, invoice, signed = _invoice(data)
    return Reading("xml", invoice, xml, "", signed, (), ())


def _pdf(data: bytes, password: str | None, most_pages: int) -> Reading:
    with pdfs.opened(data, password) as pdf:
        pages = pdfs.count_pages(pdf, most_pages)
        embedded = embedded_invoices(pdf)
        texts = text.read_pages(_unlocked(pdf) if pdf.is_encrypted else data, pages)[0]
    suggestions = suggest(texts)
    if not embedded:
        return Reading("pdf", None, b"", "", None, suggestions, ())
    if len(embedded) > 1:
        raise IntakeRefused(
            "not_invoice",
            "The PDF holds %(count)s different invoices (%(names)s), and which of them counts cannot be known.",
            count=len(embedded),
            names=", ".join(sorted(each.name or "—" for each in embedded)),
        )
    xml, invoice, signed = _invoice(embedded[0].data)
    told = differences(invoice, suggestions, texts)
    return Reading("hybrid", invoice, xml, embedded[0].name, signed, suggestions, told)


def _unlocked(pdf: Pdf) -> bytes:
    written = io.BytesIO()
    pdf.save(written, encryption=False)
    return written.getvalue()


def _invoice(data: bytes) -> tuple[bytes, Invoice, Signature | None]:
    xml = harmless(data)
    root = parsed(xml)
    if root.tag == ENVELOPE:
        inside = next((each for each in root.iterchildren() if each.tag in READERS), None)
        if inside is not None:
            inside.tail = None
            xml = etree.tostring(inside)
            root = parsed(xml)
    reader = READERS.get(str(root.tag))
    if reader is None:
        raise IntakeRefused(
            "not_invoice",
            "The XML is no invoice that is read here: its root is %(root)s.",
            root=etree.QName(root).localname[:60],
        )
    insist_on_what_people_write(root)
    invoice = reader(root)
    _insist_on_what_counts(invoice)
    _insist_on_a_size(invoice)
    return xml, invoice, _signature(xml, invoice) if invoice.syntax == "korea" else None


def _signature(xml: bytes, invoice: Invoice) -> Signature:
    from documents.einvoices import signature  # 12 MB that few files need

    return signature.check(parsed(xml, comments=True), invoice.issued_on)


def _insist_on_what_counts(invoice: Invoice) -> None:
    """Without these nobody could say what is to be paid, or whether it was paid before."""
    if not invoice.number:
        raise IntakeRefused("incomplete", "The invoice has no number.")
    if invoice.issued_on is None:
        written = next(
            (each.text for each in invoice.unread if each.reason == "not a day" and "Issue" in each.place), ""
        )
        if written:
            raise IntakeRefused("incomplete", "The invoice's day cannot be read: %(day)s.", day=written)
        raise IntakeRefused("incomplete", "The invoice does not say on which day it was issued.")
    if not (len(invoice.currency) == 3 and invoice.currency.isascii() and invoice.currency.isupper()):
        if invoice.currency:
            raise IntakeRefused(
                "incomplete", "The invoice's currency cannot be read: %(currency)s.", currency=invoice.currency[:60]
            )
        raise IntakeRefused("incomplete", "The invoice does not say in which currency its amounts are.")
    if invoice.totals.payable is None and invoice.totals.with_tax is None:
        amount = next((each.text for each in invoice.unread if each.place.endswith(PAYABLE)), "")
        if amount:
            raise IntakeRefused("incomplete", "What is to be paid cannot be read: %(amount)s.", amount=amount[:60])
        raise IntakeRefused("incomplete", "The invoice does not say what is to be paid.")


def _insist_on_a_size(invoice: Invoice) -> None:
    """Each of these becomes a row: in the database, on the page, in spreadsheets."""
    if len(invoice.number) > LONGEST_NUMBER:
        raise IntakeRefused(
            "too_costly", "The invoice's number is longer than %(limit)s letters.", limit=LONGEST_NUMBER
        )
    rows = (invoice.lines, invoice.taxes, (*invoice.allowances, *invoice.charges), invoice.payment_means)
    if any(len(each) > MOST_ROWS for each in rows):
        raise IntakeRefused("too_costly", "The invoice has more than %(limit)s lines.", limit=MOST_ROWS)


def read_in_child(data: bytes, *, password: str | None, most_pages: int) -> tuple[dict[str, Any], list[bytes]]:
    """For `documents.sandbox`: a reading as values and parts."""
    reading = read_here(data, password=password, most_pages=most_pages)
    values = {
        "form": reading.form,
        "xml_name": reading.xml_name,
        "signature": _plain(asdict(reading.signature)) if reading.signature else None,
        "suggestions": [asdict(each) for each in reading.suggestions[:MOST_SUGGESTIONS]],
        "differences": [asdict(each) for each in reading.differences],
    }
    invoice = to_json(reading.invoice) if reading.invoice else None
    return values, [reading.xml, json.dumps(invoice).encode()]


MOST_SUGGESTIONS = 500
PAYABLE = ("PayableAmount", "DuePayableAmount", "TaxInclusiveAmount", "GrandTotalAmount")
"""Ends of the places that say what is to be paid (BT-115, BT-112), in UBL, CII and Korean invoices."""


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: each.isoformat() if isinstance(each, date) else each for name, each in values.items()}


def _from_values(values: Mapping[str, Any], xml: bytes, invoice: Mapping[str, Any] | None) -> Reading:
    signed = values["signature"]
    return Reading(
        form=values["form"],
        invoice=from_json(invoice) if invoice is not None else None,
        xml=xml,
        xml_name=str(values["xml_name"]),
        signature=Signature(
            **{
                **signed,
                **{each: date.fromisoformat(signed[each]) for each in ("valid_from", "valid_until") if signed[each]},
            }
        )
        if signed
        else None,
        suggestions=tuple(Suggestion(**each) for each in values["suggestions"]),
        differences=tuple(
            Difference(each["field"], each["xml"], tuple(Suggestion(**one) for one in each["page"]))
            for each in values["differences"]
        ),
    )
