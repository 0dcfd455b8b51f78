"""A workbook of 100,000 invoices with five lines each, as the background makes it; rows beside xlsxwriter alone."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlmodel import Session
from xlsxwriter import Workbook

from documents.rendering import Reader
from documents.spreadsheet import Amount, Cell, Column, Sheet, write_xlsx
from tests.benchmarks.many_invoices import fill
from tests.support.office import Office, open_office
from workflows.exports.model import Export, ExportState
from workflows.exports.operations import ask
from workflows.exports.rules import wanted
from workflows.schema import migrate

INVOICES, LINES = 100_000, 5
ROWS = 40_000


def run(database_url: str, home: Path, invoices: int = INVOICES) -> dict[str, Any]:
    migrate(database_url)
    home.mkdir(parents=True)
    office = open_office(database_url, home)
    office.now = datetime.now(UTC)
    office.person("dan")
    fill(office, invoices, lines=LINES, by="dan")
    with office.transaction() as session:
        asked = ask(session, wanted("invoices", "xlsx"), Reader(), by=office.actor("dan"), now=office.now)
        export_id = asked.id
    seconds, megabytes = _made(office, str(export_id))
    with office.reading() as session:
        size = _size(session, export_id)
    office.runtime.engine.dispose()
    return {
        f"{invoices:,} invoices with {LINES} lines each, seconds": seconds,
        "  its process at most, MB": megabytes,
        "  its file, MB": size / 1e6,
    }


def _made(office: Office, export_id: str) -> tuple[float, float]:
    """Seconds, and the largest resident size in MB, of the process that makes it."""
    settings = office.runtime.settings
    environment = {
        **os.environ,
        "SIGNOFF_DATABASE_URL": settings.database,
        "SIGNOFF_HOME": str(settings.home),
        "SIGNOFF_DOCUMENTS_URL": settings.documents,
        "SIGNOFF_SECRET": settings.secret.get_secret_value(),
    }
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "workflows.exports.process", export_id], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"it ended with {process.returncode}")
    return time.perf_counter() - began, used.ru_maxrss / 1024


def _size(session: Session, export_id: object) -> int:
    export = session.get_one(Export, export_id)
    assert export.state is ExportState.READY
    return export.size


def rows_a_second() -> dict[str, Any]:
    """The same rows of 22 cells, in this process."""
    figures = {}
    for name, write in (("Signoff", _ours), ("xlsxwriter alone, constant memory", _plain)):
        began = time.perf_counter()
        write(_rows(), io.BytesIO())
        figures[f"rows a second: {name}"] = ROWS / (time.perf_counter() - began)
    return figures


def _rows() -> Iterator[Sequence[Cell]]:
    for n in range(ROWS):
        yield (
            *(f"M-{n}", f"Supplier {n % 2000}", f"S-{n}", "EUR", n % 5, str(n % 5), "Forklift, one month", f"FL-{n}"),
            *(Decimal(n % 7 + 1), "C62", Decimal(n % 9999) / 100, None, Amount(Decimal(n % 99999) / 100, "EUR"), "S"),
            *(Decimal(19), f"PO-{n % 5000}", "10", "", "", date(2026, 5, 1 + n % 28), "0012", "한빛상사"),
        )


def _ours(rows: Iterator[Sequence[Cell]], target: io.BytesIO) -> None:
    write_xlsx([Sheet("Lines", [Column(str(n)) for n in range(22)], rows)], target, timezone="UTC")


def _plain(rows: Iterator[Sequence[Cell]], target: io.BytesIO) -> None:
    with Workbook(target, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Lines")
        money, day = book.add_format({"num_format": "#,##0.00"}), book.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                match cell:
                    case None | "":
                        pass
                    case str():
                        sheet.write_string(number, column, cell)
                    case Amount(value):
                        sheet.write_number(number, column, value, money)
                    case int() | Decimal():
                        sheet.write_number(number, column, cell)
                    case date():
                        sheet.write_datetime(number, column, cell, day)
