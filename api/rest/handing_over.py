"""``/api/tasks`` that change hands, and ``/api/substitutions``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.dependencies import Decides, Now, Reading, ReadsTasks, Transaction
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from workflows.approvals.absences import substitutions_of, today_of
from workflows.approvals.handing_over import delegate, extend, reassign, take_back
from workflows.approvals.model import Stage, Substitution, Task
from workflows.approvals.reviewing import ask_reviewer, give_opinion
from workflows.approvals.rules import Limit
from workflows.approvals.substitutes import end_substitution, name_substitute, standing_in_for
from workflows.papers.rules import checked_amount
from workflows.parties.model import Person
from workflows.parties.queries import colleague, people

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["tasks"])

LONGEST = 4000
Address = Annotated[str, Field(max_length=254, examples=["jiwoo.han@haneul.example"])]
Words = Annotated[str, Field(default="", max_length=LONGEST, description="For them alone; no history tells it.")]


class DelegationIn(Shape):
    to: Address
    comment: Words
    returns: Annotated[
        bool,
        Field(default=False, description="They say what they think, and it comes back: you decide."),
    ]


class ReturnIn(Shape):
    comment: Words


class ReassignmentIn(Shape):
    to: Address
    comment: Words


class ReviewerIn(Shape):
    whom: Address
    question: Words


class OpinionIn(Shape):
    text: Annotated[str, Field(max_length=LONGEST)]
    version_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the version that you speak of.")]


class ExtensionIn(Shape):
    time: Annotated[str, Field(max_length=40, examples=["2 business days"])]


class HandedShape(Shape):
    """A task after it changed hands."""

    task: UUID
    state: str
    stage: str
    person: Annotated[str, Field(description="Who is asked now.")]
    instead_of: Annotated[str | None, Field(description="For whom they decide.")]
    opinion: Annotated[bool, Field(description="They are asked for their opinion, and have no vote.")]
    asked_at: datetime | None


class StageDueShape(Shape):
    stage: str
    due_at: datetime | None
    first_due_at: Annotated[
        datetime | None,
        Field(description="Before it was put off; the route's limit counts from it, or from now where that is over."),
    ]


class SubstitutionIn(Shape):
    person: Annotated[
        UUID | None, Field(default=None, description="Somebody whom you administer; yourself where it is left out.")
    ]
    substitute: Address
    first_day: date
    last_day: Annotated[date, Field(description="Included.")]
    up_to: Annotated[str, Field(default="", description="The highest amount, included.", examples=["10000.00"])]
    currency: Annotated[str, Field(default="", examples=["EUR"])]
    kinds: Annotated[list[str], Field(default_factory=list, description="Empty: every kind.", examples=[["lease"]])]


class SubstitutionShape(Shape):
    id: UUID
    person: UUID
    person_name: str
    substitute: UUID
    substitute_name: str
    first_day: date
    last_day: date
    up_to: str | None
    currency: str | None
    kinds: list[str]
    ended_at: datetime | None


class SubstitutionList(Shape):
    items: list[SubstitutionShape]


@router.post(
    "/tasks/{task_id}/delegation",
    status_code=201,
    response_model=HandedShape,
    summary="Hand a task to a colleague, with or without its return",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_delegation(task_id: UUID, body: DelegationIn, session: Transaction, actor: Decides, now: Now) -> HandedShape:
    """Sent twice it is done once."""
    made = delegate(session, task_id, to=body.to, comment=body.comment, returns=body.returns, by=actor, now=now)
    return handed_shape(made, session.get_one(Stage, made.stage_id))


@router.post(
    "/tasks/{task_id}/return",
    status_code=201,
    response_model=HandedShape,
    summary="Give a task back, or take it back",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_return(task_id: UUID, body: ReturnIn, session: Transaction, actor: Decides, now: Now) -> HandedShape:
    """The task of whoever acts for somebody, or is asked for an opinion; either of the two may send it."""
    made = take_back(session, task_id, comment=body.comment, by=actor, now=now)
    return handed_shape(made, session.get_one(Stage, made.stage_id))


@router.post(
    "/tasks/{task_id}/reassignment",
    status_code=201,
    response_model=HandedShape,
    summary="Give somebody's task to another person; for administrators",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_reassignment(
    task_id: UUID, body: ReassignmentIn, session: Transaction, actor: Decides, now: Now
) -> HandedShape:
    made = reassign(session, task_id, to=body.to, comment=body.comment, by=actor, now=now)
    return handed_shape(made, session.get_one(Stage, made.stage_id))


@router.post(
    "/tasks/{task_id}/reviewers",
    status_code=201,
    response_model=HandedShape,
    summary="Ask a colleague for their opinion",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_reviewer(task_id: UUID, body: ReviewerIn, session: Transaction, actor: Decides, now: Now) -> HandedShape:
    made = ask_reviewer(session, task_id, whom=body.whom, question=body.question, by=actor, now=now)
    return handed_shape(made, session.get_one(Stage, made.stage_id))


@router.post(
    "/tasks/{task_id}/opinion",
    status_code=201,
    response_model=HandedShape,
    summary="Give the opinion that was asked for",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_opinion(task_id: UUID, body: OpinionIn, session: Transaction, actor: Decides, now: Now) -> HandedShape:
    """Only whoever asked reads it; the history keeps its hash. The same sent twice is given once."""
    made = give_opinion(session, task_id, text=body.text, seen=body.version_sha256, by=actor, now=now)
    return handed_shape(made, session.get_one(Stage, made.stage_id))


@router.post(
    "/tasks/{task_id}/extension",
    status_code=201,
    response_model=StageDueShape,
    summary="Put the due time of a task's stage off, within its route's limit",
    responses=refusals(401, 403, 404, 409, 422),
)
def post_extension(task_id: UUID, body: ExtensionIn, session: Transaction, actor: Decides, now: Now) -> StageDueShape:
    """For the document's sender and their administrators."""
    stage = extend(session, task_id, time=body.time, by=actor, now=now)
    return StageDueShape(stage=stage.name, due_at=stage.due_at, first_due_at=stage.first_due_at)


@router.get(
    "/substitutions",
    response_model=SubstitutionList,
    summary="Who stands in for me, and for whom I stand in, from today on",
    responses=refusals(401, 403, 404),
)
def list_substitutions(
    session: Reading,
    actor: ReadsTasks,
    now: Now,
    person: Annotated[UUID | None, Query(description="Somebody whom you administer.")] = None,
) -> SubstitutionList:
    mine = person is None or person == actor.id
    whose = session.get_one(Person, actor.id) if mine or person is None else colleague(session, actor, person)
    today = today_of(whose, now)
    made = [*substitutions_of(session, [whose.id], on=today)]
    made += [each for each, _ in standing_in_for(session, whose.id, on=today)]
    known = people(session, {id for each in made for id in (each.person_id, each.substitute_id)})
    return SubstitutionList(items=[_shape(each, known) for each in made])


@router.post(
    "/substitutions",
    status_code=201,
    response_model=SubstitutionShape,
    summary="Name a substitute for some days; open tasks go to them, too",
    responses=refusals(401, 403, 404, 422),
)
def post_substitution(body: SubstitutionIn, session: Transaction, actor: Decides, now: Now) -> SubstitutionShape:
    made = name_substitute(
        session,
        body.person or actor.id,
        substitute=body.substitute,
        first_day=body.first_day,
        last_day=body.last_day,
        up_to=limit_of(body.up_to, body.currency),
        kinds=body.kinds,
        by=actor,
        now=now,
    )
    return _shape(made, people(session, (made.person_id, made.substitute_id)))


@router.delete(
    "/substitutions/{substitution_id}",
    status_code=204,
    response_class=Response,
    summary="End that somebody stands in",
    responses=refusals(401, 403, 404),
)
def delete_substitution(substitution_id: UUID, session: Transaction, actor: Decides, now: Now) -> Response:
    """What the substitute is asked already stays theirs, until it is decided or taken back."""
    end_substitution(session, substitution_id, by=actor, now=now)
    return Response(status_code=204)


def limit_of(amount: str, currency: str) -> Limit | None:
    """The highest amount that a substitute decides on; None: any.

    Raises:
        Refused: it is no amount, or has no currency.
    """
    value, known = checked_amount(amount, currency)
    return Limit(value, known) if value is not None and known is not None else None


def handed_shape(task: Task, stage: Stage) -> HandedShape:
    return HandedShape(
        task=task.id,
        state=task.state.value,
        stage=stage.name,
        person=task.name,
        instead_of=task.instead_of_name or None,
        opinion=task.review_of_id is not None,
        asked_at=task.asked_at,
    )


def _shape(made: Substitution, known: dict[UUID, Person]) -> SubstitutionShape:
    return SubstitutionShape(
        id=made.id,
        person=made.person_id,
        person_name=known[made.person_id].name,
        substitute=made.substitute_id,
        substitute_name=known[made.substitute_id].name,
        first_day=made.first_day,
        last_day=made.last_day,
        up_to=str(made.up_to) if made.up_to is not None else None,
        currency=made.currency,
        kinds=made.kinds,
        ended_at=made.ended_at,
    )
