from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest

from documents.einvoices.reading import read, read_here
from documents.einvoices.suggestions import Suggestion, suggest
from tests.support import einvoices

PAGE = """Aurora Leasing GmbH
Rechnungsnummer: RE-2026/0815
Rechnungsdatum: 27.05.2026 Lieferdatum 20.05.2026
Position 1  84.600,00 EUR
Gesamtbetrag 100.674,00 EUR
IBAN DE02 1203 0000 0000 2020 51 BIC BYLADEM1001
USt-IdNr. DE123456789"""

KOREAN = """세금계산서
승인번호 20260527-41000020-00000001
작성일자 2026년 5월 27일
등록번호 123-45-67891
합계금액 ₩38,400,000"""


def first(pages: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in suggest([pages]):
        found.setdefault(each.field, each.value)
    return found


def test_a_page_suggests_what_it_says() -> None:
    assert first(PAGE) == {
        "number": "RE-2026/0815",
        "issued_on": "2026-05-27",
        "payable": "100674.00",
        "currency": "EUR",
        "iban": "DE02120300000000202051",
        "vat_id": "DE123456789",
    }


def test_a_korean_page_suggests_what_it_says() -> None:
    assert first(KOREAN) == {
        "number": "20260527-41000020-00000001",
        "issued_on": "2026-05-27",
        "payable": "38400000",
        "currency": "KRW",
        "korean_registration": "1234567891",
    }


def test_a_suggestion_says_where_it_was_found() -> None:
    (found,) = [each for each in suggest(["", PAGE]) if each.field == "iban"]

    assert (found.page, found.line) == (2, 6)
    assert found.text.startswith("DE02 1203 0000 0000 2020 51")


@pytest.mark.parametrize("text", ["DE02 1203 0000 0000 2020 52", "123-45-67890", "Rechnungsnummer: keine"])
def test_what_fails_its_check_digits_is_not_suggested(text: str) -> None:
    assert not {"iban", "korean_registration", "number"} & set(first(text))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1 234,56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("1234.56", "1234.56"),
        ("1.234.567", "1234567"),
        ("38,400,000", "38400000"),
        ("-119.00", "-119.00"),
    ],
)
def test_amounts_are_understood_as_they_are_written_in_many_countries(written: str, value: str) -> None:
    assert first(f"Total amount due {written}")["payable"] == value


def test_a_plain_pdf_is_accepted_with_suggestions() -> None:
    reading = read(einvoices.with_page(PAGE))

    assert (reading.form, reading.invoice, reading.xml) == ("pdf", None, b"")
    assert Suggestion("vat_id", "DE123456789", "DE123456789", 1, 7) in reading.suggestions


def test_a_page_that_says_the_same_differs_in_nothing() -> None:
    assert read_here(einvoices.hybrid()).differences == ()


@pytest.mark.parametrize(
    ("page", "field", "xml", "shown"),
    [
        ("Invoice number 2026-0009", "number", "2026-0001", "2026-0009"),
        ("Invoice date 01.06.2026", "issued_on", "2026-05-27", "2026-06-01"),
        ("Total amount due 1.190,00 EUR", "payable", "119.00", "1190.00"),
        ("Pay in USD", "currency", "EUR", "USD"),
        ("IBAN DE91 1000 0000 0123 4567 89", "iban", "DE02120300000000202051", "DE91100000000123456789"),
    ],
)
def test_both_are_told_where_the_page_says_otherwise_than_the_xml(page: str, field: str, xml: str, shown: str) -> None:
    reading = read_here(einvoices.hybrid(page=page))

    (difference,) = reading.differences
    assert (difference.field, difference.xml, difference.page[0].value) == (field, xml, shown)
    assert reading.invoice is not None
    assert (reading.invoice.issued_on, reading.invoice.totals.payable) == (date(2026, 5, 27), Decimal("119.00"))


@pytest.mark.parametrize(
    "page",
    [
        "total " + "1 000 " * 30_000,
        "total\n" * 30_000,
        "invoice date " + "27.05.2026 " * 18_000,
        "AB12" + "A1 " * 60_000,
        "invoice - - - " * 14_000,
        "1.000" * 40_000,
        "1 " * 100_000,
        "A" * 200_000,
    ],
)
def test_a_page_of_whatever_letters_is_looked_through_soon(page: str) -> None:
    start = time.monotonic()

    suggest([page, page])

    assert time.monotonic() - start < 5
