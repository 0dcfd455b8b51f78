"""Invoices as rows, as many as wanted: reading real files would take minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tests.support.office import Office
from workflows.database import Work
from workflows.invoices.model import Invoice, InvoiceLine, InvoiceState, InvoiceTax


def invoices(office: Office, count: int, *, by: str = "dan", lines: int = 1, **said: Any) -> Sequence[Invoice]:
    with office.transaction() as session:
        return [put_invoice(session, office, number, by=by, lines=lines, **said) for number in range(1, count + 1)]


def put_invoice(session: Work, office: Office, number: int, *, by: str, lines: int = 1, **said: Any) -> Invoice:
    facts: dict[str, Any] = {
        "supplier": "Aurora Leasing GmbH",
        "supplier_number": f"A-{number}",
        "issued_on": date(2026, 5, 2),
        "due_on": date(2026, 6, 1),
        "currency": "EUR",
        "net": Decimal("100.00"),
        "tax": Decimal("19.00"),
        "gross": Decimal("119.00"),
        "payable": Decimal("119.00"),
        "state": InvoiceState.CHECKED,
        **said,
    }
    invoice = Invoice(
        number=f"{by}-{number}",
        organisation_id=office.organisation.id,
        owner_id=office.people[by].id,
        title=f"A-{number}",
        state_since=office.now,
        created_at=office.now,
        **facts,
    )
    session.add(invoice)
    session.flush()
    for position in range(1, lines + 1):
        session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                position=position,
                line_id=str(position),
                name="Forklift, one month",
                quantity=Decimal(1),
                unit="C62",
                price=Decimal("100.00"),
                net=Decimal("100.00"),
                tax_category="S",
                tax_rate=Decimal(19),
            )
        )
    session.add(
        InvoiceTax(
            invoice_id=invoice.id,
            position=1,
            category="S",
            rate=Decimal(19),
            taxable=Decimal("100.00"),
            tax=Decimal("19.00"),
        )
    )
    return invoice
