"""The history of a subject: append-only, each entry carrying the hash of the one before."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, json_column


class AuditEvent(SQLModel, table=True):
    __tablename__ = "audit_event"
    __table_args__ = (UniqueConstraint("process", "subject_id", "position"),)

    id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    )
    process: str = Field(max_length=40)
    subject_id: UUID
    position: int
    """1, 2, 3 … within the subject."""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    actor_id: UUID | None = None
    actor: str
    """Name as it was then; "Signoff" for what the clock did."""
    action: str = Field(max_length=40)
    data: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    previous: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    """Over the canonical JSON of all of the above; see ``rules.digest``."""
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """RFC 3161 time-stamp token over that hash."""


class AuditChain(SQLModel, table=True):
    """The end of a subject's chain: locked while an entry is added, so that positions never collide."""

    __tablename__ = "audit_chain"

    process: str = Field(max_length=40, primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    length: int = 0
    head: str = Field(default="0" * 64, max_length=64)


class AuditAnchor(SQLModel, table=True):
    """A time-stamped hash over a stretch of all chains: a history that was cut short no longer fits it."""

    __tablename__ = "audit_anchor"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    first_event: int
    last_event: int
    """Ids of the events covered, both included."""
    events: int
    previous: str = Field(max_length=64)
    sha256: str = Field(max_length=64)
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
