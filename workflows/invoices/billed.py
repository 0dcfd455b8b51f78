"""What of an invoice is held against orders, contracts and machines. Pure.

Quantities and amounts of a credit note are turned round: what is given back counts against what was billed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from documents.einvoices import data
from workflows.parties.rules import shown
from workflows.search.terms import whole_number

SHORTEST_IN_TEXT = 5  # letters and digits of a serial number that stands among words
MOST_PER_LINE = 2000

# Letters of alphabets, and digits: Korean particles, say, end a number as a space does.
_ATOM = "[^\\W_\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3]+"
_WORD = re.compile(f"{_ATOM}(?:[-._/]{_ATOM})*")


@dataclass(frozen=True)
class BilledLine:
    """``price``: what one unit comes to. ``serials``: keys of what may be the serial number of a machine."""

    position: int
    line_id: str = ""
    name: str = ""
    description: str = ""
    order: str = ""
    order_line: str = ""
    sellers_id: str = ""
    buyers_id: str = ""
    standard_id: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    net: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    serials: tuple[str, ...] = ()

    @property
    def told_by(self) -> str:
        """By what the same line is known again in another reading."""
        parts = (self.line_id, self.name, self.sellers_id, self.quantity, self.net)
        return "\n".join("" if each is None else str(each) for each in parts)[:400]


@dataclass(frozen=True)
class Billed:
    """``extra``: charges less allowances on the whole. ``serials``: of what the head says it is about."""

    credit: bool = False
    supplier: str = ""
    supplier_id: str = ""
    currency: str = ""
    order: str = ""
    contract: str = ""
    net: Decimal | None = None
    extra: Decimal = Decimal(0)
    starts_on: date | None = None
    ends_on: date | None = None
    issued_on: date | None = None
    serials: tuple[str, ...] = ()
    lines: tuple[BilledLine, ...] = ()

    @property
    def named(self) -> dict[str, set[str]]:
        """Keys of all orders, and of what may be serial numbers of machines, that the invoice names."""
        orders = {whole_number(each) for each in (self.order, *(line.order for line in self.lines))}
        return {
            "order": orders - {""},
            "machine": {*self.serials, *(key for line in self.lines for key in line.serials)},
        }


def billed(said: data.Invoice) -> Billed:
    """Quantities and amounts are negative in a credit note; an amount that is not said counts as nothing in
    ``extra``."""
    sign = -1 if said.kind == "credit note" else 1
    seller, period = said.seller, said.period or data.Period()
    delivered = said.delivery.delivered_on if said.delivery else None
    legal = seller.legal_id.value if seller.legal_id else ""
    extra = sum((each.amount or Decimal(0) for each in said.charges), Decimal(0)) - sum(
        (each.amount or Decimal(0) for each in said.allowances), Decimal(0)
    )
    about = (said.object.value,) if said.object else ()
    return Billed(
        credit=sign < 0,
        supplier=shown(seller.name or seller.trading_name),
        supplier_id=seller.vat_id or seller.tax_number or legal or next((each.value for each in seller.ids), ""),
        currency=said.currency,
        order=said.order,
        contract=said.contract,
        net=None if said.totals.without_tax is None else sign * said.totals.without_tax,
        extra=sign * extra,
        starts_on=period.starts_on or delivered,
        ends_on=period.ends_on or delivered,
        issued_on=said.issued_on,
        serials=keys_of(about, ()),
        lines=tuple(
            _line(position, line, said, sign)
            for position, line in enumerate(said.lines, 1)
            if line.role not in ("group", "information")  # they add nothing to the totals
        ),
    )


def _line(position: int, line: data.Line, said: data.Invoice, sign: int) -> BilledLine:
    period = line.period or data.Period()
    quantity = line.quantity.value if line.quantity else None
    named = [*line.serial_numbers, *(each.value for each in line.attributes)]
    named += [each for each in (line.sellers_id, line.buyers_id) if each]
    named += [each.value for each in (line.object, line.standard_id) if each]
    return BilledLine(
        position=position,
        line_id=line.id,
        name=line.name,
        description=line.description,
        order=line.order or said.order,
        order_line=line.order_line,
        sellers_id=line.sellers_id,
        buyers_id=line.buyers_id,
        standard_id=line.standard_id.value if line.standard_id else "",
        quantity=None if quantity is None else sign * quantity,
        unit=line.quantity.unit if line.quantity else "",
        net=None if line.net_amount is None else sign * line.net_amount,
        starts_on=period.starts_on or line.delivered_on,
        ends_on=period.ends_on or line.delivered_on,
        serials=keys_of(named, (line.name, line.description, line.note)),
    )


def keys_of(named: tuple[str, ...] | list[str], texts: tuple[str, ...]) -> tuple[str, ...]:
    """Keys of all that may be a serial number: what has a place of its own, and words of texts with a digit in them."""
    found: dict[str, None] = {}
    for value in named:
        found[whole_number(value)] = None
    for text in (*named, *texts):
        for key in _in_text(text):
            if len(key) >= SHORTEST_IN_TEXT and any(letter.isdigit() for letter in key):
                found[key] = None
            if len(found) > MOST_PER_LINE:
                break
    found.pop("", None)
    return tuple(found)


def _in_text(text: str) -> Iterator[str]:
    """Each word, the parts of a listing ("A-17/A-18"), and up to three neighbours that only spaces part ("SN 88 12").

    Never a part of a word: 4711 is not in A4711.
    """
    words = list(_WORD.finditer(unicodedata.normalize("NFKC", text)))
    for at, word in enumerate(words):
        yield whole_number(word[0])
        if "/" in word[0]:
            yield from (whole_number(part) for part in word[0].split("/"))
        together = word[0]
        for before, after in zip(words[at : at + 2], words[at + 1 : at + 3], strict=False):
            if word.string[before.end() : after.start()].strip(" "):
                break
            together += after[0]
            yield whole_number(together)
