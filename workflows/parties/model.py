"""Who takes part: organisations, people, the roles and groups they are in, and how they prove who they are."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import Money, UtcTime, by_value, json_column, new_id

PROCESS = "person"
"""Under this name what is done to a person stands in the history."""

ADMINISTRATOR = "administrator"
READER = "reader"
"""Sees every document of their own organisation."""
PAYMENTS = "payments"
"""Releases invoices of their own organisation for payment, and notes that they were paid."""


class Organisation(SQLModel, table=True):
    """A business unit of ours or a partner: each sees its own documents only."""

    __tablename__ = "organisation"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    address: str = ""
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class Person(SQLModel, table=True):
    """Somebody with an address. Without a password they act by the links in their mails only."""

    __tablename__ = "person"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID | None = Field(default=None, foreign_key="organisation.id", index=True)
    """None: somebody outside, known by their address alone."""
    name: str
    email: str = Field(unique=True)
    """As ``rules.normalised_email`` leaves it: one address, one person."""
    title: str = ""
    locale: str = Field(default="en", max_length=8)
    timezone: str = Field(default="UTC", max_length=64)
    password_hash: str | None = None
    manager_id: UUID | None = Field(default=None, foreign_key="person.id")
    authority_limit: Decimal | None = Field(default=None, sa_column=Column(Money))
    """Up to which amount they may approve where a route goes by authority; None, with a currency: any amount."""
    authority_currency: str | None = Field(default=None, max_length=3)
    """None: they have no authority of their own."""
    active: bool = True
    stood_in_until: date | None = None
    """No substitute was ever named for them for a day after this one: nobody needs to look for any."""
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class Kind(StrEnum):
    ROLE = "role"
    GROUP = "group"


class Membership(SQLModel, table=True):
    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("kind", "name", "person_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: Kind = Field(sa_column=Column(by_value(Kind), nullable=False))
    name: str = Field(max_length=80, index=True)
    person_id: UUID = Field(foreign_key="person.id", index=True)


class WebSession(SQLModel, table=True):
    """Somebody signed in with a browser. Only the hash of the cookie is kept."""

    __tablename__ = "web_session"

    token_sha256: str = Field(primary_key=True, max_length=64)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    csrf: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class ApiToken(SQLModel, table=True):
    """A program acting for a person, within scopes. Only the hash is kept."""

    __tablename__ = "api_token"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    token_sha256: str = Field(unique=True, max_length=64)
    person_id: UUID = Field(foreign_key="person.id", index=True)
    name: str
    scopes: list[str] = Field(sa_column=Column(json_column(), nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    """To within ``operations.USE_NOTED_EVERY``; None: never."""
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class Attempts(SQLModel, table=True):
    """Failed tries within a window, by what is tried ("sign-in:ann@example.com")."""

    __tablename__ = "attempts"

    key: str = Field(primary_key=True, max_length=200)
    count: int = 0
    since: datetime = Field(sa_column=Column(UtcTime, nullable=False))
