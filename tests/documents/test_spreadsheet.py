"""Spreadsheets are read again by openpyxl and the csv module: what a reader of theirs finds is what was exported."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook

from documents.spreadsheet import Amount, Cell, Column, Sheet, sheet_name, text_in_csv, write_csv, write_xlsx
from tests.support.spreadsheets import midnight

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", '=HYPERLINK("http://x.example")', "'=1"]
ODD = ["100000000000000001", "0012", "1e5", "_x0041_", "한국어 계약", "a\nb", 'say "so", then', "'", ""]


def workbook(*rows: Sequence[Cell], most_rows: int = 1000, timezone: str = "Asia/Seoul") -> Workbook:
    target = io.BytesIO()
    columns = [Column(f"column {index}") for index in range(len(rows[0]) if rows else 1)]
    write_xlsx([Sheet("청구서", columns, iter(rows))], target, timezone=timezone, most_rows=most_rows)
    return load_workbook(io.BytesIO(target.getvalue()))


def cells(*row: Cell) -> list[Any]:
    sheet = workbook(row)["청구서"]
    return list(sheet[2])


def in_csv(*row: Cell, timezone: str = "Asia/Seoul") -> list[str]:
    target = io.BytesIO()
    write_csv(Sheet("x", [Column("x")] * len(row), [row]), target, timezone=timezone)
    return list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline="")))[1]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_is_a_formula(text: str) -> None:
    (cell,) = cells(text)
    assert cell.data_type == "s"
    assert unescape(cell.value) == text  # ECMA-376, 22.9.2.19: openpyxl leaves that to its caller
    assert in_csv(text) == ["'" + text]


@pytest.mark.parametrize("text", DANGEROUS + ODD)
def test_text_comes_back_as_it_was(text: str) -> None:
    # the word beside it: a row of one empty cell is an empty line
    assert unescape(cells(text, "beside")[0].value or "") == text
    assert text_in_csv(in_csv(text, "beside")[0]) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
def test_any_text_comes_back_from_csv(text: str) -> None:
    assert text_in_csv(in_csv(text, "beside")[0]) == text


def test_long_digits_stay_text_with_every_digit() -> None:
    (cell,) = cells("100000000000000001")
    assert cell.data_type == "s"
    assert cell.number_format == "@"
    assert cell.value == "100000000000000001"
    assert in_csv("100000000000000001") == ["'100000000000000001"]


@pytest.mark.parametrize("digits", ["1234567890123456.78", "1." + "0" * 40 + "1"])
def test_numbers_with_more_digits_than_a_spreadsheet_keeps_are_text(digits: str) -> None:
    (cell,) = cells(Decimal(digits))
    assert cell.data_type == "s"
    assert cell.value == digits


@pytest.mark.parametrize(
    ("currency", "value", "shown"),
    [
        ("KRW", "38400000", "#,##0"),
        ("JPY", "1200", "#,##0"),
        ("EUR", "348.35", "#,##0.00"),
        ("KWD", "1.250", "#,##0.000"),
    ],
)
def test_amounts_are_numbers_with_the_decimals_of_their_currency(currency: str, value: str, shown: str) -> None:
    (cell,) = cells(Amount(Decimal(value), currency))
    assert cell.data_type == "n"
    assert cell.number_format == shown
    assert Decimal(repr(cell.value)) == Decimal(value)
    assert in_csv(Amount(Decimal(value), currency)) == [value]


def test_a_negative_amount_is_a_number_and_no_formula() -> None:
    (cell,) = cells(Amount(Decimal("-4.00"), "EUR"))
    assert cell.value == -4
    assert in_csv(Amount(Decimal("-4.00"), "EUR")) == ["-4.00"]


AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=3
) | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6)


@given(st.lists(AMOUNTS, min_size=1, max_size=20))
def test_exporting_and_reading_again_is_the_identity(amounts: list[Decimal]) -> None:
    row = [Amount(each, "EUR") for each in amounts]
    assert [Decimal(str(cell.value)) for cell in cells(*row)] == amounts
    assert [Decimal(cell) for cell in in_csv(*row)] == amounts


def test_days_and_moments_are_real_ones_where_the_reader_is() -> None:
    moment = datetime(2026, 6, 30, 15, 30, 5, tzinfo=UTC)
    day, at, old = cells(date(2026, 7, 1), moment, date(1899, 5, 1))
    assert day.is_date
    assert day.value == midnight(2026, 7, 1)
    assert at.value == datetime(2026, 7, 1, 0, 30, 5)  # noqa: DTZ001
    assert old.value == "1899-05-01"
    assert in_csv(date(2026, 7, 1), moment) == ["2026-07-01", "2026-07-01 00:30:05"]


@given(st.dates(date(1900, 3, 1), date(9999, 12, 31)))
def test_any_day_comes_back(day: date) -> None:
    (cell,) = cells(day)
    assert cell.value.date() == day


def test_korean_is_known_for_what_it_is() -> None:
    target = io.BytesIO()
    write_csv(Sheet("x", [Column("공급자")], [["한빛상사"]]), target, timezone="UTC")
    assert target.getvalue() == b"\xef\xbb\xbf" + "공급자\r\n한빛상사\r\n".encode()


def test_a_sheet_has_its_heading_frozen_and_a_filter_over_all_rows() -> None:
    sheet = workbook(("a", 1), ("b", 2))["청구서"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"


def test_what_does_not_fit_goes_on_in_a_further_sheet_and_no_empty_one_follows() -> None:
    book = workbook(*((number,) for number in range(6)), most_rows=3)
    assert book.sheetnames == ["청구서", "청구서 (2)"]
    assert [[row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book] == [
        [0, 1, 2],
        [3, 4, 5],
    ]


def test_a_sheet_without_rows_has_its_heading() -> None:
    assert [cell.value for cell in workbook()["청구서"][1]] == ["column 0"]


def test_what_xml_cannot_carry_is_replaced_and_what_is_too_long_is_cut() -> None:
    control, long = cells("a\x00b\x0bc\ud800d", "x" * 40_000)
    assert control.value == "a\ufffdb\ufffdc\ufffdd"
    assert len(long.value) == 32_767
    assert long.value.endswith("…")


def test_names_of_sheets_are_what_a_workbook_allows() -> None:
    taken: set[str] = set()
    assert sheet_name("Spend: 2026/07 [all]?*", taken) == "Spend  2026 07  all"
    assert sheet_name("spend: 2026/07 [all]?*", taken) == "spend  2026 07  all (2)"
    assert len(sheet_name("x" * 50, taken)) == 31
    assert len(sheet_name("x" * 50, taken)) == 31
    assert sheet_name("''", taken) == "-"


def test_the_file_has_no_formula_anywhere() -> None:
    target = io.BytesIO()
    write_xlsx([Sheet("=A1", [Column("=B1")], [[text] for text in DANGEROUS])], target, timezone="UTC")
    with zipfile.ZipFile(target) as parts:
        assert not any(b"<f>" in parts.read(name) or b"<f " in parts.read(name) for name in parts.namelist())
