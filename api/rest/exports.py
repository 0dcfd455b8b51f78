"""``/api/exports``: spreadsheets of any size, made in the background."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.dependencies import CurrentActor, Engine, Now, Reading, insist_on_scope
from api.files import content_disposition
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.papers import today_of
from api.rest.shapes import Shape
from documents.rendering import LOCALES, Reader, sentence
from workflows.database import Work
from workflows.exports import queries
from workflows.exports.making import MEDIA_TYPES
from workflows.exports.model import Export
from workflows.exports.operations import ask
from workflows.exports.rules import Asked, StatementWanted, from_json, papers_of, share, wanted, wanted_statement
from workflows.parties.rules import Actor, Scope
from workflows.runtime import Runtime

router = APIRouter(route_class=PromptRoute, prefix="/api/exports", tags=["exports"])


class ExportIn(Shape):
    what: Annotated[str, Field(description="invoices, contracts or statement.", examples=["invoices"])]
    format: Annotated[str, Field(default="xlsx", description="xlsx or csv.")]
    sheet: Annotated[str, Field(default="", max_length=40, description="Of CSV: invoices, lines, tax or machines.")]
    q: Annotated[str, Field(default="", max_length=400, description="These filters are those of the list.")]
    state: Annotated[str, Field(default="", max_length=40)]
    name: Annotated[str, Field(default="", max_length=200, description="Part of the supplier's or counterparty's.")]
    before: Annotated[date | None, Field(default=None, description="Due, or ending, before that day.")]
    side: Annotated[str, Field(default="", max_length=20, description="Of a statement: suppliers or customers.")]
    account: Annotated[str, Field(default="", max_length=200, description="Its key; all accounts otherwise.")]
    since: Annotated[date | None, Field(default=None, description="Of a statement: what was paid since then.")]
    as_of: Annotated[date | None, Field(default=None, description="Of a statement: today otherwise.")]
    language: Annotated[str, Field(default="", max_length=8, description="en or ko; your own otherwise.")]


class ExportShape(Shape):
    id: UUID
    what: str
    format: str
    sheet: str
    state: Literal["asked", "ready", "failed", "removed"]
    documents: Annotated[int | None, Field(description="How many it holds; null until they are counted.")]
    progress: Annotated[float, Field(description="From 0 to 1.")]
    created_at: datetime
    ready_at: datetime | None
    expires_at: Annotated[datetime | None, Field(description="When its file is removed.")]
    file_name: str
    size: Annotated[int, Field(description="Bytes.")]
    sha256: str
    failure: Annotated[str, Field(description="Why it could not be made.")]


class ExportPage(Shape):
    items: list[ExportShape]


@router.post(
    "",
    status_code=201,
    response_model=ExportShape,
    summary="Have a list made into a spreadsheet; a mail tells when it is there",
    responses=refusals(401, 403, 404, 422, 429),
)
def create(body: ExportIn, runtime: Engine, actor: CurrentActor, now: Now, idempotency_key: Key = None) -> Any:
    asked = _asked(body, actor)
    insist_on_scope(actor, Scope(f"{papers_of(asked)}:read"))
    reader = Reader(body.language if body.language in LOCALES else actor.locale, actor.timezone)
    digest = request_hash("POST /api/exports", body.model_dump(mode="json"))

    def work(session: Work) -> dict[str, Any]:
        return shape(ask(session, asked, reader, by=actor, now=now), actor).model_dump(mode="json")

    return Creation(runtime, actor, idempotency_key, digest, now).answer(work)


def _asked(body: ExportIn, actor: Actor) -> Asked:
    if body.what == StatementWanted.what:
        return wanted_statement(
            body.side, body.account, body.since, body.as_of, form=body.format, today=today_of(actor)
        )
    return wanted(body.what, body.format, body.sheet, q=body.q, state=body.state, name=body.name, before=body.before)


@router.get("", response_model=ExportPage, summary="Your own, the newest first", responses=refusals(401))
def list_exports(session: Reading, actor: CurrentActor) -> ExportPage:
    return ExportPage(items=[shape(each, actor) for each in queries.exports(session, actor)])


@router.get("/{export_id}", response_model=ExportShape, summary="How far it is", responses=refusals(401, 404))
def read(export_id: UUID, session: Reading, actor: CurrentActor) -> ExportShape:
    return shape(queries.export(session, actor, export_id), actor)


@router.get(
    "/{export_id}/file",
    summary="The spreadsheet",
    response_class=StreamingResponse,
    responses=refusals(401, 403, 404, 409, 410),
)
def read_file(export_id: UUID, runtime: Engine, actor: CurrentActor) -> StreamingResponse:
    return file_of(runtime, actor, export_id)


def file_of(runtime: Runtime, actor: Actor, export_id: UUID) -> StreamingResponse:
    """Piece by piece: it may be larger than what a web process should hold."""
    with runtime.reading() as session:
        export = queries.ready(session, actor, export_id)
    asked = from_json(export.asked)
    insist_on_scope(actor, Scope(f"{papers_of(asked)}:read"))
    return StreamingResponse(
        runtime.blobs.pieces(export.key),
        media_type=MEDIA_TYPES[asked.form],
        headers={
            "Content-Length": str(export.size),
            "Content-Disposition": content_disposition(export.file_name),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def shape(export: Export, actor: Actor) -> ExportShape:
    asked = from_json(export.asked)
    return ExportShape(
        id=export.id,
        what=asked.what,
        format=asked.form.value,
        sheet=asked.sheet,
        state=export.state.value,
        documents=export.documents,
        progress=1.0 if export.ready_at and not export.failure else share(asked, export.documents, export.written),
        created_at=export.created_at,
        ready_at=None if export.failure else export.ready_at,
        expires_at=export.expires_at,
        file_name=export.file_name,
        size=export.size,
        sha256=export.sha256,
        failure=failure_of(export, actor.locale),
    )


def failure_of(export: Export, locale: str) -> str:
    return sentence(export.failure["sentence"], locale, **export.failure["values"]) if export.failure else ""
