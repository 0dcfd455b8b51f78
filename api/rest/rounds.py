"""``/api/rounds``: rounds under way, and having one go on by another version of its route."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field

from api.dependencies import Administrator, Now, Reading, Transaction
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.approvals.model import RoundState
from workflows.approvals.moving import Moving, move_round, rounds_under_way, what_moving_does
from workflows.approvals.rerouting import Fate

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["routes"])


class RoundShape(Shape):
    id: UUID
    process: Annotated[str, Field(description="Of which kind its document is, such as contract.")]
    subject: Annotated[UUID, Field(description="Its document.")]
    label: str
    version: Annotated[int, Field(description="Of the route.")]
    state: RoundState
    opened_at: datetime


class MoveIn(Shape):
    version: Annotated[int, Field(ge=1, description="Of the same route.")]


class MovedStageShape(Shape):
    name: str
    parallel: str | None
    fate: Annotated[
        Fate,
        Field(
            description="done: what was decided stays. kept: its people go on being asked. asked_again: they are asked"
            " anew. ended: nobody is asked any more. planned: to come. skipped: its condition does not hold. dropped:"
            " it was to come, and does not."
        ),
    ]


class MoveShape(Shape):
    round: UUID
    route: str
    from_version: int
    from_sha256: str
    to_version: int
    to_sha256: str
    stages: list[MovedStageShape]
    signers: Annotated[list[str] | None, Field(description="Who signs from now on; null: as before.")]


@router.get(
    "/routes/{name}/rounds",
    response_model=list[RoundShape],
    summary="Documents under way on any version of a route",
    responses=refusals(401, 403),
)
def list_rounds(name: str, session: Reading, actor: Administrator) -> list[RoundShape]:
    return [
        RoundShape(
            id=each.id,
            process=each.process,
            subject=each.subject_id,
            label=each.card["label"],
            version=each.route_version,
            state=each.state,
            opened_at=each.opened_at,
        )
        for each in rounds_under_way(session, name, by=actor)
    ]


@router.get(
    "/rounds/{round_id}/route",
    response_model=MoveShape,
    summary="What moving a round to another version of its route would do",
    responses=refusals(401, 403, 404, 409, 422),
)
def get_move(round_id: UUID, version: Annotated[int, Query(ge=1)], session: Reading, actor: Administrator) -> MoveShape:
    """Changes nothing."""
    return move_shape(what_moving_does(session, round_id, version, by=actor))


@router.post(
    "/rounds/{round_id}/route",
    response_model=MoveShape,
    summary="Have a round go on by another version of its route",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_move(
    round_id: UUID, body: Annotated[MoveIn, Body()], session: Transaction, actor: Administrator, now: Now
) -> MoveShape:
    """What was decided stays; what comes next is planned from that version, with the facts of the submission."""
    return move_shape(move_round(session, round_id, body.version, by=actor, now=now))


def move_shape(moving: Moving) -> MoveShape:
    return MoveShape(
        round=moving.round.id,
        route=moving.new.name,
        from_version=moving.old.version,
        from_sha256=moving.old.sha256,
        to_version=moving.new.version,
        to_sha256=moving.new.sha256,
        stages=[MovedStageShape(name=each.name, parallel=each.parallel, fate=each.fate) for each in moving.stages],
        signers=None if moving.signers is None else [each.name for each in moving.signers],
    )
