"""Workbooks and CSV as openpyxl, the csv module and LibreOffice read them: what was exported comes back."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from xlsxwriter import Workbook

from documents.spreadsheet import Amount, Cell, Column, Sheet, text_in_csv, write_csv, write_xlsx
from tests.support import parts
from tests.support.spreadsheets import midnight

HOSTILE = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\n", "'", "＝", "=HYPERLINK(", "_x0041_", "&", "<v>", " ", "00", "1e5"]
)
LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXTS = st.builds(lambda start, rest: start + rest, HOSTILE | st.just(""), st.text(LETTERS, max_size=20))
AMOUNTS = st.builds(
    lambda units, currency: Amount(Decimal(units).scaleb(-{"KRW": 0, "EUR": 2, "KWD": 3}[currency]), currency),
    st.integers(-(10**18), 10**18),
    st.sampled_from(["KRW", "EUR", "KWD"]),
)
DAYS = st.dates(date(1900, 3, 1), date(9999, 12, 31))
ROWS = st.tuples(TEXTS, AMOUNTS, DAYS, st.integers(-(10**20), 10**20))
TITLES = ("text", "amount", "day", "number")


def exported(rows: Sequence[Sequence[Cell]]) -> Sheet:
    return Sheet("청구서", [Column(title) for title in TITLES], rows)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_workbook_read_again_is_what_was_exported(rows: list[tuple[str, Amount, date, int]]) -> None:
    target = io.BytesIO()
    write_xlsx([exported(rows)], target, timezone="UTC")
    _, *found = load_workbook(target)["청구서"].iter_rows()
    assert len(found) == len(rows)
    for cells, (text, amount, day, number) in zip(found, rows, strict=True):
        assert unescape(str(cells[0].value or "")) == text
        assert cells[0].data_type != "f"
        assert Decimal(str(cells[1].value)) == amount.value
        assert cells[2].value == midnight(day.year, day.month, day.day)
        assert int(str(cells[3].value)) == number


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROWS, min_size=1, max_size=8))
def test_csv_read_again_is_what_was_exported(rows: list[tuple[str, Amount, date, int]]) -> None:
    target = io.BytesIO()
    write_csv(exported(rows), target, timezone="UTC")
    _, *found = csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline=""))
    read = [
        (text_in_csv(text), Decimal(amount), date.fromisoformat(day), int(number))
        for text, amount, day, number in found
    ]
    assert read == [(text, amount.value, day, number) for text, amount, day, number in rows]


@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=8))
def test_text_stands_in_the_workbook_as_xlsxwriter_itself_writes_it(texts: list[str]) -> None:
    ours, theirs = io.BytesIO(), io.BytesIO()
    write_xlsx([Sheet("x", [Column("x")], [[text] for text in texts])], ours, timezone="UTC")
    with Workbook(theirs, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("x")
        for number, text in enumerate(texts, 1):
            sheet.write_string(number, 0, text)
    values = [
        [row[0] for row in load_workbook(made)["x"].iter_rows(min_row=2, values_only=True)] for made in (ours, theirs)
    ]
    assert values[0] == values[1]


MOMENT = datetime(2026, 6, 30, 15, 30, 5, tzinfo=UTC)
IN_LIBREOFFICE: Sequence[Sequence[Cell]] = (
    ("Aurora Leasing GmbH", Amount(Decimal("1234.50"), "EUR"), date(2026, 5, 27), 12),
    ("=1+1", Amount(Decimal("-0.05"), "EUR"), date(1999, 12, 31), -1),
    ('=HYPERLINK("http://x.example")', Amount(Decimal(38400000), "KRW"), MOMENT, 0),
    ("+1 (한빛상사)", Amount(Decimal("1.234"), "KWD"), None, 10**14),
    ("0012", None, date(2026, 1, 1), 10**17 + 1),
    ("100000000000000001", Amount(Decimal("99999999999.99"), "USD"), date(9999, 12, 31), None),
    ('say "so", then', Amount(Decimal("0.00"), "EUR"), None, 7),
    (" two  spaces ", None, None, None),
    ("first\nsecond", None, None, 3),
    ("_x0041_ & <b>", None, None, 4),
)


@pytest.mark.slow
def test_libreoffice_reads_what_openpyxl_reads(tmp_path: Path) -> None:
    """By its own way to CSV, in which formulas would stand as what they come to, and errors as errors."""
    book = tmp_path / "export.xlsx"
    with book.open("w+b") as target:
        write_xlsx([exported(IN_LIBREOFFICE)], target, timezone="Asia/Seoul")
    in_libreoffice = _through_libreoffice(book, tmp_path)
    _, *rows = load_workbook(book)["청구서"].iter_rows()
    assert len(in_libreoffice) == len(rows) + 1
    assert in_libreoffice[0] == list(TITLES)
    for ours, theirs in zip(rows, in_libreoffice[1:], strict=True):
        assert [_as_text(cell.value, cell.number_format) for cell in ours] == theirs


def _as_text(value: object, shown: str) -> str:
    """As LibreOffice writes it with the cell's format."""
    match value:
        case None:
            return ""
        case datetime() if "hh" in shown:
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case datetime():
            return value.strftime("%Y-%m-%d")
        case int() | float() if shown.startswith("#,##0"):
            return f"{Decimal(str(value)):,.{len(shown.partition('.')[2])}f}"
        case int() | float():
            return f"{Decimal(str(value)):f}"
        case _:
            return unescape(str(value))


def _through_libreoffice(book: Path, home: Path) -> list[list[str]]:
    # 44: commas, 34: quotes, 76: UTF-8; then from the first row, no column types, en-US, no quotes around all, as shown
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,1033,false,true"
    command: list[str | Path] = [parts.require("soffice"), f"-env:UserInstallation=file://{home}/profile", "--headless"]
    done = subprocess.run(
        [*command, "--convert-to", options, "--outdir", home, book],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with (home / f"{book.stem}.csv").open(encoding="utf-8", newline="") as made:
        return list(csv.reader(made))
