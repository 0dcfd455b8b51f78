"""All that is found in an invoice by itself: the official rules, our own checks, its signature, its pages."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from documents.einvoices import checks, official
from documents.einvoices.findings import Finding, sorted_by_weight
from documents.einvoices.reading import Reading
from documents.intake import IntakeLimits


def judge(
    reading: Reading, *, today: date, folder: Path | None = None, limits: IntakeLimits = official.ORDINARY
) -> tuple[Finding, ...]:
    """Errors first; nothing for a PDF of which nobody has typed yet what it says. `folder` holds further sets of rules.

    Raises IntakeRefused: busy, or the folder cannot be read.
    """
    invoice = reading.invoice
    if invoice is None:
        return ()
    by_rules = official.check(
        reading.xml,
        syntax=invoice.syntax,
        specification=invoice.specification,
        kind=invoice.kind,
        folder=folder,
        limits=limits,
    )
    signed = reading.signature
    by_signature = [Finding("signature", "error", signed.sentence)] if signed is not None and not signed.valid else []
    return sorted_by_weight([*by_signature, *by_rules, *checks.check(invoice, today=today)])
