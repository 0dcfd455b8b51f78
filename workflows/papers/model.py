"""What contracts and invoices have in common: their head, their versions, their numbers."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, json_column, new_id


class Paper(SQLModel):
    """A document that travels a route, and lives on after it. Each kind has a table of its own."""

    process: ClassVar[str]
    """Names the kind in rounds, histories, mails and addresses."""
    missing: ClassVar[str]
    """The sentence for whoever looks for one that is not there, or that they may not see."""
    finish: ClassVar[str]
    """What comes after the last stage of its route: "seal", say."""
    readers: ClassVar[frozenset[str]] = frozenset()
    """Roles that see all of this kind in their own organisation."""
    original_counts: ClassVar[bool] = False
    """Whether the file as it was handed in says more than the one that is shown: the data of an invoice, say."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True, max_length=20)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    owner_id: UUID = Field(foreign_key="person.id")
    title: str
    route: str | None = None
    """Name of the route asked for; None: the first that fits."""
    external_id: str | None = Field(default=None, index=True)
    state_since: datetime = Field(sa_type=UtcTime)
    current_version: int = 1
    created_at: datetime = Field(sa_type=UtcTime)

    @property
    def returned(self) -> bool:
        """Whether its owner is to hand in a new version."""
        raise NotImplementedError

    @property
    def finishing(self) -> bool:
        """Whether everybody has done their part, and only ``finish`` is still to come."""
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Whether ``finish`` has come, or will not come any more, whatever its round says."""
        return False


def model_of(process: str) -> type[Paper]:
    """The kind of paper that a process is about."""
    return next(each for each in Paper.__subclasses__() if each.process == process)


class Version(SQLModel, table=True):
    """One state of a document, never changed. ``sha256`` is that of the file as it was handed in."""

    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("process", "subject_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    process: str = Field(max_length=40)
    subject_id: UUID
    number: int
    sha256: str = Field(max_length=64)
    original_key: str
    original_size: int
    file_name: str
    readable_sha256: str = Field(max_length=64)
    readable_key: str
    """The file as it is shown and signed: repaired, and rid of what acts by itself."""
    pages: int
    page_sizes: list[list[int]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    page_starts: list[int] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Where each page begins in ``text``, in letters."""
    findings: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    note: str = ""
    author_id: UUID = Field(foreign_key="person.id")
    author: str
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    token: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """RFC 3161 token over ``sha256``."""


class NumberRange(SQLModel, table=True):
    """The last number given out, per kind and year."""

    __tablename__ = "number_range"

    name: str = Field(primary_key=True, max_length=40)
    last: int = 0
