"""What stands in a cell of a spreadsheet, and what of it a spreadsheet would spoil."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from babel.numbers import get_currency_precision

MOST_CHARACTERS = 32_767  # of one cell
MOST_DIGITS = 15  # a spreadsheet rounds what has more
FIRST_DAY = date(1900, 3, 1)  # before it, spreadsheets do not agree which day a number means


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


def places_of(currency: str | None) -> int | None:
    """Decimals of the currency; None where there is none."""
    return None if currency is None else get_currency_precision(currency)


def digits(value: int | Decimal) -> str:
    return str(value) if isinstance(value, int) or not value.is_finite() else format(value, "f")


def keeps(written: str) -> bool:
    """Whether a spreadsheet keeps every one of these digits (see ``digits``)."""
    if not written.lstrip("-")[:1].isdigit():
        return False
    if len(written) <= MOST_DIGITS:
        return True
    return len((written.replace(".", "") if "." in written else written.lstrip("-")).strip("-0")) <= MOST_DIGITS


_LOSES_DIGITS = re.compile(r"0\d+|\d{16,}|\d+[eE]\d+")


def looks_like_a_number(text: str) -> bool:
    """Digits that a spreadsheet would round, or whose zeros it would drop, if it took them for a number."""
    return text[:1].isdigit() and _LOSES_DIGITS.fullmatch(text) is not None


_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def writable(text: str) -> str:
    """Without what XML cannot carry, and no longer than a cell can be."""
    if not text.isprintable():
        text = _UNWRITABLE.sub("\ufffd", text)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
