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
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import IO
from zoneinfo import ZoneInfo

from documents.cells import Amount, Cell, Column, digits, looks_like_a_number, writable

__all__ = [
    "CSV", "XLSX", "Amount", "Cell", "Column", "Sheet", "sheet_name", "text_in_csv", "write_csv", "write_xlsx",
]  # fmt: skip

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"

MOST_ROWS = 1_048_575  # below the heading; what comes after them goes on in a further sheet


@dataclass(frozen=True)
class Sheet:
    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]
    """As many cells as columns. They are asked for once, when the sheets before are written."""


def write_xlsx(
    sheets: Iterable[Sheet], target: IO[bytes], *, timezone: str, title: str = "", most_rows: int = MOST_ROWS
) -> None:
    """A workbook, written as the rows come. ``target`` can be sought in."""
    from documents.xlsx_pages import Pages  # for those processes alone that write workbooks

    taken = set[str]()
    with Pages(target, ZoneInfo(timezone), title) as pages:
        for sheet in sheets:
            rows = iter(sheet.rows)
            ahead = list(islice(rows, 1))
            while True:
                pages.write(sheet_name(sheet.name, taken), sheet.columns, chain(ahead, rows), most_rows)
                if not (ahead := list(islice(rows, 1))):
                    break


_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A name that a workbook allows: at most 31 characters, none twice whatever their case; noted in ``taken``."""
    plain = _NOT_IN_NAMES.sub(" ", writable(wanted)).strip(" '")[:31].strip(" '") or "-"
    name, number = plain, 1
    while name.casefold() in taken:
        number += 1
        ending = f" ({number})"
        name = plain[: 31 - len(ending)] + ending
    taken.add(name.casefold())
    return name


def write_csv(sheet: Sheet, target: IO[bytes], *, timezone: str, for_programs: bool = False) -> None:
    """One table: UTF-8 with a byte order mark, by which a spreadsheet knows it for what it is; commas, CR LF.

    ``for_programs``: without that mark, and with digits as they are; what would be calculated is marked all the same.
    """
    zone = ZoneInfo(timezone)
    text = io.TextIOWrapper(target, encoding="utf-8" if for_programs else "utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow([_as_csv(column.title, zone) for column in sheet.columns])
    writer.writerows([_as_csv(cell, zone, digits_as_they_are=for_programs) for cell in row] for row in sheet.rows)
    text.flush()
    text.detach()  # the file belongs to the caller


def _as_csv(cell: Cell, zone: ZoneInfo, *, digits_as_they_are: bool = False) -> str:
    match cell:
        case None:
            return ""
        case str():
            text = writable(cell)
            loses_digits = not digits_as_they_are and looks_like_a_number(text.lstrip("'"))
            return "'" + text if loses_digits or _CALCULATED.match(text) else text
        case Amount(value):
            return digits(value)
        case int() | Decimal():
            return digits(cell)
        case datetime():
            return cell.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat(" ")
        case date():
            return cell.isoformat()


def text_in_csv(cell: str) -> str:
    """What a cell of text said before ``write_csv`` marked it."""
    marked = cell.startswith("'") and (_CALCULATED.match(cell[1:]) or looks_like_a_number(cell.lstrip("'")))
    return cell[1:] if marked else cell


# OWASP, "CSV Injection"; the wide forms, too, are calculated where people write Chinese, Japanese or Korean.
# Apostrophes that stood before one of them count, so that every text comes back as it was.
_CALCULATED = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")
