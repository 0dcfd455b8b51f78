"""Contracts, and the warnings before their end."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from workflows.columns import Money, UtcTime, by_value, json_column
from workflows.papers.model import Paper

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


class Contract(Paper, table=True):
    __tablename__ = "contract"
    __table_args__ = (
        Index("ix_contract_list", "organisation_id", "id"),
        Index("ix_contract_state", "organisation_id", "state", "id"),
        Index("ix_contract_any", "state", "id"),
        Index("ix_contract_own", "owner_id", "id"),
        Index("ix_contract_own_state", "owner_id", "state", "id"),
        Index("ix_contract_ends", "state", "ends_on"),
    )

    process: ClassVar[str] = PROCESS
    missing: ClassVar[str] = "There is no such contract."
    finish: ClassVar[str] = "seal"

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
    fields: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """Further facts for conditions, such as ``risk``."""
    state: ContractState = Field(
        default=ContractState.IN_REVIEW, sa_column=Column(by_value(ContractState), nullable=False)
    )
    sealed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))

    @property
    def returned(self) -> bool:
        return self.state is ContractState.RETURNED

    @property
    def finishing(self) -> bool:
        return self.state is ContractState.SEALING


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
