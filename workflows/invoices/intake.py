"""Take an invoice in, whatever it comes in: read by a child process, its files kept, before any row names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from documents.blobs import BlobStore
from documents.einvoices import reading
from documents.einvoices.data import Invoice
from documents.intake import IntakeLimits, IntakeRefused
from workflows.errors import NotReady
from workflows.invoices.rules import finding
from workflows.papers.intake import DocumentRefused, checked_file_name
from workflows.papers.intake import take_in as take_in_pdf
from workflows.papers.operations import HandedIn

XML = "application/xml"


@dataclass(frozen=True)
class Received:
    """``said``: None where a person types what the pages say. ``suggestions``: by field, as the pages have them."""

    document: HandedIn
    said: Invoice | None
    findings: list[dict[str, Any]]
    suggestions: dict[str, str]


def take_in(
    data: bytes, *, file_name: str, blobs: BlobStore, limits: IntakeLimits, password: str | None = None
) -> Received:
    """Read an invoice and keep its file. What it is says its content, never its name.

    Raises:
        DocumentRefused: with the reason.
        NotReady: too many documents are being read just now.
    """
    try:
        read = reading.read(data, limits=limits, password=password)
    except IntakeRefused as refused:
        if refused.code == "busy":
            raise NotReady(refused.sentence) from refused
        raise DocumentRefused(refused) from refused
    if read.form == "xml":
        document = _kept_xml(data, read.xml, file_name=file_name, blobs=blobs)
    else:
        document = take_in_pdf(data, file_name=file_name, blobs=blobs, limits=limits, password=password)
    return Received(document, read.invoice, _findings(read), _suggestions(read))


def _kept_xml(data: bytes, xml: bytes, *, file_name: str, blobs: BlobStore) -> HandedIn:
    original = blobs.put(data, folder="originals", media_type=XML)
    name = checked_file_name(file_name)
    name = name if name.lower().endswith(".xml") else f"{name.removesuffix('.pdf')}.xml"
    return HandedIn(original, original, name, pages=0, page_sizes=(), text="", findings=())


def _findings(read: reading.Reading) -> list[dict[str, Any]]:
    """Where the pages of a hybrid say otherwise than its XML, which counts; and what a signature proves."""
    found = [
        finding(
            "pages",
            "warning",
            "Its pages say %(pages)s where its data say %(said)s (%(field)s).",
            pages=", ".join(one.value for one in each.page),
            said=each.xml,
            field=each.field,
        )
        for each in read.differences
    ]
    if read.signature is not None and not read.signature.valid:
        found.append(finding("signature", "error", read.signature.sentence))
    for unread in read.invoice.unread if read.invoice else ():
        text = "“%(text)s” at %(place)s cannot be read: %(reason)s."
        found.append(finding("unread", "warning", text, text=unread.text, place=unread.place, reason=unread.reason))
    return found


def _suggestions(read: reading.Reading) -> dict[str, str]:
    made: dict[str, str] = {}
    for each in read.suggestions:
        made.setdefault(str(each.field), str(each.value))
    return made
