"""``/api/tasks/decisions``: decide several tasks at once, each on its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse
from pydantic import Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from api.dependencies import Decides, Engine, Now
from api.errors import said
from api.once import Key, once, request_hash, reserved
from api.readers import reader_of
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import DecisionIn, DecisionShape, Problem, Shape
from api.rest.tasks import decision_shape
from api.titles import TITLES
from documents.rendering import Reader
from workflows.approvals.model import Verdict
from workflows.approvals.operations import Decided, decide
from workflows.approvals.plan import SUBMITTER
from workflows.errors import NotReady, Refused
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

log = logging.getLogger(__name__)

router = APIRouter(route_class=PromptRoute, prefix="/api/tasks", tags=["tasks"])

MOST = 100
"""Tasks that are decided with one request."""


class TaskDecisionIn(DecisionIn):
    task: UUID


class DecisionResult(Shape):
    task: UUID
    status: Annotated[int, Field(description="What the task's own address would have answered: 201, or a refusal.")]
    decision: DecisionShape | None
    problem: Problem | None


class DecisionResults(Shape):
    results: Annotated[list[DecisionResult], Field(description="One for each decision sent, in the same order.")]


@router.post(
    "/decisions",
    response_model=DecisionResults,
    summary="Decide several tasks, each in a transaction of its own",
    responses=refusals(401, 403, 422),
)
def post_decisions(
    request: Request,
    body: Annotated[list[TaskDecisionIn], Body(min_length=1, max_length=MOST)],
    runtime: Engine,
    actor: Decides,
    now: Now,
    idempotency_key: Key = None,
) -> Any:
    """What is refused for one task changes nothing for the others."""
    sent = [each.model_dump(mode="json") for each in body]
    sha256 = request_hash("POST /api/tasks/decisions", {"decisions": sent})
    if idempotency_key is not None and (first := reserved(runtime, actor, idempotency_key, sha256, now)):
        return JSONResponse(first)
    wishes = [
        Wish(each.task, Verdict(each.verdict), each.version_sha256, each.comment, each.send_back_to) for each in body
    ]
    reader = reader_of(request)
    results = [_result(each, reader) for each in decide_each(runtime, wishes, by=actor, now=now)]
    answer = DecisionResults(results=results).model_dump(mode="json")
    # what failed on our side may succeed: then the key stays reserved, and a repetition carries on
    if idempotency_key is not None and all(each.status < 500 for each in results):
        answer = once(runtime, actor, idempotency_key, sha256, now, lambda _: answer)
    return JSONResponse(answer)


@dataclass(frozen=True)
class Wish:
    """``seen``: sha256 of the version that was on the screen."""

    task_id: UUID
    verdict: Verdict
    seen: str
    comment: str
    send_back_to: str = SUBMITTER


@dataclass(frozen=True)
class Outcome:
    task_id: UUID
    came_to: Decided | Refused


class WentWrong(Refused):
    """Our own fault, with one of several. HTTP: 500."""

    status = 500
    code = "unexpected"


def decide_each(runtime: Runtime, wishes: Sequence[Wish], *, by: Actor, now: datetime) -> list[Outcome]:
    """Decide them one after the other, each in its own transaction: what one comes to changes nothing for the others.

    Raises:
        Refused: they are more than ``MOST``.
    """
    if len(wishes) > MOST:
        raise Refused("At most %(most)s can be decided together.", field="decisions", most=MOST)
    return [Outcome(wish.task_id, _decided(runtime, wish, by, now)) for wish in wishes]


def _decided(runtime: Runtime, wish: Wish, by: Actor, now: datetime) -> Decided | Refused:
    try:
        with runtime.transaction() as session:
            return decide(
                session,
                wish.task_id,
                wish.verdict,
                seen=wish.seen,
                by=by,
                now=now,
                comment=wish.comment,
                send_back_to=wish.send_back_to,
            )
    except Refused as refused:
        return refused
    except (OperationalError, NoConnection):
        log.warning("Task %s could not be decided.", wish.task_id, exc_info=True)
        return NotReady("A part that this needs cannot be reached just now. Nothing was changed; please try again.")
    except Exception:
        log.exception("Task %s could not be decided.", wish.task_id)  # the answer has to tell of the others
        return WentWrong("Something went wrong on our side. Nothing was changed.")


def _result(outcome: Outcome, reader: Reader) -> DecisionResult:
    match outcome.came_to:
        case Decided() as decided:
            return DecisionResult(task=outcome.task_id, status=201, decision=decision_shape(decided), problem=None)
        case refused:
            problem = Problem(
                type=f"urn:signoff:problem:{refused.code}",
                title=TITLES.get(refused.status, "Not accepted"),
                status=refused.status,
                detail=said(refused, reader),
                instance=f"/api/tasks/{outcome.task_id}/decision",
                code=refused.code,
                field=refused.field,
            )
            return DecisionResult(task=outcome.task_id, status=refused.status, decision=None, problem=problem)
