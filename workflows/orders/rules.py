"""What an order says, and whether it can be kept. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.numbers import list_currencies

from workflows.csv_rows import Row, rows
from workflows.errors import Refused
from workflows.parties.rules import Actor, shown, why_not_administer
from workflows.search.terms import whole_number

MOST_LINES = 10_000
LONGEST_NUMBER = 80
COLUMNS = (
    *("order", "supplier", "supplier_id", "currency", "ordered_on", "line"),
    *("item", "our_item", "standard_item", "name", "quantity", "unit", "price"),
)
NEEDED = ("order", "line", "quantity", "price")
_OF_THE_ORDER = ("supplier", "supplier_id", "currency", "ordered_on")


@dataclass(frozen=True)
class OrderedLine:
    """``price``: net, of one unit. ``sellers_id``, ``buyers_id``, ``standard_id``: of the item."""

    line: str
    sellers_id: str = ""
    buyers_id: str = ""
    standard_id: str = ""
    name: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None


@dataclass(frozen=True)
class Ordered:
    number: str
    supplier: str = ""
    supplier_id: str = ""
    currency: str = ""
    ordered_on: date | None = None
    lines: tuple[OrderedLine, ...] = ()


def why_not_keep_orders(actor: Actor) -> str | None:
    return why_not_administer(actor) or (
        None if actor.organisation_id else "Only people of an organisation may keep orders and machines."
    )


def number_key(number: str) -> str:
    """By what an order is known, however it is written."""
    return whole_number(number)[:LONGEST_NUMBER]


def checked(order: Ordered) -> Ordered:
    """The order, as it can be kept.

    Raises:
        Refused: with the field.
    """
    if not number_key(order.number) or len(order.number) > LONGEST_NUMBER:
        raise Refused("An order has a number of at most %(most)s letters.", field="number", most=LONGEST_NUMBER)
    if order.currency and order.currency not in list_currencies():
        raise Refused(
            "“%(currency)s” is not a currency, such as EUR or KRW.",
            field="currency",
            currency=shown(order.currency)[:10],
        )
    if len(order.lines) > MOST_LINES:
        raise Refused("An order has at most %(most)s lines.", field="lines", most=MOST_LINES)
    seen: set[str] = set()
    for each in order.lines:
        if each.line in seen:
            raise Refused("The line %(name)s is there twice.", field="lines", name=each.line)
        seen.add(each.line)
        if (each.quantity is not None and each.quantity < 0) or (each.price is not None and each.price < 0):
            raise Refused("The line %(name)s has a number below zero.", field="lines", name=each.line)
    return order


def read_file(text: str) -> list[Ordered]:
    """The orders of a CSV file with ``COLUMNS``: a row for each line, the rows of an order anywhere in the file.

    What is said of the order itself need not be repeated.

    Raises:
        Refused: at the first cell that will not do, with its line and column.
    """
    heads: dict[str, Ordered] = {}
    where: dict[str, Row] = {}
    lines: dict[str, dict[str, OrderedLine]] = {}
    for row in rows(text, needed=NEEDED, known=COLUMNS):
        head = _head(row)
        key = number_key(head.number)
        if not key:
            raise row.wrong("order", "Line %(line)s, column %(column)s: this is no number of an order.")
        heads[key] = _together(heads[key], head, row, where[key]) if key in heads else head
        where.setdefault(key, row)
        line = _line(row)
        if line.line in lines.setdefault(key, {}):
            raise row.wrong(
                "line",
                "Line %(line)s, column %(column)s: the line %(name)s of the order %(order)s is there twice.",
                name=line.line,
                order=head.number,
            )
        if len(lines[key]) == MOST_LINES:
            raise row.wrong(
                "order",
                "Line %(line)s, column %(column)s: an order has at most %(most)s lines.",
                most=MOST_LINES,
            )
        lines[key][line.line] = line
    return [_with_lines(head, list(lines[key].values())) for key, head in heads.items()]


def _with_lines(head: Ordered, lines: Sequence[OrderedLine]) -> Ordered:
    return Ordered(head.number, head.supplier, head.supplier_id, head.currency, head.ordered_on, tuple(lines))


def _head(row: Row) -> Ordered:
    return Ordered(
        number=row.needed("order", most=LONGEST_NUMBER),
        supplier=row.text("supplier"),
        supplier_id=row.text("supplier_id", most=80),
        currency=row.currency("currency"),
        ordered_on=row.day("ordered_on"),
    )


def _together(first: Ordered, then: Ordered, row: Row, where: Row) -> Ordered:
    found: dict[str, object] = {}
    for name in _OF_THE_ORDER:
        before, now = getattr(first, name), getattr(then, name)
        if before and now and before != now:
            raise row.wrong(
                name,
                "Line %(line)s, column %(column)s: the order %(order)s has another one in line %(before)s.",
                order=then.number,
                before=where.line,
            )
        found[name] = before or now
    return Ordered(first.number, **found)  # type: ignore[arg-type]  # each is of its own field


def _line(row: Row) -> OrderedLine:
    quantity, price = row.number("quantity"), row.number("price")
    for column, number in (("quantity", quantity), ("price", price)):
        if number is not None and number < 0:
            raise row.wrong(column, "Line %(line)s, column %(column)s: the number is below zero.")
    return OrderedLine(
        line=row.needed("line", most=80),
        sellers_id=row.text("item", most=80),
        buyers_id=row.text("our_item", most=80),
        standard_id=row.text("standard_item", most=80),
        name=row.text("name"),
        quantity=quantity,
        unit=row.text("unit", most=20),
        price=price,
    )
