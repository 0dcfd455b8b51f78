"""``/api/tasks``: the inbox, and deciding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlmodel import Session

from api.dependencies import Engine, Now, Reading, ReadsTasks, WhoCalls
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import DecisionIn, DecisionShape, OpinionShape, TaskPage, TaskShape
from workflows.approvals import queries
from workflows.approvals.model import Decision, Task, TaskState, Verdict
from workflows.approvals.operations import Decided, decide
from workflows.approvals.queries import Asked
from workflows.approvals.rules import due_of
from workflows.approvals.timing import why_ran_out
from workflows.parties.rules import Scope

router = APIRouter(route_class=PromptRoute, prefix="/api/tasks", tags=["tasks"])


@router.get("", response_model=TaskPage, summary="What I am asked to do", responses=refusals(401, 403))
def list_tasks(
    session: Reading,
    actor: ReadsTasks,
    now: Now,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> TaskPage:
    rows = queries.inbox(session, actor, after=cursor, limit=limit + 1)
    more = str(rows[limit - 1].task.id) if len(rows) > limit else None
    items = [task_shape(each, ran_out=ran_out(session, each, now)) for each in rows[:limit]]
    return TaskPage(items=items, next_cursor=more)


@router.get(
    "/{task_id}", response_model=TaskShape, summary="One task, and what became of it", responses=refusals(401, 404)
)
def read(task_id: UUID, session: Reading, actor: ReadsTasks, now: Now) -> TaskShape:
    asked = queries.task(session, task_id, actor)
    travelled = queries.journey(session, asked.round)
    reviews = [each for each in travelled.tasks if each.review_of_id == task_id]
    back = travelled.ways_back(session, asked.stage) if asked.task.state is TaskState.OPEN else ()
    decision = travelled.decisions.get(task_id)
    return task_shape(asked, decision, reviews, back, ran_out=ran_out(session, asked, now))


@router.post(
    "/{task_id}/decision",
    status_code=201,
    response_model=DecisionShape,
    summary="Decide",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_decision(task_id: UUID, body: DecisionIn, runtime: Engine, caller: WhoCalls, now: Now) -> DecisionShape:
    """The next people are asked before the answer leaves. The same decision sent twice gives the first answer again."""
    by, verdict = caller.allowed(Scope.TASKS_DECIDE), Verdict(body.verdict)
    with runtime.transaction() as session:
        decided = decide(
            session,
            task_id,
            verdict,
            seen=body.version_sha256,
            by=by,
            now=now,
            comment=body.comment,
            send_back_to=body.send_back_to,
        )
    return decision_shape(decided)


def ran_out(session: Session, asked: Asked, now: datetime) -> bool:
    """Whether the time for a decision or a signature is over: it is asked for, and nobody can give it."""
    wanted = asked.task.state is TaskState.OPEN and asked.task.review_of_id is None
    return wanted and why_ran_out(session, asked.round, asked.stage, asked.task, at=now) is not None


def decision_shape(decided: Decided) -> DecisionShape:
    return _decision(decided.decision, again=decided.again)


def _decision(decision: Decision, *, again: bool = False) -> DecisionShape:
    return DecisionShape(
        task=decision.task_id,
        verdict=decision.verdict.value,
        comment=decision.comment,
        by=decision.name,
        instead_of=decision.instead_of_name or None,
        at=decision.at,
        version_sha256=decision.version_sha256,
        via=decision.via,
        again=again,
    )


def task_shape(
    asked: Asked,
    decision: Decision | None = None,
    reviews: Sequence[Task] = (),
    back: Sequence[str] = (),
    *,
    ran_out: bool = False,
) -> TaskShape:
    """``reviews``: whom the task's person asked for an opinion. ``back``: whereto they may send the document back."""
    task, round = asked.task, asked.round
    return TaskShape(
        id=task.id,
        kind=task.kind.value,
        state=task.state.value,
        stage=asked.stage.name,
        process=round.process,
        subject_id=round.subject_id,
        number=round.card["number"],
        title=round.card["title"],
        counterparty=round.card["counterparty"],
        amount=round.card["amount"],
        currency=round.card["currency"],
        version=round.version_number,
        version_sha256=round.version_sha256,
        asked_at=task.asked_at,
        due_at=due_of(asked.stage, task)[0],
        ran_out=ran_out,
        instead_of=task.instead_of_name or None,
        wants_opinion=task.review_of_id is not None,
        asked_by=task.handed_from_name or None,
        words=task.words,
        opinions=[
            OpinionShape(by=each.name, at=each.closed_at, text=each.opinion)
            for each in reviews
            if each.opinion and each.closed_at
        ],
        send_back_to=list(back) if task.review_of_id is None else [],
        decision=_decision(decision) if decision else None,
        links={
            "self": f"/api/tasks/{task.id}",
            **({} if ran_out else {"decision": f"/api/tasks/{task.id}/decision"}),
            "subject": f"/api/{round.process}s/{round.subject_id}",
        },
    )
