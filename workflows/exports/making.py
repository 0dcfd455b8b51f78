"""Write the file of an export: first which documents, then sheet by sheet, some hundred documents at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from documents.rendering import Reader, sentence
from documents.spreadsheet import CSV, XLSX, Cell, Column, Sheet, write_csv, write_xlsx
from workflows.exports import contract_sheets, invoice_sheets
from workflows.exports.rules import Asked, Form, StatementWanted, Wanted
from workflows.exports.sheets import Table
from workflows.parties.rules import Actor

TABLES = {"invoices": invoice_sheets.TABLES, "contracts": contract_sheets.TABLES}
MEDIA_TYPES = {Form.XLSX: XLSX, Form.CSV: CSV}
BATCH = 500
"""Documents whose rows are read in one transaction."""

Reading = Callable[[], AbstractContextManager[Session]]
Who = Callable[[Session], Actor]
"""Asked anew for each batch: whoever has lost a right meanwhile gets no further rows by it."""
Written = Callable[[int], None]
"""Told after each batch how many documents have been written into a sheet."""


def write(
    wanted: Wanted,
    ids: Sequence[UUID],
    target: IO[bytes],
    *,
    reading: Reading,
    who: Who,
    reader: Reader,
    written: Written = lambda count: None,
) -> None:
    sheets = [
        Sheet(
            sentence(table.name.sentence, reader.locale),
            [Column(sentence(each.sentence, reader.locale), each.width) for each in table.headings],
            _rows(table, ids, reading, who, reader, written),
        )
        for table in (TABLES[wanted.what][name] for name in wanted.sheets)
    ]
    match wanted.form:
        case Form.XLSX:
            write_xlsx(sheets, target, timezone=reader.timezone, title=sheets[0].name)
        case Form.CSV:
            write_csv(sheets[0], target, timezone=reader.timezone)


def _rows(
    table: Table, ids: Sequence[UUID], reading: Reading, who: Who, reader: Reader, written: Written
) -> Iterator[Sequence[Cell]]:
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with reading() as session:
            yield from table.rows(session, who(session), batch, reader)
        written(len(batch))


def file_name(asked: Asked, reader: Reader, now: datetime) -> str:
    """Such as "Invoices 2026-05-21.xlsx", in the reader's language; a statement's has the day as of which it is."""
    if isinstance(asked, StatementWanted):
        return f"{asked.name or title_of(asked, reader)} {asked.as_of.isoformat()}.{asked.form.value}"
    day: date = now.astimezone(ZoneInfo(reader.timezone)).date()
    return f"{title_of(asked, reader)} {day.isoformat()}.{asked.form.value}"


def title_of(asked: Asked, reader: Reader) -> str:
    """What is on it."""
    if isinstance(asked, StatementWanted):
        return sentence("Statement of account" if asked.key else "Statements of account", reader.locale)
    return sentence(TABLES[asked.what][asked.sheets[0]].name.sentence, reader.locale)
