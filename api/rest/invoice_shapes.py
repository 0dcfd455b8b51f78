"""An invoice as programs see it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from api.rest.papers import turn_shapes, version_shape
from api.rest.shapes import Shape, TurnShape, VersionShape
from documents.einvoices.finding_words import place_said, said
from documents.einvoices.findings import Finding, from_json
from workflows.columns import as_json
from workflows.invoices import queries
from workflows.invoices.model import Invoice
from workflows.invoices.paying import payments_of
from workflows.invoices.rules import open_of
from workflows.papers import queries as papers
from workflows.papers.standing import standing


class InvoiceSummary(Shape):
    id: UUID
    number: Annotated[str, Field(examples=["I-2026-0148"])]
    title: str
    kind: Literal["invoice", "credit note"]
    state: Annotated[str, Field(examples=["in_approval"])]
    state_since: datetime
    supplier: Annotated[str, Field(examples=["Nordwerk Maschinen GmbH"])]
    supplier_id: str
    supplier_number: Annotated[str, Field(description="As its supplier wrote it.", examples=["471102"])]
    issued_on: date | None
    due_on: date | None
    currency: Annotated[str | None, Field(examples=["EUR"])]
    net: Annotated[str | None, Field(examples=["473.00"])]
    tax: str | None
    gross: str | None
    payable: str | None
    open: Annotated[str | None, Field(description="Of what is payable; null before it is released.")]
    order_number: str
    cost_center: str
    created_at: datetime
    external_id: str | None
    links: dict[str, str]


class FindingShape(Shape):
    rule: Annotated[str, Field(description="Of the standard; ours are in small letters.", examples=["BR-CO-10"])]
    severity: Annotated[
        Literal["error", "warning", "information"], Field(description="An error keeps it from being decided on.")
    ]
    text: str
    where: str


class InvoiceLineShape(Shape):
    position: int
    name: str
    quantity: str | None
    unit: str
    price: str | None
    net: str | None
    tax_category: str
    tax_rate: str | None
    order_number: str
    order_line: str
    serial_numbers: list[str]


class InvoiceTaxShape(Shape):
    category: str
    rate: str | None
    taxable: str | None
    tax: str | None


class PaymentShape(Shape):
    id: UUID
    paid_on: date
    amount: Annotated[str, Field(description="What comes back for a credit note has a minus.", examples=["200.00"])]
    reference: str
    settles: Annotated[bool, Field(description="What was left with it is not to be paid.")]
    by: str
    at: datetime
    reversed_at: Annotated[datetime | None, Field(description="When it was taken back, and counts no more.")]
    reversed_by: str
    reversed_because: str


class InvoiceShape(InvoiceSummary):
    syntax: Annotated[str, Field(description="What it came as; `typed`: a person reads its pages.", examples=["cii"])]
    buyer: str
    contract_number: str
    iban: str
    blocked: bool
    findings: list[FindingShape]
    match: Annotated[str, Field(description="`matched`, `failed`, `without_order`, or empty.")]
    lines: list[InvoiceLineShape]
    taxes: list[InvoiceTaxShape]
    data: Annotated[dict[str, Any], Field(description="All that it says, by the names of `documents.einvoices.data`.")]
    route: str
    route_version: int
    turns: list[TurnShape]
    next: Annotated[list[str], Field(description="Stages to come; `release` is the last.")]
    versions: list[VersionShape]
    released_at: datetime | None
    paid_on: date | None
    paid_amount: str | None
    payments: Annotated[list[PaymentShape], Field(description="In the order of their days.")]


def invoice_shape(session: Session, invoice: Invoice) -> InvoiceShape:
    where = standing(session, invoice)
    round = where.journey.round if where.journey else None
    reading = queries.newest_reading(session, invoice)
    return InvoiceShape(
        **summary_of(invoice),
        syntax=invoice.syntax,
        buyer=invoice.buyer,
        contract_number=invoice.contract_number,
        iban=invoice.iban,
        blocked=invoice.blocked,
        findings=[finding_shape(each) for each in map(from_json, reading.findings)],
        match=invoice.match_outcome,
        lines=[
            InvoiceLineShape(
                position=each.position,
                name=each.name,
                quantity=as_json(each.quantity),
                unit=each.unit,
                price=as_json(each.price),
                net=as_json(each.net),
                tax_category=each.tax_category,
                tax_rate=as_json(each.tax_rate),
                order_number=each.order_number,
                order_line=each.order_line,
                serial_numbers=each.serial_numbers,
            )
            for each in queries.lines(session, invoice)
        ],
        taxes=[
            InvoiceTaxShape(
                category=each.category, rate=as_json(each.rate), taxable=as_json(each.taxable), tax=as_json(each.tax)
            )
            for each in queries.taxes(session, invoice)
        ],
        data=reading.data,
        route=round.route_name if round else "",
        route_version=round.route_version if round else 0,
        turns=turn_shapes(where),
        next=list(where.upcoming),
        versions=[version_shape(each) for each in papers.versions(session, invoice)],
        released_at=invoice.released_at,
        paid_on=invoice.paid_on,
        paid_amount=as_json(invoice.paid_amount),
        payments=[
            PaymentShape(
                **{name: getattr(each, name) for name in PaymentShape.model_fields if name != "amount"},
                amount=f"{each.amount:f}",
            )
            for each in payments_of(session, invoice.id)
        ],
    )


def finding_shape(found: Finding) -> FindingShape:
    return FindingShape(
        rule=found.rule,
        severity=found.severity,
        text=said(found, "en"),
        where=", ".join(place_said(place, "en") for place in found.places),
    )


def summary_of(invoice: Invoice) -> dict[str, Any]:
    here = f"/api/invoices/{invoice.id}"
    names = (
        *("id", "number", "title", "kind", "state_since", "supplier", "supplier_id", "supplier_number", "issued_on"),
        *("due_on", "currency", "order_number", "cost_center", "created_at", "external_id"),
    )
    return {
        **{name: getattr(invoice, name) for name in names},
        **{name: as_json(getattr(invoice, name)) for name in ("net", "tax", "gross", "payable")},
        "open": as_json(open_of(invoice)),
        "state": invoice.state.value,
        "links": {
            "self": here,
            "page": f"/invoices/{invoice.id}",
            "events": f"{here}/events",
            "stream": f"{here}/events/stream",
            "file": f"{here}/versions/{invoice.current_version}/file",
        },
    }
