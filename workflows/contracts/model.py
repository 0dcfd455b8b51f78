"""Contracts and their versions."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import Money, UtcTime, by_value, json_column, new_id

PROCESS = "contract"


class ContractState(StrEnum):
    IN_REVIEW = "in_review"
    RETURNED = "returned"  # sent back: its owner is to hand in a new version
    APPROVED = "approved"  # being prepared for its signers, or for its seal
    IN_SIGNATURE = "in_signature"
    SEALING = "sealing"
    IN_FORCE = "in_force"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Contract(SQLModel, table=True):
    __tablename__ = "contract"
    __table_args__ = (
        Index("ix_contract_list", "organisation_id", "state", "id"),
        Index("ix_contract_ends", "state", "ends_on"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True, max_length=20)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    owner_id: UUID = Field(foreign_key="person.id", index=True)
    title: str
    kind: str = Field(max_length=40)
    amount: Decimal | None = Field(default=None, sa_column=Column(Money))
    currency: str | None = Field(default=None, max_length=3)
    counterparty: str = ""
    contact_name: str = ""
    contact_email: str = ""
    """At the counterparty: gets the mails about the contract's end."""
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    cancel_by: date | None = Field(default=None, index=True)
    """Last day to cancel; see ``rules.last_day_to_cancel``."""
    signers: list[dict[str, Any]] = Field(sa_column=Column(json_column(), nullable=False))
    """Name, email, organisation and title of each, in the order in which they sign."""
    route: str | None = None
    """Name of the route asked for; None: the first that fits."""
    external_id: str | None = Field(default=None, index=True)
    fields: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """Further facts for conditions, such as ``risk``."""
    state: ContractState = Field(
        default=ContractState.IN_REVIEW, sa_column=Column(by_value(ContractState), nullable=False)
    )
    state_since: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    current_version: int = 1
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    sealed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class Version(SQLModel, table=True):
    """One state of the document, never changed. ``sha256`` is that of the file as it was handed in."""

    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("contract_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    contract_id: UUID = Field(foreign_key="contract.id", index=True)
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
    """The last number given out, per year."""

    __tablename__ = "number_range"

    name: str = Field(primary_key=True, max_length=40)
    last: int = 0


class ExpiryAlert(SQLModel, table=True):
    """A warning that has been given: each is given once."""

    __tablename__ = "expiry_alert"

    contract_id: UUID = Field(foreign_key="contract.id", primary_key=True)
    what: str = Field(primary_key=True, max_length=10)
    """Either "cancel" or "end"."""
    day: date = Field(primary_key=True)
    """The day warned of: a changed term is warned of anew."""
    days_before: int = Field(primary_key=True)
    given_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
