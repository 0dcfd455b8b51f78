"""Workbooks (ECMA-376, part 1) whose rows are written as XML by ourselves, and all else by xlsxwriter.

xlsxwriter takes five times as long for rows, most of it for options that no row of ours uses. So it makes the same
workbook with headings alone: their styles, columns, frozen rows, filters and names are taken from there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, Self
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from documents.cells import FIRST_DAY, Amount, Cell, Column, digits, keeps, looks_like_a_number, places_of, writable

FORMATS = ("@", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "#,##0", *("#,##0." + "0" * places for places in range(1, 5)))
TEXT, DAY, MOMENT, MONEY = 0, 1, 2, 3
"""Places in ``FORMATS``; of money that of a currency without decimals, those with more follow."""

_EPOCH, _EPOCH_MOMENT = date(1899, 12, 30), datetime(1899, 12, 30)  # noqa: DTZ001  # a spreadsheet's time has no zone
_DAY = timedelta(days=1)
REMEMBERED = 20_000  # texts and days whose XML is kept: most of them come again and again
BLOCK = 1000  # rows that are compressed together
MOST_BYTES = 3_000_000_000  # of a sheet's XML: beyond 4 GiB an archive is of a kind that not everybody reads
COMPRESSION = 1  # rows are much alike: more saves little and costs time


@dataclass(frozen=True)
class Page:
    """A sheet as it has been written. ``last``: its last row, counted from 0."""

    name: str
    columns: Sequence[Column]
    last: int


class Pages:
    """The sheets of one workbook, one after the other."""

    def __init__(self, target: IO[bytes], zone: ZoneInfo, title: str) -> None:
        self._archive = ZipFile(target, "w", ZIP_DEFLATED, compresslevel=COMPRESSION)
        self._zone, self._title = zone, title
        self._pages: list[Page] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with ZipFile(io.BytesIO(_skeleton(self._pages, self._title))) as made:
                for name in made.namelist():
                    if not name.startswith("xl/worksheets/sheet"):
                        self._archive.writestr(name, made.read(name))
        self._archive.close()

    def write(self, name: str, columns: Sequence[Column], rows: Iterator[Sequence[Cell]], most: int) -> None:
        """Write a sheet of at most so many rows; what does not fit stays in ``rows``."""
        head, tail, styles = _frame(Page(name, columns, 1))
        pen = _Pen(styles, self._zone, len(columns))
        number, size, block = 1, 0, [head]
        with self._archive.open(f"xl/worksheets/sheet{len(self._pages) + 1}.xml", "w") as part:
            for number, cells in enumerate(islice(rows, most), start=2):
                block.append(pen.row(number, cells))
                if len(block) >= BLOCK:
                    size += part.write("".join(block).encode())
                    block = []
                    if size >= MOST_BYTES:
                        break
            self._pages.append(Page(name, columns, number - 1))
            block.append(_AUTOFILTER.sub(f"\\g<1>{number}\\g<2>", tail))
            part.write("".join(block).encode())


_AUTOFILTER = re.compile(r'(<autoFilter ref="A1:[A-Z]+)\d+(")')
_STYLE = re.compile(r'<c r="[A-Z]+2" s="(\d+)">')


def _frame(page: Page) -> tuple[str, str, tuple[str, ...]]:
    """What comes before the first row below the heading, what comes after the last one, and each style's number."""
    with ZipFile(io.BytesIO(_skeleton([page], ""))) as made:
        xml = made.read("xl/worksheets/sheet1.xml").decode()
    head, _, rest = xml.partition('<row r="2"')
    sample, _, tail = rest.partition("</row>")
    styles = tuple(_STYLE.findall(sample))
    assert len(styles) == len(FORMATS)
    return re.sub(r"<dimension [^>]*/>", "", head), tail, styles


def _skeleton(pages: Sequence[Page], title: str) -> bytes:
    """The workbook with headings, and in each second row a cell of each style, so that all of them are there."""
    made = io.BytesIO()
    with Workbook(made, {"constant_memory": True}) as book:
        book.set_properties({"title": title})
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        formats = [book.add_format({"num_format": each}) for each in FORMATS]
        for page in pages:
            sheet = book.add_worksheet(page.name)
            sheet.freeze_panes(1, 0)
            for index, column in enumerate(page.columns):
                sheet.set_column(index, index, column.width)
                sheet.write_string(0, index, writable(column.title), heading)
            sheet.autofilter(0, 0, page.last, len(page.columns) - 1)
            for index, each in enumerate(formats):
                sheet.write_number(1, index, 0, each)
    return made.getvalue()


class _Pen:
    """Rows as XML. What it gives of a cell begins after its place: `` s="3"><v>46204</v></c>``."""

    def __init__(self, styles: Sequence[str], zone: ZoneInfo, columns: int) -> None:
        self._zone = zone
        self._letters = [xl_col_to_name(index) for index in range(columns)]
        self._styled = [f' s="{style}"' for style in styles]
        self._texts: dict[str, str] = {}
        self._days: dict[date, str] = {}
        self._money: dict[str | None, str] = {None: ""}

    def row(self, number: int, cells: Sequence[Cell]) -> str:
        parts = [f'<row r="{number}">']
        texts = self._texts
        for letter, cell in zip(self._letters, cells, strict=True):
            if cell is None:
                continue
            if type(cell) is str:
                if not cell:
                    continue
                written = texts.get(cell) or self._text(cell)
            elif type(cell) is Amount:
                written = self._number(cell.value, self._style_of(cell.currency))
            else:
                written = self._other(cell)
            parts.append(f'<c r="{letter}{number}"{written}')
        parts.append("</row>")
        return "".join(parts)

    def _other(self, cell: Cell) -> str:
        match cell:
            case int() | Decimal():
                return self._number(cell, "")
            case datetime():
                return self._moment(cell)
            case date():
                return self._days.get(cell) or self._day(cell)
            case _:
                return self._text(str(cell)) if cell else "/>"

    def _number(self, value: int | Decimal, style: str) -> str:
        """Its digits as they are, never by way of a binary fraction; as text where a spreadsheet would round them."""
        written = digits(value)
        return f"{style}><v>{written}</v></c>" if keeps(written) else self._string(written, self._styled[TEXT])

    def _style_of(self, currency: str | None) -> str:
        if (style := self._money.get(currency)) is None:
            style = self._money[currency] = self._styled[MONEY + (places_of(currency) or 0)]
        return style

    def _text(self, text: str) -> str:
        style = self._styled[TEXT] if looks_like_a_number(text) else ""
        written = self._string(writable(text), style)
        if len(self._texts) >= REMEMBERED:
            self._texts.clear()
        self._texts[text] = written
        return written

    def _string(self, text: str, style: str) -> str:
        spaces = ' xml:space="preserve"' if text[0].isspace() or text[-1].isspace() or "\n" in text else ""
        return f'{style} t="inlineStr"><is><t{spaces}>{_escaped(text)}</t></is></c>'

    def _day(self, day: date) -> str:
        if day < FIRST_DAY:
            written = self._string(day.isoformat(), self._styled[TEXT])
        else:
            written = f"{self._styled[DAY]}><v>{(day - _EPOCH).days}</v></c>"
        if len(self._days) >= REMEMBERED:
            self._days.clear()
        self._days[day] = written
        return written

    def _moment(self, moment: datetime) -> str:
        here = moment.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        if here.date() < FIRST_DAY:
            return self._string(here.isoformat(" "), self._styled[TEXT])
        return f"{self._styled[MOMENT]}><v>{(here - _EPOCH_MOMENT) / _DAY!r}</v></c>"


_MARKED = re.compile(r"_x[0-9a-fA-F]{4}_|\r")


def _escaped(text: str) -> str:
    """For XML; what would be read as an escape of ECMA-376 (22.9.2.19) is escaped by one."""
    if "&" in text or "<" in text or ">" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if "_x" in text or "\r" in text:
        text = _MARKED.sub(lambda found: "_x000D_" if found[0] == "\r" else f"_x005F{found[0]}", text)
    return text
