"""Questions about papers of every kind. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision, list_currencies

from documents.comparison import Comparison, compare
from workflows.errors import Refused
from workflows.papers.model import Paper, Version
from workflows.parties.rules import Actor, shown

MOST_DIGITS = 15  # a double holds every such amount apart from its neighbours, so conditions compare exactly
LONGEST_TITLE = 200
LONGEST_NOTE = 2000

_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,6})?")


def checked_amount(amount: str, currency: str) -> tuple[Decimal | None, str | None]:
    """A decimal amount in its currency's own decimals (ISO 4217), or nothing at all."""
    amount, currency = amount.strip(), currency.strip().upper()
    if not amount:
        if currency and currency not in list_currencies():
            raise Refused(
                "“%(currency)s” is not a currency, such as EUR or KRW.", field="currency", currency=shown(currency)[:10]
            )
        return None, None
    if not _AMOUNT.fullmatch(amount):
        raise Refused(
            "An amount is a number such as 84600.00: digits, and a point before the decimals.", field="amount"
        )
    if currency not in list_currencies():
        raise Refused("An amount needs its currency, such as EUR or KRW.", field="currency")
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise Refused(
            "An amount is a number such as 84600.00: digits, and a point before the decimals.", field="amount"
        ) from None
    decimals = get_currency_precision(currency)
    rounded = value.quantize(Decimal(1).scaleb(-decimals))
    if rounded != value:
        raise Refused(too_fine(decimals), field="amount", currency=currency, decimals=decimals)
    if len(rounded.as_tuple().digits) > MOST_DIGITS:
        raise Refused("An amount has at most %(most)s digits.", field="amount", most=MOST_DIGITS)
    return rounded, currency


def checked_day(text: str, name: str) -> date | None:
    """The day that a field's text means; None where it is empty."""
    text = text.strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused("“%(text)s” is not a date such as 2026-07-01.", field=name, text=shown(text)[:30]) from None
    if not 1900 <= day.year <= 2200:
        raise Refused("“%(text)s” is not a date such as 2026-07-01.", field=name, text=shown(text)[:30])
    return day


def number_up_to(text: str, most: int) -> int | None:
    """The whole number from 0 to ``most`` that is written with the digits 0-9, no more than ``most`` has; else None.

    What ``str.isdigit`` lets pass is not always a number to ``int``: neither "²" is, nor five thousand nines.
    """
    written = re.fullmatch("[0-9]+", text) is not None and len(text) <= len(str(most))
    return number if written and (number := int(text)) <= most else None


def owns(actor: Actor, paper: Paper) -> bool:
    """Whether they may do with it what its owner may: administrators of its organisation may, too."""
    return actor.id == paper.owner_id or (actor.administers and actor.organisation_id == paper.organisation_id)


def page_starts(page_texts: Sequence[str]) -> list[int]:
    """Where each page begins in the text of all: an empty line between them, nothing empty at the ends."""
    text = "\n\n".join(page_texts)
    lead, length = len(text) - len(text.lstrip()), len(text.strip())
    starts, at = [], -lead
    for page in page_texts:
        starts.append(min(max(0, at), length))
        at += len(page) + 2
    return starts


def compared(older: Version, newer: Version) -> Comparison:
    """What changed in the text, page by page of the newer version."""
    return compare(page_texts(older.text, older.page_starts), page_texts(newer.text, newer.page_starts))


def page_texts(text: str, starts: Sequence[int]) -> list[str]:
    """The text of each page, from where each begins; all of it as one page where that was not kept."""
    ends = [*starts[1:], len(text)]
    return [text[start:end].strip() for start, end in zip(starts, ends, strict=True)] if starts else [text]


def too_fine(decimals: int) -> str:
    """Of an amount with more decimals than its currency has."""
    return (
        "Amounts in %(currency)s have at most %(decimals)s decimals."
        if decimals
        else "Amounts in %(currency)s have no decimals."
    )
