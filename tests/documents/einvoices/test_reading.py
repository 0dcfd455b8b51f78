from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.einvoices.checks import check
from documents.einvoices.data import AllowanceCharge, Note, PaymentDiscount, TaxCategory, Unread
from documents.einvoices.reading import Reading, read_here
from documents.intake import IntakeRefused
from tests.support import einvoices
from tests.support.whole_invoices import EN, EXTENSION, PEPPOL, XRECHNUNG, changed, whole_ubl


def amount(value: str, name: str = "Amount", currency: str = "EUR") -> str:
    return f"<cbc:{name} currencyID='{currency}'>{value}</cbc:{name}>"


def in_ubl(more: str = "", **named: Any) -> Reading:
    return read_here(einvoices.ubl(more=more, **named))


@pytest.mark.parametrize(
    "name", ["ZUGFeRD-invoice.xml", "factur-x.xml", "xrechnung.xml", "송장.XML", "invoice", "", None]
)
@pytest.mark.parametrize("listed", [True, False])
def test_the_xml_in_a_pdf_is_found_under_any_name_or_none(name: str | None, listed: bool) -> None:
    reading = read_here(einvoices.hybrid(name=name, listed=listed))

    assert reading.form == "hybrid"
    assert reading.xml_name == (name or "")
    assert reading.invoice is not None
    assert reading.invoice.number == "2026-0001"
    assert reading.xml == einvoices.cii()


def test_other_xml_in_a_pdf_is_no_invoice() -> None:
    reading = read_here(einvoices.hybrid(b"<order>1</order>"))

    assert (reading.form, reading.invoice, reading.xml) == ("pdf", None, b"")


def test_a_pdf_with_two_invoices_is_refused() -> None:
    with pikepdf.open(io.BytesIO(einvoices.hybrid())) as pdf:
        pdf.attachments["second.xml"] = pikepdf.AttachedFileSpec(pdf, einvoices.cii(number="2026-0002"))
        written = io.BytesIO()
        pdf.save(written)

    with pytest.raises(IntakeRefused, match=r"holds 2 different invoices \(factur-x.xml, second.xml\)"):
        read_here(written.getvalue())


@pytest.mark.parametrize("others", [99, 100])
def test_an_invoice_is_not_left_out_among_many_files(others: int) -> None:
    with pikepdf.open(io.BytesIO(einvoices.with_page("Files"))) as pdf:
        for number in range(others):
            pdf.attachments[f"{number}.txt"] = pikepdf.AttachedFileSpec(pdf, b"%d" % number)
        pdf.attachments["z.xml"] = pikepdf.AttachedFileSpec(pdf, einvoices.cii())
        written = io.BytesIO()
        pdf.save(written)

    if others == 99:
        assert read_here(written.getvalue()).xml_name == "z.xml"
    else:
        with pytest.raises(IntakeRefused, match="more than 100 files"):
            read_here(written.getvalue())


def test_a_damaged_file_in_a_pdf_is_told_of_and_not_left_out() -> None:
    with pikepdf.open(io.BytesIO(einvoices.hybrid())) as pdf:
        (held,) = [each for each in pdf.objects if isinstance(each, pikepdf.Stream) and "/Type" in each]
        held.write(b"this was never deflated", filter=pikepdf.Name.FlateDecode)
        written = io.BytesIO()
        pdf.save(written)

    with pytest.raises(IntakeRefused, match="A file inside the PDF is damaged"):
        read_here(written.getvalue())


def test_the_older_cii_of_zugferd_1_says_the_same() -> None:
    settlement = (
        "<ram:ApplicableTradeTax><ram:CalculatedAmount>19.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>"
        "<ram:BasisAmount>100.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>"
        "<ram:RateApplicablePercent>19.00</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
    )
    todays = einvoices.cii(settlement=settlement)
    older = todays.decode()
    for new, old in (
        ("urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100", "urn:ferd:CrossIndustryDocument:invoice:1p0"),
        ("ReusableAggregateBusinessInformationEntity:100", "ReusableAggregateBusinessInformationEntity:12"),
        ("UnqualifiedDataType:100", "UnqualifiedDataType:15"),
        ("rsm:CrossIndustryInvoice", "rsm:CrossIndustryDocument"),
        ("rsm:ExchangedDocument>", "rsm:HeaderExchangedDocument>"),
        ("rsm:SupplyChainTradeTransaction", "rsm:SpecifiedSupplyChainTradeTransaction"),
        ("ApplicableHeaderTrade", "ApplicableSupplyChainTrade"),
        ("SettlementHeaderMonetarySummation", "SettlementMonetarySummation"),
        ("RateApplicablePercent", "ApplicablePercent"),
    ):
        assert new in older
        older = older.replace(new, old)

    read, expected = read_here(older.encode()).invoice, read_here(todays).invoice

    assert read is not None
    assert expected is not None
    assert read == replace(expected, syntax="zugferd1")
    assert (read.totals.payable, read.taxes[0].rate) == (Decimal("119.00"), Decimal("19.00"))


def test_an_envelope_of_the_network_is_opened() -> None:
    envelope = (
        b'<StandardBusinessDocument xmlns="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">'
        b"<StandardBusinessDocumentHeader/>%s</StandardBusinessDocument>" % einvoices.ubl().partition(b"?>")[2]
    )

    reading = read_here(envelope)

    assert reading.invoice is not None
    assert reading.invoice.number == "2026-0001"
    assert reading.xml.startswith(b"<Invoice "), "rules see the invoice alone"
    assert read_here(reading.xml).invoice == reading.invoice


@given(
    st.lists(st.decimals(min_value="-9999999", max_value="9999999", places=2), min_size=1, max_size=20),
    st.sampled_from([0, 2, 3]),
)
@settings(max_examples=40, deadline=None)
def test_a_total_is_exact_under_any_split_of_lines(amounts: list[Decimal], places: int) -> None:
    exact = [each.quantize(Decimal(1).scaleb(-places)) for each in amounts]
    total = sum(exact, Decimal(0))

    reading = read_here(
        einvoices.ubl(lines=[("Part", "1", str(each)) for each in exact], net=str(total), tax="0", total=str(total))
    )

    assert reading.invoice is not None
    assert [each.net_amount for each in reading.invoice.lines] == exact
    assert sum((each.net_amount or Decimal(0) for each in reading.invoice.lines), Decimal(0)) == total
    assert reading.invoice.totals.payable == total


@pytest.mark.parametrize(
    ("currency", "written"),
    [("KRW", "38400000"), ("JPY", "1200"), ("KWD", "1.250"), ("EUR", "200.05"), ("EUR", "0.10")],
)
def test_amounts_keep_the_decimals_that_were_written(currency: str, written: str) -> None:
    invoice = in_ubl(currency=currency, total=written).invoice

    assert invoice is not None
    assert str(invoice.totals.payable) == written
    assert invoice.unread == ()


@pytest.mark.parametrize("written", ["+1.00", "-.5", "1.", "007", "0.00", "3.3333333333333335", "9" * 15 + ".99"])
def test_whatever_is_a_number_is_read(written: str) -> None:
    invoice = in_ubl(total=written).invoice

    assert invoice is not None
    assert invoice.totals.payable == Decimal(written)


@pytest.mark.parametrize(
    "written", ["1e3", "1,5", "1 000", "NaN", "INF", ".", "-", "1.2.3", "٣", "9" * 16, "1." + "1" * 25]
)
def test_whatever_is_no_number_is_not_taken_for_one(written: str) -> None:
    """Sixteen digits before the point are no money; more than 25 in all could not be added exactly."""
    invoice = in_ubl(f"<cac:AllowanceCharge>{amount(written)}</cac:AllowanceCharge>").invoice

    assert invoice is not None
    assert invoice.allowances[0].amount is None
    assert Unread("Invoice/AllowanceCharge/Amount", written, "not a number") in invoice.unread


def test_a_negative_net_with_a_positive_payable_stays_an_invoice() -> None:
    invoice = in_ubl(net="-10.00", tax="-1.90", total="-11.90", payable="5.00").invoice

    assert invoice is not None
    assert invoice.kind == "invoice"
    assert (invoice.totals.without_tax, invoice.totals.payable) == (Decimal("-10.00"), Decimal("5.00"))


def test_allowances_and_charges_of_the_document_are_kept() -> None:
    tax = "<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent></cac:TaxCategory>"

    def allowance(charge: str, reason: str, value: str) -> str:
        return (
            f"<cac:AllowanceCharge><cbc:ChargeIndicator>{charge}</cbc:ChargeIndicator><cbc:AllowanceChargeReason>{reason}"
            f"</cbc:AllowanceChargeReason><cbc:MultiplierFactorNumeric>4</cbc:MultiplierFactorNumeric>"
            f"{amount(value)}{amount('100', 'BaseAmount')}{tax}</cac:AllowanceCharge>"
        )

    invoice = in_ubl(allowance("false", "Loyalty", "4.00") + allowance("true", "Freight", "7.50")).invoice

    assert invoice is not None
    category = TaxCategory("S", Decimal(19))
    assert invoice.allowances == (AllowanceCharge(Decimal("4.00"), Decimal(100), Decimal(4), "Loyalty", "", category),)
    assert invoice.charges == (AllowanceCharge(Decimal("7.50"), Decimal(100), Decimal(4), "Freight", "", category),)


def test_freight_of_the_extended_profile_counts_among_the_charges() -> None:
    freight = (
        "<ram:SpecifiedLogisticsServiceCharge><ram:Description>Versand</ram:Description>"
        "<ram:AppliedAmount>5.80</ram:AppliedAmount></ram:SpecifiedLogisticsServiceCharge>"
    )
    invoice = read_here(einvoices.cii(settlement=freight)).invoice

    assert invoice is not None
    assert invoice.charges == (AllowanceCharge(Decimal("5.80"), reason="Versand"),)


TOTAL = "Invoice/LegalMonetaryTotal"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            f"<cac:PrepaidThing>{amount('7', 'StrangeAmount')}</cac:PrepaidThing>",
            Unread("Invoice/PrepaidThing/StrangeAmount", "7", "not known"),
        ),
        (
            f"<cac:LegalMonetaryTotal>{amount('1', 'PayableAmount')}</cac:LegalMonetaryTotal>",
            Unread(f"{TOTAL}[2]/PayableAmount", "119.00", "one too many"),
        ),
        (
            f"<cac:AllowanceCharge>{amount('1e3')}</cac:AllowanceCharge>",
            Unread("Invoice/AllowanceCharge/Amount", "1e3", "not a number"),
        ),
        (
            f"<cac:AllowanceCharge>{amount('1,5')}</cac:AllowanceCharge>",
            Unread("Invoice/AllowanceCharge/Amount", "1,5", "not a number"),
        ),
        (
            f"<cac:AllowanceCharge>{amount('5', currency='USD')}</cac:AllowanceCharge>",
            Unread("Invoice/AllowanceCharge/Amount", "5", "another currency"),
        ),
        ("<cbc:DueDate>soon</cbc:DueDate>", Unread("Invoice/DueDate", "soon", "not a day")),
        ("<cbc:DueDate>２０２６-06-26</cbc:DueDate>", Unread("Invoice/DueDate", "２０２６-06-26", "not a day")),
        ("<cbc:IssueDate>2026-05-28</cbc:IssueDate>", Unread("Invoice/IssueDate[2]", "2026-05-28", "one too many")),
    ],
)
def test_money_and_days_that_are_not_understood_are_told(more: str, told: Unread) -> None:
    invoice = in_ubl(more).invoice

    assert invoice is not None
    assert told in invoice.unread


def test_a_korean_number_that_is_said_twice_is_told() -> None:
    """No schema of theirs is at hand."""
    twice = einvoices.korean().replace(b"</IssueID>", b"</IssueID><IssueID>202605274100002000000002</IssueID>")
    invoice = read_here(twice).invoice

    assert invoice is not None
    assert (
        Unread("TaxInvoice/TaxInvoiceDocument/IssueID[2]", "202605274100002000000002", "one too many") in invoice.unread
    )


@pytest.mark.parametrize("made", [einvoices.ubl, whole_ubl])
@pytest.mark.parametrize(
    "swap", [{"cac": "cbc", "cbc": "cac"}, {"cac": "a", "cbc": "b"}, {"cac": "xml2", "cbc": "Invoice"}], ids=str
)
def test_names_are_read_by_their_namespaces_whatever_their_prefixes(
    made: Callable[[], bytes], swap: dict[str, str]
) -> None:
    plain = read_here(made()).invoice
    text = re.sub(r"(?<=[</:])(cac|cbc)(?=[:=])", lambda found: swap[found[1]], made().decode())
    assert read_here(text.encode()).invoice == plain
    rooted = re.sub(r"(</?)Invoice(?=[ >])", r"\1u:Invoice", text).replace("xmlns=", "xmlns:u=", 1)
    assert read_here(rooted.encode()).invoice == plain


@pytest.mark.parametrize(
    ("specification", "for_others"),
    [(EN, False), (XRECHNUNG, False), (PEPPOL, False), (EXTENSION, True)],
    ids=["EN 16931", "XRechnung", "Peppol", "XRechnung's extension"],
)
def test_what_was_paid_before_is_collected_for_others_in_the_extension_alone(
    specification: str, for_others: bool
) -> None:
    paid = f"<cac:PrepaidPayment>{amount('50.00', 'PaidAmount')}</cac:PrepaidPayment><cac:TaxTotal>"
    due = amount("50.00", "PrepaidAmount") + amount("119.00" if for_others else "69.00", "PayableAmount")
    data = changed(whole_ubl(specification), ("<cac:TaxTotal>", paid), (amount("119.00", "PayableAmount"), due))
    invoice = read_here(data).invoice

    assert invoice is not None
    assert [each.for_others for each in invoice.advance_payments] == [for_others]
    assert [each.rule for each in check(invoice, today=date(2026, 5, 28))] == []


def test_an_element_of_another_namespace_is_not_taken_for_ours() -> None:
    invoice = in_ubl('<DueDate xmlns="urn:other">2026-01-01</DueDate>').invoice

    assert invoice is not None
    assert invoice.due_on is None


def test_notes_with_subjects_discounts_and_days_with_zones() -> None:
    more = (
        "<cbc:DueDate>2026-06-26+09:00</cbc:DueDate><cbc:Note>#AAI#Thank you</cbc:Note><cbc:Note>Plain #1</cbc:Note>"
        "<cac:PaymentTerms><cbc:Note>#SKONTO#TAGE=14#PROZENT=2.25#\n"
        "#SKONTO#TAGE=7#PROZENT=3.00#BASISBETRAG=100.00#\n</cbc:Note></cac:PaymentTerms>"
    )
    invoice = in_ubl(more).invoice

    assert invoice is not None
    assert invoice.due_on == date(2026, 6, 26)
    assert invoice.notes == (Note("Thank you", "AAI"), Note("Plain #1"))
    assert invoice.discounts == (
        PaymentDiscount(percent=Decimal("2.25"), days=14),
        PaymentDiscount(percent=Decimal("3.00"), days=7, base_amount=Decimal("100.00")),
    )


@pytest.mark.parametrize(
    ("code", "kind"), [("380", "invoice"), ("381", "credit note"), ("389", "invoice"), ("384", "invoice")]
)
def test_the_type_code_says_whether_it_is_a_credit_note(code: str, kind: str) -> None:
    invoice = in_ubl(code=code).invoice

    assert invoice is not None
    assert invoice.kind == kind
