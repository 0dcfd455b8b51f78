"""The signing of one approved document: the file as it grows by one revision a signature, until it is sealed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, by_value, json_column, new_id


class SigningState(StrEnum):
    OPEN = "open"
    SEALED = "sealed"
    ENDED = "ended"  # declined, withdrawn or replaced: the signatures given stay what they were


class Signing(SQLModel, table=True):
    __tablename__ = "signing"
    __table_args__ = (Index("ix_signing_archive", "archive_until"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    round_id: UUID = Field(foreign_key="round.id", unique=True)
    process: str = Field(max_length=40)
    subject_id: UUID
    slots: list[dict[str, Any]] = Field(sa_column=Column(json_column(), nullable=False))
    """One a signer, in their order: task, field, name, email."""
    pdf_key: str
    pdf_sha256: str = Field(max_length=64)
    """The newest revision."""
    revision: int = 0
    """Signatures of people in it."""
    state: SigningState = Field(default=SigningState.OPEN, sa_column=Column(by_value(SigningState), nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    sealed_key: str | None = None
    """The sealed file as it is given out. One that was time stamped again is another file; the history names each."""
    sealed_sha256: str | None = Field(default=None, max_length=64)
    sealed_size: int | None = None
    sealed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    sealed_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """RFC 3161 token over the sealed file's sha256."""
    archive_until: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """By then the sealed file needs a new time stamp: the first certificate behind its last one ends."""
    archive_tried_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    archive_failure: str = Field(default="", sa_column=Column(Text, nullable=False))
    """Why it could not be time stamped again; empty when it could."""
