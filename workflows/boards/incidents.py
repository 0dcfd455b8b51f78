"""What went wrong and waits for somebody to mend it: always of one organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from workflows.approvals.model import Round, RoundState, Stage, StageState, Task, TaskState
from workflows.audit.model import AuditEvent
from workflows.boards.queries import number_of, of_organisation, title_of
from workflows.errors import Refused
from workflows.invoices.files_put_aside import PutAside, Watched
from workflows.invoices.model import PROCESS, IncomingMail, Invoice, InvoiceReading, InvoiceState
from workflows.invoices.payment import count_failed, waiting_orders
from workflows.invoices.queries import mails_waiting
from workflows.outbox import MailState, OutgoingMail, RunOwed
from workflows.papers.model import Paper, model_of
from workflows.parties.model import Person

MOST_INCIDENTS = 100
UNROUTED = (InvoiceState.CHECKED, InvoiceState.MATCHED)
"""Invoices that wait for nothing but a route that takes them."""
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
    everyone has approved, and it is not yet laid before its signers; ``started``: a run began and did not end.
    """

    started: bool
    sealing: bool
    preparing: bool


@dataclass(frozen=True, kw_only=True)
class Held(Concern):
    """An invoice that came in and does not travel. ``blocked``: it breaks a rule, or says too little; else it has no
    route. ``findings``: of its newest reading, as ``documents.einvoices.findings.to_json`` writes them."""

    owner: str
    blocked: bool
    findings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Unposted(Concern):
    """A released invoice that the payment system has not taken. ``next_try``: None where it is not by itself."""

    order_id: UUID
    failure: str
    next_try: datetime | None


@dataclass(frozen=True)
class Incidents:
    """At most ``MOST_INCIDENTS`` of each kind, and how many there are in all."""

    blocked: Sequence[Blocked]
    ran_out: Sequence[RanOut]
    left_alone: Sequence[LeftAlone]
    mails: Sequence[LostMail]
    runs: Sequence[SlowRun]
    held: Sequence[Held]
    files: Sequence[PutAside]
    folder: Refused | None
    """Why no file is handed in from the watched folder."""
    letters: Sequence[IncomingMail]
    """Mails of the watched mailbox of which something could not be taken."""
    payments: Sequence[Unposted]
    count: int

    @property
    def shown(self) -> int:
        return sum(
            map(
                len,
                (
                    self.blocked,
                    self.ran_out,
                    self.left_alone,
                    self.mails,
                    self.runs,
                    self.held,
                    self.payments,
                    self.files,
                    self.letters,
                ),
            )
        ) + bool(self.folder)


def incidents(
    session: Session, organisation_id: UUID | None, *, now: datetime, watches: Watched | None = None
) -> Incidents:
    """``watches``: the folder whose files come to this organisation."""
    ours = of_organisation(organisation_id)
    blocked, ran_out, left = _blocked(session, ours), _ran_out(session, ours), _left_alone(session, ours)
    mails, runs = _mails(session, organisation_id), _runs(session, organisation_id, now)
    held = _held(session, organisation_id, now)
    payments = _payments(session, organisation_id)
    files = watches.put_aside(limit=MOST_INCIDENTS) if watches else ((), 0)
    trouble = watches.trouble if watches else None
    letters = mails_waiting(session, organisation_id, limit=MOST_INCIDENTS)
    found = (blocked, ran_out, left, mails, runs, held, payments, files, letters)
    return Incidents(
        blocked=blocked[0],
        ran_out=ran_out[0],
        left_alone=left[0],
        mails=mails[0],
        runs=runs[0],
        held=held[0],
        payments=payments[0],
        files=files[0],
        folder=trouble,
        letters=letters[0],
        count=sum(count for _, count in found) + bool(trouble),
    )


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


def _mails(session: Session, organisation_id: UUID | None) -> tuple[list[LostMail], int]:
    found = (
        _of_papers(organisation_id, (OutgoingMail, col(Person.organisation_id)), of=OutgoingMail)
        .join(Person, col(Person.email) == col(OutgoingMail.to_email), isouter=True)
        .where(col(OutgoingMail.state).in_((MailState.FAILED, MailState.QUEUED)), OutgoingMail.failure != "")
    )
    rows = session.execute(found.order_by(col(OutgoingMail.created_at).desc()).limit(MOST_INCIDENTS)).all()
    mails = [
        LostMail(
            mail_id=mail.id,
            kind=mail.kind,
            to_name=mail.to_name,
            to_email=mail.to_email,
            process=mail.process,
            subject_id=mail.subject_id,
            number=number,
            title=title,
            failure=mail.failure,
            for_good=mail.state is MailState.FAILED,
            next_try=mail.not_before,
            since=mail.created_at,
            known=bool(organisation),
        )
        for mail, organisation, number, title in rows
    ]
    return mails, _count(session, found)


def _runs(session: Session, organisation_id: UUID | None, now: datetime) -> tuple[list[SlowRun], int]:
    newest = and_(col(Round.process) == RunOwed.process, col(Round.subject_id) == RunOwed.subject_id, _is_newest())
    found = (
        _of_papers(organisation_id, (RunOwed, col(Round.state)), of=RunOwed)
        .join(Round, newest, isouter=True)
        .where(col(RunOwed.finished) < col(RunOwed.sequence), col(RunOwed.wanted_at) < now - SLOW)
    )
    rows = session.execute(found.order_by(col(RunOwed.wanted_at)).limit(MOST_INCIDENTS)).all()
    runs = [
        SlowRun(
            process=owed.process,
            subject_id=owed.subject_id,
            number=number,
            title=title,
            since=owed.wanted_at,
            started=owed.launched >= owed.sequence,
            sealing=state is RoundState.SIGNED,
            preparing=state is RoundState.APPROVED and model_of(owed.process).finish == "seal",
        )
        for owed, state, number, title in rows
    ]
    return runs, _count(session, found)


def _held(session: Session, organisation_id: UUID | None, now: datetime) -> tuple[list[Held], int]:
    waits = and_(col(Invoice.state).in_(UNROUTED), col(Invoice.state_since) < now - SLOW)
    breaks = and_(col(Invoice.state) == InvoiceState.RECEIVED, col(Invoice.blocked))
    found = (
        columns(Invoice, col(Person.name))
        .join(Person, col(Person.id) == col(Invoice.owner_id))
        .where(col(Invoice.organisation_id) == organisation_id, or_(breaks, waits))
    )
    rows = session.execute(found.order_by(col(Invoice.state_since)).limit(MOST_INCIDENTS)).all()
    read: dict[UUID, Sequence[Mapping[str, Any]]] = {}
    readings = select(InvoiceReading).where(col(InvoiceReading.invoice_id).in_([each.id for each, _ in rows]))
    for reading in session.exec(readings.order_by(col(InvoiceReading.version), col(InvoiceReading.number))):
        read[reading.invoice_id] = reading.findings
    held = [
        Held(
            process=invoice.process,
            subject_id=invoice.id,
            number=invoice.number,
            title=invoice.title,
            since=invoice.state_since,
            owner=owner,
            blocked=invoice.blocked,
            findings=[each for each in read.get(invoice.id, ()) if each["severity"] == "error"],
        )
        for invoice, owner in rows
    ]
    return held, _count(session, found)


def _of_papers(organisation_id: UUID | None, wanted: tuple[Any, ...], *, of: type[OutgoingMail | RunOwed]) -> Any:
    """``wanted``, then number and title of the paper, of all that is about a paper of this organisation."""
    kinds = Paper.__subclasses__()
    found = columns(
        *wanted,
        func.coalesce(*(col(each.number) for each in kinds)),
        func.coalesce(*(col(each.title) for each in kinds)),
    ).select_from(of)
    for each in kinds:
        found = found.join(each, and_(col(of.process) == each.process, col(each.id) == of.subject_id), isouter=True)
    return found.where(or_(*(col(each.organisation_id) == organisation_id for each in kinds)))


def _payments(session: Session, organisation_id: UUID | None) -> tuple[list[Unposted], int]:
    found = [
        Unposted(
            order_id=order.id,
            process=PROCESS,
            subject_id=invoice.id,
            number=invoice.number,
            title=invoice.title,
            since=order.created_at,
            failure=order.failure,
            next_try=order.next_try,
        )
        for order, invoice in waiting_orders(session, organisation_id, failed=True, limit=MOST_INCIDENTS)
    ]
    return found, len(found) if len(found) < MOST_INCIDENTS else count_failed(session, organisation_id)


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
    return session.exec(select(func.count()).select_from(found.with_only_columns(literal(1)).subquery())).one()
