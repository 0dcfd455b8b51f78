"""Machines: where they stand, and since when."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, new_id

PROCESS = "machine"
"""Under this name what is kept of an organisation's machines stands in the history, in one chain."""


class Machine(SQLModel, table=True):
    __tablename__ = "machine"
    __table_args__ = (
        UniqueConstraint("organisation_id", "serial_key"),
        Index("ix_machine_list", "organisation_id", "id"),
        Index("ix_machine_kept", "organisation_id", "kept_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    serial: str = Field(max_length=80)
    serial_key: str = Field(max_length=80)
    """Its letters and digits, folded."""
    model: str = ""
    location: str = ""
    customer: str = ""
    """Whose it is, or who uses it."""
    installed_on: date | None = None
    removed_on: date | None = None
    """The first day on which it was there no more."""
    contract_number: str = Field(default="", max_length=80)
    kept_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
