"""What was ordered, and for how much: what invoices are held against."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import Decimals, UtcTime, new_id

PROCESS = "order"
"""Under this name what is kept of an organisation's orders stands in the history, in one chain."""


class Order(SQLModel, table=True):
    __tablename__ = "purchase_order"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number_key"),
        Index("ix_purchase_order_list", "organisation_id", "id"),
        Index("ix_purchase_order_kept", "organisation_id", "kept_at"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    number: str = Field(max_length=80)
    number_key: str = Field(max_length=80)
    """Its letters and digits, folded: how suppliers' spellings of it are known again."""
    supplier: str = ""
    supplier_id: str = Field(default="", max_length=80)
    """VAT id, tax number or registration."""
    currency: str = Field(default="", max_length=3)
    ordered_on: date | None = None
    kept_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class OrderLine(SQLModel, table=True):
    __tablename__ = "purchase_order_line"

    order_id: UUID = Field(foreign_key="purchase_order.id", primary_key=True)
    line: str = Field(primary_key=True, max_length=80)
    """Its number in the order, as the buyer numbers them."""
    position: int
    sellers_id: str = Field(default="", max_length=80)
    buyers_id: str = Field(default="", max_length=80)
    standard_id: str = Field(default="", max_length=80)
    """GTIN and the like."""
    name: str = ""
    quantity: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    unit: str = Field(default="", max_length=20)
    price: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    """Net, of one unit."""
