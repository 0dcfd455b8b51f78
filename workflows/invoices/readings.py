"""What versions of an invoice say."""

from __future__ import annotations

from sqlmodel import Session, col, select

from workflows.invoices.model import Invoice, InvoiceReading


def newest_reading(session: Session, invoice: Invoice) -> InvoiceReading:
    return session.exec(
        select(InvoiceReading)
        .where(InvoiceReading.invoice_id == invoice.id, InvoiceReading.version == invoice.current_version)
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).one()
