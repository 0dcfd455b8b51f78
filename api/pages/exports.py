"""``/invoices.xlsx`` and the like: what the lists' pages show, as spreadsheets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.auth import SignedIn, Visitor
from api.dependencies import Engine, Now
from api.readers import reader_of
from api.spreadsheets import chosen_at_once, spreadsheet
from workflows.exports.rules import Wanted, wanted
from workflows.runtime import Runtime

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(max_length=400)]
Part = Annotated[str, Query(max_length=200)]


@router.get("/invoices.{form}")
def invoices_file(
    form: str,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    now: Now,
    sheet: str = "",
    q: Words = "",
    state: str = "",
    supplier: Part = "",
) -> Response:
    asked = wanted("invoices", form, sheet, q=q, state=state, name=supplier)
    return _file(request, runtime, visitor, asked, now)


@router.get("/contracts.{form}")
def contracts_file(
    form: str,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    now: Now,
    q: Words = "",
    state: str = "",
    party: Part = "",
) -> Response:
    asked = wanted("contracts", form, q=q, state=state, name=party)
    return _file(request, runtime, visitor, asked, now)


def _file(request: Request, runtime: Runtime, visitor: Visitor, asked: Wanted, now: datetime) -> Response:
    ids = chosen_at_once(runtime, visitor.actor, asked)
    return spreadsheet(runtime, visitor.actor, asked, ids, reader_of(request), now)
