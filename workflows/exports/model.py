"""Exports that are made in the background, and kept for some days."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, by_value, json_column, new_id

PROCESS = "export"


class ExportState(StrEnum):
    ASKED = "asked"  # being made, or waiting for it
    READY = "ready"
    FAILED = "failed"
    REMOVED = "removed"  # its time is over


class Export(SQLModel, table=True):
    __tablename__ = "export"
    __table_args__ = (Index("ix_export_person", "person_id", "id"), Index("ix_export_expires", "state", "expires_at"))

    id: UUID = Field(default_factory=new_id, primary_key=True)
    person_id: UUID = Field(foreign_key="person.id")
    """Who asked for it: it holds what they may see, and nobody else gets it."""
    asked: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """As ``rules.to_json`` writes what is wanted."""
    locale: str = Field(max_length=8)
    timezone: str = Field(max_length=64)
    state: ExportState = Field(default=ExportState.ASKED, sa_column=Column(by_value(ExportState), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    documents: int | None = None
    """How many belong to it; None until they are counted."""
    written: int = 0
    """Documents written so far, counted in each sheet anew."""
    begun: int = 0
    """How often it was begun to be made."""
    ready_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """When its file is removed."""
    key: str = ""
    """Of its file; noted before that is stored."""
    sha256: str = Field(default="", max_length=64)
    size: int = 0
    """Bytes."""
    file_name: str = ""
    failure: dict[str, Any] = Field(default_factory=dict, sa_column=Column(json_column(), nullable=False))
    """``sentence`` and ``values`` of the refusal that ended it."""
