"""What makes an invoice suspicious beside others: one that came before, an account that nobody knows. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from documents.einvoices import data
from documents.einvoices.findings import Finding
from documents.einvoices.identifiers import squeezed
from workflows.invoices.model import Invoice
from workflows.search.terms import fold

RULES = frozenset(("duplicate", "same-file", "account"))


def same_file(other: Invoice | None) -> list[Finding]:
    """``other``: an invoice that came as the very same file."""
    if other is None:
        return []
    return [Finding("same-file", "error", "This very file came before, as %(number)s.", {"number": other.number})]


def duplicate(this: Invoice, others: Iterable[Invoice]) -> list[Finding]:
    """The strongest reason to take an invoice for one of the others, which are of the same supplier and kind.

    The same number, however it is written, and year: suppliers that begin to count anew each year are common. A number
    that differs only by zeros in front, on the same day over the same amount, is a reason to ask.
    """
    known = list(others)
    for each in known:
        if this.supplier_number_key and (each.supplier_number_key, _year(each)) == (
            this.supplier_number_key,
            _year(this),
        ):
            return [
                Finding(
                    "duplicate",
                    "error",
                    "It came before, as %(number)s: the same supplier, number and year.",
                    {"number": each.number},
                )
            ]
    for each in known:
        told_alike = (each.issued_on, each.currency, each.payable) == (this.issued_on, this.currency, this.payable)
        if told_alike and _bare(each.supplier_number) & _bare(this.supplier_number):
            return [
                Finding(
                    "duplicate",
                    "warning",
                    "%(reference)s has the same day and amount, and almost the same number: %(other)s and %(number)s.",
                    {"number": this.supplier_number, "other": each.supplier_number, "reference": each.number},
                )
            ]
    return []


def other_account(said: data.Invoice, before: data.Invoice, *, number: str) -> list[Finding]:
    """``before``: what the supplier's invoice before says, which is called ``number`` here. An account that it did not
    name is a reason to ask: this is how payments are stolen."""
    known = _accounts(before)
    fresh = [account for account in _accounts(said) if account not in known]
    if not fresh or not known:
        return []
    return [
        Finding(
            "account",
            "warning",
            "It asks to be paid to %(account)s; the supplier's last invoice (%(number)s) named %(before)s. Ask the "
            "supplier, by a number that you know, before you pay.",
            {"account": ", ".join(fresh), "before": ", ".join(known), "number": number},
        )
    ]


def _accounts(said: data.Invoice) -> list[str]:
    """In their order, each once."""
    return list(dict.fromkeys(squeezed(each.account) for each in said.payment_means if each.account))


def _year(invoice: Invoice) -> int | None:
    return invoice.issued_on.year if invoice.issued_on else None


def _bare(number: str) -> set[str]:
    """Letters and digits only: as they are, and without the zeros in front of each group of digits."""
    parts: list[str] = re.findall(r"\d+|[^\W\d_]+", fold(number))
    return {"".join(parts), "".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)} - {""}
