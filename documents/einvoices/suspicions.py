"""What makes an invoice suspicious beside others: one that was here before, an account that nobody knows. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from documents.einvoices.data import Invoice, Kind, Party
from documents.einvoices.findings import Finding
from documents.einvoices.identifiers import squeezed


@dataclass(frozen=True)
class Seen:
    """As much of an invoice as tells it from another."""

    supplier: str
    """`supplier_key` of its seller."""
    number: str
    kind: Kind
    issued_on: date | None
    currency: str
    payable: Decimal | None
    sha256: str
    """Of the file; empty for one that was typed."""
    reference: str = ""
    """How people here call it."""


def supplier_key(seller: Party) -> str:
    """One supplier, however its name is written: by VAT number, registration or tax number; by name otherwise."""
    for kind, number in (
        ("vat", seller.vat_id),
        ("legal", seller.legal_id.value if seller.legal_id else ""),
        ("tax", seller.tax_number),
    ):
        if squeezed(number):
            return f"{kind}:{squeezed(number)}"
    return f"name:{_folded(seller.name)}"


def seen(invoice: Invoice, *, sha256: str, reference: str = "") -> Seen:
    return Seen(
        supplier_key(invoice.seller),
        invoice.number,
        invoice.kind,
        invoice.issued_on,
        invoice.currency,
        invoice.totals.payable,
        sha256,
        reference,
    )


def duplicate(this: Seen, others: Iterable[Seen]) -> Finding | None:
    """The strongest reason to take `this` for one of the others.

    The same file; the same supplier, number and year. Suppliers that begin to count anew each year are common, so
    another year is another invoice. A number that differs only in how it is written, on the same day over the same
    amount, is a reason to ask.
    """
    known = list(others)
    for each in known:
        if this.sha256 and this.sha256 == each.sha256:
            return Finding(
                "duplicate",
                "error",
                "This very file is here already, as %(reference)s.",
                {"reference": each.reference},
            )
    same = [each for each in known if each.supplier == this.supplier and each.kind == this.kind]
    for each in same:
        if this.number and _folded(each.number) == _folded(this.number) and _year(each) == _year(this):
            return Finding(
                "duplicate",
                "error",
                "The supplier's invoice %(number)s of %(year)s is here already, as %(reference)s.",
                {"number": this.number, "year": str(_year(this) or "—"), "reference": each.reference},
            )
    for each in same:
        told_alike = (each.issued_on, each.currency, each.payable) == (this.issued_on, this.currency, this.payable)
        if told_alike and _bare(each.number) & _bare(this.number):
            return Finding(
                "duplicate",
                "warning",
                "%(reference)s has the same day and amount, and almost the same number: %(other)s and %(number)s.",
                {"number": this.number, "other": each.number, "reference": each.reference},
            )
    return None


def other_account(this: Invoice, last: Invoice) -> Finding | None:
    """`last` is the supplier's invoice before. An account that it did not name is a reason to ask: this is how payments
    are stolen."""
    before = _accounts(last)
    fresh = [account for account in _accounts(this) if account not in before]
    if not fresh or not before:
        return None
    return Finding(
        "account",
        "warning",
        "Payment is asked to %(account)s; the supplier's last invoice (%(number)s) named %(before)s. Ask the supplier, "
        "by a number that you know, before you pay.",
        {"account": ", ".join(fresh), "before": ", ".join(before), "number": last.number},
    )


def _accounts(invoice: Invoice) -> list[str]:
    """In their order, each once."""
    return list(dict.fromkeys(squeezed(each.account) for each in invoice.payment_means if each.account))


def _year(invoice: Seen) -> int | None:
    return invoice.issued_on.year if invoice.issued_on else None


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _bare(number: str) -> set[str]:
    """Letters and digits only: as they are, and without the zeros in front of each group of digits."""
    parts: list[str] = re.findall(r"\d+|[^\W\d_]+", _folded(number))
    return {"".join(parts), "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)} - {""}
