"""Invoices as they are found, listed and matched. What a version says word for word stands in its reading."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from workflows.columns import Decimals, UtcTime, by_value, json_column, new_id
from workflows.papers.model import Paper
from workflows.parties.model import PAYMENTS

PROCESS = "invoice"


class InvoiceState(StrEnum):
    """Where an invoice is on its way."""

    RECEIVED = "received"  # kept; what it says is missing, or breaks a rule
    CHECKED = "checked"  # it says all that it must, and breaks no rule that blocks
    MATCHED = "matched"  # held against orders, contracts and machines
    IN_APPROVAL = "in_approval"
    RETURNED = "returned"  # sent back to whoever takes care of it
    APPROVED = "approved"  # its amounts stay as they are
    RELEASED = "released"  # to be paid
    PAID = "paid"
    REJECTED = "rejected"
    DISPUTED = "disputed"  # its supplier has been asked
    WITHDRAWN = "withdrawn"


OVER = (InvoiceState.RELEASED, InvoiceState.PAID, InvoiceState.REJECTED, InvoiceState.WITHDRAWN)


class Invoice(Paper, table=True):
    """The head, as its newest version says it. Amounts are in its currency; a credit note's are as written."""

    __tablename__ = "invoice"
    __table_args__ = (
        Index("ix_invoice_list", "organisation_id", "id"),
        Index("ix_invoice_state", "organisation_id", "state", "id"),
        Index("ix_invoice_any", "state", "id"),
        Index("ix_invoice_own", "owner_id", "id"),
        Index("ix_invoice_own_state", "owner_id", "state", "id"),
        Index("ix_invoice_due", "organisation_id", "due_on"),
        Index("ix_invoice_supplier", "organisation_id", "supplier_key", "id"),
        Index("ix_invoice_again", "organisation_id", "supplier_key", "supplier_number_key"),
        Index("ix_invoice_same_day", "organisation_id", "supplier_key", "issued_on"),
        Index("ix_invoice_buyer", "organisation_id", "buyer_key", "id"),
    )

    process: ClassVar[str] = PROCESS
    missing: ClassVar[str] = "There is no such invoice."
    finish: ClassVar[str] = "release"
    readers: ClassVar[frozenset[str]] = frozenset((PAYMENTS,))
    original_counts: ClassVar[bool] = True

    kind: str = Field(default="invoice", max_length=20)
    """"invoice" or "credit note"."""
    syntax: str = Field(default="typed", max_length=20)
    supplier_number: str = ""
    """As the supplier wrote it."""
    supplier_number_key: str = Field(default="", max_length=80)
    """Its letters and digits, folded: how the same number is known again."""
    supplier: str = ""
    supplier_id: str = Field(default="", max_length=80)
    """VAT id, tax number or registration, whichever is given first."""
    supplier_key: str = Field(default="", max_length=200)
    """By what the same supplier is known again: its id, else its folded name."""
    supplier_email: str = ""
    buyer: str = ""
    buyer_id: str = Field(default="", max_length=80)
    buyer_key: str = Field(default="", max_length=200)
    """As ``supplier_key``."""
    issued_on: date | None = None
    due_on: date | None = None
    currency: str | None = Field(default=None, max_length=3)
    net: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    tax: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    gross: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    payable: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    order_number: str = ""
    contract_number: str = ""
    cost_center: str = Field(default="", max_length=80)
    iban: str = Field(default="", max_length=40)
    """Account to be paid to, or another number of one, without spaces."""
    note: str = ""
    state: InvoiceState = Field(default=InvoiceState.RECEIVED, sa_column=Column(by_value(InvoiceState), nullable=False))
    blocked: bool = False
    """A rule that blocks is broken, or something that it must say is missing."""
    warnings: int = 0
    match_outcome: str = Field(default="", max_length=20)
    """"matched", "failed", "without_order", or nothing where it has not been matched."""
    released_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    paid_on: date | None = None
    """The day of the last payment, once nothing is open any more."""
    paid_amount: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    """The sum of its payments."""

    def enter(self, state: InvoiceState, *, now: datetime) -> None:
        """``state_since`` moves only where the state does."""
        if self.state is not state:
            self.state, self.state_since = state, now

    @property
    def amount(self) -> Decimal | None:
        """What bands and conditions compare."""
        return self.gross if self.gross is not None else self.payable

    @property
    def returned(self) -> bool:
        """Its owner has it, after it was sent or taken back."""
        return self.state is InvoiceState.RETURNED

    @property
    def finishing(self) -> bool:
        """Everybody has approved it, and it is not released yet."""
        return self.state is InvoiceState.APPROVED

    @property
    def over(self) -> bool:
        """Nobody decides on it any more."""
        return self.state in OVER


class InvoiceReading(SQLModel, table=True):
    """What one version says, word for word, and what was found in it. A correction is a further reading of it."""

    __tablename__ = "invoice_reading"
    __table_args__ = (UniqueConstraint("invoice_id", "version", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id")
    version: int
    number: int
    """1 as it was read, further ones as people typed or corrected it."""
    data: dict[str, Any] = Field(sa_column=Column(json_column(), nullable=False))
    """As ``documents.einvoices.as_json.to_json`` writes an invoice."""
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Of rules and own checks, as ``documents.einvoices.findings.to_json`` writes them."""
    reason: str = ""
    author: str = ""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class InvoiceLine(SQLModel, table=True):
    """A line of the newest reading, for matching and for sheets."""

    __tablename__ = "invoice_line"

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    position: int = Field(primary_key=True)
    """From 1, as they stand in the invoice."""
    line_id: str = ""
    name: str = ""
    description: str = ""
    note: str = ""
    quantity: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    unit: str = ""
    price: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    """Net, for ``price_base`` units."""
    price_base: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    net: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    tax_category: str = Field(default="", max_length=10)
    tax_rate: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    order_number: str = ""
    order_line: str = ""
    sellers_id: str = ""
    buyers_id: str = ""
    accounting: str = ""
    serial_numbers: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))


class InvoiceTax(SQLModel, table=True):
    """Tax of one category and rate, of the newest reading."""

    __tablename__ = "invoice_tax"

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    position: int = Field(primary_key=True)
    category: str = Field(default="", max_length=10)
    rate: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    taxable: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    tax: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    exemption_reason: str = ""


class InvoiceAdjustment(SQLModel, table=True):
    """An allowance (``charge`` false) or a charge on the whole invoice, of the newest reading."""

    __tablename__ = "invoice_adjustment"

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    position: int = Field(primary_key=True)
    charge: bool = False
    amount: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    reason: str = ""
    tax_category: str = Field(default="", max_length=10)
    tax_rate: Decimal | None = Field(default=None, sa_column=Column(Decimals))


class CostCenter(SQLModel, table=True):
    """Where costs belong, and who answers for them."""

    __tablename__ = "cost_center"

    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    code: str = Field(primary_key=True, max_length=80)
    name: str = ""
    owner_email: str = ""


class InvoiceMatch(SQLModel, table=True):
    """A line of an invoice, or all of it, and what it was held against: by rule, or by somebody's hand."""

    __tablename__ = "invoice_match"
    __table_args__ = (Index("ix_invoice_match_target", "kind", "target_id"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id", index=True)
    position: int
    """Of the line; 0 for the whole invoice."""
    kind: str = Field(max_length=20)
    """"order", "contract" or "machine"."""
    target_id: UUID
    """Of an order, a contract or a machine: three tables, so no foreign key."""
    target_line: str = Field(default="", max_length=80)
    """Of an order; empty for all of it."""
    label: str = ""
    """What it is called: "PO-7 / 10"."""
    how: str = Field(max_length=20)
    """By what it was found: "order_line", "buyers_id", "name", "serial", …; "hand"."""
    told_by: str = Field(default="", max_length=400)
    """By what the line is known again in another reading: what was done by hand holds for the line it was done for."""
    quantity: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    net: Decimal | None = Field(default=None, sa_column=Column(Decimals))
    """Of a credit note both are turned round."""
    by_id: UUID | None = None
    by: str = ""
    reason: str = ""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    undone_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    undone_by: str = ""
    """Nobody, where the line is another one now."""
    undone_reason: str = ""


class InvoiceMatching(SQLModel, table=True):
    """How an invoice came out when it was held against orders, contracts and machines last."""

    __tablename__ = "invoice_matching"

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    turn: UUID = Field(default_factory=new_id)
    """Grows with the time: since when it has been held. Of two that bill the same, the later one is one too many."""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    outcome: str = Field(max_length=20)
    differences: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """``code``, ``position``, ``severity``, ``sentence`` and ``values``."""
    tolerances: dict[str, Any] = Field(default_factory=dict, sa_column=Column(json_column(), nullable=False))
    """Of its route: ``price`` and ``quantity``, each with ``percent`` and ``amount``, in the invoice's currency."""


class InvoiceNamed(SQLModel, table=True):
    """An order, or what may be the serial number of a machine, that the newest reading of an invoice names. By it those
    are found that wait for what is kept now; of what is over it is forgotten."""

    __tablename__ = "invoice_named"
    __table_args__ = (Index("ix_invoice_named_key", "organisation_id", "kind", "key", "invoice_id"),)

    invoice_id: UUID = Field(foreign_key="invoice.id", primary_key=True)
    kind: str = Field(primary_key=True, max_length=20)
    """"order" or "machine"."""
    key: str = Field(primary_key=True, max_length=80)
    """Its letters and digits, folded."""
    organisation_id: UUID = Field(foreign_key="organisation.id")


class MatchingLook(SQLModel, table=True):
    """Up to when the orders and machines of an organisation were looked through for invoices that wait for them."""

    __tablename__ = "matching_look"

    organisation_id: UUID = Field(foreign_key="organisation.id", primary_key=True)
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class ReplyAddress(SQLModel, table=True):
    """Where the answer to one question to a supplier goes: an address of the watched mailbox that nobody can guess."""

    __tablename__ = "reply_address"

    token_sha256: str = Field(max_length=64, primary_key=True)
    invoice_id: UUID = Field(foreign_key="invoice.id", index=True)
    asked_id: UUID = Field(foreign_key="person.id")
    asked_by_id: UUID = Field(foreign_key="person.id")
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


class IncomingOutcome(StrEnum):
    """What became of a mail."""

    INVOICES = "invoices"  # each that it brought was handed in
    REPLY = "reply"  # put beside the invoice that it answers about
    KEPT = "kept"  # neither: administrators see why


class IncomingMail(SQLModel, table=True):
    """A mail of the watched mailbox, and what became of it."""

    __tablename__ = "incoming_mail"
    __table_args__ = (
        Index("ix_incoming_mail_list", "organisation_id", "id"),
        Index("ix_incoming_mail_waits", "organisation_id", "waits", "id"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="organisation.id")
    sha256: str = Field(max_length=64, unique=True)
    """Over what it says: the same mail again is known by it, whatever way it came."""
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    from_name: str = ""
    from_email: str = ""
    subject: str = ""
    outcome: IncomingOutcome = Field(sa_column=Column(by_value(IncomingOutcome), nullable=False))
    invoice_ids: list[str] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Why something of it is no invoice: ``file`` (its name, or nothing), ``sentence`` and ``values``."""
    key: str = ""
    """The mail itself, where it is kept."""
    text: str = ""
    """How its own words begin."""
    files: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(json_column(), nullable=False))
    """Attached to it, in its order: ``name``, ``size`` in bytes; of what was handed in after all also ``invoice`` (id),
    ``by``, ``by_id`` and ``at``."""
    waits: bool = False
    """Something of it could not be taken, and nobody has said yet what becomes of it."""
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    settled_by_id: UUID | None = None
    settled_by: str = ""
    settled_because: str = ""
    """Why it was dismissed; nothing where something of it was handed in."""
