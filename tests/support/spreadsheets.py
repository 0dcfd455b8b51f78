"""What openpyxl reads from workbooks."""

from __future__ import annotations

from datetime import datetime


def midnight(year: int, month: int, day: int) -> datetime:
    """A day, as openpyxl reads it: a spreadsheet's time has no zone."""
    return datetime(year, month, day)  # noqa: DTZ001  (as it is read)
