"""``/api/spending``: what was spent by month, supplier and cost centre."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.dependencies import Reading, ReadsInvoices
from api.rest.answers import PromptRoute, refusals
from api.rest.papers import today_of
from api.rest.shapes import Shape
from workflows.invoices.spending import MonthSpent, Part, Spending, a_year_until, spending

router = APIRouter(route_class=PromptRoute, prefix="/api/spending", tags=["statements"])


class MonthShape(Shape):
    month: Annotated[str, Field(examples=["2026-05"])]
    invoices: int
    amount: str


class PartShape(Shape):
    key: Annotated[str, Field(description="Of the supplier, or the cost centre's code; empty: named by none.")]
    name: str
    invoices: int
    amount: str


class SpendingShape(Shape):
    currency: str
    invoices: int
    total: Annotated[str, Field(description="With tax; credit notes count against.")]
    months: list[MonthShape]
    suppliers: Annotated[list[PartShape], Field(description="The ten largest.")]
    other_suppliers: PartShape | None
    cost_centers: list[PartShape]
    other_cost_centers: PartShape | None


class SpendingPage(Shape):
    since: date
    until: date
    items: Annotated[list[SpendingShape], Field(description="One for each currency: none is turned into another.")]


@router.get("", response_model=SpendingPage, summary="What was spent", responses=refusals(401, 403, 422))
def read_spending(
    session: Reading,
    actor: ReadsInvoices,
    since: Annotated[date | None, Query(description="By day of issue; twelve months until its end otherwise.")] = None,
    until: Annotated[date | None, Query(description="Today otherwise.")] = None,
) -> SpendingPage:
    """Of approved invoices of the actor's organisation that the actor may see."""
    end = until or today_of(actor)
    begin = since or a_year_until(end)
    found = spending(session, actor, begin, end)
    return SpendingPage(since=begin, until=end, items=[_spending(each) for each in found])


def _spending(each: Spending) -> SpendingShape:
    return SpendingShape(
        currency=each.currency,
        invoices=each.invoices,
        total=f"{each.total:f}",
        months=[_month(month) for month in each.months],
        suppliers=[_part(part) for part in each.suppliers],
        other_suppliers=_part(each.other_suppliers) if each.other_suppliers else None,
        cost_centers=[_part(part) for part in each.cost_centers],
        other_cost_centers=_part(each.other_cost_centers) if each.other_cost_centers else None,
    )


def _month(month: MonthSpent) -> MonthShape:
    return MonthShape(month=f"{month.first:%Y-%m}", invoices=month.invoices, amount=f"{month.amount:f}")


def _part(part: Part) -> PartShape:
    return PartShape(key=part.key, name=part.name, invoices=part.invoices, amount=f"{part.amount:f}")
