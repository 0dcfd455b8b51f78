"""Rows to spreadsheets: XLSX (ECMA-376) and CSV (RFC 4180), written row by row, so that any number of them fits.

No cell is ever a formula, whatever its text begins with. XLSX has text apart from numbers, and keeps it as it is. CSV
has not: there a text that a spreadsheet would calculate, or take for a number and round, gets an apostrophe before it,
which ``text_in_csv`` takes away again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"

MOST_ROWS = 1_048_575  # below the heading; what comes after them goes on in a further sheet
MOST_CHARACTERS = 32_767  # of one cell
MOST_DIGITS = 15  # a spreadsheet rounds what has more

FIRST_DAY = date(1900, 3, 1)  # before it, spreadsheets do not agree which day a number means
_EPOCH, _EPOCH_MOMENT = date(1899, 12, 30), datetime(1899, 12, 30)  # noqa: DTZ001  # a spreadsheet's time has no zone
_DAY = timedelta(days=1)


class Amount(NamedTuple):
    """Money, shown with the decimals of its currency (ISO 4217); without a currency, a plain number."""

    value: Decimal
    currency: str | None


Cell = str | int | Decimal | Amount | date | datetime | None
"""A ``datetime`` has its zone, and is shown in the zone of the file; true and false are said in words by the caller."""


@dataclass(frozen=True)
class Column:
    title: str
    width: float = 14
    """In characters."""


@dataclass(frozen=True)
class Sheet:
    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    """As many cells as columns. They are asked for once, when the sheets before are written."""


def write_xlsx(
    sheets: Iterable[Sheet], target: Path | IO[bytes], *, timezone: str, title: str = "", most_rows: int = MOST_ROWS
) -> None:
    """A workbook. What is not yet packed lies in files beside ``target``, or where temporary files lie."""
    from xlsxwriter import Workbook  # for those processes alone that write workbooks

    beside = {"tmpdir": str(target.parent)} if isinstance(target, Path) else {}
    with Workbook(str(target) if isinstance(target, Path) else target, {"constant_memory": True, **beside}) as book:
        book.set_properties({"title": title})
        pen, taken = _Pen(book, ZoneInfo(timezone)), set[str]()
        for sheet in sheets:
            _write_sheet(book, sheet, pen, taken, most_rows)


def _write_sheet(book: Workbook, sheet: Sheet, pen: _Pen, taken: set[str], most_rows: int) -> None:
    rows = iter(sheet.rows)
    ahead = list(islice(rows, 1))
    while True:
        page, last = book.add_worksheet(sheet_name(sheet.name, taken)), 0
        page.freeze_panes(1, 0)
        for index, column in enumerate(sheet.columns):
            page.set_column(index, index, column.width)
            page.write_string(0, index, _text(column.title), pen.heading)
        for last, row in enumerate(chain(ahead, islice(rows, most_rows - 1)), start=1):
            pen.write(page, last, row)
        page.autofilter(0, 0, last, len(sheet.columns) - 1)
        if not (ahead := list(islice(rows, 1))):
            return


_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A name that a workbook allows: at most 31 characters, none twice whatever their case; noted in ``taken``."""
    plain = _NOT_IN_NAMES.sub(" ", _text(wanted)).strip(" '")[:31].strip(" '") or "-"
    name, number = plain, 1
    while name.casefold() in taken:
        number += 1
        ending = f" ({number})"
        name = plain[: 31 - len(ending)] + ending
    taken.add(name.casefold())
    return name


class _Pen:
    """Writes cells of one workbook, each with the format that it needs."""

    def __init__(self, book: Workbook, zone: ZoneInfo) -> None:
        self._book, self._zone = book, zone
        self.heading: Format = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._text: Format = book.add_format({"num_format": "@"})
        self._day: Format = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment: Format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._money: dict[str | None, Format | None] = {None: None}

    def write(self, page: Worksheet, row: int, cells: Sequence[Cell]) -> None:
        number, text = page.write_number, page.write_string
        for column, cell in enumerate(cells):
            match cell:
                case None | "":
                    pass
                case str():
                    text(row, column, _text(cell), self._text if _looks_like_a_number(cell) else None)
                case Amount(value, currency):
                    self._number(page, row, column, value, self._format_of(currency))
                case int() | Decimal():
                    self._number(page, row, column, cell, None)
                case datetime():
                    here = cell.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
                    if here.date() < FIRST_DAY:
                        text(row, column, here.isoformat(" "), self._text)
                    else:
                        number(row, column, (here - _EPOCH_MOMENT) / _DAY, self._moment)
                case date():
                    if cell < FIRST_DAY:
                        text(row, column, cell.isoformat(), self._text)
                    else:
                        number(row, column, (cell - _EPOCH).days, self._day)

    def _number(self, page: Worksheet, row: int, column: int, value: int | Decimal, how: Format | None) -> None:
        """Its digits as they are, never by way of a binary fraction; as text where a spreadsheet would round them."""
        if _fits(value):
            page.write_number(row, column, value, how)
        else:
            page.write_string(row, column, _digits(value), self._text)

    def _format_of(self, currency: str | None) -> Format | None:
        if currency not in self._money:
            decimals = "." + "0" * places if (places := get_currency_precision(currency or "")) else ""
            self._money[currency] = self._book.add_format({"num_format": f"#,##0{decimals}"})
        return self._money[currency]


def _fits(value: int | Decimal) -> bool:
    if isinstance(value, int):
        return len(str(abs(value))) <= MOST_DIGITS
    return value.is_finite() and len(f"{value:f}".replace(".", "").strip("-0")) <= MOST_DIGITS


def _digits(value: int | Decimal) -> str:
    return str(value) if isinstance(value, int) or not value.is_finite() else format(value, "f")


def write_csv(sheet: Sheet, target: IO[bytes], *, timezone: str) -> None:
    """One table: UTF-8 with a byte order mark, by which a spreadsheet knows it for what it is; commas, CR LF."""
    zone = ZoneInfo(timezone)
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow([_as_csv(column.title, zone) for column in sheet.columns])
    writer.writerows([_as_csv(cell, zone) for cell in row] for row in sheet.rows)
    text.flush()
    text.detach()  # the file belongs to the caller


def _as_csv(cell: Cell, zone: ZoneInfo) -> str:
    match cell:
        case None:
            return ""
        case str():
            text = _text(cell)
            return "'" + text if _CALCULATED.match(text) or _looks_like_a_number(text.lstrip("'")) else text
        case Amount(value):
            return _digits(value)
        case int() | Decimal():
            return _digits(cell)
        case datetime():
            return cell.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat(" ")
        case date():
            return cell.isoformat()


def text_in_csv(cell: str) -> str:
    """What a cell of text said before ``write_csv`` marked it."""
    marked = cell.startswith("'") and (_CALCULATED.match(cell[1:]) or _looks_like_a_number(cell.lstrip("'")))
    return cell[1:] if marked else cell


# OWASP, "CSV Injection"; the wide forms, too, are calculated where people write Chinese, Japanese or Korean.
# Apostrophes that stood before one of them count, so that every text comes back as it was.
_CALCULATED = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")
_LOSES_DIGITS = re.compile(r"0\d+|\d{16,}|\d+[eE]\d+")


def _looks_like_a_number(text: str) -> bool:
    """Digits that a spreadsheet would round, or whose zeros it would drop, if it took them for a number."""
    return text[:1].isdigit() and _LOSES_DIGITS.fullmatch(text) is not None


_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _text(text: str) -> str:
    """Without what XML cannot carry, and no longer than a cell can be."""
    if not text.isprintable():
        text = _UNWRITABLE.sub("\ufffd", text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
