"""``/invoices.xlsx`` and the like: what the lists' pages show, as spreadsheets; and ``/exports``, where large ones are
made in the background."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.fields import Text
from api.pages.shell import page
from api.readers import reader_of
from api.rest.exports import failure_of, file_of
from api.rest.papers import today_of
from api.spreadsheets import TooManyAtOnce, chosen_at_once, spreadsheet
from documents.rendering import Reader, sentence
from workflows.database import Work
from workflows.errors import Refused
from workflows.exports import queries
from workflows.exports.making import file_name, title_of
from workflows.exports.model import Export, ExportState
from workflows.exports.operations import ask
from workflows.exports.rules import (
    AT_ONCE,
    MOST_ROWS,
    Asked,
    StatementWanted,
    Wanted,
    counts_accounts,
    from_json,
    papers_of,
    share,
    wanted,
    wanted_statement,
)
from workflows.papers.rules import checked_day
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

router = APIRouter(include_in_schema=False)

Words = Annotated[str, Query(max_length=400)]
Part = Annotated[str, Query(max_length=200)]

LOOK_AGAIN = 3  # seconds after which a page that shows progress is loaded anew

STATES = {
    ExportState.ASKED: "Being made",
    ExportState.READY: "Ready",
    ExportState.FAILED: "Could not be made",
    ExportState.REMOVED: "Removed: its time is over",
}
TONES = {ExportState.ASKED: "soon", ExportState.READY: "good", ExportState.FAILED: "bad", ExportState.REMOVED: ""}


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
    try:
        ids = chosen_at_once(runtime, visitor.actor, asked)
    except TooManyAtOnce:
        return RedirectResponse(f"/exports/new?{urlencode(words_of(asked))}", status_code=303)
    return spreadsheet(runtime, visitor.actor, asked, ids, reader_of(request), now)


def words_of(asked: Asked) -> dict[str, str]:
    """What asks for it again, as addresses and forms say it."""
    if isinstance(asked, StatementWanted):
        whose = {"side": asked.side.value, "account": asked.key}
        days = {"since": asked.since.isoformat(), "as_of": asked.as_of.isoformat()}
        return {"what": asked.what, "form": asked.form.value, **whose, **days}
    words = {"what": asked.what, "form": asked.form.value, "sheet": asked.sheet}
    return words | {name: value for name in ("q", "state", "name") if (value := getattr(asked, name))}


@dataclass(frozen=True)
class Row:
    export: Export
    title: str
    state: str
    tone: str


@router.get("/exports")
def list_page(request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        rows = [_row(each, reader) for each in queries.exports(session, visitor.actor)]
    return page(request, "exports.html", here="exports", rows=rows)


async def _in_address(
    what: str = "",
    form: str = "xlsx",
    sheet: str = "",
    q: Words = "",
    state: str = "",
    name: Part = "",
    side: str = "",
    account: Part = "",
    since: str = "",
    as_of: str = "",
) -> dict[str, str]:
    listed = {"what": what, "form": form, "sheet": sheet, "q": q, "state": state, "name": name}
    return {**listed, "side": side, "account": account, "since": since, "as_of": as_of}


async def _in_form(
    what: Text = "",
    form: Text = "",
    sheet: Text = "",
    q: Text = "",
    state: Text = "",
    name: Text = "",
    side: Text = "",
    account: Text = "",
    since: Text = "",
    as_of: Text = "",
) -> dict[str, str]:
    return await _in_address(what, form, sheet, q, state, name, side, account, since, as_of)


def _asked(session: Session, actor: Actor, words: Mapping[str, str]) -> Asked:
    if words["what"] != StatementWanted.what:
        return wanted(
            words["what"], words["form"], words["sheet"], q=words["q"], state=words["state"], name=words["name"]
        )
    since, as_of = (checked_day(words[each], each) for each in ("since", "as_of"))
    asked = wanted_statement(words["side"], words["account"], since, as_of, form=words["form"], today=today_of(actor))
    return queries.looked_up(session, actor, asked)


@router.get("/exports/new")
def new_page(
    request: Request, runtime: Engine, visitor: SignedIn, words: Annotated[dict[str, str], Depends(_in_address)]
) -> Response:
    with runtime.reading() as session:
        return _new(request, _asked(session, visitor.actor, words))


def _new(request: Request, asked: Asked, refused: Refused | None = None) -> Response:
    of_statement = isinstance(asked, StatementWanted)
    return page(
        request,
        "export_new.html",
        here=papers_of(asked),
        status=refused.status if refused else 200,
        asked=asked,
        words=words_of(asked),
        of_accounts=counts_accounts(asked),
        back=f"/statements/{asked.side}" if isinstance(asked, StatementWanted) else f"/{asked.what}",
        title=f"{title_of(asked, reader_of(request))} ({asked.form.value.upper()})",
        most=MOST_ROWS if of_statement else AT_ONCE,
        once=secrets.token_hex(16),
        refused=said(refused, reader_of(request)) if refused else "",
    )


@router.post("/exports")
def create(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    words: Annotated[dict[str, str], Depends(_in_form)],
    once: Text = "",
) -> Response:
    with runtime.reading() as session:
        asked = _asked(session, visitor.actor, words)
    digest = request_hash("export", words_of(asked))

    def work(session: Work) -> dict[str, Any]:
        return {"id": str(ask(session, asked, reader_of(request), by=visitor.actor, now=now).id)}

    try:
        made: Mapping[str, Any] = done_once(runtime, visitor.actor, page_key(once, digest), digest, now, work)
    except Refused as refused:
        return _new(request, asked, refused)
    return RedirectResponse(f"/exports/{made['id']}", status_code=303)


@router.get("/exports/{export_id}")
def export_page(export_id: UUID, request: Request, runtime: Engine, visitor: SignedIn) -> Response:
    reader = reader_of(request)
    with runtime.reading() as session:
        export = queries.export(session, visitor.actor, export_id)
    asked = from_json(export.asked)
    shown = page(
        request,
        "export.html",
        here=papers_of(asked),
        row=_row(export, reader),
        of_accounts=counts_accounts(asked),
        export=export,
        percent=int(100 * share(asked, export.documents, export.written)),
        failure=failure_of(export, reader.locale),
    )
    if export.state is ExportState.ASKED:
        shown.headers["Refresh"] = str(LOOK_AGAIN)
    return shown


@router.get("/exports/{export_id}/file")
def download(export_id: UUID, runtime: Engine, visitor: SignedIn) -> Response:
    return file_of(runtime, visitor.actor, export_id)


def _row(export: Export, reader: Reader) -> Row:
    asked = from_json(export.asked)
    title = export.file_name or file_name(asked, reader, export.created_at)
    return Row(export, title, sentence(STATES[export.state], reader.locale), TONES[export.state])
