"""``/api/boards``: where documents are stuck, how long stages take, and what went wrong."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api.dependencies import Engine, Now, Reading, ReadsBoards
from api.rest.answers import PromptRoute, refusals
from api.rest.incoming_mails import ReasonShape, reason_shapes
from api.rest.shapes import Shape
from workflows.boards import queries
from workflows.boards.incidents import MOST_INCIDENTS, Incidents, incidents
from workflows.boards.queries import Cycle, Spread
from workflows.boards.rules import AGES, MONTHS, Month, months
from workflows.invoices.files_put_aside import watched

router = APIRouter(route_class=PromptRoute, prefix="/api/boards", tags=["boards"])


class StuckStageShape(Shape):
    route: str
    stage: str
    tasks: int
    overdue: int
    oldest: datetime


class StuckPersonShape(Shape):
    person: UUID
    name: str
    tasks: int
    overdue: int
    oldest: datetime


class AgeShape(Shape):
    from_days: int
    to_days: Annotated[int | None, Field(description="Null: and more.")]
    tasks: int


class StuckTaskShape(Shape):
    process: str
    subject_id: UUID
    number: str
    title: str
    stage: str
    name: str
    since: datetime
    due_at: datetime | None


class StuckShape(Shape):
    tasks: Annotated[int, Field(description="Open tasks of documents that your organisation handed in.")]
    overdue: int
    ages: list[AgeShape]
    stages: Annotated[list[StuckStageShape], Field(description=f"The {queries.MOST_STAGES} with the most open tasks.")]
    people: Annotated[list[StuckPersonShape], Field(description=f"The {queries.MOST_PEOPLE} with the most open tasks.")]
    longest: Annotated[list[StuckTaskShape], Field(description=f"The {queries.MOST_TASKS} that wait longest.")]


class SpreadShape(Shape):
    number: Annotated[int, Field(description="Of how many.")]
    median_seconds: float
    p90_seconds: Annotated[float, Field(description="Nine in ten took no longer.")]


class MonthShape(Shape):
    month: Annotated[date, Field(description="Its first day, in your time zone.")]
    spread: Annotated[SpreadShape | None, Field(description="Null: nothing was decided.")]


class CycleShape(Shape):
    stage: Annotated[str | None, Field(description="Null: the whole way from handing in to the last decision.")]
    whole: SpreadShape | None
    months: list[MonthShape]


class ConcernShape(Shape):
    process: str
    subject_id: UUID
    number: str
    title: str
    since: datetime


class AtStageShape(ConcernShape):
    stage: str
    route: str


class BlockedShape(AtStageShape):
    kind: Literal["nobody_to_ask"] = "nobody_to_ask"
    stage_id: UUID


class RanOutShape(AtStageShape):
    kind: Literal["ran_out"] = "ran_out"
    stage_id: UUID
    names: Annotated[list[str], Field(description="Who was asked, and has not decided.")]


class LeftAloneShape(AtStageShape):
    kind: Literal["left"] = "left"
    task_id: UUID
    name: Annotated[str, Field(description="Who was asked, and is no longer here.")]


class LostMailShape(ConcernShape):
    kind: Literal["mail"] = "mail"
    mail_id: UUID
    mail: Annotated[str, Field(examples=["signature"])]
    to_name: str
    to_email: str
    failure: Annotated[str, Field(description="The mail server's own words.")]
    next_try: Annotated[datetime | None, Field(description="Null: it is not tried again by itself.")]


class SlowRunShape(ConcernShape):
    kind: Literal["seal", "run"]
    started: bool


class HeldShape(ConcernShape):
    kind: Literal["held"] = "held"
    owner: str
    blocked: Annotated[bool, Field(description="It breaks a rule or says too little; else no route takes it.")]
    rules: Annotated[list[str], Field(examples=[["BR-CO-15"]])]


class PutAsideShape(Shape):
    kind: Literal["file"] = "file"
    name: str
    reason: str
    since: datetime


class LetterShape(Shape):
    kind: Literal["letter"] = "letter"
    mail_id: Annotated[
        UUID, Field(description="`POST /api/incoming-mails/{mail_id}/invoices` or `…/dismissal` settles it.")
    ]
    from_name: str
    from_email: str
    subject: str
    reasons: list[ReasonShape]
    since: datetime


class UnpostedShape(ConcernShape):
    kind: Literal["payment"] = "payment"
    order_id: Annotated[UUID, Field(description="`POST /api/payment-orders/{order_id}/retry` posts it once more.")]
    failure: str
    next_try: Annotated[datetime | None, Field(description="Null: it is not tried again by itself.")]


class IncidentsShape(Shape):
    count: int
    blocked: list[BlockedShape]
    ran_out: Annotated[list[RanOutShape], Field(description="Nobody decides there until its due time is put off.")]
    left_alone: Annotated[list[LeftAloneShape], Field(description="An administrator has to give it to somebody.")]
    mails: list[LostMailShape]
    runs: list[SlowRunShape]
    held: Annotated[list[HeldShape], Field(description="Invoices that came in and do not travel.")]
    files: Annotated[list[PutAsideShape], Field(description="Files of the watched folder that are no invoice.")]
    folder: Annotated[str | None, Field(description="Why no file is handed in from the watched folder.")]
    letters: Annotated[
        list[LetterShape], Field(description="Mails of the watched mailbox of which something could not be taken.")
    ]
    payments: Annotated[list[UnpostedShape], Field(description="Released, and not taken by the payment system.")]


class BoardsShape(Shape):
    at: datetime
    stuck: StuckShape
    incidents: Annotated[
        IncidentsShape, Field(description=f"At most {MOST_INCIDENTS} of each kind; `count` is all of them.")
    ]
    routes: list[str]
    route: Annotated[str | None, Field(description="Of which the cycle times are.")]
    cycles: Annotated[list[CycleShape], Field(description=f"Of {MONTHS} months: first the whole way, then the stages.")]


@router.get(
    "",
    response_model=BoardsShape,
    summary="Where documents are stuck, how long stages take, what went wrong; for administrators",
    responses=refusals(401, 403),
)
def read(
    session: Reading,
    runtime: Engine,
    actor: ReadsBoards,
    now: Now,
    route: Annotated[str, Query(max_length=80, description="The most travelled one otherwise.")] = "",
) -> BoardsShape:
    ours = actor.organisation_id
    shown = months(now, actor.timezone)
    names = [name for name, _ in queries.routes(session, ours)]
    chosen = route if route in names else next(iter(names), None)
    stuck = queries.stuck(session, ours, now=now)
    found = incidents(session, ours, now=now, watches=watched(session, runtime.settings, ours))
    return BoardsShape(
        at=now,
        stuck=StuckShape(
            tasks=stuck.tasks,
            overdue=stuck.overdue,
            ages=_ages(stuck.ages),
            stages=[StuckStageShape(**vars(each)) for each in stuck.stages],
            people=[
                StuckPersonShape(
                    person=each.person_id, name=each.name, tasks=each.tasks, overdue=each.overdue, oldest=each.oldest
                )
                for each in stuck.people
            ],
            longest=[StuckTaskShape(**vars(each)) for each in stuck.longest],
        ),
        incidents=_incidents(found),
        routes=names,
        route=chosen,
        cycles=[_cycle(each, shown) for each in queries.cycles(session, ours, chosen, shown)] if chosen else [],
    )


def _ages(numbers: tuple[int, ...]) -> list[AgeShape]:
    edges = [0, *(age.days for age in AGES), None]
    return [
        AgeShape(from_days=begin or 0, to_days=end, tasks=tasks)
        for begin, end, tasks in zip(edges, edges[1:], numbers, strict=False)
    ]


def _incidents(found: Incidents) -> IncidentsShape:
    return IncidentsShape(
        count=found.count,
        blocked=[BlockedShape(**vars(each)) for each in found.blocked],
        ran_out=[RanOutShape(**{**vars(each), "names": list(each.names)}) for each in found.ran_out],
        left_alone=[LeftAloneShape(**vars(each)) for each in found.left_alone],
        mails=[
            LostMailShape(
                mail_id=each.mail_id,
                mail=each.kind,
                to_name=each.to_name,
                to_email=each.to_email,
                process=each.process,
                subject_id=each.subject_id,
                number=each.number,
                title=each.title,
                failure=each.failure,
                next_try=None if each.for_good else each.next_try,
                since=each.since,
            )
            for each in found.mails
        ],
        runs=[
            SlowRunShape(
                kind="seal" if each.sealing else "run",
                process=each.process,
                subject_id=each.subject_id,
                number=each.number,
                title=each.title,
                since=each.since,
                started=each.started,
            )
            for each in found.runs
        ],
        held=[
            HeldShape(
                process=each.process,
                subject_id=each.subject_id,
                number=each.number,
                title=each.title,
                since=each.since,
                owner=each.owner,
                blocked=each.blocked,
                rules=[finding.get("rule", "") for finding in each.findings],
            )
            for each in found.held
        ],
        files=[PutAsideShape(**vars(each)) for each in found.files],
        folder=str(found.folder) if found.folder else None,
        letters=[
            LetterShape(
                mail_id=each.id,
                from_name=each.from_name,
                from_email=each.from_email,
                subject=each.subject,
                reasons=reason_shapes(each),
                since=each.at,
            )
            for each in found.letters
        ],
        payments=[UnpostedShape(**vars(each)) for each in found.payments],
    )


def _cycle(cycle: Cycle, shown: list[Month]) -> CycleShape:
    return CycleShape(
        stage=cycle.stage,
        whole=_spread(cycle.whole),
        months=[
            MonthShape(month=month.first, spread=_spread(spread))
            for month, spread in zip(shown, cycle.months, strict=True)
        ],
    )


def _spread(spread: Spread | None) -> SpreadShape | None:
    if spread is None:
        return None
    return SpreadShape(number=spread.number, median_seconds=round(spread.median, 3), p90_seconds=round(spread.p90, 3))
