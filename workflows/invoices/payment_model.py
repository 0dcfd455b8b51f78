"""What leaves for the payment system, and what keeps anything from being paid twice."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, text
from sqlmodel import Field, SQLModel

from workflows.columns import Decimals, UtcTime, by_value, json_column, new_id


class Separation(StrEnum):
    """Who of those who approved an invoice may not release it."""

    SOLE_APPROVER = "sole-approver"  # whoever approved it alone
    ANY_APPROVER = "any-approver"
    OFF = "off"


class OrderState(StrEnum):
    """Where a payment order is."""

    WAITING = "waiting"
    LEFT = "left"  # the payment system has it, or a file for it was made
    DROPPED = "dropped"  # a payment was noted before it left


class PaymentOrder(SQLModel, table=True):
    """One released invoice on its way to the payment system, which tells a repetition by ``id``."""

    __tablename__ = "payment_order"
    __table_args__ = (
        Index("ix_payment_order_state", "organisation_id", "state", "id"),
        # asked with every upkeep: among all that has left, those few that have not
        Index(
            "ix_payment_order_waiting",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id", unique=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    said: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """What is to be paid, as ``payment.order_of`` writes it; never changed."""
    state: OrderState = Field(default=OrderState.WAITING, sa_column=Column(by_value(OrderState), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    run_id: UUID | None = Field(default=None, foreign_key="payment_run.id", index=True)
    """The file that it stands in."""
    attempts: int = 0
    next_try: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """None: not by itself."""
    left_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    failure: str = ""
    """Of the last try."""


class PaymentRun(SQLModel, table=True):
    """A file with all that was released and had not left: each invoice stands in one of them."""

    __tablename__ = "payment_run"
    __table_args__ = (Index("ix_payment_run_list", "organisation_id", "id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True, max_length=20)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    by_id: UUID = Field(foreign_key="person.id")
    by: str
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    orders: int


class Payment(SQLModel, table=True):
    """Money that went out for an invoice, as somebody noted it. It never changes; a mistaken one is reversed."""

    __tablename__ = "payment"
    __table_args__ = (Index("ix_payment_invoice", "invoice_id", "paid_on"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id")
    paid_on: date
    amount: Decimal = Field(sa_column=Column(Decimals, nullable=False))
    """In the invoice's currency. What comes back for a credit note has a minus."""
    reference: str = ""
    """Of the bank's statement, say."""
    settles: bool = False
    """What was left is not to be paid, after a discount for early payment say; until a payment is taken back."""
    by_id: UUID = Field(foreign_key="person.id")
    by: str
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    reversed_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    reversed_by: str = ""
    reversed_because: str = ""


class ReleasedNumber(SQLModel, table=True):
    """An invoice that was released, by what it would be known again by: one supplier's number of one year, once."""

    __tablename__ = "released_number"

    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    supplier_key: str = Field(primary_key=True, max_length=200)
    supplier_number_key: str = Field(primary_key=True, max_length=80)
    year: int = Field(primary_key=True)
    kind: str = Field(primary_key=True, max_length=20)
    invoice_id: UUID = Field(foreign_key="invoice.id")
