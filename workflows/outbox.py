"""What a committed change still owes the world: mails and flow runs.

Rows are written in the operation's own transaction and paid by the dispatcher after the commit: woken at once, swept
after a crash. A mail keeps its ``Message-ID`` over all tries, so that a repeated one can be recognised; a flow run
keeps its idempotency key, so that a repeated launch gives the same run.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet
from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, Session, SQLModel

from workflows.columns import UtcTime, by_value, json_column, new_id
from workflows.database import Work, add_or_change, insert_values


class MailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"  # the server said no, for good
    DROPPED = "dropped"  # what it asked for had been settled before it left


class OutgoingMail(SQLModel, table=True):
    __tablename__ = "outgoing_mail"
    __table_args__ = (
        Index("ix_outgoing_mail_due", "state", "not_before"),
        Index("ix_outgoing_mail_subject", "process", "subject_id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str = Field(max_length=40)
    to_name: str
    to_email: str
    locale: str = Field(max_length=8)
    timezone: str = Field(max_length=64)
    reply_to_name: str = ""
    reply_to_email: str = ""
    sender_name: str = ""
    payload: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    sealed_link: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """The secret of the link in this mail, or its code, encrypted; wiped when the mail has left."""
    process: str = Field(max_length=40)
    subject_id: UUID
    task_id: UUID | None = Field(default=None, index=True)

    state: MailState = Field(default=MailState.QUEUED, sa_column=Column(by_value(MailState), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    not_before: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    claimed_until: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    claimed_by: str = ""
    """The process that is sending it (see ``places``): where that has died, nobody waits for the claim to run out."""
    attempts: int = 0
    sent_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    failure: str = ""
    """The server's own words, of the last try."""
    reported: bool = False
    """A failure that the document's history already tells of."""


class RunOwed(SQLModel, table=True):
    """The newest wish to carry one subject on: ``sequence`` grows with each wake-up, ``launched`` follows it, and
    ``finished`` follows when the run has ended in good order. What lags behind is started again by the sweep."""

    __tablename__ = "run_owed"
    # asked every few seconds: among all runs that there ever were, those few that are still owed
    __table_args__ = (
        Index(
            "ix_run_owed_unlaunched",
            "not_before",
            postgresql_where=text("launched < sequence"),
            sqlite_where=text("launched < sequence"),
        ),
        Index(
            "ix_run_owed_unfinished",
            "wanted_at",
            postgresql_where=text("finished < sequence"),
            sqlite_where=text("finished < sequence"),
        ),
    )

    process: str = Field(max_length=40, primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    label: str
    sequence: int = 1
    launched: int = 0
    finished: int = 0
    wanted_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    launched_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    flow_run_id: UUID | None = None
    attempts: int = 0
    not_before: datetime = Field(sa_column=Column(UtcTime, nullable=False))


def open_vault(secret: str) -> Fernet:
    """Encrypts the links in waiting mails, with a key made from ``SIGNOFF_SECRET``."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()))


@dataclass(frozen=True)
class Recipient:
    """Whom a mail goes to, and how they read."""

    name: str
    email: str
    locale: str
    timezone: str


@dataclass(frozen=True)
class Letter:
    """One mail to be sent: which kind (a folder below ``templates/emails``), to whom, what it says."""

    kind: str
    to: Recipient
    process: str
    subject_id: UUID
    sender_name: str
    reply_to: tuple[str, str] = ("", "")
    """Name and address to which an answer goes."""
    payload: dict[str, Any] = field(default_factory=dict)
    link: str | None = None
    """Secret of a task link, or the digits of a mail with a code; kept encrypted until the mail has left."""
    task_id: UUID | None = None


def post(session: Work, letter: Letter, *, now: datetime) -> None:
    """Queue a mail; it leaves after the commit."""
    insert_values(
        session,
        OutgoingMail,
        kind=letter.kind,
        to_name=letter.to.name,
        to_email=letter.to.email,
        locale=letter.to.locale,
        timezone=letter.to.timezone,
        reply_to_name=letter.reply_to[0],
        reply_to_email=letter.reply_to[1],
        sender_name=letter.sender_name,
        payload=letter.payload,
        sealed_link=session.vault.encrypt(letter.link.encode()) if letter.link else None,
        process=letter.process,
        subject_id=letter.subject_id,
        task_id=letter.task_id,
        state=MailState.QUEUED,
        created_at=now,
        not_before=now,
    )
    session.owes = True


def wake(session: Work, process: str, subject_id: UUID, *, label: str, now: datetime) -> None:
    """Have the subject's flow started after the commit; many wake-ups in one transaction are one."""
    add_or_change(
        session,
        RunOwed,
        {"process": process, "subject_id": subject_id, "label": label, "wanted_at": now, "not_before": now},
        _wanted_again,
    )
    session.owes = True


def wanted(session: Session, process: str, subject_id: UUID) -> int:
    """The sequence of the newest wish to carry a subject on."""
    owed = session.get(RunOwed, (process, subject_id))
    return owed.sequence if owed else 0


def fulfilled(session: Session, process: str, subject_id: UUID, sequence: int) -> None:
    """A run has done what was wanted up to ``sequence``."""
    owed = session.get(RunOwed, (process, subject_id), with_for_update=True)
    if owed is not None:
        owed.finished = max(owed.finished, sequence)


def _wanted_again(there: Any, wanted: Any) -> dict[str, Any]:
    return {
        "sequence": there.sequence + 1,
        "wanted_at": wanted.wanted_at,
        "not_before": wanted.not_before,
        "attempts": 0,
    }
