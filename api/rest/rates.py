"""``/api/rates``: the exchange rates by which amounts of other currencies are compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field

from api.dependencies import Administrator, Now, Reading, Transaction
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.approvals.exchange import DayRates, keep_rates, kept_on

router = APIRouter(route_class=PromptRoute, prefix="/api/rates", tags=["rates"])

Units = Annotated[
    dict[str, str],
    Field(
        description="What one unit of the base was worth, by currency. Decimal strings.",
        examples=[{"KRW": "1571.3", "USD": "1.0842"}],
    ),
]


class RatesIn(Shape):
    base: Annotated[str, Field(examples=["EUR"], min_length=3, max_length=3)]
    units: Units


class BaseRatesShape(Shape):
    base: Annotated[str, Field(examples=["EUR"])]
    units: Units


class DayRatesShape(Shape):
    day: date
    rates: Annotated[list[BaseRatesShape], Field(description="Base by base; empty where none are kept for that day.")]


@router.get("/{day}", response_model=DayRatesShape, summary="What is kept for a day", responses=refusals(401, 403))
def read(day: date, session: Reading, actor: Administrator) -> DayRatesShape:
    return _shape(day, kept_on(session, day))


@router.put(
    "/{day}",
    response_model=DayRatesShape,
    summary="Keep the rates of a day for one base",
    responses=refusals(401, 403, 422),
)
def put(
    day: date, body: Annotated[RatesIn, Body()], session: Transaction, actor: Administrator, now: Now
) -> DayRatesShape:
    """In the place of what was kept for that day and base; without units nothing is kept any more.

    A document takes the newest rates of the day it is handed in, or of one before it. Documents under way keep theirs.
    """
    keep_rates(session, day, body.base, body.units, by=actor, now=now)
    session.flush()
    return _shape(day, kept_on(session, day))


def _shape(day: date, kept: Sequence[DayRates]) -> DayRatesShape:
    return DayRatesShape(
        day=day,
        rates=[
            BaseRatesShape(base=each.base, units={currency: f"{rate:f}" for currency, rate in each.units.items()})
            for each in kept
        ],
    )
