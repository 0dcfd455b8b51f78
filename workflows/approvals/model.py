"""Routes, the rounds in which documents travel them, and what people decided. Knows neither contracts nor invoices."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from workflows.columns import Money, UtcTime, by_value, json_column, new_id


class RouteVersion(SQLModel, table=True):
    """A published route: never changed, pinned by each round that travels it."""

    __tablename__ = "route_version"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(max_length=80)
    version: int
    document: str = Field(max_length=40)
    priority: int
    source: str = Field(sa_column=Column(Text, nullable=False))
    """YAML or JSON, byte for byte as it was published."""
    sha256: str = Field(max_length=64)
    published_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    published_by: UUID | None = None
    published_by_name: str = ""
    current: bool = True


class RoundState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"  # every approval is given; signatures, where there are any, are still to come
    SIGNED = "signed"
    REJECTED = "rejected"
    SENT_BACK = "sent_back"
    DECLINED = "declined"  # a signer would not sign
    WITHDRAWN = "withdrawn"
    RECALLED = "recalled"  # its submitter took it back, to change it
    REPLACED = "replaced"  # a new version took its place


class Round(SQLModel, table=True):
    """One version of one document on its way along one route."""

    __tablename__ = "round"
    __table_args__ = (UniqueConstraint("process", "subject_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    process: str = Field(max_length=40)
    subject_id: UUID
    number: int
    route_id: UUID = Field(foreign_key="route_version.id")
    route_name: str
    route_version: int
    submitter_id: UUID = Field(foreign_key="person.id")
    version_number: int
    version_sha256: str = Field(max_length=64)
    facts: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """What conditions were answered from, as it was at submission."""
    card: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """What inboxes and mails say of the document: number, title, counterparty, amount, currency, note, signers."""
    rates: dict[str, Any] | None = Field(default=None, sa_column=Column(json_column()))
    """Exchange rates of the day of submission, as ``rates.as_data`` gives them; None where none were kept."""
    let_in: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Ids of people whom its opening let see the document; who came later stands among the participants alone."""
    state: RoundState = Field(default=RoundState.OPEN, sa_column=Column(by_value(RoundState), nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class StageKind(StrEnum):
    APPROVAL = "approval"
    SIGNATURE = "signature"


class StageState(StrEnum):
    WAITING = "waiting"
    OPEN = "open"
    BLOCKED = "blocked"  # nobody to ask: an administrator has to name somebody
    APPROVED = "approved"
    REJECTED = "rejected"
    SKIPPED = "skipped"  # its condition does not hold
    VOID = "void"  # the round ended before


class Stage(SQLModel, table=True):
    __tablename__ = "stage"
    __table_args__ = (
        UniqueConstraint("round_id", "name"),
        Index(
            "ix_stage_look_at",
            "look_at",
            postgresql_where=text("look_at is not null"),
            sqlite_where=text("look_at is not null"),
        ),
        Index(
            "ix_stage_blocked",
            "round_id",
            postgresql_where=text("state = 'blocked'"),
            sqlite_where=text("state = 'blocked'"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    round_id: UUID = Field(foreign_key="round.id", index=True)
    position: int
    """Branches of a parallel group share one."""
    parallel: str | None = Field(default=None, max_length=80)
    """Name of the group it is a branch of."""
    name: str = Field(max_length=80)
    kind: StageKind = Field(sa_column=Column(by_value(StageKind), nullable=False))
    state: StageState = Field(default=StageState.WAITING, sa_column=Column(by_value(StageState), nullable=False))
    approve: int = 0
    """Approvals needed, once it is open."""
    reject: int = 0
    """Rejections that end it, once it is open."""
    opened_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    due: dict[str, Any] | None = Field(default=None, sa_column=Column(json_column()))
    """How the due time was reckoned: text, steps, skipped days, zone, version of the calendar."""
    opening: int = 0
    """How often its people were asked: 1 at first, one more whenever a document is sent back to it or before it."""
    veto: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Ids of the people whose single rejection ends it, whoever decides for them."""
    counted: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Ids of the people who are not asked, since their approval of an earlier stage counts here."""
    kept: dict[str, Any] | None = Field(default=None, sa_column=Column(json_column()))
    """Where a new version left its approval standing: ``version``, ``sha256`` and ``by`` (id, name, at, decision)."""
    first_due_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """The due time before anybody put it off."""
    escalated_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    expired_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    look_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """When somebody has to be reminded, or others have to be asked, or it expires; None: never."""


class TaskState(StrEnum):
    WAITING = "waiting"  # a signer whose turn has not come
    OPEN = "open"
    DECIDED = "decided"
    VOID = "void"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SEND_BACK = "send_back"
    SIGN = "sign"
    DECLINE = "decline"


class Task(SQLModel, table=True):
    """One person asked once."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_inbox", "person_id", "state"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    round_id: UUID = Field(foreign_key="round.id", index=True)
    stage_id: UUID = Field(foreign_key="stage.id")
    person_id: UUID = Field(foreign_key="person.id")
    name: str
    """Theirs, as it was when they were asked."""
    email: str
    kind: StageKind = Field(sa_column=Column(by_value(StageKind), nullable=False))
    ordinal: int = 0
    """Turn among the signers; 0 for approvers, who are asked together."""
    state: TaskState = Field(default=TaskState.OPEN, sa_column=Column(by_value(TaskState), nullable=False))
    verdict: Verdict | None = Field(default=None, sa_column=Column(by_value(Verdict)))
    asked_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    closed_because: str = ""
    """Why it is closed, as a code: decided, quorum, rejected, sent_back, withdrawn, recalled, replaced, declined,
    expired, escalated, handed_over, reassigned, returned, opinion, settled, left."""
    opening: int = 0
    """Of the stage's openings the one in which it was asked: votes of an earlier one do not count."""
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """Its own due time, where the stage's moved on for somebody without an account whose mail left late; None: the
    stage's."""
    due: dict[str, Any] | None = Field(default=None, sa_column=Column(json_column()))
    """How that was reckoned, as of a stage."""
    settled_until: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """Reminders up to this instant were sent, or made up for by a later one."""
    reminded_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    instead_of_id: UUID | None = Field(default=None, foreign_key="person.id")
    """Whose seat it is, where somebody acts for them."""
    instead_of_name: str = ""
    handed_from_id: UUID | None = Field(default=None, foreign_key="person.id")
    """Who delegated it, and to whom it may return."""
    handed_from_name: str = ""
    left_alone_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """Since when its person is no longer here and nobody else could be asked: administrators have been told."""
    review_of_id: UUID | None = Field(default=None, foreign_key="task.id")
    """The task whose person asked for an opinion: it has no vote."""
    handed_to_name: str = ""
    """Who got it, where it was handed over."""
    words: str = Field(default="", sa_column=Column(Text, nullable=False))
    """What whoever handed it over, or asks for an opinion, says with it."""
    opinion: str = Field(default="", sa_column=Column(Text, nullable=False))
    """What they said who were asked for an opinion."""


class Decision(SQLModel, table=True):
    """What somebody decided, on which bytes, when and how. Never changed."""

    __tablename__ = "decision"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    task_id: UUID = Field(foreign_key="task.id", unique=True)
    round_id: UUID = Field(foreign_key="round.id", index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    name: str
    verdict: Verdict = Field(sa_column=Column(by_value(Verdict), nullable=False))
    comment: str = Field(default="", sa_column=Column(Text, nullable=False))
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    version_sha256: str = Field(max_length=64)
    via: str = Field(max_length=16)
    instead_of_id: UUID | None = Field(default=None, foreign_key="person.id")
    """For whom it was decided, where not for themselves."""
    instead_of_name: str = ""


class Purpose(StrEnum):
    ACT = "act"
    READ = "read"  # the sealed file, for somebody without an account


class Link(SQLModel, table=True):
    """A secret address to one task. Only its hash is kept."""

    __tablename__ = "link"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    token_sha256: str = Field(unique=True, max_length=64)
    task_id: UUID = Field(foreign_key="task.id", index=True)
    purpose: Purpose = Field(default=Purpose.ACT, sa_column=Column(by_value(Purpose), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    dead_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class Participant(SQLModel, table=True):
    """Somebody on a document's route, who may therefore see it."""

    __tablename__ = "participant"
    __table_args__ = (Index("ix_participant_sees", "person_id", "process", "subject_id"),)

    process: str = Field(max_length=40, primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", primary_key=True)


class Substitution(SQLModel, table=True):
    """``substitute_id`` acts for ``person_id`` from the first day to the last one, both included."""

    __tablename__ = "substitution"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    substitute_id: UUID = Field(foreign_key="person.id", index=True)
    first_day: date
    last_day: date
    up_to: Decimal | None = Field(default=None, sa_column=Column(Money))
    """The highest amount, included; None: any, and documents without an amount."""
    currency: str | None = Field(default=None, max_length=3)
    kinds: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Kinds of documents, such as ``lease``; empty: every kind."""
    made_by: UUID = Field(foreign_key="person.id")
    made_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """When it was taken back, before its last day."""


class ExchangeRate(SQLModel, table=True):
    """How many units of ``currency`` one unit of ``base`` was worth on a day."""

    __tablename__ = "exchange_rate"

    base: str = Field(max_length=3, primary_key=True)
    day: date = Field(primary_key=True)
    currency: str = Field(max_length=3, primary_key=True)
    units: Decimal = Field(sa_column=Column(Money, nullable=False))


class LinkCode(SQLModel, table=True):
    """The one-time codes of one link: the newest of them, and how often somebody was wrong."""

    __tablename__ = "link_code"

    link_id: UUID = Field(foreign_key="link.id", primary_key=True)
    code_hmac: str | None = Field(default=None, max_length=64)
    """Under our own key: whoever reads six digits' plain hash reads the digits. None: it was used, or none was sent."""
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    tries: int = 0
    """Wrong ones since the last that was right, whichever code they were meant for."""
    sent: int = 0
    """Codes sent since ``sent_since``."""
    sent_since: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    locked_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class KnownDevice(SQLModel, table=True):
    """A browser in which a person has entered a code. Only the hash of its cookie is kept."""

    __tablename__ = "known_device"

    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    device_sha256: str = Field(max_length=64, primary_key=True)
    first_seen: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    last_seen: datetime = Field(sa_column=Column(UtcTime, nullable=False, index=True))


class DailyDigest(SQLModel, table=True):
    """Somebody's wish for one mail a day with all that waits for them."""

    __tablename__ = "daily_digest"

    person_id: UUID = Field(foreign_key="person.id", primary_key=True)
    last_day: date | None = None
    """The newest day, in the person's own zone, that is done: a mail was sent, or there was nothing to send."""
