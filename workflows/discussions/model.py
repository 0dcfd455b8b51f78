"""What people say about a document, and the files they put beside it. Knows neither contracts nor invoices."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, by_value, json_column, new_id


class Visibility(StrEnum):
    INSIDE = "inside"  # people of the document's own organisation
    SHARED = "shared"  # everybody who may see the document, the counterparty too


class Comment(SQLModel, table=True):
    """What one person said once. Never changed; taking it back is a row of its own, see ``CommentWithdrawal``."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_subject", "process", "subject_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    process: str = Field(max_length=40)
    subject_id: UUID
    visibility: Visibility = Field(sa_column=Column(by_value(Visibility), nullable=False))
    author_id: UUID = Field(foreign_key="person.id")
    author: str
    """Name as it was then."""
    organisation: str = ""
    """Whose the author was then, where that is known."""
    text: str = Field(sa_column=Column(Text, nullable=False))
    """Plain text; empty where only a file was put here."""
    mentions: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Those who got a mail: "person" (id) and "name", as it was then."""
    version_number: int
    """Of the document that was current."""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    via: str = Field(max_length=16)


class Attachment(SQLModel, table=True):
    """A file that came with a comment, kept byte for byte. Never changed."""

    __tablename__ = "attachment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    comment_id: UUID = Field(foreign_key="comment.id", index=True)
    file_name: str
    media_type: str = Field(max_length=100)
    size: int
    """Bytes."""
    sha256: str = Field(max_length=64)
    key: str


class CommentWithdrawal(SQLModel, table=True):
    """Its author took a comment back: from then on nobody is shown its text or its files."""

    __tablename__ = "comment_withdrawal"

    comment_id: UUID = Field(foreign_key="comment.id", primary_key=True)
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
