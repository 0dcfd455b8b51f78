"""``/statements``: accounts of suppliers and customers, as pages and files."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import SignedIn
from api.dependencies import Engine
from api.pages.exports import words_of
from api.pages.shell import page
from api.readers import reader_of
from api.rest.papers import today_of
from api.spreadsheets import TooManyAtOnce
from api.statement_files import Format, accounts_file, statement_file
from documents.rendering import sentence
from workflows.exports.rules import StatementWanted
from workflows.invoices.aging import AGES, Period, Side, period
from workflows.invoices.statements import account, accounts, count_items, items
from workflows.papers.rules import checked_day
from workflows.parties.rules import Actor

router = APIRouter(prefix="/statements", include_in_schema=False)

A_PAGE = 50
SIDES = {Side.SUPPLIERS: "Suppliers", Side.CUSTOMERS: "Customers"}
Day = Annotated[str, Query(max_length=30)]


@router.get("")
def first_page() -> Response:
    return RedirectResponse(f"/statements/{Side.SUPPLIERS}", status_code=303)


@router.get("/{side}.xlsx")
def accounts_sheet(
    side: Side, request: Request, runtime: Engine, visitor: SignedIn, since: Day = "", as_of: Day = ""
) -> Response:
    shown = _period(visitor.actor, since, as_of)
    try:
        with runtime.reading() as session:
            return accounts_file(session, side, visitor.actor, shown, reader_of(request))
    except TooManyAtOnce:
        return _in_background(side, "", shown)


@router.get("/{side}")
def accounts_page(
    side: Side,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    since: Day = "",
    as_of: Day = "",
    q: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    reader, shown = reader_of(request), _period(visitor.actor, since, as_of)
    with runtime.reading() as session:
        found = accounts(session, side, visitor.actor, shown, q=q, cursor=cursor, limit=A_PAGE)
    kept = {"since": since, "as_of": as_of}
    return page(
        request,
        "statements.html",
        here="invoices",
        side=side,
        sides=[
            (each, sentence(words, reader.locale), _address(f"/statements/{each}", **kept))
            for each, words in SIDES.items()
        ],
        period=shown,
        file=_address(f"/statements/{side}.xlsx", **kept),
        q=q,
        accounts=[(each, _address(_of(side, each.key), **kept)) for each in found.items],
        first=_address(f"/statements/{side}", **kept, q=q) if cursor else None,
        next=_address(f"/statements/{side}", **kept, q=q, cursor=found.next_cursor) if found.next_cursor else None,
    )


@router.get("/{side}/{key}")
def account_page(
    side: Side,
    key: str,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    since: Day = "",
    as_of: Day = "",
    cursor: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    reader, shown = reader_of(request), _period(visitor.actor, since, as_of)
    with runtime.reading() as session:
        whose = account(session, side, key, visitor.actor, shown)
        found = items(session, side, key, visitor.actor, shown, cursor=cursor, limit=A_PAGE)
        number = count_items(session, side, key, visitor.actor, shown)
    here, kept = _of(side, key), {"since": since, "as_of": as_of}
    return page(
        request,
        "statement.html",
        here="invoices",
        side=side,
        account=whose,
        ages=[(age, sentence(words, reader.locale)) for age, words in AGES.items()],
        age_columns=[(sentence(words, reader.locale), "end") for words in AGES.values()],
        period=shown,
        number=number,
        rows=found.items,
        action=here,
        files=[(each.value.upper(), _address(f"{here}/file", **kept, format=each)) for each in Format],
        back=_address(f"/statements/{side}", **kept),
        first=_address(here, **kept) if cursor else None,
        next=_address(here, **kept, cursor=found.next_cursor) if found.next_cursor else None,
    )


@router.get("/{side}/{key}/file")
def file(
    side: Side,
    key: str,
    format: Format,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    since: Day = "",
    as_of: Day = "",
) -> Response:
    shown = _period(visitor.actor, since, as_of)
    try:
        with runtime.reading() as session:
            return statement_file(session, side, key, visitor.actor, shown, format, reader_of(request))
    except TooManyAtOnce:
        return _in_background(side, key, shown)


def _in_background(side: Side, key: str, shown: Period) -> Response:
    asked = StatementWanted(side, key, shown.since, shown.as_of)
    return RedirectResponse(_address("/exports/new", **words_of(asked)), status_code=303)


def _period(actor: Actor, since: str, as_of: str) -> Period:
    return period(checked_day(since, "since"), checked_day(as_of, "as_of"), today=today_of(actor))


def _of(side: Side, key: str) -> str:
    return f"/statements/{side}/{quote(key, safe='')}"


def _address(path: str, **wanted: str) -> str:
    kept = {name: value for name, value in wanted.items() if value}
    return path + (f"?{urlencode(kept)}" if kept else "")
