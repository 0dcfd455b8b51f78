"""Korean tax invoices and their signatures. The sample is signed here by hand; nobody's real invoice is needed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from documents.einvoices import signature
from documents.einvoices.data import Contact, Identifier, PaymentMeans, Signature
from documents.einvoices.reading import read, read_here
from tests.support import einvoices


def signature_of(data: bytes) -> Signature:
    found = read_here(data).signature
    assert found is not None
    return found


def test_a_korean_tax_invoice_is_read() -> None:
    invoice = read(einvoices.signed()).invoice

    assert invoice is not None
    assert invoice.korean is not None
    assert (invoice.number, invoice.issued_on) == ("202605274100002000000001", date(2026, 5, 27))
    assert invoice.korean.own_number == "A-1"
    assert (invoice.korean.purpose, invoice.currency, invoice.kind) == ("02", "KRW", "invoice")
    assert invoice.seller.name == "(주)새벽리스"
    assert invoice.seller.legal_id == Identifier("1234567891", "", "사업자등록번호")
    assert (invoice.seller.representative, invoice.seller.business_type) == ("김민준", "서비스")
    assert invoice.buyer.contacts == (Contact("박지호", "경리팀", "0212345678", "a@example.kr"),)
    assert invoice.notes[0].text == "비고 <1> & 2"
    (line,) = invoice.lines
    assert (line.name, line.description, line.note) == ("지게차 임대", "8톤", "5월분")
    assert line.quantity is not None
    assert (line.quantity.value, line.price.net) == (Decimal(2), Decimal(500000))
    assert (line.net_amount, line.tax_amount) == (Decimal(1000000), Decimal(100000))
    assert line.delivered_on == date(2026, 5, 27)
    totals = invoice.totals
    assert (totals.without_tax, totals.tax, totals.payable) == (Decimal(1000000), Decimal(100000), Decimal(1100000))
    assert invoice.payment_means == (PaymentMeans("40", amount=Decimal(1100000)),)
    assert invoice.unread == ()


@pytest.mark.parametrize("literal", [False, True], ids=["as Apache writes it", "by the letter"])
def test_its_signature_is_checked(literal: bool) -> None:
    found = signature_of(einvoices.signed(literal=literal))

    assert found.valid, found.sentence
    assert (found.signer, found.valid_from) == ("(주)새벽리스", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<GrandTotalAmount>1100000<", b"<GrandTotalAmount>1900000<"),
        (b"<IssueID>2026", b"<IssueID>2025"),
        (b"<NameText>(", b"<NameText>["),
        (
            b"</TaxInvoice>",
            b"<TaxInvoiceTradeLineItem><InvoiceAmount>1</InvoiceAmount></TaxInvoiceTradeLineItem></TaxInvoice>",
        ),
        (b"<UnitAmount>500000", b"<UnitAmount>5<!-- -->00001"),
    ],
)
def test_whatever_is_changed_in_what_was_signed_shows(before: bytes, after: bytes) -> None:
    data = einvoices.signed()
    assert before in data

    assert signature_of(data.replace(before, after, 1)).sentence == signature.CHANGED


def test_the_envelope_of_the_exchange_may_change() -> None:
    """The tax office notes there when it received the invoice; the standard leaves that out of the signature."""
    data = einvoices.signed().replace(b"20260528101112", b"20260529000000")

    assert signature_of(data).valid


def test_a_signature_by_another_key_is_told() -> None:
    data = einvoices.signed()
    start = data.index(b"<ds:SignatureValue>") + len(b"<ds:SignatureValue>")
    forged = data[:start] + (b"A" if data[start : start + 1] != b"A" else b"B") + data[start + 1 :]

    assert signature_of(forged).sentence == signature.FORGED


def test_an_unsigned_one_is_read_and_told() -> None:
    assert signature_of(einvoices.korean()) == Signature(False, signature.NONE)


def test_a_signature_that_covers_less_is_none() -> None:
    """By a filter of one's own, or by naming a part, money could be left out of what is signed."""
    less = einvoices.signed(filter_="not(ancestor-or-self::TaxInvoiceTradeSettlement)")
    part = einvoices.signed(uri="#part")

    assert signature_of(less).sentence == signature.STRANGE
    assert signature_of(part).sentence == signature.COVERS_OTHER


def test_a_signature_moved_elsewhere_is_none() -> None:
    """The signed invoice put inside another one: its signature still holds, for what nobody reads."""
    inner = einvoices.signed().partition(b"?>\n")[2]
    outer = einvoices.korean(total="9900000").replace(b"</TaxInvoice>", inner + b"</TaxInvoice>")

    assert signature_of(outer).sentence == signature.COVERS_OTHER


def test_a_certificate_that_was_not_in_force_on_the_day_is_told() -> None:
    data = einvoices.signed(einvoices.korean().replace(b">20260527<", b">20250527<"))

    assert signature_of(data).sentence == signature.OUT_OF_TIME


def test_an_amended_invoice_names_the_one_that_it_amends() -> None:
    data = einvoices.korean(total="-1100000", supply="-1000000", tax="-100000").replace(
        b"<PurposeCode>02</PurposeCode>",
        b"<AmendmentStatusCode>04</AmendmentStatusCode><PurposeCode>02</PurposeCode>"
        b"<OriginalIssueID>202604014100002000000009</OriginalIssueID>",
    )

    invoice = read_here(data).invoice

    assert invoice is not None
    assert invoice.korean is not None
    assert (invoice.korean.amendment, invoice.korean.amends) == ("04", "202604014100002000000009")
    assert invoice.preceding[0].number == "202604014100002000000009"
    assert invoice.totals.payable == Decimal(-1100000)
    assert invoice.kind == "invoice", "its amounts are negative already"


@pytest.mark.parametrize(
    ("code", "category"), [("0101", "S"), ("0201", "S"), ("0102", "Z"), ("0105", "Z"), ("0301", "E")]
)
def test_its_kind_says_which_tax_it_bears(code: str, category: str) -> None:
    invoice = read_here(einvoices.korean().replace(b">0101<", f">{code}<".encode())).invoice

    assert invoice is not None
    assert [each.category for each in invoice.taxes] == [category]
    assert [each.tax.code for each in invoice.lines if each.tax] == [category]


@pytest.mark.parametrize(("kind", "is_business"), [(b"01", True), (b"02", False), (b"03", False)])
def test_a_buyer_who_is_no_business_has_no_number_for_tax(kind: bytes, is_business: bool) -> None:
    """Residents are named by their resident number (02), foreigners by 9999999999999 (03)."""
    data = einvoices.korean()
    before, mark, after = data.rpartition(b"<BusinessTypeCode>01")
    invoice = read_here(before + b"<BusinessTypeCode>" + kind + after).invoice

    assert mark
    assert invoice is not None
    assert (invoice.buyer.vat_id == "2208162517") is is_business
    assert [each.value for each in invoice.buyer.ids] == ([] if is_business else ["2208162517"])
