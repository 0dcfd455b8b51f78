"""Our own checks: days, VAT categories, numbers with check digits, currencies."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.einvoices.checks import RULES, check
from documents.einvoices.data import (
    Address,
    Invoice,
    Line,
    Party,
    PaymentMeans,
    Period,
    Reason,
    TaxCategory,
    TaxSubtotal,
    Totals,
    Unread,
)
from documents.einvoices.finding_words import said
from documents.einvoices.findings import Finding
from documents.einvoices.identifiers import wrong_iban, wrong_korean_number, wrong_vat_id
from documents.einvoices.judging import judge
from documents.einvoices.reading import read_here
from tests.support import einvoices

TODAY = date(2026, 5, 27)
PLAIN = Invoice(kind="invoice", syntax="ubl", number="2026-0001", issued_on=TODAY, currency="EUR")


@pytest.mark.parametrize("issued", [date.min, TODAY, date.max])
@pytest.mark.parametrize("due", [date.min, TODAY, date.max])
def test_any_days_that_can_be_written_can_be_checked(issued: date, due: date) -> None:
    told = found(replace(PLAIN, issued_on=issued, due_on=due))
    assert ("issued" in told) == (issued != TODAY)
    assert ("due" in told) == (issued != due)


def found(invoice: Invoice) -> dict[str, Finding]:
    return {each.rule: each for each in check(invoice, today=TODAY)}


def test_an_invoice_without_faults_has_no_findings() -> None:
    assert check(PLAIN, today=TODAY) == ()


@pytest.mark.parametrize(
    ("issued", "due", "rule", "told"),
    [
        (TODAY + timedelta(2), None, "issued", "The invoice is dated in the future: 29 May 2026."),
        (date(2025, 5, 1), None, "issued", "The invoice is more than a year old: 1 May 2025."),
        (TODAY, date(2026, 5, 26), "due", "The invoice is due (26 May 2026) before it was issued (27 May 2026)."),
        (TODAY, date(2027, 7, 1), "due", "The invoice is due more than a year after its issue: 1 Jul 2027."),
    ],
)
def test_days_that_cannot_be_meant_are_told(issued: date, due: date | None, rule: str, told: str) -> None:
    assert said(found(replace(PLAIN, issued_on=issued, due_on=due))[rule], "en") == told


def test_a_korean_tax_invoice_need_not_state_a_rate() -> None:
    invoice = read_here(einvoices.korean()).invoice
    assert invoice is not None
    assert check(invoice, today=TODAY) == ()


def test_tomorrow_is_not_the_future_everywhere() -> None:
    assert found(replace(PLAIN, issued_on=TODAY + timedelta(1), due_on=TODAY + timedelta(1))) == {}


def test_a_period_that_ends_before_it_begins_is_an_error() -> None:
    reversed_ = Period(date(2026, 5, 31), date(2026, 5, 1))
    assert found(replace(PLAIN, period=reversed_))["period"].severity == "error"
    assert found(replace(PLAIN, lines=(Line(period=reversed_),)))["period"].severity == "error"


@pytest.mark.parametrize(
    ("code", "rate", "reason", "rules"),
    [
        ("S", "19", "", set()),
        ("S", "0", "", {"rate"}),
        ("Z", "0", "", set()),
        ("Z", "19", "", {"rate"}),
        ("E", "0", "", {"exemption"}),
        ("E", "0", "Education", set()),
        ("AE", "19", "Reverse charge", {"rate"}),
        ("K", "0", "", {"exemption"}),
        ("L", "0", "", set()),
        ("Q", "19", "", {"category"}),
    ],
)
def test_categories_of_vat_go_with_their_rates_and_reasons(code: str, rate: str, reason: str, rules: set[str]) -> None:
    tax = TaxSubtotal(code, Decimal(rate), None, None, exemption_reason=reason)
    assert set(found(replace(PLAIN, taxes=(tax,)))) == rules


def test_a_line_of_the_standard_rate_without_a_rate_is_told() -> None:
    assert set(found(replace(PLAIN, lines=(Line(tax=TaxCategory("S")),)))) == {"rate"}


def test_other_taxes_than_vat_have_other_rules() -> None:
    assert found(replace(PLAIN, taxes=(TaxSubtotal("S", Decimal(0), None, None, kind="AAA"),))) == {}


@pytest.mark.parametrize(
    ("account", "wrong"),
    [
        ("DE02120300000000202051", False),
        ("DE03120300000000202051", True),
        ("DE02 1203 0000 0000 2020 51", False),
        ("NO9386011117947", False),
        ("NO938601111794", True),
        ("110-123-456789", False),
        ("", False),
    ],
)
def test_an_account_that_is_no_iban_though_it_looks_like_one_is_told(account: str, wrong: bool) -> None:
    assert ("iban" in found(replace(PLAIN, payment_means=(PaymentMeans(account=account),)))) == wrong


@given(st.integers(0, 21), st.integers(1, 9))
def test_no_digit_of_an_iban_can_be_mistyped(place: int, by: int) -> None:
    right = "DE02120300000000202051"
    digit = right[place]
    if digit.isdigit():
        wrong = right[:place] + str((int(digit) + by) % 10) + right[place + 1 :]
        assert wrong_iban(wrong)
    assert not wrong_iban(right)


@pytest.mark.parametrize(("bic", "wrong"), [("COBADEFFXXX", False), ("COBADEFF", False), ("BIC", True), ("", False)])
def test_a_bic_has_its_form(bic: str, wrong: bool) -> None:
    assert ("bic" in found(replace(PLAIN, payment_means=(PaymentMeans(bic=bic),)))) == wrong


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("DE136695976", False),
        ("DE 136 695 976", False),
        ("DE123456789", True),
        ("FR40303265045", False),
        ("FR40303265046", True),
        ("ATU13585627", False),
        ("EL094259216", False),
        ("NO995525828MVA", False),
        ("NO995525829MVA", True),
        ("GB980780684", False),
        ("CHE107787577IVA", False),
        ("US123456789", None),
        ("123456", None),
    ],
)
def test_vat_numbers_are_checked_by_the_rules_of_their_countries(number: str, wrong: bool | None) -> None:
    assert wrong_vat_id(number) is wrong
    assert ("vat-id" in found(replace(PLAIN, seller=Party("A", vat_id=number)))) == bool(wrong)


def test_a_korean_business_number_has_a_check_digit() -> None:
    assert not wrong_korean_number("220-81-62517")
    assert wrong_korean_number("2208162518")
    right = read_here(einvoices.korean()).invoice
    assert right is not None
    assert [each.values["number"] for each in check(right, today=TODAY) if each.rule == "registration"] == []
    wrong = replace(right, buyer=replace(right.buyer, vat_id="2208162518"))
    assert said(found(wrong)["registration"], "ko") == "한빛물류(주)의 2208162518: 올바른 사업자등록번호가 아닙니다."
    abroad = replace(PLAIN, seller=Party("B", vat_id="2208162518", address=Address(country="KR")))
    assert "registration" in found(abroad)


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        ("not a number", "error"),
        ("another currency", "error"),
        ("not a day", "warning"),
        ("one too many", "warning"),
        ("not known", "warning"),
    ],
)
def test_what_was_not_read_is_told(reason: Reason, severity: str) -> None:
    unread = Unread("Invoice/LegalMonetaryTotal/PayableAmount", "1O.00", reason)
    (told,) = check(replace(PLAIN, unread=(unread,)), today=TODAY)
    assert told.severity == severity
    assert "1O.00" in said(told, "en")
    assert said(told, "ko") != said(told, "en")


def test_an_amount_in_another_currency_is_no_amount_of_the_invoice() -> None:
    mixed = einvoices.ubl().replace(b"<cbc:PayableAmount currencyID='EUR'>", b"<cbc:PayableAmount currencyID='USD'>")
    invoice = read_here(mixed.replace(b"119.00</cbc:Pay", b"119.00</cbc:Pay")).invoice
    assert invoice is not None
    assert found(invoice)["currency-mixture"].severity == "error"


def test_a_currency_that_does_not_exist_is_told_and_nothing_is_reckoned_in_it() -> None:
    assert set(found(replace(PLAIN, currency="XYZ"))) == {"currency"}


def test_what_the_supplier_owes_is_told_without_calling_it_a_credit_note() -> None:
    told = found(replace(PLAIN, totals=Totals(payable=Decimal(-5))))["negative"]
    assert told.severity == "information"
    assert said(told, "en") == "The amount due is negative: EUR 5.00 are owed by the supplier."


def test_every_rule_that_is_found_is_one_of_those_that_are_named() -> None:
    broken = read_here(einvoices.ubl(tax="18.00", account="DE03120300000000202051", day="2024-01-01")).invoice
    assert broken is not None
    assert {"gross-total", "iban", "issued"} <= set(found(broken)) <= RULES


def test_errors_come_first() -> None:
    several = replace(PLAIN, issued_on=date(2024, 1, 1), taxes=(TaxSubtotal("S", Decimal(0), None, None),))
    assert [each.severity for each in check(several, today=TODAY)] == ["error", "warning"]


# all together


def test_all_that_is_found_in_an_invoice_is_said_with_errors_first() -> None:
    data = einvoices.ubl(tax="18.00", total="119.00", account="DE03120300000000202051")
    found = judge(read_here(data), today=TODAY)
    rules = [each.rule for each in found]
    assert {"BR-CO-15", "gross-total", "iban"} <= set(rules)
    assert [each.severity for each in found] == sorted(
        (each.severity for each in found), key=["error", "warning", "information"].index
    )


def test_a_signature_that_does_not_match_is_an_error() -> None:
    changed = einvoices.signed().replace("장비 임대".encode(), "장비 매매".encode())
    found = {each.rule: each for each in judge(read_here(changed), today=TODAY)}
    assert found["signature"].severity == "error"
    assert "signature" not in {each.rule for each in judge(read_here(einvoices.signed()), today=TODAY)}


def test_nothing_is_found_in_pages_that_nobody_has_typed() -> None:
    assert judge(read_here(einvoices.with_page("Invoice 1")), today=TODAY) == ()
