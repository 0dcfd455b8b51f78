"""How the amounts of an invoice come about: exact decimals, one stated method of rounding, the numbers of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.invoice_arithmetic import steps_of
from documents.einvoices.arithmetic import Step, explain, shown, smallest_unit, wrong_sums
from documents.einvoices.checks import check
from documents.einvoices.data import (
    AllowanceCharge,
    Invoice,
    Line,
    Price,
    Quantity,
    TaxCategory,
    TaxSubtotal,
    Totals,
)
from documents.einvoices.finding_words import said
from documents.einvoices.reading import read_here
from documents.rendering import sentence
from tests.support import corpus, einvoices

TODAY = date(2026, 5, 27)


def d(number: str | int) -> Decimal:
    return Decimal(number)


def line(
    quantity: str, price: str, net: str, rate: str = "22", allowances: Sequence[AllowanceCharge] = (), id: str = "1"
) -> Line:
    return Line(
        id=id,
        name="Forklift",
        quantity=Quantity(d(quantity), "C62"),
        price=Price(net=d(price)),
        net_amount=d(net),
        tax=TaxCategory("S", d(rate)),
        allowances=tuple(allowances),
    )


def invoice(
    lines: Sequence[Line],
    *,
    net: str,
    tax: str,
    total: str,
    rate: str = "22",
    currency: str = "EUR",
    allowances: Sequence[AllowanceCharge] = (),
    charges: Sequence[AllowanceCharge] = (),
    prepaid: str | None = None,
    payable: str | None = None,
) -> Invoice:
    return Invoice(
        kind="invoice",
        syntax="ubl",
        number="1",
        issued_on=TODAY,
        currency=currency,
        lines=tuple(lines),
        allowances=tuple(allowances),
        charges=tuple(charges),
        taxes=(TaxSubtotal("S", d(rate), d(net), d(tax)),),
        totals=Totals(
            lines=sum((each.net_amount or d(0) for each in lines), d(0)),
            allowances=sum((each.amount or d(0) for each in allowances), d(0)) if allowances else None,
            charges=sum((each.amount or d(0) for each in charges), d(0)) if charges else None,
            without_tax=d(net),
            tax=d(tax),
            with_tax=d(total),
            prepaid=d(prepaid) if prepaid else None,
            payable=d(payable or total),
        ),
    )


def steps(of: Invoice) -> dict[str, Step]:
    return {each.rule: each for each in explain(of)}


def found(of: Invoice, locale: str = "en") -> list[str]:
    return [said(each, locale) for each in check(of, today=TODAY)]


def test_each_rounding_of_a_price_with_a_discount_and_tax_is_shown() -> None:
    """348.35 × 16, −4 %, +22 %."""
    discount = AllowanceCharge(amount=d("222.94"), base_amount=d("5573.60"), percent=d(4))
    of = invoice(
        [line("16", "348.35", "5350.66", allowances=[discount])], net="5350.66", tax="1177.15", total="6527.81"
    )

    told = {rule: (step.formula, step.exact, step.result, step.rounded) for rule, step in steps(of).items()}

    assert told["line-allowance"] == ("5,573.60 × 4 %", d("222.9440"), d("222.94"), True)
    assert told["line-net"] == ("16 × 348.35 − 222.94", d("5350.66"), d("5350.66"), False)
    assert told["tax"] == ("5,350.66 × 22 %", d("1177.1452"), d("1177.15"), True)
    assert told["gross-total"] == ("5,350.66 + 1,177.15", d("6527.81"), d("6527.81"), False)
    assert found(of) == []


def small(number: int) -> list[Line]:
    return [line("1", "3.60", "3.60", "5.5", id=str(place)) for place in range(1, number + 1)]


def test_tax_is_rounded_once_however_many_lines_there_are() -> None:
    """3.60 at 5.5 %, ten times: 1.98, not 10 × 0.20."""
    as_one = invoice([line("10", "3.60", "36.00", "5.5")], net="36.00", tax="1.98", total="37.98", rate="5.5")
    as_ten = invoice(small(10), net="36.00", tax="1.98", total="37.98", rate="5.5")

    assert steps(as_one)["tax"].result == steps(as_ten)["tax"].result == d("1.98")
    assert found(as_one) == found(as_ten) == []


def test_a_tax_that_was_rounded_line_by_line_is_told_as_that() -> None:
    of = invoice(small(10), net="36.00", tax="2.00", total="38.00", rate="5.5")

    assert found(of) == [
        "VAT S 5.5 %: 36.00 × 5.5 % makes 1.98. The 2.00 of the invoice come out when the tax of each line is rounded "
        "by itself; the standard rounds once, from the sum."
    ]
    assert found(of, "ko") == [
        "부가세 S 5.5 %: 36.00 × 5.5 % = 1.98입니다. 송장의 2.00는 품목마다 세액을 반올림한 값이며, "
        "표준은 합계에서 한 번만 반올림합니다."
    ]


def test_sums_are_decimal() -> None:
    """185.76 + 14.29 is 200.05, and not 200.04999999999998."""
    of = invoice([line("1", "185.76", "185.76", "7.69")], net="185.76", tax="14.29", total="200.05", rate="7.69")
    assert steps(of)["gross-total"].exact == d("200.05")
    assert not [each for each in check(of, today=TODAY) if each.rule == "gross-total"]


@pytest.mark.parametrize(
    ("currency", "price", "net", "tax", "total"),
    [
        ("KRW", "33333", "33333", "3333", "36666"),
        ("JPY", "105", "105", "11", "116"),
        ("KWD", "1.255", "1.255", "0.126", "1.381"),
        ("EUR", "1.25", "1.25", "0.13", "1.38"),
    ],
)
def test_each_currency_is_rounded_to_its_own_decimals(
    currency: str, price: str, net: str, tax: str, total: str
) -> None:
    of = invoice([line("1", price, net, "10")], net=net, tax=tax, total=total, rate="10", currency=currency)
    assert steps(of)["tax"].result == d(tax)
    assert found(of) == []


def test_decimals_that_a_currency_does_not_have_are_told() -> None:
    of = invoice([line("1", "1.50", "1.50", "0.1")], net="1.50", tax="0", total="1.50", rate="0.1", currency="KRW")
    assert "1.5 has more decimals than there are in KRW." in found(of)


def test_a_half_is_rounded_away_from_zero_on_either_side() -> None:
    back = invoice([line("-1", "0.50", "-0.50", "1")], net="-0.50", tax="-0.01", total="-0.51", rate="1")
    assert steps(back)["tax"].result == d("-0.01")


def test_a_negative_net_with_a_positive_sum_to_pay_stays_an_invoice_with_its_charges() -> None:
    """A returned machine, and a deposit of another 200 that is charged on the document."""
    charge = AllowanceCharge(amount=d("50.00"), reason="Freight", tax=TaxCategory("S", d(22)))
    refund = Invoice(
        kind="invoice",
        syntax="ubl",
        currency="EUR",
        issued_on=TODAY,
        lines=(line("-1", "100.00", "-100.00"),),
        charges=(charge,),
        taxes=(TaxSubtotal("S", d(22), d("-50.00"), d("-11.00")),),
        totals=Totals(
            lines=d("-100.00"),
            charges=d("50.00"),
            without_tax=d("-50.00"),
            tax=d("-11.00"),
            with_tax=d("-61.00"),
            prepaid=d("-100.00"),
            payable=d("39.00"),
        ),
    )
    assert found(refund) == []
    assert steps(refund)["net-total"].formula == "−100.00 + 50.00"
    assert steps(refund)["payable"].formula == "−61.00 + 100.00"
    assert steps(refund)["taxable"].formula == "−100.00 + 50.00"


def test_wrong_sums_are_told_with_their_numbers() -> None:
    right = invoice(
        [line("2", "10.00", "20.00")], net="20.00", tax="4.40", total="24.40", prepaid="4.40", payable="20.00"
    )
    assert found(right) == []
    wrong = replace(right, totals=replace(right.totals, lines=d("21"), tax=d("4.50"), payable=d("24.40")))

    told = {each.rule: (each.severity, said(each, "en")) for each in check(wrong, today=TODAY)}

    assert told["line-sum"] == ("error", "The lines add up to 20.00, but the invoice says 21.00.")
    assert told["net-total"] == ("error", "Without VAT, 21.00 makes 21.00, but the invoice says 20.00.")
    assert told["tax-sum"] == ("error", "The VAT adds up to 4.40, but the invoice says 4.50.")
    assert told["payable"] == ("error", "To be paid: 24.40 − 4.40 makes 20.00, but the invoice says 24.40.")


def test_a_price_for_a_hundred_is_divided() -> None:
    of = line("250", "12.00", "30.00")
    of = replace(of, price=Price(net=d("12.00"), base_quantity=Quantity(d(100), "C62")))
    told = steps(invoice([of], net="30.00", tax="6.60", total="36.60"))["line-net"]
    assert (told.formula, told.result, told.agrees) == ("250 × 12.00 / 100", d("30.00"), True)


def test_a_price_for_none_at_all_breaks_nothing() -> None:
    of = replace(line("1", "1.00", "1.00"), price=Price(net=d(1), base_quantity=Quantity(d(0))))
    assert "line-net" not in steps(invoice([of], net="1.00", tax="0.22", total="1.22"))


def test_groups_of_lines_are_not_added_a_second_time() -> None:
    group = replace(line("1", "30.00", "30.00"), role="group", id="1")
    parts = [replace(line("1", "15.00", "15.00"), role="detail", parent="1", id=each) for each in ("1.1", "1.2")]
    of = invoice([group, *parts], net="30.00", tax="6.60", total="36.60")
    of = replace(of, totals=replace(of.totals, lines=d("30.00")))
    assert found(of) == []


def test_a_korean_invoice_adds_the_tax_of_its_lines() -> None:
    of = read_here(einvoices.korean()).invoice
    assert of is not None
    assert (steps(of)["tax-sum"].result, steps(of)["tax-sum"].agrees) == (d(100000), True)
    wrong = read_here(einvoices.korean(total="1100001")).invoice
    assert wrong is not None
    assert [each.rule for each in check(wrong, today=TODAY) if each.severity == "error"] == ["gross-total"]


def test_steps_are_shown_with_what_was_rounded() -> None:
    of = invoice([line("1", "5350.66", "5350.66")], net="5350.66", tax="1177.16", total="6527.82")
    tax = next(each for each in steps_of(of, "ko") if each.source == "BR-CO-17")
    assert (tax.label, tax.formula) == ("세액, 부가세 S 22 %", "5,350.66 × 22 %")
    assert (tax.exact, tax.result, tax.stated, tax.agrees) == ("1,177.1452", "1,177.15", "1,177.16", False)


def test_real_invoices_add_up() -> None:
    for file in corpus.require("invoices", "[cfux]*/*"):
        of = read_here(file.read_bytes()).invoice
        assert of is not None
        errors = [said(each, "en") for each in check(of, today=of.issued_on or TODAY) if each.severity == "error"]
        assert errors == [], file.name


def test_what_real_invoices_reckon_wrongly_is_told() -> None:
    (file,) = corpus.require("invoices", "ubl/ubl-tc434-example1.xml")
    of = read_here(file.read_bytes()).invoice
    assert of is not None
    assert "Line 20: 6 × 18.33 makes 109.98, but the invoice says −109.98." in found(of)


def test_the_labels_of_steps_are_there_in_korean() -> None:
    discount = AllowanceCharge(amount=d("1"), base_amount=d("10"), percent=d(10), tax=TaxCategory("S", d(22)))
    of = invoice(
        [replace(line("1", "10", "9", allowances=[discount]), price=Price(net=d(10), gross=d(11), discount=d(1)))],
        net="9",
        tax="1.98",
        total="10.98",
        allowances=[discount],
        charges=[discount],
    )
    labels = {each.label for each in explain(of)}
    assert len(labels) > 8
    assert [each for each in labels if sentence(each, "ko") == each] == []


CURRENCIES = ("EUR", "KRW", "JPY", "KWD", "CHF", "CLF")


@st.composite
def split(draw: st.DrawFn) -> tuple[str, Decimal, list[Decimal]]:
    """A currency, a whole, and the parts that it was cut into."""
    currency = draw(st.sampled_from(CURRENCIES))
    parts = draw(st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=60))
    unit = smallest_unit(currency)
    amounts = [each * unit for each in parts]
    return currency, sum(amounts, d(0)), amounts


@given(split(), st.decimals(0, 30, places=2))
def test_totals_are_exact_under_any_split_of_lines(cut: tuple[str, Decimal, list[Decimal]], rate: Decimal) -> None:
    currency, whole, parts = cut
    unit = smallest_unit(currency)
    tax = (whole * rate / 100).quantize(unit, ROUND_HALF_UP)

    def of(amounts: Sequence[Decimal]) -> Invoice:
        lines = [line("1", str(each), str(each), str(rate), id=str(n)) for n, each in enumerate(amounts)]
        return invoice(lines, net=str(whole), tax=str(tax), total=str(whole + tax), rate=str(rate), currency=currency)

    one, many = steps(of([whole])), steps(of(parts))

    for rule in ("line-sum", "net-total", "taxable", "tax", "tax-sum", "gross-total", "payable"):
        assert many[rule].result == one[rule].result, rule
        assert many[rule].agrees, rule
    assert list(wrong_sums(explain(of(parts)), currency)) == []


@given(split(), st.integers(0, 59), st.integers(-5, 5).filter(bool))
def test_no_line_can_be_changed_unnoticed(cut: tuple[str, Decimal, list[Decimal]], which: int, by: int) -> None:
    currency, whole, parts = cut
    changed = list(parts)
    changed[which % len(parts)] += by * smallest_unit(currency)
    lines = [line("1", str(each), str(each), "0", id=str(n)) for n, each in enumerate(changed)]
    of = invoice(lines, net=str(whole), tax="0", total=str(whole), rate="0", currency=currency)
    of = replace(of, totals=replace(of.totals, lines=whole))
    assert "line-sum" in {each.rule for each in wrong_sums(explain(of), currency)}


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234567.5", "EUR", "1,234,567.50"),
        ("1234567", "KRW", "1,234,567"),
        ("-0.5", "KWD", "−0.500"),
        ("0.00123", "EUR", "0.00123"),
        ("1E+3", "EUR", "1,000.00"),
    ],
)
def test_numbers_are_shown_with_the_decimals_of_their_currency(value: str, currency: str, text: str) -> None:
    assert shown(d(value), smallest_unit(currency)) == text
