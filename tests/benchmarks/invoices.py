"""Invoices read a second in each format, beside the factur-x library: the same files in the same run, one by one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import facturx

from documents.einvoices import official
from documents.einvoices.reading import read, read_here
from tests.support import corpus, einvoices

SECONDS = 1.5
FILES = {
    "UBL": "ubl/ubl-tc434-example5.xml",
    "CII": "cii/CII_example5.xml",
    "XRechnung (UBL)": "xrechnung/01.05a-INVOICE_ubl.xml",
    "Factur-X (PDF)": "facturx/EN16931_Rabatte.pdf",
    "ZUGFeRD 1 (PDF)": "facturx/ZUGFeRD_1p0_COMFORT_Einfach.pdf",
}


def run() -> dict[str, Any]:
    """Ours reads every field, looks for attacks, and at the pages of a PDF. The library takes the XML out and parses
    it; of the rules it checks the schema by itself (Schematron needs a server beside it), and ours both."""
    logging.getLogger("factur-x").setLevel(logging.CRITICAL)
    figures: dict[str, Any] = {}
    for name, path in FILES.items():
        for file in corpus.files("invoices", path):
            figures |= _format(name, file.read_bytes())
    signed = einvoices.signed()
    figures["Korean tax invoice with its signature: Signoff"] = _rate(lambda: read_here(signed))
    if len(figures) == 1:
        figures["(the collection of invoices is not here)"] = ""
    official.stop()
    return figures


def _format(name: str, data: bytes) -> dict[str, Any]:
    reading = read_here(data)
    invoice = reading.invoice
    assert invoice is not None
    is_pdf = reading.form == "hybrid"

    def rules() -> None:
        official.check(reading.xml, syntax=invoice.syntax, specification=invoice.specification, kind=invoice.kind)

    def library() -> None:
        xml = facturx.get_xml_from_pdf(data, check_xsd=False)[1] if is_pdf else data
        facturx.parse_ubl_cii_xml(xml, check_xsd=False)

    figures: dict[str, Any] = {
        f"{name}: Signoff reads": _rate(lambda: read_here(data)),
        f"{name}: Signoff reads in a child process": _rate(lambda: read(data)),
    }
    if invoice.syntax != "zugferd1":  # the library neither parses nor checks it
        figures[f"{name}: factur-x reads"] = _rate(library)
    figures[f"{name}: Signoff checks schema and Schematron"] = _rate(rules)
    if invoice.syntax != "zugferd1":
        figures[f"{name}: factur-x checks the schema"] = _rate(lambda: facturx.xml_check_xsd(reading.xml))
    return figures


def _rate(work: Callable[[], object]) -> float:
    """Times a second, after a first time."""
    work()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        work()
        count += 1
    return count / (time.perf_counter() - began)
