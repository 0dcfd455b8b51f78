"""What papers of every kind answer to programs: versions, turns, the history and its stream, files."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from api.files import content_disposition
from api.rest.shapes import EventPage, EventShape, PersonShape, TurnShape, VersionShape
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.discussions.queries import inside_history
from workflows.papers import queries as papers
from workflows.papers.model import Paper, Version
from workflows.papers.standing import Standing
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

LIVE_EVERY = 0.5  # seconds between two looks of an open event stream


async def stream_of(
    request: Request,
    runtime: Runtime,
    model: type[Paper],
    paper_id: UUID,
    actor: Actor,
    after: int,
    inside: int | None,
) -> StreamingResponse:
    """The history live, as server-sent events. ``inside``: tells as well what was said inside after this position.

    Raises:
        NotFound: there is none, or the actor may not see it.
    """
    await asyncio.to_thread(_insist_visible, runtime, model, paper_id, actor)
    return StreamingResponse(
        _live(request, runtime, model, paper_id, actor, after, inside),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _live(
    request: Request, runtime: Runtime, model: type[Paper], paper_id: UUID, actor: Actor, after: int, inside: int | None
) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    while not await request.is_disconnected():
        rows, within = await asyncio.to_thread(_fresh, runtime, model, paper_id, actor, after, inside)
        for event in rows:
            after = event.position
            yield f"id: {event.position}\nevent: {event.action}\ndata: {event_shape(event).model_dump_json()}\n\n"
        for event in within:
            inside = event.position
            # no id: positions inside are counted apart, and a client that reconnects names its own in the address
            yield f"event: inside\ndata: {event_shape(event).model_dump_json()}\n\n"
        if not rows and not within:
            await asyncio.sleep(LIVE_EVERY)


def _fresh(
    runtime: Runtime, model: type[Paper], paper_id: UUID, actor: Actor, after: int, inside: int | None
) -> tuple[list[AuditEvent], list[AuditEvent]]:
    """What was written into the history, and inside, after these positions."""
    with runtime.reading() as session:
        rows = list(history(session, model.process, paper_id, after=after))
        if inside is None:
            return rows, []
        subject = papers.subject_of(papers.one(session, model, paper_id, actor))
        return rows, list(inside_history(session, subject, actor, after=inside))


def _insist_visible(runtime: Runtime, model: type[Paper], paper_id: UUID, actor: Actor) -> None:
    with runtime.reading() as session:
        papers.one(session, model, paper_id, actor)


def turn_shapes(where: Standing) -> list[TurnShape]:
    return [
        TurnShape(
            stage=turn.stage,
            kind=turn.kind.value,
            people=[PersonShape(id=each, name=name) for each, name in turn.people],
            needed=turn.needed,
            since=turn.since,
            due_at=turn.due_at,
            blocked=turn.blocked,
        )
        for turn in where.turns
    ]


def version_shape(version: Version) -> VersionShape:
    return VersionShape(
        number=version.number,
        sha256=version.sha256,
        readable_sha256=version.readable_sha256,
        file_name=version.file_name,
        size=version.original_size,
        pages=version.pages,
        note=version.note,
        author=version.author,
        at=version.at,
        token=base64.b64encode(version.token).decode(),
        stripped=version.findings,
    )


def event_page(rows: Sequence[AuditEvent], limit: int) -> EventPage:
    """``rows``: one more than ``limit`` where a page follows."""
    more = str(rows[limit - 1].position) if len(rows) > limit else None
    return EventPage(items=[event_shape(each) for each in rows[:limit]], next_cursor=more)


def event_shape(event: AuditEvent) -> EventShape:
    return EventShape(
        position=event.position,
        at=event.at,
        actor=event.actor,
        action=event.action,
        data=event.data,
        previous=event.previous,
        sha256=event.sha256,
        token=base64.b64encode(event.token).decode(),
    )


def file_response(runtime: Runtime, key: str, name: str) -> Response:
    """Always a download: a document may carry anything, and is never rendered inside our own origin's rights."""
    headers = {
        "Content-Disposition": content_disposition(name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    media_type = "application/xml" if name.lower().endswith(".xml") else "application/pdf"
    return Response(runtime.blobs.get(key), media_type=media_type, headers=headers)


def today_of(actor: Actor) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(actor.timezone)).date()
