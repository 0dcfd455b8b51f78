"""Invoices put into the books as they are, in any state: what is reckoned of them is asked, not how they came there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from documents.einvoices.as_json import to_json
from tests.support.office import Office
from workflows.invoices.model import Invoice, InvoiceReading, InvoiceState
from workflows.invoices.payment_model import Payment
from workflows.invoices.rules import sign_of, typed_invoice
from workflows.papers.operations import next_number


def book(office: Office, amount: str, by: str = "dan", **words: Any) -> Invoice:
    """Of Aurora, in EUR, issued on 1 March 2026 and due on 31 March, released for payment."""
    said: dict[str, Any] = {
        "supplier": "Aurora Leasing GmbH",
        "supplier_key": "aurora",
        "buyer": "Haneul Logistics",
        "buyer_key": "haneul",
        "issued_on": date(2026, 3, 1),
        "due_on": date(2026, 3, 31),
        "currency": "EUR",
        "state": InvoiceState.RELEASED,
        "state_since": office.now,
        **words,
    }
    with office.transaction() as session:
        invoice = Invoice(
            number=next_number(session, Invoice, "I", 2026),
            organisation_id=office.actor(by).organisation_id or office.organisation.id,
            owner_id=office.people[by].id,
            title=said["supplier"],
            payable=Decimal(amount),
            gross=Decimal(amount),
            created_at=office.now,
            **said,
        )
        session.add(invoice)
        session.flush()
        reading = InvoiceReading(
            invoice_id=invoice.id, version=1, number=1, data=to_json(typed_invoice({})), at=office.now
        )
        session.add(reading)
        if invoice.paid_on and invoice.paid_amount is None:
            invoice.paid_amount = invoice.payable
        if invoice.paid_on:
            session.add(_payment(office, invoice, by))
    return invoice


def _payment(office: Office, invoice: Invoice, by: str) -> Payment:
    assert invoice.paid_on is not None
    assert invoice.paid_amount is not None
    return Payment(
        invoice_id=invoice.id,
        paid_on=invoice.paid_on,
        amount=invoice.paid_amount * sign_of(invoice),
        by_id=office.people[by].id,
        by=by,
        at=office.now,
    )
