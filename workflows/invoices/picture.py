"""An invoice that has no pages of its own, as a PDF made from its data: what approvers look at, and what is sealed."""

from __future__ import annotations

from collections.abc import Sequence

from documents.einvoices.data import Invoice
from documents.einvoices.sheet import Block, Row, Sheet, sheet
from documents.intake import IntakeRefused
from signing.appearance import INK, SOFT, TINT, fitted, lines
from signing.fonts import BOLD, REGULAR, width
from signing.pages import pdf_of
from signing.paper import LEFT, ORDINARY, RIGHT, ROOM, SMALL, Flow, TooManyPages, short

GAP = 8.0
NUMBERS = (62.0, 58.0, 46.0, 70.0)
"""Room for quantity, price, tax and amount of a line; each stands at its right edge."""
FIRST = 30.0
"""Room for a line's own number."""
ITEM = ROOM - FIRST - sum(NUMBERS) - GAP
SUMS = 210.0


MOST_PAGES = 500
"""About 20,000 lines, which take some seconds to draw."""


def picture(invoice: Invoice, locale: str) -> bytes:
    """PDF, upright A4. The same invoice always gives the same bytes.

    Raises IntakeRefused: it says more than ``MOST_PAGES`` can show (``too_costly``).
    """
    try:
        return _drawn(sheet(invoice, locale), locale)
    except TooManyPages:
        raise IntakeRefused(
            "too_costly", "On paper the invoice would have more than %(limit)s pages.", limit=MOST_PAGES
        ) from None


def _drawn(shown: Sheet, locale: str) -> bytes:
    flow = Flow(most_pages=MOST_PAGES)
    flow.headline(shown.title, shown.number)
    _parties(flow, shown.parties)
    flow.facts(shown.facts)
    _lines(flow, shown)
    _sums(flow, shown)
    for block in shown.notes:
        _note(flow, block)
    flow.feet(shown.made_from, locale)
    return pdf_of(flow.pages, flow.fonts, title=f"{shown.title} {shown.number}", language=locale)


def _parties(flow: Flow, parties: Sequence[Block]) -> None:
    """Two beside each other."""
    room = (ROOM - 24) / 2
    for start in range(0, len(parties), 2):
        pair = [(block, _broken(block.lines, ORDINARY, room)) for block in parties[start : start + 2]]
        height = 24 + max(len(broken) for _, broken in pair) * ORDINARY * 1.35
        canvas = flow.need(height)
        for column, (block, broken) in enumerate(pair):
            x = LEFT + column * (room + 24)
            canvas.text(block.title, x, flow.y - 10, SMALL, colour=SOFT)
            for index, line in enumerate(broken):
                y = flow.y - 23 - index * ORDINARY * 1.35
                canvas.text(line, x, y, ORDINARY, weight=REGULAR if index else BOLD)
        flow.y -= height


def _lines(flow: Flow, shown: Sheet) -> None:
    if not shown.rows:
        return
    flow.y -= 14
    _titles(flow, shown.columns)
    for row in shown.rows:
        _line(flow, row, shown.columns)


def _titles(flow: Flow, columns: Sequence[str]) -> None:
    canvas = flow.need(60)
    canvas.box(LEFT, flow.y - 14, ROOM, 18, TINT)
    y = flow.y - 8
    canvas.text(short(columns[0], SMALL, FIRST), LEFT + 3, y, SMALL, colour=SOFT)
    canvas.text(columns[1], LEFT + FIRST, y, SMALL, colour=SOFT)
    for right, title, room in zip(_edges(), columns[2:], NUMBERS, strict=True):
        canvas.text_right(short(title, SMALL, room - 4), right, y, SMALL, colour=SOFT)
    flow.y -= 18


def _line(flow: Flow, row: Row, columns: Sequence[str]) -> None:
    ink = SOFT if row.is_part else INK
    name = lines(row.name, ORDINARY, ITEM) if row.name else []
    details = _broken(row.details, SMALL, ITEM)
    numbers = [lines(each, ORDINARY, room - 4) for each, room in zip(_numbers(row), NUMBERS, strict=True)]
    ids = lines(row.id, SMALL, FIRST - 6)
    pages = len(flow.pages)
    canvas = flow.need(16)
    if len(flow.pages) > pages:
        _titles(flow, columns)
        canvas = flow.pages[-1]
    top, y = canvas, flow.y - ORDINARY * 1.35
    for text in name or [""]:
        canvas = flow.need(ORDINARY * 1.35)
        flow.y -= ORDINARY * 1.35
        canvas.text(text, LEFT + FIRST, flow.y, ORDINARY, colour=ink)
    for text in details:
        canvas = flow.need(SMALL * 1.35)
        flow.y -= SMALL * 1.35
        canvas.text(text, LEFT + FIRST, flow.y, SMALL, colour=SOFT)
    for right, broken in zip(_edges(), numbers, strict=True):
        for index, text in enumerate(broken):
            top.text_right(text, right, y - index * ORDINARY * 1.35, ORDINARY, colour=ink)
    for index, text in enumerate(ids):
        top.text(text, LEFT + 3, y - index * SMALL * 1.35, SMALL, colour=SOFT)
    if flow.pages[-1] is top:
        flow.y = min(flow.y, y - (max(len(ids), *map(len, numbers)) - 1) * ORDINARY * 1.35)
    flow.y -= 5
    flow.pages[-1].rule(LEFT, flow.y, RIGHT)
    flow.y -= 2


def _numbers(row: Row) -> tuple[str, str, str, str]:
    return row.quantity, row.price, row.tax, row.amount


def _edges() -> list[float]:
    return [RIGHT - 3 - sum(NUMBERS[index + 1 :]) for index in range(len(NUMBERS))]


def _sums(flow: Flow, shown: Sheet) -> None:
    for label, amount in shown.adjustments:
        _pair(flow, label, amount)
    if shown.taxes:
        flow.y -= 8
        for row in (shown.tax_columns, *shown.taxes):
            size, ink = (SMALL, SOFT) if row is shown.tax_columns else (ORDINARY, INK)
            canvas = flow.need(14)
            flow.y -= 14
            canvas.text(short(row[0], size, ROOM - SUMS), LEFT, flow.y, size, colour=ink)
            canvas.text_right(row[1], RIGHT - SUMS / 2, flow.y, size, colour=ink)
            canvas.text_right(row[2], RIGHT - 3, flow.y, size, colour=ink)
    flow.y -= 8
    for each in shown.sums:
        _pair(flow, each.label, each.amount, bold=each.is_result)


def _pair(flow: Flow, label: str, amount: str, *, bold: bool = False) -> None:
    weight, size = (BOLD, 11.0) if bold else (REGULAR, ORDINARY)
    canvas = flow.need(20)
    flow.y -= 18 if bold else 14
    room = ROOM - width(amount, size, weight) - 20
    if bold:
        canvas.rule(RIGHT - SUMS, flow.y + 13, RIGHT)
        room = min(room, SUMS - width(amount, size, weight) - GAP)
    _, broken = fitted(label, (size, SMALL), max(room, 60), 1, weight)
    fits = width(broken[0], size, weight) <= SUMS - width(amount, size, weight) - GAP
    canvas.text(broken[0], RIGHT - SUMS if fits else LEFT, flow.y, size, weight=weight)
    canvas.text_right(amount, RIGHT - 3, flow.y, size, weight=weight)


def _note(flow: Flow, block: Block) -> None:
    flow.need(36)
    flow.y -= 12
    flow.paragraph(block.title, SMALL, LEFT, ROOM, colour=SOFT)
    for line in block.lines:
        flow.paragraph(line, ORDINARY, LEFT, ROOM)


def _broken(texts: Sequence[str], size: float, room: float) -> list[str]:
    return [line for text in texts for line in lines(text, size, room)]
