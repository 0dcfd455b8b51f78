"""Our own checks of what an invoice says, beside the official rules: arithmetic, days, VAT, numbers, currencies.

They are pure, and hold for every syntax, also for those that nobody publishes rules for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from babel.core import get_global

from documents.amounts import money
from documents.einvoices.arithmetic import SENTENCES, explain, plain, shown, smallest_unit, wrong_sums
from documents.einvoices.data import Invoice, Party
from documents.einvoices.findings import Finding, sorted_by_weight
from documents.einvoices.identifiers import (
    looks_like_iban,
    wrong_bic,
    wrong_iban,
    wrong_korean_number,
    wrong_vat_id,
)

RULES = frozenset(
    {
        *SENTENCES,
        *("unread", "currency-mixture", "currency", "decimals", "negative", "issued", "due", "period"),
        *("rate", "category", "exemption", "iban", "bic", "registration", "vat-id"),
    }
)
"""All that `check` may find."""

LONG_AGO = timedelta(days=366)
LONG_TERM = timedelta(days=366)
AHEAD = timedelta(days=1)
"""Somewhere it is tomorrow already."""

EUROPEAN = frozenset({"ubl", "cii", "zugferd1"})
"""Syntaxes that state a category and a rate for everything."""
TAXED = frozenset({"S", "L", "M", "B"})
UNTAXED = frozenset({"Z", "E", "AE", "K", "G", "O"})
"""Categories of UNTDID 5305 that bear a rate of zero."""
TO_BE_EXPLAINED = UNTAXED - {"Z"}


def check(invoice: Invoice, *, today: date) -> tuple[Finding, ...]:
    """Errors first."""
    return sorted_by_weight(
        [
            *_unread(invoice),
            *_currency(invoice),
            *wrong_sums(explain(invoice), invoice.currency),
            *_days(invoice, today),
            *_tax_categories(invoice),
            *_numbers(invoice),
        ]
    )


def _unread(invoice: Invoice) -> Iterator[Finding]:
    for each in invoice.unread:
        values = {"place": each.place, "text": each.text}
        match each.reason:
            case "not a number":
                yield Finding("unread", "error", "Not a number: “%(text)s” in %(place)s.", values)
            case "another currency":
                yield Finding(
                    "currency-mixture",
                    "error",
                    "An amount stands in another currency than the invoice: %(text)s in %(place)s.",
                    values,
                )
            case "not a day":
                yield Finding("unread", "warning", "Not a day: “%(text)s” in %(place)s.", values)
            case "one too many":
                yield Finding(
                    "unread", "warning", "Said more than once, and not taken over: %(text)s in %(place)s.", values
                )
            case "not known":
                yield Finding("unread", "warning", "An amount that was not understood: %(text)s in %(place)s.", values)


def _currency(invoice: Invoice) -> Iterator[Finding]:
    if invoice.currency and invoice.currency not in get_global("all_currencies"):
        yield Finding(
            "currency",
            "error",
            "%(currency)s is no currency (ISO 4217).",
            {"currency": invoice.currency},
        )
        return
    unit = smallest_unit(invoice.currency)
    totals = invoice.totals
    amounts = [
        *(line.net_amount for line in invoice.lines),
        *(amount for tax in invoice.taxes for amount in (tax.taxable, tax.tax)),
        *(totals.lines, totals.without_tax, totals.tax, totals.with_tax, totals.payable),
    ]
    finer = [each for each in amounts if each is not None and each % unit]
    if finer:
        yield Finding(
            "decimals",
            "warning",
            "%(amount)s has more decimals than there are in %(currency)s.",
            {"amount": shown(finer[0], unit), "currency": invoice.currency},
            count=len(finer),
        )
    if totals.payable is not None and totals.payable < 0 and invoice.kind == "invoice":
        yield Finding(
            "negative",
            "information",
            "The amount due is negative: %(amount)s are owed by the supplier.",
            {"amount": money(-totals.payable, invoice.currency)},
        )


def _days(invoice: Invoice, today: date) -> Iterator[Finding]:
    issued, due = invoice.issued_on, invoice.due_on
    if issued is not None:
        values = {"issued": issued.isoformat()}
        if issued > today + AHEAD:
            yield Finding("issued", "warning", "The invoice is dated in the future: %(issued)s.", values)
        if issued < today - LONG_AGO:
            yield Finding("issued", "warning", "The invoice is more than a year old: %(issued)s.", values)
    if issued is not None and due is not None:
        values = {"issued": issued.isoformat(), "due": due.isoformat()}
        if due < issued:
            yield Finding("due", "warning", "The invoice is due (%(due)s) before it was issued (%(issued)s).", values)
        if due - issued > LONG_TERM:
            yield Finding("due", "information", "The invoice is due more than a year after its issue: %(due)s.", values)
    for period in (invoice.period, *(line.period for line in invoice.lines)):
        if period and period.starts_on and period.ends_on and period.ends_on < period.starts_on:
            yield Finding(
                "period",
                "error",
                "A period ends (%(ends)s) before it begins (%(starts)s).",
                {"starts": period.starts_on.isoformat(), "ends": period.ends_on.isoformat()},
            )


def _tax_categories(invoice: Invoice) -> Iterator[Finding]:
    said = {(tax.category, tax.rate) for tax in invoice.taxes if tax.kind == "VAT"}
    said |= {(line.tax.code, line.tax.rate) for line in invoice.lines if line.tax and line.tax.kind == "VAT"}
    for code, rate in sorted(said, key=str):
        values = {"category": code, "rate": plain(rate or Decimal(0))}
        if code == "S" and (rate == 0 or (rate is None and invoice.syntax in EUROPEAN)):
            yield Finding("rate", "error", "VAT category S is the standard rate, but its rate is 0.", values)
        if code in UNTAXED and rate:
            yield Finding(
                "rate", "error", "VAT category %(category)s bears no tax, but its rate is %(rate)s %%.", values
            )
        if invoice.syntax in EUROPEAN and code and code not in TAXED | UNTAXED:
            yield Finding("category", "error", "%(category)s is no category of VAT.", values)
    for tax in invoice.taxes:
        if tax.category in TO_BE_EXPLAINED and not (tax.exemption_reason or tax.exemption_code):
            yield Finding(
                "exemption",
                "warning",
                "VAT category %(category)s asks for the reason why there is no tax.",
                {"category": tax.category},
            )


def _numbers(invoice: Invoice) -> Iterator[Finding]:
    for account in dict.fromkeys(each.account for each in invoice.payment_means):
        if looks_like_iban(account) and wrong_iban(account):
            yield Finding(
                "iban",
                "warning",
                "%(number)s is no valid IBAN: it was mistyped, or nobody has it.",
                {"number": account},
            )
    for bic in dict.fromkeys(each.bic for each in invoice.payment_means):
        if bic and wrong_bic(bic):
            yield Finding("bic", "warning", "%(number)s is no valid BIC.", {"number": bic})
    for party in (invoice.seller, invoice.buyer, invoice.tax_representative):
        if party is not None:
            yield from _numbers_of(party, invoice.syntax == "korea")


def _numbers_of(party: Party, korean: bool) -> Iterator[Finding]:
    number = party.vat_id
    if not number:
        return
    values = {"number": number, "name": party.name}
    if korean or party.address.country == "KR":
        digits = number.removeprefix("KR")
        # foreigners and private persons have numbers of other lengths in its place
        if len(digits.replace("-", "")) == 10 and wrong_korean_number(digits):
            yield Finding("registration", "warning", "%(number)s of %(name)s is no valid business number.", values)
    elif wrong_vat_id(number):
        yield Finding("vat-id", "warning", "%(number)s of %(name)s is no valid VAT number.", values)
