"""What went wrong and waits for somebody to mend it: always of one organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from workflows.approvals.model import Round, RoundState, Stage, StageState, Task, TaskState
from workflows.audit.model import AuditEvent
from workflows.boards.queries import number_of, of_organisation, title_of
from workflows.outbox import MailState, OutgoingMail, RunOwed
from workflows.parties.model import Person

MOST_INCIDENTS = 100
SLOW = timedelta(minutes=10)
"""A run that carries a document on takes seconds; one that is owed for longer is an incident."""


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Something about a document, ``since`` when."""

    process: str
    subject_id: UUID
    number: str
    title: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class AtStage(Concern):
    stage: str
    route: str


@dataclass(frozen=True, kw_only=True)
class Blocked(AtStage):
    """A stage for which nobody can be asked."""

    stage_id: UUID


@dataclass(frozen=True, kw_only=True)
class RanOut(AtStage):
    """A stage whose time is over, so that nobody decides in it any more. ``names``: who was asked, and has not."""

    stage_id: UUID
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LeftAlone(AtStage):
    """What somebody is asked who is no longer here, and nobody could be asked instead of."""

    task_id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class LostMail(Concern):
    """``for_good``: it is not tried again by itself; ``next_try``: else when it is."""

    mail_id: UUID
    kind: str
    to_name: str
    to_email: str
    failure: str
    for_good: bool
    next_try: datetime
    known: bool
    """The addressee has an organisation here, where their address is how they are known."""


@dataclass(frozen=True, kw_only=True)
class SlowRun(Concern):
    """A document that nobody carries on. ``sealing``: everyone has signed, and the seal is missing; ``preparing``:
    everyone has approved, and it is not yet laid before its signers; ``started``: a run began and did not end."""

    started: bool
    sealing: bool
    preparing: bool


@dataclass(frozen=True)
class Incidents:
    """At most ``MOST_INCIDENTS`` of each kind, and how many there are in all."""

    blocked: Sequence[Blocked]
    ran_out: Sequence[RanOut]
    left_alone: Sequence[LeftAlone]
    mails: Sequence[LostMail]
    runs: Sequence[SlowRun]
    count: int


def incidents(session: Session, organisation_id: UUID | None, *, now: datetime) -> Incidents:
    ours = of_organisation(organisation_id)
    blocked, ran_out, left = _blocked(session, ours), _ran_out(session, ours), _left_alone(session, ours)
    mails, runs = _mails(session, ours), _runs(session, ours, now)
    count = blocked[1] + ran_out[1] + left[1] + mails[1] + runs[1]
    return Incidents(blocked[0], ran_out[0], left[0], mails[0], runs[0], count)


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
            **_document(round),
            since=told.get(round.subject_id, round.opened_at),
        )
        for stage, round in rows
    ]
    return blocked, _count(session, found)


def _ran_out(session: Session, ours: ColumnElement[bool]) -> tuple[list[RanOut], int]:
    found = (
        select(Stage, Round)
        .join(Round, col(Round.id) == col(Stage.round_id))
        .where(
            Stage.state == StageState.OPEN,
            col(Stage.expired_at).is_not(None),
            col(Round.state).in_((RoundState.OPEN, RoundState.APPROVED)),
            ours,
        )
    )
    rows = session.exec(found.order_by(col(Stage.expired_at)).limit(MOST_INCIDENTS)).all()
    asked: dict[UUID, list[str]] = {stage.id: [] for stage, _ in rows}
    waiting = select(Task.stage_id, Task.name).where(
        col(Task.stage_id).in_(asked), Task.state == TaskState.OPEN, col(Task.review_of_id).is_(None)
    )
    for stage_id, name in session.exec(waiting.order_by(col(Task.ordinal), col(Task.id))):
        asked[stage_id].append(name)
    ran_out = [
        RanOut(
            stage_id=stage.id,
            stage=stage.name,
            route=round.route_name,
            **_document(round),
            since=stage.expired_at or round.opened_at,
            names=tuple(asked[stage.id]),
        )
        for stage, round in rows
    ]
    return ran_out, _count(session, found)


def _left_alone(session: Session, ours: ColumnElement[bool]) -> tuple[list[LeftAlone], int]:
    found = (
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .join(Person, col(Person.id) == col(Task.person_id))
        .where(
            col(Task.left_alone_at).is_not(None),
            col(Task.state).in_((TaskState.OPEN, TaskState.WAITING)),
            col(Person.active).is_(False),
            ours,
        )
    )
    rows = session.exec(found.order_by(col(Task.left_alone_at)).limit(MOST_INCIDENTS)).all()
    left = [
        LeftAlone(
            task_id=task.id,
            name=task.name,
            stage=stage.name,
            route=round.route_name,
            **_document(round),
            since=task.left_alone_at or round.opened_at,
        )
        for task, stage, round in rows
    ]
    return left, _count(session, found)


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
            **_document(round),
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
            number=number_of(round),
            title=title_of(round),
            since=owed.wanted_at,
            started=owed.launched >= owed.sequence,
            sealing=round.state is RoundState.SIGNED,
            preparing=round.state is RoundState.APPROVED,
        )
        for owed, round in rows
    ]
    return runs, _count(session, found)


def _document(round: Round) -> dict[str, Any]:
    return {
        "process": round.process,
        "subject_id": round.subject_id,
        "number": number_of(round),
        "title": title_of(round),
    }


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
