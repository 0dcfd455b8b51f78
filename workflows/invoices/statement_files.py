"""A statement of account as a file: PDF to send, XLSX to reckon with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO

from documents.amounts import money
from documents.rendering import Reader, day_plain, sentence
from documents.spreadsheet import Amount, Cell, Column, Sheet, write_xlsx
from signing.appearance import INK, RED, SOFT, TINT
from signing.fonts import BOLD, REGULAR
from signing.pages import pdf_of
from signing.paper import LEFT, ORDINARY, RIGHT, ROOM, SMALL, Flow, short
from workflows.invoices.aging import AGES, Balance, Period, Side
from workflows.invoices.statements import CREDIT_NOTE, Account, Item

PARTY = {Side.SUPPLIERS: "Supplier", Side.CUSTOMERS: "Customer"}

NUMBER, DAY, MONEY = 130.0, 72.0, 90.0
"""Room for a column of the PDF."""


@dataclass(frozen=True)
class Statement:
    """All that a file says. ``items``: they are asked for once. ``left_out``: how many more there are."""

    side: Side
    organisation: str
    account: Account
    period: Period
    items: Iterable[Item]
    left_out: int = 0


def standing(item: Item, reader: Reader) -> str:
    """Paid, or open; since when it has been due, and whether its supplier has been asked."""
    if item.is_paid:
        words = "Paid"
    elif item.is_disputed:
        words = "Its supplier has been asked"
    elif item.days_overdue:
        return sentence("Days overdue: %(num)s", reader.locale, num=item.days_overdue)
    else:
        words = "Outstanding"
    return sentence(words, reader.locale)


def kind_of(item: Item, reader: Reader) -> str:
    """In the reader's language."""
    return sentence("Credit note" if item.invoice.kind == CREDIT_NOTE else "Invoice", reader.locale)


def write_workbook(statement: Statement, target: IO[bytes], reader: Reader) -> None:
    """One sheet of balances, one of invoices."""
    locale = reader.locale

    def column(title: str, width: float = 14) -> Column:
        return Column(sentence(title, locale), width)

    balances = Sheet(
        sentence("Balances", locale),
        _balance_columns(locale),
        (_balance_row(each, statement.period) for each in statement.account.balances),
    )
    invoices = Sheet(
        sentence("Invoices", locale),
        [
            column("Supplier’s number", 22),
            column("Our number"),
            column("Kind"),
            column("Issued on"),
            column("Due on"),
            column("Where it stands", 26),
            column("Days overdue"),
            column("Currency"),
            column("Amount"),
            column("Outstanding"),
            column("Paid"),
            column("Paid on"),
        ],
        (_item_row(each, reader) for each in statement.items),
    )
    title = f"{sentence('Statement of account', locale)}: {statement.account.name}"
    write_xlsx([balances, invoices], target, timezone=reader.timezone, title=title)


def write_accounts(accounts: Iterable[Account], side: Side, period: Period, target: IO[bytes], reader: Reader) -> None:
    """All accounts in one sheet, a row for each of their currencies. ``accounts``: they are asked for once."""
    title = sentence("Statements of account", reader.locale)
    columns = [Column(sentence(PARTY[side], reader.locale), 34), *_balance_columns(reader.locale)]
    rows = ((each.name, *_balance_row(balance, period)) for each in accounts for balance in each.balances)
    write_xlsx([Sheet(title, columns, rows)], target, timezone=reader.timezone, title=title)


def _balance_columns(locale: str) -> list[Column]:
    titles = ("Currency", "Outstanding", *AGES.values(), "Overdue", "Asked about", "Paid", "Paid since", "As of")
    return [Column(sentence(each, locale)) for each in titles]


def _balance_row(balance: Balance, period: Period) -> Sequence[Cell]:
    def amount(value: Decimal) -> Amount:
        return Amount(value, balance.currency)

    return (
        balance.currency,
        amount(balance.open),
        *(amount(balance.ages[age]) for age in AGES),
        amount(balance.overdue),
        amount(balance.disputed),
        amount(balance.paid),
        period.since,
        period.as_of,
    )


def _item_row(item: Item, reader: Reader) -> Sequence[Cell]:
    invoice = item.invoice
    return (
        invoice.supplier_number,
        invoice.number,
        kind_of(item, reader),
        invoice.issued_on,
        invoice.due_on,
        standing(item, reader),
        item.days_overdue or None,
        invoice.currency,
        Amount(item.payable, invoice.currency),
        Amount(item.open, invoice.currency),
        Amount(item.paid, invoice.currency) if item.paid else None,
        invoice.paid_on if item.is_paid else None,
    )


def draw(statement: Statement, reader: Reader) -> bytes:
    """Upright A4. The same statement always gives the same bytes."""
    locale = reader.locale
    title = sentence("Statement of account", locale)
    flow = Flow()
    flow.headline(title, statement.account.name)
    since, as_of = (day_plain(each, reader) for each in (statement.period.since, statement.period.as_of))
    flow.facts(
        [
            (sentence(PARTY[statement.side], locale), statement.account.name),
            (sentence("Organisation", locale), statement.organisation),
            (sentence("As of", locale), as_of),
            (sentence("Paid since", locale), since),
        ]
    )
    _balances(flow, statement.account.balances, locale)
    _items(flow, statement.items, reader)
    if statement.left_out:
        flow.y -= 8
        words = sentence("%(num)s more stand in the spreadsheet.", locale, num=statement.left_out)
        flow.paragraph(words, ORDINARY, LEFT, ROOM)
    flow.feet(f"{title} · {statement.account.name} · {as_of}", locale)
    return pdf_of(flow.pages, flow.fonts, title=f"{title} {statement.account.name}", language=locale)


def _balances(flow: Flow, balances: Sequence[Balance], locale: str) -> None:
    for balance in balances:
        rows = [(sentence(words, locale), balance.ages[age]) for age, words in AGES.items()]
        flow.need(40 + 14 * (len(rows) + 3))
        flow.y -= 22
        flow.pages[-1].text(balance.currency, LEFT, flow.y, 11, weight=BOLD)
        rows = [
            *rows,
            (sentence("Outstanding", locale), balance.open),
            (sentence("of which asked about", locale), balance.disputed),
            (sentence("Paid", locale), balance.paid),
        ]
        for index, (label, amount) in enumerate(rows):
            bold = BOLD if index == len(AGES) else REGULAR
            flow.y -= 14
            flow.pages[-1].text(label, LEFT, flow.y, ORDINARY, weight=bold)
            shown = money(amount, balance.currency)
            flow.pages[-1].text_right(shown, LEFT + 240, flow.y, ORDINARY, weight=bold)


def _items(flow: Flow, items: Iterable[Item], reader: Reader) -> None:
    pages = 0
    for item in items:
        flow.need(34 if not pages else 16)
        if len(flow.pages) != pages:
            flow.need(48)
            _titles(flow, reader.locale)
            pages = len(flow.pages)
        flow.y -= 15
        canvas, invoice = flow.pages[-1], item.invoice
        ink = SOFT if item.is_paid else INK
        for x, room, text in zip(_lefts(), (NUMBER, DAY, DAY, ROOM), _texts(item, reader), strict=True):
            room = min(room, RIGHT - 2 * MONEY - x)
            colour = RED if item.days_overdue and x == _lefts()[-1] else ink
            canvas.text(short(text, ORDINARY, room - 6), x, flow.y, ORDINARY, colour=colour)
        currency = invoice.currency or ""
        canvas.text_right(money(item.payable, currency), RIGHT - MONEY, flow.y, ORDINARY, colour=ink)
        canvas.text_right(money(item.open, currency), RIGHT - 3, flow.y, ORDINARY, colour=ink)
        canvas.rule(LEFT, flow.y - 4, RIGHT)


def _texts(item: Item, reader: Reader) -> Iterator[str]:
    invoice = item.invoice
    yield invoice.supplier_number or invoice.number
    yield day_plain(invoice.issued_on, reader) if invoice.issued_on else ""
    yield day_plain(invoice.due_on, reader) if invoice.due_on else ""
    yield standing(item, reader)


def _lefts() -> tuple[float, float, float, float]:
    return LEFT + 3, LEFT + NUMBER, LEFT + NUMBER + DAY, LEFT + NUMBER + 2 * DAY


def _titles(flow: Flow, locale: str) -> None:
    flow.y -= 26
    canvas = flow.pages[-1]
    canvas.box(LEFT, flow.y - 6, ROOM, 18, TINT)
    for x, title in zip(_lefts(), ("Number", "Issued on", "Due on", "Where it stands"), strict=True):
        canvas.text(sentence(title, locale), x, flow.y, SMALL, colour=SOFT)
    for right, title in ((RIGHT - MONEY, "Amount"), (RIGHT - 3, "Outstanding")):
        canvas.text_right(sentence(title, locale), right, flow.y, SMALL, colour=SOFT)
