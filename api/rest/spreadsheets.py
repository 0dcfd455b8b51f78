"""``/api/invoices.xlsx`` and the like: lists as spreadsheets, at once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from api.dependencies import Engine, Now, ReadsContracts, ReadsInvoices
from api.readers import asked_language
from api.rest.answers import PromptRoute, refusals
from api.spreadsheets import chosen_at_once, spreadsheet
from documents.rendering import Reader
from workflows.exports.rules import Wanted, wanted
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api", default_response_class=Response)

Words = Annotated[str, Query(max_length=400, description="Words, numbers, or a phrase in quotes.")]
State = Annotated[str, Query(max_length=40, description="As of the list.")]
Part = Annotated[str, Query(max_length=200, description="Part of the name.")]


async def _of_invoices(
    q: Words = "", state: State = "", supplier: Part = "", due_before: date | None = None
) -> dict[str, Any]:
    return {"q": q, "state": state, "name": supplier, "before": due_before}


OfInvoices = Annotated[dict[str, Any], Depends(_of_invoices)]
"""Which invoices: the filters of their list."""


@router.get(
    "/invoices.xlsx",
    tags=["invoices"],
    summary="The list as a workbook: invoices, lines, tax, machines; of at most 1,000",
    responses=refusals(401, 403, 422),
)
def invoices_xlsx(request: Request, runtime: Engine, actor: ReadsInvoices, now: Now, which: OfInvoices) -> Response:
    """`lang`: the language of its headings; the reader's own otherwise."""
    asked = wanted("invoices", "xlsx", **which)
    return _answer(request, runtime, actor, asked, now)


@router.get(
    "/invoices.csv",
    tags=["invoices"],
    summary="One of its sheets as CSV",
    responses=refusals(401, 403, 422),
)
def invoices_csv(
    request: Request,
    runtime: Engine,
    actor: ReadsInvoices,
    now: Now,
    which: OfInvoices,
    sheet: Annotated[str, Query(description="invoices, lines, tax or machines.")] = "invoices",
) -> Response:
    """UTF-8 with a byte order mark. Text that a spreadsheet would calculate or round has an apostrophe before it."""
    asked = wanted("invoices", "csv", sheet, **which)
    return _answer(request, runtime, actor, asked, now)


@router.get(
    "/contracts.{form}",
    tags=["contracts"],
    summary="The list as a workbook or as CSV (`xlsx`, `csv`); of at most 1,000",
    responses=refusals(401, 403, 422),
)
def contracts_sheet(
    form: str,
    request: Request,
    runtime: Engine,
    actor: ReadsContracts,
    now: Now,
    q: Words = "",
    state: State = "",
    party: Part = "",
    expires_before: date | None = None,
) -> Response:
    asked = wanted("contracts", form, q=q, state=state, name=party, before=expires_before)
    return _answer(request, runtime, actor, asked, now)


def _answer(request: Request, runtime: Runtime, actor: Actor, asked: Wanted, now: datetime) -> Response:
    reader = Reader(asked_language(request) or actor.locale, actor.timezone)
    return spreadsheet(runtime, actor, asked, chosen_at_once(runtime, actor, asked), reader, now)
