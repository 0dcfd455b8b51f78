"""What an invoice says, in the terms of EN 16931-1 (BT and BG are its numbers), whatever syntax said it.

Text is "" where an invoice says nothing; numbers and days are None. Amounts are as written, with their decimals and
their sign: nothing is rounded, reckoned or turned round. An amount is in the invoice's currency, unless it says
otherwise. What only some syntaxes know (ZUGFeRD's EXTENDED profile, Korean tax invoices) is optional.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Syntax = Literal["ubl", "cii", "zugferd1", "korea", "typed"]
"""UBL 2.1; CII D16B (EN 16931, Factur-X, ZUGFeRD 2); the CII of ZUGFeRD 1; Korean tax invoice 3.0; typed by hand."""

Kind = Literal["invoice", "credit note"]

CREDIT_NOTE_CODES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
"""Type codes (BT-3, UNTDID 1001) by which the amounts are owed to the buyer."""


@dataclass(frozen=True)
class Identifier:
    """A number or name that somebody keeps a register of."""

    value: str
    scheme: str = ""
    """ISO 6523 ICD code (0088 is a GLN), EAS code of an electronic address, UNTDID code of a classification."""
    name: str = ""
    """Of the scheme or its version, or what the identifier says in words."""


@dataclass(frozen=True)
class Quantity:
    """So many of a unit (BT-129/130, BT-149/150)."""

    value: Decimal
    unit: str = ""
    """UN/ECE Recommendation 20 and 21 code (C62 is one piece); free text in Korean invoices."""


@dataclass(frozen=True)
class Period:
    """First and last day (BG-14, BG-26)."""

    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Address:
    """BG-5, BG-8, BG-12, BG-15."""

    lines: tuple[str, ...] = ()
    """BT-35, BT-36 and BT-162 for the seller; the whole address where a syntax has one line for all."""
    city: str = ""
    postal_code: str = ""
    subdivision: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2."""


@dataclass(frozen=True)
class Contact:
    """BG-6, BG-9."""

    name: str = ""
    department: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Party:
    """Seller (BG-4), buyer (BG-7), payee (BG-10), tax representative (BG-11), and others that a syntax names."""

    name: str = ""
    """BT-27, BT-44, BT-59, BT-62: the full formal name."""
    trading_name: str = ""
    """BT-28, BT-45."""
    ids: tuple[Identifier, ...] = ()
    """BT-29, BT-46, BT-60."""
    legal_id: Identifier | None = None
    """BT-30, BT-47, BT-61: of an official registrar. The registration number (사업자등록번호) of a Korean party."""
    legal_information: str = ""
    """BT-33."""
    vat_id: str = ""
    """BT-31, BT-48, BT-63. For a Korean party its registration number, by which it pays VAT."""
    tax_number: str = ""
    """BT-32: the local number at the tax office."""
    electronic_address: Identifier | None = None
    """BT-34, BT-49."""
    address: Address = field(default_factory=Address)
    contacts: tuple[Contact, ...] = ()
    """EN 16931 knows one; Korean invoices two of the buyer's."""
    representative: str = ""
    """대표자: who represents a Korean company."""
    branch: str = ""
    """종사업장번호: which of its places of business."""
    business_type: str = ""
    """업태."""
    business_item: str = ""
    """종목."""


@dataclass(frozen=True)
class TaxCategory:
    """BT-95/96, BT-102/103, BT-151/152: which rate of VAT something bears."""

    code: str
    """UNTDID 5305: S, Z, E, AE, K, G, O, L, M, B."""
    rate: Decimal | None = None
    """Percent."""
    kind: str = "VAT"
    exemption_reason: str = ""
    exemption_code: str = ""


@dataclass(frozen=True)
class TaxSubtotal:
    """BG-23: the tax of one category at one rate."""

    category: str
    """BT-118."""
    rate: Decimal | None
    """BT-119, percent."""
    taxable: Decimal | None
    """BT-116."""
    tax: Decimal | None
    """BT-117."""
    exemption_reason: str = ""
    """BT-120."""
    exemption_code: str = ""
    """BT-121."""
    kind: str = "VAT"
    lines: Decimal | None = None
    """EXTENDED: how much of the taxable amount comes from lines, …"""
    adjustments: Decimal | None = None
    """… and how much from allowances (negative) and charges of the document."""


@dataclass(frozen=True)
class AllowanceCharge:
    """An allowance (BG-20, BG-27) or a charge (BG-21, BG-28); which of both says the field that it stands in.

    A positive allowance makes less, a positive charge more.
    """

    amount: Decimal | None
    """BT-92, BT-99, BT-136, BT-141; without VAT."""
    base_amount: Decimal | None = None
    """BT-93, BT-100, BT-137, BT-142."""
    percent: Decimal | None = None
    """BT-94, BT-101, BT-138, BT-143."""
    reason: str = ""
    """BT-97, BT-104, BT-139, BT-144."""
    reason_code: str = ""
    """BT-98, BT-105, BT-140, BT-145."""
    tax: TaxCategory | None = None
    """BT-95/96, BT-102/103; of the document's only: a line's bear the line's tax."""


@dataclass(frozen=True)
class Price:
    """BG-29. A line's net amount is its quantity × net / base quantity − allowances + charges."""

    net: Decimal | None = None
    """BT-146: of one base quantity, allowances deducted."""
    gross: Decimal | None = None
    """BT-148."""
    discount: Decimal | None = None
    """BT-147: gross − net."""
    base_quantity: Quantity | None = None
    """BT-149/150; one where nothing is said."""
    gross_base_quantity: Quantity | None = None
    """Only where CII states another one for the gross price; EN 16931 knows one for both."""


@dataclass(frozen=True)
class Attribute:
    """BG-32: a property of the item, such as a serial number."""

    name: str
    value: str


@dataclass(frozen=True)
class Note:
    """BG-1."""

    text: str
    """BT-22."""
    subject: str = ""
    """BT-21, UNTDID 4451."""


@dataclass(frozen=True)
class DocumentReference:
    """Another document by its number: preceding invoices (BG-3), orders, despatch advices, …"""

    number: str
    issued_on: date | None = None
    kind: str = ""
    """UNTDID 1001, or UNTDID 1153 for an object (BT-18-1); where a syntax says it."""
    line: str = ""
    """The number of a line in it."""


@dataclass(frozen=True)
class Attachment:
    """BG-24: a document that supports the invoice. The bytes of an embedded one stay in the file."""

    reference: str
    """BT-122."""
    description: str = ""
    """BT-123."""
    address: str = ""
    """BT-124: where it lies outside."""
    filename: str = ""
    media_type: str = ""
    size: int | None = None
    """Bytes, where it is embedded (BT-125)."""


@dataclass(frozen=True)
class Delivery:
    """BG-13: to whom, where and when."""

    name: str = ""
    """BT-70."""
    location: Identifier | None = None
    """BT-71."""
    delivered_on: date | None = None
    """BT-72."""
    address: Address = field(default_factory=Address)
    """BG-15."""


@dataclass(frozen=True)
class PaymentMeans:
    """BG-16 with one account, card or mandate; an invoice with several accounts has several of these."""

    code: str = ""
    """BT-81, UNTDID 4461 (30, 58: credit transfer; 59: direct debit). In Korean invoices 10 cash, 20 cheque,
    30 note, 40 credit: see `Invoice.syntax`."""
    text: str = ""
    """BT-82."""
    remittance: str = ""
    """BT-83."""
    account: str = ""
    """BT-84: IBAN (without spaces) or a national number."""
    account_name: str = ""
    """BT-85."""
    bic: str = ""
    """BT-86."""
    card_number: str = ""
    """BT-87: its last digits."""
    card_holder: str = ""
    """BT-88."""
    mandate: str = ""
    """BT-89."""
    creditor: str = ""
    """BT-90."""
    debited_account: str = ""
    """BT-91."""
    amount: Decimal | None = None
    """Of this means alone (Korean invoices)."""


@dataclass(frozen=True)
class PaymentDiscount:
    """What early payment brings, in terms that can be reckoned with (EXTENDED; XRechnung's #SKONTO# lines)."""

    percent: Decimal | None = None
    amount: Decimal | None = None
    base_amount: Decimal | None = None
    days: int | None = None
    until: date | None = None


@dataclass(frozen=True)
class AdvancePayment:
    """What was paid before, or is collected for others, each by itself (EXTENDED; XRechnung's extension)."""

    amount: Decimal | None
    paid_on: date | None = None
    reference: str = ""
    for_others: bool = False
    """BG-DEX-09 of XRechnung's extension: collected for a third party and added to what is payable; otherwise part of
    `Totals.prepaid`."""


@dataclass(frozen=True)
class Line:
    """BG-25."""

    id: str = ""
    """BT-126."""
    note: str = ""
    """BT-127; several are parted by line feeds."""
    name: str = ""
    """BT-153."""
    description: str = ""
    """BT-154."""
    quantity: Quantity | None = None
    """BT-129, BT-130."""
    net_amount: Decimal | None = None
    """BT-131."""
    price: Price = field(default_factory=Price)
    allowances: tuple[AllowanceCharge, ...] = ()
    """BG-27."""
    charges: tuple[AllowanceCharge, ...] = ()
    """BG-28."""
    tax: TaxCategory | None = None
    """BT-151, BT-152."""
    tax_amount: Decimal | None = None
    """Korean invoices state it for each line; EN 16931 for each category only."""
    order: str = ""
    """The number of the order where lines name their own; otherwise `Invoice.order`."""
    order_line: str = ""
    """BT-132."""
    despatch: DocumentReference | None = None
    object: Identifier | None = None
    """BT-128."""
    sellers_id: str = ""
    """BT-155."""
    buyers_id: str = ""
    """BT-156."""
    standard_id: Identifier | None = None
    """BT-157."""
    classifications: tuple[Identifier, ...] = ()
    """BT-158."""
    attributes: tuple[Attribute, ...] = ()
    """BG-32."""
    serial_numbers: tuple[str, ...] = ()
    """Where a syntax has an element for them; others stand in attributes, names and notes."""
    origin: str = ""
    """BT-159."""
    accounting: str = ""
    """BT-133."""
    period: Period | None = None
    """BG-26."""
    delivered_on: date | None = None
    """The day of supply in Korean invoices and in EXTENDED."""
    parent: str = ""
    """`id` of the line that this one is a part of (EXTENDED, XRechnung's extension)."""
    role: Literal["", "detail", "group", "information"] = ""
    """EXTENDED: only lines without a role, and details, add up to the totals."""


@dataclass(frozen=True)
class Totals:
    """BG-22."""

    lines: Decimal | None = None
    """BT-106: sum of the lines' net amounts."""
    allowances: Decimal | None = None
    """BT-107."""
    charges: Decimal | None = None
    """BT-108."""
    without_tax: Decimal | None = None
    """BT-109."""
    tax: Decimal | None = None
    """BT-110."""
    with_tax: Decimal | None = None
    """BT-112."""
    prepaid: Decimal | None = None
    """BT-113."""
    rounding: Decimal | None = None
    """BT-114."""
    payable: Decimal | None = None
    """BT-115: what is due."""


Reason = Literal["not a number", "not a day", "another currency", "one too many", "not known"]


@dataclass(frozen=True)
class Unread:
    """Something in the file that bears on money, or that a field of ours is for, and could not be taken over."""

    place: str
    """Which element, by names from the root and positions: Invoice/InvoiceLine[2]/Price/PriceAmount."""
    text: str
    reason: Reason
    """`one too many`: a field that can hold one was said several times, and this is not the one taken over."""


@dataclass(frozen=True)
class Korean:
    """What only a Korean tax invoice (전자세금계산서 3.0) says."""

    approval_number: str = ""
    """승인번호 (IssueID), 24 letters and digits; `Invoice.number` is the same."""
    own_number: str = ""
    """관리번호 of whoever made it."""
    amends: str = ""
    """당초 승인번호: of the invoice that this one changes."""
    amendment: str = ""
    """수정사유: 01 error, 02 change of price, 03 goods returned, 04 contract cancelled, 05 letter of credit after the
    fact, 06 issued twice by mistake."""
    purpose: str = ""
    """01 a receipt (영수), 02 a claim (청구)."""
    broker: Party | None = None
    """수탁자: who issued it for the supplier."""


@dataclass(frozen=True)
class Invoice:
    """One document of what is owed, or given back (EN 16931-1 clause 6.3)."""

    kind: Kind
    """By type code or root element; never by the sign of an amount."""
    syntax: Syntax
    number: str = ""
    """BT-1."""
    issued_on: date | None = None
    """BT-2."""
    type_code: str = ""
    """BT-3, UNTDID 1001; for a Korean invoice its own four digits (종류)."""
    currency: str = ""
    """BT-5, ISO 4217."""
    tax_currency: str = ""
    """BT-6, where tax is stated in a second currency."""
    tax_in_tax_currency: Decimal | None = None
    """BT-111."""
    tax_point_on: date | None = None
    """BT-7."""
    tax_point_code: str = ""
    """BT-8."""
    due_on: date | None = None
    """BT-9."""
    buyer_reference: str = ""
    """BT-10 (Leitweg-ID)."""
    project: str = ""
    """BT-11."""
    contract: str = ""
    """BT-12."""
    order: str = ""
    """BT-13."""
    sales_order: str = ""
    """BT-14."""
    receiving_advice: str = ""
    """BT-15."""
    despatch_advice: str = ""
    """BT-16."""
    tender: str = ""
    """BT-17."""
    object: Identifier | None = None
    """BT-18: what the invoice is about, such as a meter or a machine."""
    accounting: str = ""
    """BT-19: where the buyer books it."""
    payment_terms: str = ""
    """BT-20; several are parted by line feeds."""
    discounts: tuple[PaymentDiscount, ...] = ()
    notes: tuple[Note, ...] = ()
    process: str = ""
    """BT-23: business process (ProfileID)."""
    specification: str = ""
    """BT-24: the rules that the invoice follows (CustomizationID, guideline)."""
    preceding: tuple[DocumentReference, ...] = ()
    """BG-3: invoices that this one corrects or credits."""
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    payee: Party | None = None
    tax_representative: Party | None = None
    delivery: Delivery | None = None
    period: Period | None = None
    """BG-14."""
    payment_means: tuple[PaymentMeans, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    """BG-20."""
    charges: tuple[AllowanceCharge, ...] = ()
    """BG-21."""
    advance_payments: tuple[AdvancePayment, ...] = ()
    lines: tuple[Line, ...] = ()
    taxes: tuple[TaxSubtotal, ...] = ()
    """BG-23."""
    totals: Totals = field(default_factory=Totals)
    attachments: tuple[Attachment, ...] = ()
    """BG-24."""
    korean: Korean | None = None
    unread: tuple[Unread, ...] = ()
    """In the order of the file; empty when everything that bears on money was understood."""


@dataclass(frozen=True)
class Signature:
    """What the XML signature of an invoice is worth. ``sentence`` is an English message id without places. Names are
    the certificate's own words: nobody vouches for them here."""

    valid: bool
    sentence: str
    signer: str = ""
    issuer: str = ""
    valid_from: date | None = None
    """Of the certificate, UTC."""
    valid_until: date | None = None
