"""An invoice as it came in: its file kept, itself read and checked, and not yet in the database."""

from __future__ import annotations

from dataclasses import dataclass

from documents.einvoices.data import Invoice
from documents.einvoices.findings import Finding
from workflows.invoices.rules import typed_invoice
from workflows.papers.operations import HandedIn


@dataclass(frozen=True)
class Received:
    """``said``: None where a person types what the pages say."""

    document: HandedIn
    said: Invoice | None
    findings: list[Finding]

    @property
    def invoice(self) -> Invoice:
        """What it says; nothing yet where that is typed."""
        return self.said or typed_invoice({})
