"""The invoice inside a PDF (Factur-X, ZUGFeRD, XRechnung): found by what it is, under whatever name it lies there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

from documents.einvoices.xml import looks_like_xml
from documents.intake import IntakeRefused

MOST_FILES = 100
MARKS = (b"CrossIndustryInvoice", b"CrossIndustryDocument", b"xsd:Invoice-2", b"xsd:CreditNote-2")
"""What stands near the beginning of each syntax that may be embedded; in UTF-16, with NUL between the letters."""
LOOKED_AT = 20_000
"""Comments with licences may come first."""


@dataclass(frozen=True)
class Embedded:
    """A file inside a PDF, decompressed."""

    name: str
    """"" where the file has none."""
    data: bytes


def embedded_invoices(pdf: Pdf) -> list[Embedded]:
    """Every attached file that is an invoice in XML; normally none or one. A file that lies there twice counts once.

    Raises IntakeRefused: one is damaged, or there are more than ``MOST_FILES``.
    """
    found: dict[bytes, Embedded] = {}
    for each in _files(pdf):
        if looks_like_xml(each.data) and _is_invoice(each.data):
            found.setdefault(each.data, each)
    return list(found.values())


def _is_invoice(data: bytes) -> bool:
    head = data[:LOOKED_AT].replace(b"\x00", b"")
    return any(mark in head for mark in MARKS)


def _files(pdf: Pdf) -> Iterator[Embedded]:
    """By the file specifications anywhere in the PDF, and without one."""
    names: dict[tuple[int, int], str] = {}
    streams: dict[tuple[int, int], Stream] = {}
    for each in (*pdf.objects, *(file.obj for file in pdf.attachments.values()), *_associated(pdf)):
        if isinstance(each, Stream):
            if each.get("/Type") == Name.EmbeddedFile:
                streams.setdefault(each.objgen, each)
        elif isinstance(each, Dictionary) and isinstance(each.get("/EF"), Dictionary):
            for stream in (each.EF.get("/UF"), each.EF.get("/F")):
                if isinstance(stream, Stream):
                    streams.setdefault(stream.objgen, stream)
                    names.setdefault(stream.objgen, str(each.get("/UF") or each.get("/F") or ""))
    # leaving some out could leave out the invoice
    if len(streams) > MOST_FILES:
        raise IntakeRefused("too_costly", "The PDF holds more than %(limit)s files.", limit=MOST_FILES)
    for number, stream in streams.items():
        try:
            data = stream.read_bytes()
        except (pikepdf.PdfError, ValueError):
            raise IntakeRefused("damaged", "A file inside the PDF is damaged and cannot be read.") from None
        yield Embedded(names.get(number, ""), data)


def _associated(pdf: Pdf) -> list[Object]:
    """ISO 32000-2, 14.13. Specifications may stand in the list itself, as no object of their own."""
    files = pdf.Root.get("/AF")
    return list(files) if isinstance(files, Array) else []
