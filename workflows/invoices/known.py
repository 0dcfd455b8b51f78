"""What an invoice is held against, and how that is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

Outcome = Literal["matched", "failed", "without_order"]
Kind = Literal["order", "contract", "machine"]
Severity = Literal["error", "warning"]

WHOLE = 0
"""The position of what concerns the whole invoice."""
Target = tuple[Kind, UUID, str]
"""What is matched: an order with its line ("" for all of it), a contract, a machine."""


@dataclass(frozen=True)
class KnownLine:
    """A line of an order. ``billed``: how much of it other invoices bill."""

    line: str
    sellers_id: str = ""
    buyers_id: str = ""
    standard_id: str = ""
    name: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    billed: Decimal = Decimal(0)


@dataclass(frozen=True)
class KnownOrder:
    """``billed``: the net amount of what other invoices bill of it."""

    id: UUID
    number: str
    supplier: str = ""
    supplier_id: str = ""
    currency: str = ""
    lines: tuple[KnownLine, ...] = ()
    billed: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal | None:
        """What all of it costs; None where a line has no quantity or no price."""
        each = [
            None if line.quantity is None or line.price is None else line.quantity * line.price for line in self.lines
        ]
        return None if None in each or not each else sum((one for one in each if one is not None), Decimal(0))


@dataclass(frozen=True)
class KnownContract:
    """``amount``: of all its term. ``in_force``: whether it has been signed and sealed, even if it has ended since."""

    id: UUID
    number: str
    counterparty: str = ""
    amount: Decimal | None = None
    currency: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    in_force: bool = True
    billed: Decimal = Decimal(0)


@dataclass(frozen=True)
class KnownMachine:
    """Days are its first and the one on which it was gone; None: not known, or still there."""

    id: UUID
    serial: str
    model: str = ""
    installed_on: date | None = None
    removed_on: date | None = None
    contract_number: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of all that the invoice, or somebody by hand, names. By their keys."""

    orders: Mapping[str, KnownOrder] = field(default_factory=dict)
    contracts: Mapping[str, KnownContract] = field(default_factory=dict)
    machines: Mapping[str, KnownMachine] = field(default_factory=dict)


@dataclass(frozen=True)
class Pairing:
    """One line (or the whole, ``WHOLE``) and what it was held against. ``how``: by what that was found."""

    position: int
    target: Target
    label: str
    how: str
    quantity: Decimal | None = None
    net: Decimal | None = None


@dataclass(frozen=True)
class Difference:
    """Something that is not as ordered or agreed. ``queries.difference_words`` puts ``values`` into ``sentence``: of
    days ISO 8601, of amounts the number, in the ``currency`` among them."""

    code: str
    position: int
    severity: Severity
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """How an invoice came out: `differences` with an error make it fail."""

    outcome: Outcome
    pairings: tuple[Pairing, ...]
    differences: tuple[Difference, ...]
