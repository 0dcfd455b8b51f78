"""Documents on their way to people who are asked nothing: a link to one version, and what became of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, new_id


class Sending(SQLModel, table=True):
    """One version of a document, sent to one address. Of its link only the hash is kept."""

    __tablename__ = "sending"
    __table_args__ = (Index("ix_sending_subject", "process", "subject_id", "id"), Index("ix_sending_by", "by_id", "at"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    process: str = Field(max_length=40)
    subject_id: UUID
    version_number: int
    token_sha256: str = Field(max_length=64, unique=True)
    to_name: str
    to_email: str
    locale: str = Field(max_length=8)
    timezone: str = Field(max_length=64)
    inside: bool
    """Whether the address belonged to somebody of the document's own organisation."""
    with_file: bool
    """The file was attached to the mail; revoking the link does not fetch it back."""
    note: str = Field(default="", sa_column=Column(Text, nullable=False))
    by_id: UUID = Field(foreign_key="person.id")
    by: str
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    revoked_by: str = ""
    opened_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """When somebody pressed the button that opens it; the receipt."""
    openings: int = 0
    """How often that button was pressed: once in each browser."""
