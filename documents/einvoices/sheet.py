"""An invoice as its reader sees it: titles, facts, rows and sums in words, for a page on the screen or on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from documents.amounts import money
from documents.einvoices.data import (
    Address,
    AllowanceCharge,
    Attribute,
    Identifier,
    Invoice,
    Line,
    Party,
    PaymentMeans,
    Quantity,
    TaxCategory,
)
from documents.rendering import Reader, day_plain, sentence

PIECES = frozenset(("C62", "EA", "H87", "PCE", "XPP"))
"""UN/ECE codes of one piece: a number alone says it."""
UNITS = {
    "HUR": "hours",
    "DAY": "days",
    "MON": "months",
    "ANN": "years",
    "KGM": "kg",
    "MTR": "m",
    "MTK": "m²",
    "LTR": "l",
    "KWH": "kWh",
}
CATEGORIES = {
    "S": "taxed",
    "Z": "zero rate",
    "E": "exempt",
    "AE": "reverse charge",
    "K": "intra-community",
    "G": "export",
    "O": "no VAT",
    "L": "IGIC",
    "M": "IPSI",
}
"""UNTDID 5305, as far as VAT uses it."""
PAYMENTS = {
    "10": "cash",
    "20": "cheque",
    "30": "credit transfer",
    "31": "debit transfer",
    "42": "credit transfer",
    "48": "card",
    "49": "direct debit",
    "54": "card",
    "55": "card",
    "57": "standing agreement",
    "58": "SEPA credit transfer",
    "59": "SEPA direct debit",
    "97": "clearing",
}
KOREAN_PAYMENTS = {"10": "cash", "20": "cheque", "30": "promissory note", "40": "on credit"}


@dataclass(frozen=True)
class Block:
    """A title with lines below it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A line of the invoice; `details` stand below its name."""

    id: str
    name: str
    details: tuple[str, ...]
    quantity: str
    price: str
    tax: str
    amount: str
    is_part: bool = False
    """It does not count: another line holds its amount already."""


@dataclass(frozen=True)
class Sum:
    """One amount below the lines."""

    label: str
    amount: str
    is_result: bool = False


@dataclass(frozen=True)
class Sheet:
    """All texts are in the reader's language; what the invoice itself says is as it says it."""

    title: str
    number: str
    parties: tuple[Block, ...]
    facts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    """Titles of `Row`: number, item, quantity, price, tax, amount."""
    rows: tuple[Row, ...]
    adjustments: tuple[tuple[str, str], ...]
    """Allowances and charges of the whole, with their amounts."""
    tax_columns: tuple[str, ...]
    taxes: tuple[tuple[str, ...], ...]
    sums: tuple[Sum, ...]
    notes: tuple[Block, ...]
    made_from: str
    """That this page was made from the data, and that they count."""


def sheet(invoice: Invoice, locale: str) -> Sheet:
    """``locale``: "en" or "ko". Amounts have the decimals of their currency (ISO 4217); those of the sums name it."""

    def said(text: str) -> str:
        return sentence(text, locale)

    amount = partial(_amount, currency=invoice.currency)
    return Sheet(
        title=said(_title(invoice)),
        number=invoice.number,
        parties=tuple(_parties(invoice, locale)),
        facts=tuple((said(label), value) for label, value in _facts(invoice, locale) if value),
        columns=tuple(said(each) for each in ("No.", "Item", "Quantity", "Unit price", "VAT", "Amount")),
        rows=tuple(_row(each, invoice.currency, locale) for each in invoice.lines),
        adjustments=(
            *((_adjustment(each, "Allowance", locale), f"−{amount(each.amount)}") for each in invoice.allowances),
            *((_adjustment(each, "Charge", locale), amount(each.amount)) for each in invoice.charges),
        ),
        tax_columns=tuple(said(each) for each in ("VAT", "Taxable amount", "Tax amount")),
        taxes=tuple(
            (
                " · ".join(each for each in (_tax(tax.category, tax.rate, locale), tax.exemption_reason) if each),
                amount(tax.taxable),
                amount(tax.tax),
            )
            for tax in invoice.taxes
        ),
        sums=tuple(_sums(invoice, locale)),
        notes=tuple(_notes(invoice, locale)),
        made_from=said("This page was made from the data of the invoice. The data are what counts."),
    )


def _title(invoice: Invoice) -> str:
    if invoice.syntax == "korea":
        if invoice.type_code[:2] in ("02", "04"):
            return "Amended tax invoice"
        return "Tax invoice" if invoice.type_code[:2] == "01" else "Invoice without tax"
    return "Credit note" if invoice.kind == "credit note" else "Invoice"


def _parties(invoice: Invoice, locale: str) -> Iterator[Block]:
    named = (
        ("Seller", invoice.seller),
        ("Buyer", invoice.buyer),
        ("Payee", invoice.payee),
        ("Tax representative", invoice.tax_representative),
        ("Broker", invoice.korean.broker if invoice.korean else None),
    )
    for label, party in named:
        if party is not None and party != Party():
            yield Block(sentence(label, locale), tuple(_party(party, locale)))
    delivery = invoice.delivery
    if delivery is not None and (delivery.name or delivery.address != Address()):
        lines = (delivery.name, *_address(delivery.address))
        yield Block(sentence("Delivered to", locale), tuple(each for each in lines if each))


def _party(party: Party, locale: str) -> Iterator[str]:
    yield party.name
    if party.trading_name:
        yield party.trading_name
    if party.representative:
        yield f"{sentence('Representative', locale)} {party.representative}"
    yield from _address(party.address)
    registered = party.legal_id
    if registered is not None and registered.name:
        yield f"{sentence('Registration number', locale)} {_registration(registered)}"
    elif party.vat_id:
        yield f"{sentence('VAT number', locale)} {party.vat_id}"
    if party.tax_number:
        yield f"{sentence('Tax number', locale)} {party.tax_number}"
    if party.business_type or party.business_item:
        yield " · ".join(each for each in (party.business_type, party.business_item) if each)
    for contact in party.contacts[:1]:
        said = (contact.department, contact.name, contact.phone, contact.email)
        if any(said):
            yield " · ".join(each for each in said if each)


def _registration(number: Identifier) -> str:
    """123-45-67890, as a 사업자등록번호 is written."""
    digits = number.value
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}" if len(digits) == 10 and digits.isdigit() else digits


def _address(address: Address) -> Iterator[str]:
    yield from address.lines
    town = " ".join(each for each in (address.postal_code, address.city) if each)
    rest = ", ".join(each for each in (town, address.subdivision, address.country) if each)
    if rest and (town or address.subdivision or not address.lines):
        yield rest


def _facts(invoice: Invoice, locale: str) -> Iterator[tuple[str, str]]:
    shown = partial(_day, locale=locale)
    yield "Issued", shown(invoice.issued_on)
    yield "To be paid by", shown(invoice.due_on)
    yield "Delivered", shown(invoice.delivery.delivered_on if invoice.delivery else None)
    if invoice.period is not None:
        yield "Period", f"{shown(invoice.period.starts_on)} – {shown(invoice.period.ends_on)}"
    yield "Order number", invoice.order
    yield "Contract", invoice.contract
    yield "Project", invoice.project
    yield "Buyer's reference", invoice.buyer_reference
    yield "Despatch advice", invoice.despatch_advice
    yield "Concerns", invoice.object.value if invoice.object else ""
    yield "Corrects", ", ".join(each.number for each in invoice.preceding)
    if invoice.korean is not None:
        yield "Purpose", sentence({"01": "receipt", "02": "claim"}.get(invoice.korean.purpose, ""), locale)
    for each in invoice.payment_means:
        yield "Payment", _payment(each, invoice, locale)


def _payment(means: PaymentMeans, invoice: Invoice, locale: str) -> str:
    names = KOREAN_PAYMENTS if invoice.syntax == "korea" else PAYMENTS
    kind = means.text or (sentence(names[means.code], locale) if means.code in names else means.code)
    said = (
        kind,
        means.account,
        means.bic,
        means.account_name,
        means.card_number,
        means.remittance if means.remittance != invoice.number else "",
        money(means.amount, invoice.currency) if means.amount is not None else "",
    )
    return " · ".join(each for each in said if each)


def _row(line: Line, currency: str, locale: str) -> Row:
    details = [line.description] if line.description and line.description != line.name else []
    details += [line.note] if line.note else []
    details += [f"{sentence('Serial number', locale)} {each}" for each in line.serial_numbers]
    details += [_attribute(each) for each in line.attributes]
    ids = (("Seller's item", line.sellers_id), ("Buyer's item", line.buyers_id), ("Order line", line.order_line))
    details += [f"{sentence(label, locale)} {value}" for label, value in ids if value]
    if line.period is not None:
        details.append(f"{_day(line.period.starts_on, locale)} – {_day(line.period.ends_on, locale)}")
    if line.delivered_on is not None:
        details.append(f"{sentence('Delivered', locale)} {_day(line.delivered_on, locale)}")
    for each in line.allowances:
        details.append(f"{_adjustment(each, 'Allowance', locale)} −{_amount(each.amount, currency)}")
    for each in line.charges:
        details.append(f"{_adjustment(each, 'Charge', locale)} {_amount(each.amount, currency)}")
    if line.tax_amount is not None:
        details.append(f"{sentence('Tax', locale)} {_amount(line.tax_amount, currency)}")
    price = "" if line.price.net is None else f"{line.price.net:,f}"
    base = line.price.base_quantity
    if price and base is not None and base.value != 1:
        price += f" / {_quantity(base, locale)}"
    return Row(
        id=line.id,
        name=line.name or line.description,
        details=tuple(details),
        quantity=_quantity(line.quantity, locale) if line.quantity else "",
        price=price,
        tax=_category(line.tax, locale),
        amount=_amount(line.net_amount, currency),
        is_part=line.role in ("group", "information"),
    )


def _attribute(attribute: Attribute) -> str:
    return f"{attribute.name}: {attribute.value}"


def _quantity(quantity: Quantity, locale: str) -> str:
    number = f"{quantity.value.normalize():,f}"
    return f"{number} {unit_said(quantity.unit, locale)}".strip()


def unit_said(unit: str, locale: str) -> str:
    """A unit (UN/ECE Recommendation 20, or free text) in words; nothing of a piece, which the number alone says."""
    if unit in PIECES:
        return ""
    return sentence(UNITS[unit], locale) if unit in UNITS else unit


def _category(tax: TaxCategory | None, locale: str) -> str:
    return "" if tax is None else _tax(tax.code, tax.rate, locale)


def _tax(code: str, rate: Decimal | None, locale: str) -> str:
    """The rate alone says what it is, but for those without tax."""
    word = sentence(CATEGORIES[code], locale) if code in CATEGORIES else code
    return f"{rate.normalize():f} %" if rate else word


def _adjustment(each: AllowanceCharge, kind: str, locale: str) -> str:
    said = (each.reason or sentence(kind, locale), f"{each.percent.normalize():f} %" if each.percent else "")
    return " · ".join(text for text in said if text)


def _sums(invoice: Invoice, locale: str) -> Iterator[Sum]:
    totals = invoice.totals
    named = (
        ("Sum of the lines", totals.lines if totals.lines != totals.without_tax else None),
        ("Allowances", -totals.allowances if totals.allowances else None),
        ("Charges", totals.charges or None),
        ("Without tax", totals.without_tax),
        ("Tax", totals.tax),
        ("With tax", totals.with_tax),
        ("Paid already", -totals.prepaid if totals.prepaid else None),
        ("Rounding", totals.rounding or None),
    )
    for label, value in named:
        if value is not None:
            yield Sum(sentence(label, locale), money(value, invoice.currency))
    if totals.payable is not None:
        yield Sum(sentence("To be paid", locale), money(totals.payable, invoice.currency), is_result=True)
    if invoice.tax_in_tax_currency is not None:
        yield Sum(sentence("Tax", locale), money(invoice.tax_in_tax_currency, invoice.tax_currency))


def _notes(invoice: Invoice, locale: str) -> Iterator[Block]:
    if invoice.payment_terms:
        yield Block(sentence("Terms of payment", locale), tuple(invoice.payment_terms.splitlines()))
    notes = [line for each in invoice.notes for line in each.text.splitlines()]
    if notes:
        yield Block(sentence("Notes", locale), tuple(notes))
    files = tuple(
        " · ".join(each for each in (found.reference, found.description, found.filename, found.address) if each)
        for found in invoice.attachments
    )
    if files:
        yield Block(sentence("Attachments", locale), files)


def _amount(value: Decimal | None, currency: str) -> str:
    """Without the currency's letters: in a table they stand above."""
    return "" if value is None else money(value, currency).removeprefix(f"{currency} ")


def _day(value: date | None, locale: str) -> str:
    return "" if value is None else day_plain(value, Reader(locale))
