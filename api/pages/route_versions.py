"""Versions of a route compared and restored; documents under way, and moving one to another version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import Administers, AdministersByForm
from api.dependencies import Engine, Now
from api.pages.route_words import difference_words
from api.pages.routes import current
from api.pages.shell import page
from api.readers import reader_of
from documents.rendering import Reader, sentence
from workflows.approvals.differences import differences, lines_changed
from workflows.approvals.model import RoundState, RouteVersion
from workflows.approvals.moving import Moving, move_round, rounds_under_way, what_moving_does
from workflows.approvals.publishing import parsed, publish
from workflows.approvals.queries import route_versions
from workflows.approvals.rerouting import Fate
from workflows.contracts.model import PROCESS
from workflows.errors import NotFound

router = APIRouter(include_in_schema=False)

FATES: Mapping[Fate, str] = {
    Fate.DONE: "decided; that stays",
    Fate.KEPT: "goes on: the same people are asked",
    Fate.ASKED_AGAIN: "its people are asked anew, and what some of them decided counts no longer",
    Fate.ENDED: "ends: nobody is asked any more",
    Fate.PLANNED: "to come",
    Fate.SKIPPED: "does not apply to this document",
    Fate.DROPPED: "was to come, and does not",
}


@router.get("/routes/{name}/compare")
def compare_page(
    name: str,
    request: Request,
    runtime: Engine,
    visitor: Administers,
    old: Annotated[int | None, Query(alias="from", ge=1)] = None,
    new: Annotated[int | None, Query(alias="to", ge=1)] = None,
) -> Response:
    """Any two versions; without a choice the running one with the one before it."""
    with runtime.reading() as session:
        running = current(session, name)
        versions = route_versions(session, name)
    newer = _version(versions, new or running.version)
    older = _version(versions, old or max(1, newer.version - 1))
    return page(
        request,
        "route_compare.html",
        here="routes",
        name=name,
        numbers=[each.version for each in versions],
        older=older,
        newer=newer,
        running=running,
        restores=older.version == running.version != newer.version and newer.sha256 != running.sha256,
        changes=difference_words(differences(parsed(older.source), parsed(newer.source)), reader_of(request)),
        lines=lines_changed(older.source, newer.source),
    )


def _version(versions: Sequence[RouteVersion], number: int) -> RouteVersion:
    found = next((each for each in versions if each.version == number), None)
    if found is None:
        raise NotFound("The route “%(name)s” has no version %(version)s.", name=versions[0].name, version=number)
    return found


@router.post("/routes/{name}/restore")
def restore(
    name: str, runtime: Engine, visitor: AdministersByForm, now: Now, version: Annotated[int, Form(ge=1)]
) -> Response:
    """Publish the text of an earlier version once more, as the newest one."""
    with runtime.transaction() as session:
        again = _version(route_versions(session, current(session, name).name), version)
        publish(session, again.source, name=name, by=visitor.actor, now=now)
    return RedirectResponse(f"/routes/{name}?done=published", status_code=303)


@dataclass(frozen=True)
class RoundRow:
    """``address``: of its document, empty where that has no page. ``moves_to``: a version, where it can be moved."""

    id: UUID
    label: str
    address: str
    version: int
    opened_at: datetime
    signing: bool
    moves_to: int | None


@router.get("/routes/{name}/rounds")
def rounds_page(name: str, request: Request, runtime: Engine, visitor: Administers, done: str = "") -> Response:
    with runtime.reading() as session:
        running = current(session, name)
        rows = _round_rows(session, running, visitor)
    return page(request, "route_rounds.html", here="routes", route=running, rows=rows, moved=done == "moved")


def _round_rows(session: Session, running: RouteVersion, visitor: Administers) -> list[RoundRow]:
    return [
        RoundRow(
            id=each.id,
            label=f"{each.card.get('title') or ''} {each.card['label']}".strip(),
            address=f"/contracts/{each.subject_id}" if each.process == PROCESS else "",
            version=each.route_version,
            opened_at=each.opened_at,
            signing=each.state is RoundState.APPROVED,
            moves_to=running.version
            if each.state is RoundState.OPEN and each.route_version != running.version
            else None,
        )
        for each in rounds_under_way(session, running.name, by=visitor.actor)
    ]


@router.get("/rounds/{round_id}/move")
def move_page(
    round_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: Administers,
    version: Annotated[int, Query(ge=1)],
) -> Response:
    """What differs, and what it does to this document; nothing is changed."""
    reader = reader_of(request)
    with runtime.reading() as session:
        moving = what_moving_does(session, round_id, version, by=visitor.actor)
    return page(
        request,
        "route_move.html",
        here="routes",
        moving=moving,
        label=moving.round.card.get("title") or moving.round.card["label"],
        stages=_fates(moving, reader),
        changes=difference_words(moving.difference, reader),
        lines=lines_changed(moving.old.source, moving.new.source),
    )


def _fates(moving: Moving, reader: Reader) -> list[tuple[str, str, Fate]]:
    return [(each.name, sentence(FATES[each.fate], reader.locale), each.fate) for each in moving.stages]


@router.post("/rounds/{round_id}/move")
def move(
    round_id: UUID, runtime: Engine, visitor: AdministersByForm, now: Now, version: Annotated[int, Form(ge=1)]
) -> Response:
    with runtime.transaction() as session:
        moving = move_round(session, round_id, version, by=visitor.actor, now=now)
        address = f"/routes/{moving.new.name}/rounds?done=moved"
    return RedirectResponse(address, status_code=303)
