"""``/spending``: what was spent, drawn by month, supplier and cost centre, with the numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.auth import SignedIn
from api.dependencies import Engine
from api.pages.boards import Frame
from api.pages.shell import page
from api.readers import reader_of
from api.rest.papers import today_of
from documents.amounts import money
from documents.rendering import Reader, sentence
from workflows.invoices.spending import MonthSpent, Part, Spending, a_year_until, spending
from workflows.papers.rules import checked_day

router = APIRouter(prefix="/spending", include_in_schema=False)

FRAME = Frame(wide=420, high=170, left=88, top=12, floor=142, bar=0)
MOST_LABELS = 12


@dataclass(frozen=True)
class Bar:
    """Of a month, in ``FRAME``. ``label``: empty where there is no room for it."""

    month: MonthSpent
    x: float
    top: float
    wide: float
    label: str


@dataclass(frozen=True)
class Row:
    """``width``: of 100."""

    name: str
    address: str
    part: Part
    width: float


@dataclass(frozen=True)
class Chart:
    spent: Spending
    scale: str
    """What the topmost line stands for."""
    bars: Sequence[Bar]
    suppliers: Sequence[Row]
    cost_centers: Sequence[Row]


@router.get("")
def spending_page(
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    since: Annotated[str, Query(max_length=30)] = "",
    until: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    reader = reader_of(request)
    end = checked_day(until, "until") or today_of(visitor.actor)
    begin = checked_day(since, "since") or a_year_until(end)
    with runtime.reading() as session:
        found = spending(session, visitor.actor, begin, end)
    return page(
        request,
        "spending.html",
        here="invoices",
        since=begin,
        until=end,
        frame=FRAME,
        charts=[_chart(each, reader) for each in found],
    )


def _chart(spent: Spending, reader: Reader) -> Chart:
    highest = max((each.amount for each in spent.months), default=Decimal(0))
    return Chart(
        spent,
        money(max(highest, Decimal(0)), spent.currency),
        _bars(spent.months, highest),
        _rows(spent.suppliers, spent.other_suppliers, reader, "/statements/suppliers/"),
        _rows(spent.cost_centers, spent.other_cost_centers, reader),
    )


def _bars(months: Sequence[MonthSpent], highest: Decimal) -> list[Bar]:
    step = (FRAME.wide - FRAME.left) / len(months)
    each_label = -(-len(months) // MOST_LABELS)
    made = []
    for index, month in enumerate(months):
        part = float(month.amount / highest) if highest > 0 and month.amount > 0 else 0.0
        made.append(
            Bar(
                month,
                round(FRAME.left + index * step + step * 0.2, 1),
                round(FRAME.floor - (FRAME.floor - FRAME.top) * part, 1),
                round(step * 0.6, 1),
                _label(month.first, index) if index % each_label == 0 else "",
            )
        )
    return made


def _label(first: date, index: int) -> str:
    """The month's number, with its year where that begins."""
    return f"{first:%y-%m}" if index == 0 or first.month == 1 else str(first.month)


def _rows(parts: Sequence[Part], others: Part | None, reader: Reader, base: str = "") -> list[Row]:
    highest = max((each.amount for each in (*parts, *([others] if others else []))), default=Decimal(0))

    def row(part: Part, name: str, address: str = "") -> Row:
        width = float(100 * part.amount / highest) if highest > 0 and part.amount > 0 else 0.0
        return Row(name, address, part, round(width, 1))

    unnamed = sentence("Without one", reader.locale)
    rows = [row(each, each.name or unnamed, base + each.key if base and each.key else "") for each in parts]
    return [*rows, row(others, sentence("All others", reader.locale))] if others else rows
