"""``/api/orders``: what was ordered, for invoices to be held against."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, File, Query, UploadFile
from pydantic import Field
from sqlmodel import Session

from api.dependencies import Engine, Now, Reading, ReadsOrders, Transaction, WritesOrders
from api.files import read_upload
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Loaded, Shape
from workflows.csv_rows import decoded
from workflows.invoices.matching import refers_to
from workflows.orders import queries
from workflows.orders.model import Order
from workflows.orders.operations import drop_order, keep_orders
from workflows.orders.rules import MOST_LINES, Ordered, OrderedLine, read_file

router = APIRouter(route_class=PromptRoute, prefix="/api/orders", tags=["orders"])

Number = Annotated[str, Field(pattern=r"^\d{1,15}(\.\d{1,6})?$")]
Short = Annotated[str, Field(max_length=80)]


class OrderLineShape(Shape):
    line: Annotated[str, Field(min_length=1, max_length=80, description="Its number in the order.", examples=["10"])]
    item: Annotated[Short, Field(description="The supplier's number of the item.", examples=["AX-200"])] = ""
    our_item: Annotated[Short, Field(description="Your own number of the item.")] = ""
    standard_item: Annotated[Short, Field(description="GTIN, say.")] = ""
    name: Annotated[str, Field(max_length=200, examples=["Toner, black"])] = ""
    quantity: Annotated[Number | None, Field(examples=["12"])] = None
    unit: Annotated[str, Field(max_length=20, description="UN/ECE code, or free text.", examples=["C62"])] = ""
    price: Annotated[Number | None, Field(description="Net, of one unit.", examples=["84.50"])] = None


class OrderIn(Shape):
    supplier: Annotated[str, Field(max_length=200, examples=["Nordwerk Maschinen GmbH"])] = ""
    supplier_id: Annotated[Short, Field(description="VAT id, tax number or registration.")] = ""
    currency: Annotated[str, Field(max_length=3, examples=["EUR"])] = ""
    ordered_on: date | None = None
    lines: Annotated[list[OrderLineShape], Field(max_length=MOST_LINES)]


class OrderSummary(Shape):
    number: Annotated[str, Field(examples=["PO-2026-0031"])]
    supplier: str
    supplier_id: str
    currency: str
    ordered_on: date | None
    kept_at: datetime


class OrderShape(OrderSummary):
    lines: list[OrderLineShape]


class OrderPage(Shape):
    items: list[OrderSummary]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page; null on the last.")]


@router.get("", response_model=OrderPage, summary="List orders", responses=refusals(401, 403, 422))
def list_orders(
    session: Reading,
    actor: ReadsOrders,
    q: Annotated[str, Query(max_length=200, description="Part of the number or of the supplier's name.")] = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> OrderPage:
    """All of the actor's organisation, the newest first."""
    rows, more = queries.listed(session, actor, q=q, cursor=cursor, limit=limit)
    return OrderPage(items=[OrderSummary(**_head(each)) for each in rows], next_cursor=more)


@router.post("/csv", response_model=Loaded, summary="Keep the orders of a file", responses=refusals(401, 403, 413, 422))
def load_orders(
    runtime: Engine,
    session: Transaction,
    actor: WritesOrders,
    now: Now,
    file: Annotated[
        UploadFile,
        File(
            description="CSV in UTF-8 with the columns order, line, quantity, price, and as you like supplier, "
            "supplier_id, currency, ordered_on, item, our_item, standard_item, name, unit: a row for each line."
        ),
    ],
) -> Loaded:
    """All of it or nothing. For administrators."""
    orders = read_file(decoded(read_upload(file, runtime.settings.intake_file_bytes)))
    return Loaded(kept=keep_orders(session, orders, by=actor, now=now))


@router.get("/{number:path}", response_model=OrderShape, summary="An order", responses=refusals(401, 403, 404))
def read(number: str, session: Reading, actor: ReadsOrders) -> OrderShape:
    return _shape(session, queries.one(session, number, actor))


@router.put("/{number:path}", response_model=OrderShape, summary="Keep an order", responses=refusals(401, 403, 422))
def put(
    number: str, body: Annotated[OrderIn, Body()], session: Transaction, actor: WritesOrders, now: Now
) -> OrderShape:
    """In the place of what was kept under its number, lines and all. For administrators."""
    order = Ordered(
        number=number.strip(),
        supplier=body.supplier.strip(),
        supplier_id=body.supplier_id.strip(),
        currency=body.currency.strip().upper(),
        ordered_on=body.ordered_on,
        lines=tuple(_line(each) for each in body.lines),
    )
    keep_orders(session, [order], by=actor, now=now)
    return _shape(session, queries.one(session, number, actor))


@router.delete(
    "/{number:path}", status_code=204, summary="Keep an order no longer", responses=refusals(401, 403, 404, 409)
)
def delete(number: str, session: Transaction, actor: WritesOrders, now: Now) -> None:
    """Where no invoice was ever matched with it. For administrators."""
    drop_order(session, number, referred=partial(refers_to, session, "order"), by=actor, now=now)


def _line(sent: OrderLineShape) -> OrderedLine:
    return OrderedLine(
        line=sent.line.strip(),
        sellers_id=sent.item.strip(),
        buyers_id=sent.our_item.strip(),
        standard_id=sent.standard_item.strip(),
        name=sent.name.strip(),
        quantity=_decimal(sent.quantity),
        unit=sent.unit.strip(),
        price=_decimal(sent.price),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _head(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in OrderSummary.model_fields}


def _shape(session: Session, order: Order) -> OrderShape:
    return OrderShape(
        **_head(order),
        lines=[
            OrderLineShape(
                line=each.line,
                item=each.sellers_id,
                our_item=each.buyers_id,
                standard_item=each.standard_id,
                name=each.name,
                quantity=None if each.quantity is None else f"{each.quantity:f}",
                unit=each.unit,
                price=None if each.price is None else f"{each.price:f}",
            )
            for each in queries.lines(session, [order.id])
        ],
    )
