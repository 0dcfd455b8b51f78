"""The file that takes released invoices to the payment system."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from uuid import UUID

from fastapi.responses import Response
from sqlmodel import Session

from api.files import content_disposition
from documents.spreadsheet import CSV, Cell, Column, Sheet, write_csv
from workflows.invoices.payment import insist_on_payer, run_orders
from workflows.invoices.payment_model import PaymentOrder
from workflows.parties.rules import Actor

COLUMNS = (
    "id",
    "number",
    "kind",
    "supplier",
    "supplier_id",
    "supplier_number",
    "issued_on",
    "due_on",
    "currency",
    "amount",
    "iban",
    "cost_center",
    "order_number",
    "external_id",
    "released_at",
    "released_by",
)
"""Programs read them: they are called the same in every language."""


def run_file(session: Session, run_id: UUID, actor: Actor) -> Response:
    """CSV, the same bytes each time. Raises NotFound, and Forbidden to all but those who pay."""
    insist_on_payer(session, actor)
    run, orders = run_orders(session, run_id, actor)
    written = io.BytesIO()
    sheet = Sheet(run.number, [Column(name) for name in COLUMNS], (_row(each) for each in orders))
    write_csv(sheet, written, timezone="UTC", for_programs=True)
    headers = {
        "Content-Disposition": content_disposition(f"{run.number}.csv"),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(written.getvalue(), media_type=CSV, headers=headers)


def _row(order: PaymentOrder) -> list[Cell]:
    return [_cell(name, order.said[name]) for name in COLUMNS]


def _cell(name: str, value: str | None) -> Cell:
    if value and name in ("issued_on", "due_on"):
        return date.fromisoformat(value)
    return Decimal(value) if value and name == "amount" else value
