"""Where documents are stuck, how long stages take, and what went wrong: always of one organisation.

Everything is counted by the database. What comes back is bounded by the constants here, however many rounds there are.
A document belongs to the organisation of whoever handed it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Integer, and_, case, cast, exists, extract, func, literal, or_, tuple_
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from workflows.approvals.model import (
    Round,
    RoundState,
    Stage,
    StageState,
    Task,
    TaskState,
)
from workflows.audit.model import AuditEvent
from workflows.boards.rules import AGES, Month, Neighbours, quantile
from workflows.columns import UtcTime
from workflows.errors import NotFound
from workflows.outbox import MailState, OutgoingMail, RunOwed
from workflows.parties.model import Person

MOST_STAGES = 50
MOST_PEOPLE = 50
MOST_TASKS = 20
MOST_INCIDENTS = 100
MOST_ROUTES = 100
SLOW = timedelta(minutes=10)
"""A run that carries a document on takes seconds; one that is owed for longer is an incident."""


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
                number=_number(round),
                title=_title(round),
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


@dataclass(frozen=True)
class Blocked:
    """A stage for which nobody can be asked."""

    stage_id: UUID
    stage: str
    route: str
    process: str
    subject_id: UUID
    number: str
    title: str
    since: datetime


@dataclass(frozen=True)
class LostMail:
    """``for_good``: it is not tried again by itself; ``next_try``: else when it is."""

    mail_id: UUID
    kind: str
    to_name: str
    to_email: str
    process: str
    subject_id: UUID
    number: str
    title: str
    failure: str
    for_good: bool
    next_try: datetime
    since: datetime
    known: bool
    """The addressee has an organisation here, where their address is how they are known."""


@dataclass(frozen=True)
class SlowRun:
    """A document that nobody carries on. ``sealing``: everyone has signed, and the seal is missing; ``preparing``:
    everyone has approved, and it is not yet laid before its signers; ``started``: a run began and did not end."""

    process: str
    subject_id: UUID
    number: str
    title: str
    since: datetime
    started: bool
    sealing: bool
    preparing: bool


@dataclass(frozen=True)
class Incidents:
    """At most ``MOST_INCIDENTS`` of each kind, and how many there are in all."""

    blocked: Sequence[Blocked]
    mails: Sequence[LostMail]
    runs: Sequence[SlowRun]
    count: int


def incidents(session: Session, organisation_id: UUID | None, *, now: datetime) -> Incidents:
    ours = of_organisation(organisation_id)
    blocked = _blocked(session, ours)
    mails = _mails(session, ours)
    runs = _runs(session, ours, now)
    return Incidents(blocked[0], mails[0], runs[0], blocked[1] + mails[1] + runs[1])


def _blocked(session: Session, ours: ColumnElement[bool]) -> tuple[list[Blocked], int]:
    found = (
        select(Stage, Round)
        .join(Round, col(Round.id) == col(Stage.round_id))
        .where(Stage.state == StageState.BLOCKED, Round.state == RoundState.OPEN, ours)
    )
    rows = session.exec(found.order_by(col(Round.opened_at)).limit(MOST_INCIDENTS)).all()
    told = dict(
        session.exec(
            select(AuditEvent.subject_id, AuditEvent.at)
            .where(
                col(AuditEvent.process).in_({round.process for _, round in rows}),
                col(AuditEvent.subject_id).in_({round.subject_id for _, round in rows}),
                AuditEvent.action == "nobody_to_ask",
            )
            .order_by(col(AuditEvent.position))
        ).all()
    )
    blocked = [
        Blocked(
            stage_id=stage.id,
            stage=stage.name,
            route=round.route_name,
            process=round.process,
            subject_id=round.subject_id,
            number=_number(round),
            title=_title(round),
            since=told.get(round.subject_id, round.opened_at),
        )
        for stage, round in rows
    ]
    return blocked, _count(session, found)


def _mails(session: Session, ours: ColumnElement[bool]) -> tuple[list[LostMail], int]:
    found = (
        select(OutgoingMail, Round, Person.organisation_id)
        .join(Round, col(Round.subject_id) == col(OutgoingMail.subject_id))
        .join(Person, col(Person.email) == col(OutgoingMail.to_email), isouter=True)
        .where(
            col(OutgoingMail.state).in_((MailState.FAILED, MailState.QUEUED)),
            OutgoingMail.failure != "",
            _is_newest(),
            ours,
        )
    )
    rows = session.exec(found.order_by(col(OutgoingMail.created_at).desc()).limit(MOST_INCIDENTS)).all()
    mails = [
        LostMail(
            mail_id=mail.id,
            kind=mail.kind,
            to_name=mail.to_name,
            to_email=mail.to_email,
            process=round.process,
            subject_id=round.subject_id,
            number=_number(round),
            title=_title(round),
            failure=mail.failure,
            for_good=mail.state is MailState.FAILED,
            next_try=mail.not_before,
            since=mail.created_at,
            known=bool(organisation),
        )
        for mail, round, organisation in rows
    ]
    return mails, _count(session, found)


def _runs(session: Session, ours: ColumnElement[bool], now: datetime) -> tuple[list[SlowRun], int]:
    found = (
        select(RunOwed, Round)
        .join(Round, and_(col(Round.process) == RunOwed.process, col(Round.subject_id) == RunOwed.subject_id))
        .where(col(RunOwed.finished) < col(RunOwed.sequence), col(RunOwed.wanted_at) < now - SLOW, _is_newest(), ours)
    )
    rows = session.exec(found.order_by(col(RunOwed.wanted_at)).limit(MOST_INCIDENTS)).all()
    runs = [
        SlowRun(
            process=owed.process,
            subject_id=owed.subject_id,
            number=_number(round),
            title=_title(round),
            since=owed.wanted_at,
            started=owed.launched >= owed.sequence,
            sealing=round.state is RoundState.SIGNED,
            preparing=round.state is RoundState.APPROVED,
        )
        for owed, round in rows
    ]
    return runs, _count(session, found)


def _is_newest() -> ColumnElement[bool]:
    """Of a document's rounds the last."""
    later = aliased(Round)
    return ~exists(
        select(later.id).where(
            later.process == Round.process, later.subject_id == Round.subject_id, later.number > Round.number
        )
    )


def _count(session: Session, found: Any) -> int:
    return session.exec(select(func.count()).select_from(found.with_only_columns(col(Round.id)).subquery())).one()


def _number(round: Round) -> str:
    return str(round.card.get("number", round.card["label"]))


def _title(round: Round) -> str:
    return str(round.card.get("title", ""))


def insist_on_own(session: Session, subject_id: UUID, organisation_id: UUID | None) -> None:
    """Raises NotFound where the document was handed in by people of another organisation, or by nobody."""
    ours = select(Round.id).where(Round.subject_id == subject_id, of_organisation(organisation_id)).limit(1)
    if organisation_id is None or session.exec(ours).first() is None:
        raise NotFound("There is nothing at this address.")
