"""Take an invoice in, whatever it comes in: read by a child process, its files kept, before any row names them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from documents.amounts import amount
from documents.blobs import BlobStore
from documents.einvoices import official, reading
from documents.einvoices.data import Invoice
from documents.einvoices.findings import Finding, sorted_by_weight
from documents.intake import IntakeLimits, IntakeRefused
from workflows.errors import NotReady
from workflows.invoices.picture import picture
from workflows.invoices.received import Received
from workflows.invoices.rules import finding
from workflows.papers.intake import DocumentRefused, checked_file_name
from workflows.papers.intake import take_in as take_in_pdf
from workflows.papers.operations import HandedIn
from workflows.runtime import Runtime

XML = "application/xml"


def take_in(
    data: bytes,
    *,
    file_name: str,
    blobs: BlobStore,
    limits: IntakeLimits,
    locale: str = "en",
    rules: Path | None = None,
    password: str | None = None,
) -> Received:
    """Read an invoice, check it by the rules of its standard, and keep its file.

    What it is says its content, never its name. ``locale``: of the pages made for one that has none. ``rules``: a
    folder with further sets of rules.

    Raises:
        DocumentRefused: with the reason.
        NotReady: too many documents are being read just now.
    """
    read, findings = look_into(data, limits=limits, rules=rules, password=password)
    if read.form == "xml" and read.invoice is not None:
        document = _kept_xml(data, read.invoice, file_name, blobs, limits, locale)
    else:
        document = take_in_pdf(data, file_name=file_name, blobs=blobs, limits=limits, password=password)
    return Received(document, read.invoice, findings)


def take_in_by_settings(
    runtime: Runtime, data: bytes, *, file_name: str, locale: str = "en", password: str = ""
) -> Received:
    """As ``take_in``, with the store, the limits and the rules that the settings name. ``password``: empty where it has
    none."""
    return take_in(
        data,
        file_name=file_name,
        blobs=runtime.blobs,
        limits=runtime.intake_limits,
        locale=locale,
        rules=runtime.settings.invoice_rules,
        password=password or None,
    )


def look_into(
    data: bytes, *, limits: IntakeLimits, rules: Path | None = None, password: str | None = None
) -> tuple[reading.Reading, list[Finding]]:
    """What a file says and what was found in it, without keeping anything; arguments and refusals as of ``take_in``."""
    try:
        read = reading.read(data, limits=limits, password=password)
        return read, [*_rules_broken(read, rules, limits), *_findings(read)]
    except IntakeRefused as refused:
        if refused.code == "busy":
            raise NotReady(refused.sentence) from refused
        raise DocumentRefused(refused) from refused


def _rules_broken(read: reading.Reading, rules: Path | None, limits: IntakeLimits) -> tuple[Finding, ...]:
    """By the official rules, where somebody publishes any for its kind."""
    said = read.invoice
    if said is None:
        return ()
    found = official.check(
        read.xml, syntax=said.syntax, specification=said.specification, kind=said.kind, folder=rules, limits=limits
    )
    return sorted_by_weight(found)


def _kept_xml(
    data: bytes, said: Invoice, file_name: str, blobs: BlobStore, limits: IntakeLimits, locale: str
) -> HandedIn:
    """With pages made from its data: what people look at."""
    name = checked_file_name(file_name)
    try:
        drawn = picture(said, locale)
    except IntakeRefused as refused:
        raise DocumentRefused(refused) from refused
    pages = take_in_pdf(drawn, file_name=name, blobs=blobs, limits=limits)
    name = name if name.lower().endswith(".xml") else f"{name.removesuffix('.pdf')}.xml"
    return replace(pages, original=blobs.put(data, folder="originals", media_type=XML), file_name=name)


def _findings(read: reading.Reading) -> list[Finding]:
    """Where the pages of a hybrid say otherwise than its XML, which counts; and what a signature proves."""
    currency = read.invoice.currency if read.invoice else ""
    found = [
        Finding(
            "pages",
            "warning",
            "Its pages say %(pages)s where its data say %(said)s (%(field)s).",
            {
                "pages": ", ".join(_shown(each.field, one.value, currency) for one in each.page),
                "said": ", ".join(_shown(each.field, one, currency) for one in each.xml.split(", ")),
            },
            {"field": COMPARED[each.field]},
        )
        for each in read.differences
    ]
    if read.signature is not None and not read.signature.valid:
        found.append(finding("signature", "error", read.signature.sentence))
    return found


COMPARED = {
    "number": "Number of the invoice",
    "issued_on": "Issued on",
    "payable": "To be paid",
    "currency": "Currency",
    "iban": "Account",
    "vat_id": "VAT id or registration of the supplier",
    "korean_registration": "VAT id or registration of the supplier",
}
"""What is compared with the pages, as forms call it."""


def _shown(field: str, value: str, currency: str) -> str:
    return amount(value, currency) if field == "payable" else value
