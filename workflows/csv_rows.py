"""Tables that people load as CSV: whose cell will not do is refused by its line and column. Pure.

Commas or semicolons part the cells, whichever the first line has more of; UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from re import compile as pattern

from babel.numbers import list_currencies

from workflows.errors import Refused

MOST_ROWS = 100_000
_NUMBER = pattern(r"-?\d{1,15}(\.\d{1,6})?")


@dataclass(frozen=True)
class Row:
    """One row; ``line``: in which line of the file it begins. Cells are without space around."""

    line: int
    cells: Mapping[str, str]

    def wrong(self, column: str, sentence: str, **values: object) -> Refused:
        """``sentence`` has places for ``line`` and ``column``."""
        return Refused(sentence, field="file", line=self.line, column=column, **values)

    def text(self, column: str, *, most: int = 200) -> str:
        text = self.cells.get(column, "")
        if len(text) > most:
            raise self.wrong(
                column, "Line %(line)s, column %(column)s: the text is longer than %(most)s letters.", most=most
            )
        if any(unicodedata.category(letter) == "Cc" for letter in text):
            raise self.wrong(column, "Line %(line)s, column %(column)s: there are letters in it that cannot be shown.")
        return text

    def needed(self, column: str, *, most: int = 200) -> str:
        text = self.text(column, most=most)
        if not text:
            raise self.wrong(column, "Line %(line)s, column %(column)s: nothing is there.")
        return text

    def number(self, column: str) -> Decimal | None:
        text = self.cells.get(column, "")
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or not text.isascii():
            raise self.wrong(
                column, "Line %(line)s, column %(column)s: “%(text)s” is not a number such as 12.5.", text=text[:40]
            )
        return Decimal(text)

    def day(self, column: str) -> date | None:
        text = self.cells.get(column, "")
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or len(text) != len("2026-07-01") or not 1900 <= day.year <= 2200:
            raise self.wrong(
                column, "Line %(line)s, column %(column)s: “%(text)s” is not a date such as 2026-07-01.", text=text[:40]
            )
        return day

    def currency(self, column: str) -> str:
        text = self.cells.get(column, "").upper()
        if text and text not in list_currencies():
            raise self.wrong(
                column,
                "Line %(line)s, column %(column)s: “%(text)s” is not a currency, such as EUR or KRW.",
                text=text[:10],
            )
        return text


def decoded(data: bytes) -> str:
    """Raises Refused for what is no text in UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "Line %(line)s is no text in UTF-8. Save the file as “CSV UTF-8”.",
            field="file",
            line=data[: error.start].count(b"\n") + 1,
        ) from None


def rows(text: str, *, needed: Sequence[str], known: Sequence[str]) -> Iterator[Row]:
    """The rows below the first line, which names the columns. ``known``: all that there may be.

    Raises:
        Refused: at the first line that will not do.
    """
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    names: list[str] = []
    line, number = 1, 0
    try:
        for cells in reader:
            started, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                names = _columns([cell.strip().casefold() for cell in cells], started, needed, known)
                continue
            number += 1
            if number > MOST_ROWS:
                raise Refused("A file may have at most %(most)s lines.", field="file", most=MOST_ROWS)
            if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
                raise Refused(
                    "Line %(line)s has %(cells)s cells, and the first line names %(columns)s columns.",
                    field="file",
                    line=started,
                    cells=len(cells),
                    columns=len(names),
                )
            yield Row(started, dict(zip(names, (cell.strip() for cell in cells), strict=False)))
    except csv.Error:
        raise Refused("Line %(line)s cannot be read as CSV.", field="file", line=line) from None
    if not number:
        raise Refused("The file has no lines below the names of its columns.", field="file")


def _columns(names: list[str], line: int, needed: Sequence[str], known: Sequence[str]) -> list[str]:
    for at, name in enumerate(names):
        if name and name not in known:
            raise Refused(
                "Line %(line)s, column %(column)s is not known. Columns are: %(known)s.",
                field="file",
                line=line,
                column=name[:40],
                known=", ".join(known),
            )
        if name and name in names[:at]:
            raise Refused("Line %(line)s, column %(column)s is there twice.", field="file", line=line, column=name)
    for name in needed:
        if name not in names:
            raise Refused("Line %(line)s, column %(column)s is missing.", field="file", line=line, column=name)
    return names
