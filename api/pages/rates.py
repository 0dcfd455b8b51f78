"""``/rates``: administrators keep the exchange rates by which amounts of other currencies are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import Administers, AdministersByForm, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import Text, plain_amount
from api.pages.shell import page
from api.readers import reader_of
from api.rest.papers import today_of
from workflows.approvals.exchange import DayRates, days_kept, keep_rates, kept_on
from workflows.errors import Refused
from workflows.runtime import Runtime

router = APIRouter(prefix="/rates", include_in_schema=False)

DAYS_SHOWN = 31


@dataclass(frozen=True)
class KeptRow:
    day: date
    base: str
    units: Sequence[tuple[str, str]]
    """Currency and rate."""
    address: str
    """Where the form has them filled in."""


@router.get("")
def rates_page(
    request: Request,
    runtime: Engine,
    visitor: Administers,
    day: date | None = None,
    base: Annotated[str, Query(max_length=3)] = "",
    before: date | None = None,
    done: str = "",
) -> Response:
    """``day``, ``base``: what the form is to have filled in. ``before``: the last day of the page before."""
    typed = {"day": (day or today_of(visitor.actor)).isoformat(), "base": base, "units": ""}
    if day is not None:
        with runtime.reading() as session:
            chosen = next((each for each in kept_on(session, day) if each.base == base), None)
        typed["units"] = "\n".join(f"{name} {rate:f}" for name, rate in chosen.units.items()) if chosen else ""
    return _shown(request, runtime, visitor, typed, before=before, done=done == "kept")


def _shown(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    typed: Mapping[str, str],
    *,
    before: date | None = None,
    refused: Refused | None = None,
    done: bool = False,
) -> Response:
    with runtime.reading() as session:
        days = days_kept(session, before=before, limit=DAYS_SHOWN + 1)
        kept = [each for day in days[:DAYS_SHOWN] for each in kept_on(session, day)]
    return page(
        request,
        "rates.html",
        here="rates",
        status=refused.status if refused else 200,
        rows=[_row(each) for each in kept],
        first="/rates" if before else None,
        next=f"/rates?{urlencode({'before': days[DAYS_SHOWN - 1].isoformat()})}" if len(days) > DAYS_SHOWN else None,
        typed=typed,
        refused=said(refused, reader_of(request)) if refused else "",
        wrong=(refused.field or "") if refused else "",
        done=done,
    )


def _row(kept: DayRates) -> KeptRow:
    return KeptRow(
        day=kept.day,
        base=kept.base,
        units=[(currency, f"{rate:f}") for currency, rate in kept.units.items()],
        address=f"/rates?{urlencode({'day': kept.day.isoformat(), 'base': kept.base})}#keep",
    )


@router.post("")
def keep(
    request: Request,
    runtime: Engine,
    visitor: AdministersByForm,
    now: Now,
    day: Text = "",
    base: Text = "",
    units: Text = "",
) -> Response:
    typed = {"day": day, "base": base, "units": units}
    try:
        _keep(runtime, visitor, typed, now)
    except Refused as refused:
        return _shown(request, runtime, visitor, typed, refused=refused)
    return RedirectResponse("/rates?done=kept", status_code=303)


def _keep(runtime: Runtime, visitor: Visitor, typed: Mapping[str, str], now: datetime) -> None:
    try:
        day = date.fromisoformat(typed["day"].strip())
    except ValueError:
        raise Refused("A day is needed, such as 2026-05-21.", field="day") from None
    units: dict[str, str] = {}
    for line in filter(None, map(str.strip, typed["units"].splitlines())):
        currency, _, rate = line.replace("=", " ").replace(":", " ").partition(" ")
        if currency in units:
            raise Refused("“%(name)s” is there twice.", field="units", name=currency[:20])
        units[currency] = plain_amount(rate)
    with runtime.transaction() as session:
        keep_rates(session, day, typed["base"], units, by=visitor.actor, now=now)
