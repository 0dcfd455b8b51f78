"""Where documents are stuck, and how long stages take: always of one organisation.

Everything is counted by the database. What comes back is bounded by the constants here, however many rounds there are.
A document belongs to the organisation of whoever handed it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Integer, and_, case, cast, extract, func, literal, or_, tuple_
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from workflows.approvals.model import (
    Round,
    RoundState,
    Stage,
    StageState,
    Task,
    TaskState,
)
from workflows.boards.rules import AGES, Month, Neighbours, quantile
from workflows.columns import UtcTime
from workflows.errors import NotFound
from workflows.papers.model import Paper
from workflows.parties.model import Person

MOST_STAGES = 50
MOST_PEOPLE = 50
MOST_TASKS = 20
MOST_ROUTES = 100


def of_organisation(organisation_id: UUID | None) -> ColumnElement[bool]:
    return col(Round.submitter_id).in_(select(Person.id).where(Person.organisation_id == organisation_id))


@dataclass(frozen=True)
class StuckStage:
    route: str
    stage: str
    tasks: int
    overdue: int
    oldest: datetime


@dataclass(frozen=True)
class StuckPerson:
    person_id: UUID
    name: str
    tasks: int
    overdue: int
    oldest: datetime


@dataclass(frozen=True)
class StuckTask:
    process: str
    subject_id: UUID
    number: str
    title: str
    stage: str
    name: str
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class Stuck:
    tasks: int
    overdue: int
    ages: tuple[int, ...]
    """Open tasks by class of age, see ``rules.AGES``."""
    stages: Sequence[StuckStage]
    people: Sequence[StuckPerson]
    longest: Sequence[StuckTask]


def stuck(session: Session, organisation_id: UUID | None, *, now: datetime) -> Stuck:
    """Open tasks: how many by age, and where and with whom the most are (``MOST_STAGES``, ``MOST_PEOPLE``)."""
    is_late = case((col(Stage.due_at) < now, 1), else_=0)
    late = func.sum(is_late)
    age = case(
        *((col(Task.asked_at) > now - limit, index) for index, limit in enumerate(AGES)),
        else_=len(AGES),
    )
    tasks = func.count()

    def open_tasks(*wanted: Any) -> Any:
        return (
            columns(*wanted)
            .select_from(Task)
            .join(Stage, col(Stage.id) == col(Task.stage_id))
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(col(Task.state) == TaskState.OPEN, of_organisation(organisation_id))
        )

    each = open_tasks(age.label("age"), is_late.label("late")).subquery()
    by_age = session.execute(columns(each.c.age, tasks, func.sum(each.c.late)).group_by(each.c.age)).all()
    counted = {index: number for index, number, _ in by_age}
    oldest = func.min(Task.asked_at, type_=UtcTime)
    by_stage = (
        open_tasks(Round.route_name, Stage.name, tasks, late, oldest)
        .group_by(Round.route_name, Stage.name)
        .order_by(tasks.desc(), Round.route_name, Stage.name)
        .limit(MOST_STAGES)
    )
    by_person = (
        open_tasks(Task.person_id, func.max(Task.name), tasks, late, oldest)
        .group_by(Task.person_id)
        .order_by(tasks.desc(), Task.person_id)
        .limit(MOST_PEOPLE)
    )
    longest = open_tasks(Task, Stage, Round).order_by(Task.asked_at, Task.id).limit(MOST_TASKS)
    return Stuck(
        tasks=sum(counted.values()),
        overdue=sum(late_ones for *_, late_ones in by_age),
        ages=tuple(counted.get(index, 0) for index in range(len(AGES) + 1)),
        stages=[StuckStage(*row) for row in session.execute(by_stage)],
        people=[StuckPerson(*row) for row in session.execute(by_person)],
        longest=[
            StuckTask(
                process=round.process,
                subject_id=round.subject_id,
                number=number_of(round),
                title=title_of(round),
                stage=stage.name,
                name=task.name,
                since=task.asked_at,
                due_at=stage.due_at,
            )
            for task, stage, round in session.execute(longest)
        ],
    )


@dataclass(frozen=True)
class Spread:
    """How long something took, in seconds. ``number``: of how many."""

    number: int
    median: float
    p90: float


@dataclass(frozen=True)
class Cycle:
    """``stage``: its name, or None for the whole way from handing in to the last decision."""

    stage: str | None
    whole: Spread | None
    months: tuple[Spread | None, ...]


def routes(session: Session, organisation_id: UUID | None) -> list[tuple[str, int]]:
    """The routes that documents of the organisation have travelled, with how many rounds, most travelled first."""
    rounds = func.count()
    found = (
        columns(col(Round.route_name), rounds)
        .where(of_organisation(organisation_id))
        .group_by(Round.route_name)
        .order_by(rounds.desc(), Round.route_name)
        .limit(MOST_ROUTES)
    )
    return [(name, number) for name, number in session.execute(found)]


def cycles(session: Session, organisation_id: UUID | None, route: str, months: Sequence[Month]) -> list[Cycle]:
    """How long it took in these months, until the last decision (first) and in each stage that a decision closed."""
    within = and_(of_organisation(organisation_id), col(Round.route_name) == route)
    whole = _spreads(session, _whole_ways(within), months)
    stages = _spreads(session, _stages(within), months)
    order = (
        columns(col(Stage.name)).join(Round, col(Round.id) == col(Stage.round_id)).where(within).group_by(Stage.name)
    )
    names = [
        name for (name,) in session.execute(order.order_by(func.max(Stage.position), Stage.name).limit(MOST_STAGES))
    ]
    return [_cycle(None, whole.get("", {}), len(months))] + [
        _cycle(name, stages[name], len(months)) for name in names if name in stages
    ]


def _cycle(stage: str | None, spreads: dict[int, Spread], months: int) -> Cycle:
    return Cycle(stage, spreads.get(-1), tuple(spreads.get(month) for month in range(months)))


def _stages(within: ColumnElement[bool]) -> Any:
    """Name, beginning and end of each stage that a decision closed."""
    return (
        columns(col(Stage.name).label("name"), col(Stage.opened_at).label("begun"), col(Stage.closed_at).label("ended"))
        .join(Round, col(Round.id) == col(Stage.round_id))
        .where(within, col(Stage.state).in_((StageState.APPROVED, StageState.REJECTED)))
    )


def _whole_ways(within: ColumnElement[bool]) -> Any:
    """Beginning and end of each round that people have decided to its end."""
    going = (StageState.WAITING, StageState.OPEN, StageState.BLOCKED)
    stages = (
        columns(
            col(Stage.round_id).label("round_id"),
            func.max(Stage.closed_at, type_=UtcTime).label("last"),
            func.sum(case((col(Stage.state).in_(going), 1), else_=0)).label("going"),
        )
        .join(Round, col(Round.id) == col(Stage.round_id))
        .where(within)
        .group_by(col(Stage.round_id))
        .subquery()
    )
    ended = (RoundState.APPROVED, RoundState.SIGNED, RoundState.REJECTED, RoundState.DECLINED)
    return (
        columns(
            literal("").label("name"),
            col(Round.opened_at).label("begun"),
            func.coalesce(Round.closed_at, stages.c.last).label("ended"),
        )
        .join(stages, stages.c.round_id == Round.id)
        .where(within, col(Round.state).in_(ended), stages.c.going == 0)
    )


def _spreads(session: Session, spans: Any, months: Sequence[Month]) -> dict[str, dict[int, Spread]]:
    """By name and index of the month; -1 is all months together."""
    taken = spans.subquery()
    month = case(*((taken.c.ended < each.end, index) for index, each in enumerate(months)), else_=None)
    seconds = _seconds(session, taken.c.begun, taken.c.ended)
    lasted = (
        columns(taken.c.name, month.label("month"), seconds.label("seconds"))
        .where(taken.c.ended >= months[0].start, taken.c.ended < months[-1].end)
        .subquery()
    )
    found: dict[str, dict[int, Spread]] = {}
    if session.get_bind().dialect.name != "sqlite":
        for name, index, number, median, p90 in session.execute(_percentiles(lasted)):
            found.setdefault(name, {})[-1 if index is None else index] = Spread(number, median, p90)
        return found
    for by_month in (False, True):
        for name, index, number, *values in session.execute(_neighbours(lasted, by_month=by_month)):
            median = quantile(Neighbours(number, values[0], values[1]), 50)
            p90 = quantile(Neighbours(number, values[2], values[3]), 90)
            found.setdefault(name, {})[index] = Spread(number, median, p90)
    return found


def _percentiles(lasted: Any) -> Any:
    """By name and month, and by name alone, where the month is null."""

    def percentile(part: float) -> Any:
        return func.percentile_cont(part).within_group(lasted.c.seconds)

    return columns(lasted.c.name, lasted.c.month, func.count(), percentile(0.5), percentile(0.9)).group_by(
        func.grouping_sets(tuple_(lasted.c.name, lasted.c.month), tuple_(lasted.c.name))
    )


def _neighbours(lasted: Any, *, by_month: bool) -> Any:
    """SQLite has no percentiles: of each group its size, and the neighbours of its median and of its ninth decile."""
    group = [lasted.c.name, lasted.c.month] if by_month else [lasted.c.name]
    ranked = columns(
        lasted.c.name,
        (lasted.c.month if by_month else literal(-1, Integer)).label("month"),
        lasted.c.seconds,
        (func.row_number().over(partition_by=group, order_by=lasted.c.seconds) - 1).label("rank"),
        func.count().over(partition_by=group).label("number"),
    ).subquery()

    def rank(percent: int, further: int) -> Any:
        """That behind ``place(number, percent)``'s number of values; ``further``: of the one after it."""
        return func.min((ranked.c.number - 1) * percent // 100 + further, ranked.c.number - 1)

    ranks = [rank(50, 0), rank(50, 1), rank(90, 0), rank(90, 1)]
    values = [func.max(case((ranked.c.rank == each, ranked.c.seconds))) for each in ranks]
    return (
        columns(ranked.c.name, ranked.c.month, func.max(ranked.c.number), *values)
        .where(or_(*(ranked.c.rank == each for each in ranks)))
        .group_by(ranked.c.name, ranked.c.month)
    )


def _seconds(session: Session, begun: Any, ended: Any) -> Any:
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(ended) - func.julianday(begun)) * 86_400.0
    return cast(extract("epoch", ended - begun), Float)


def own_paper(session: Session, process: str, subject_id: UUID, organisation_id: UUID | None) -> Paper:
    """Raises NotFound where the document belongs to another organisation, or is none."""
    kinds = [each for each in Paper.__subclasses__() if each.process == process]
    paper = session.get(kinds[0], subject_id) if kinds else None
    if paper is None or paper.organisation_id != organisation_id:
        raise NotFound("There is nothing at this address.")
    return paper


def number_of(round: Round) -> str:
    return str(round.card.get("number", round.card["label"]))


def title_of(round: Round) -> str:
    return str(round.card.get("title", ""))
