"""What is not as it was ordered or agreed, in sentences with numbers. Pure.

Amounts are compared line by line: what is billed with what the quantity costs at the ordered price, rounded half up to
the currency's smallest unit, so that no tolerance is narrower than that. Quantities add up with those of other
invoices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision, list_currencies

from workflows.approvals.plan import Tolerance
from workflows.invoices.billed import Billed, BilledLine
from workflows.invoices.known import WHOLE, Difference, Known, KnownContract, KnownLine, KnownOrder, Pairing
from workflows.search.terms import whole_number

ONE_PIECE = frozenset({"", "C62", "EA", "H87", "PCE", "PCS", "PC", "NAR", "NMB", "XPP", "ST", "STK", "개"})
"""Units that all mean one of it (UN/ECE Recommendation 20, and what people write)."""


def of_orders(
    said: Billed, known: Known, pairings: Sequence[Pairing], price: Tolerance, quantity: Tolerance
) -> Iterator[Difference]:
    """Of supplier, currency, price and quantity, order by order. ``quantity``: by how much more may come than was
    ordered."""
    orders = {each.id: each for each in known.orders.values()}
    lines = {each.position: each for each in said.lines}
    held = [each for each in pairings if each.target[0] == "order"]
    for order_id in dict.fromkeys(each.target[1] for each in held):
        order = orders.get(order_id)
        if order is None:
            yield Difference("order", WHOLE, "error", "An order that it was matched with is not known any more.")
            continue
        yield from _of_one_order(said, order)
        for pairing in held:
            if pairing.target[1] != order_id:
                continue
            line = lines.get(pairing.position)
            ordered = next((each for each in order.lines if each.line == pairing.target[2]), None)
            if line is None or not pairing.target[2]:
                yield from _of_the_whole(said, order, pairing, price)
            elif ordered is None:
                yield _error(
                    "line", line, "The order %(order)s has no line %(line)s any more.", order=order.number,
                    line=pairing.target[2],
                )  # fmt: skip
            else:
                yield from _of_one_line(said, line, order, ordered, price)
        yield from _too_much(order, [each for each in held if each.target[1] == order_id], quantity)
    if held and said.extra > 0 and said.lines:
        net = sum((each.net or Decimal(0) for each in said.lines), Decimal(0))
        if not within(price, net, net + said.extra, said.currency):
            yield Difference(
                "charges",
                WHOLE,
                "error",
                "It charges %(extra)s on the whole beyond what was ordered.",
                {"extra": said.extra, "currency": said.currency},
            )


def _of_one_order(said: Billed, order: KnownOrder) -> Iterator[Difference]:
    if not same_party(said.supplier, said.supplier_id, order.supplier, order.supplier_id):
        yield Difference(
            "supplier",
            WHOLE,
            "error",
            "%(supplier)s bills it, and the order %(order)s went to %(other)s.",
            {"supplier": said.supplier, "order": order.number, "other": order.supplier or order.supplier_id},
        )
    if order.currency and said.currency and order.currency != said.currency:
        yield Difference(
            "currency",
            WHOLE,
            "error",
            "It is in %(currency)s, and the order %(order)s in %(other)s.",
            {"currency": said.currency, "order": order.number, "other": order.currency},
        )


def _of_one_line(
    said: Billed, line: BilledLine, order: KnownOrder, ordered: KnownLine, price: Tolerance
) -> Iterator[Difference]:
    where = {"order": order.number, "line": ordered.line}
    if other := _other_item(line, ordered):
        yield _error(
            "item",
            line,
            "It bills the item %(item)s, and line %(line)s of the order %(order)s is for %(other)s.",
            item=other[0],
            other=other[1],
            **where,
        )
    if _unit(line.unit) != _unit(ordered.unit) and line.unit and ordered.unit:
        yield _error(
            "unit",
            line,
            "It is billed by %(unit)s, and line %(line)s of the order %(order)s is by %(other)s.",
            unit=line.unit,
            other=ordered.unit,
            **where,
        )
    elif ordered.price is not None and line.net is not None and line.quantity:
        # what is given back is not dear
        if line.quantity < 0:
            return
        expected = _rounded(line.quantity * ordered.price, said.currency)
        if not within(price, expected, line.net, said.currency):
            yield _error(
                "price",
                line,
                "It bills %(net)s, and %(quantity)s at the ordered %(price)s come to %(expected)s:"
                " %(more)s more (order %(order)s, line %(line)s).",
                net=line.net,
                currency=said.currency,
                quantity=line.quantity,
                price=ordered.price,
                expected=expected,
                more=line.net - expected,
                **where,
            )
    elif ordered.price is not None and line.net is not None and line.net > 0:
        yield _error(
            "no_quantity",
            line,
            "It says no quantity: its price cannot be held against line %(line)s of the order %(order)s.",
            **where,
        )


def _too_much(order: KnownOrder, held: Sequence[Pairing], quantity: Tolerance) -> Iterator[Difference]:
    """Lines of which more is billed than was ordered, with all that earlier invoices billed."""
    for ordered in order.lines:
        mine = [each for each in held if each.target[2] == ordered.line]
        now = sum((each.quantity or Decimal(0) for each in mine), Decimal(0))
        if ordered.quantity is None or now <= 0:
            continue
        whole = ordered.billed + now
        if whole - ordered.quantity > quantity.of(ordered.quantity):
            values = {
                "now": now,
                "before": ordered.billed,
                "whole": whole,
                "ordered": ordered.quantity,
                "order": order.number,
                "line": ordered.line,
            }
            yield Difference(
                "quantity",
                mine[0].position,
                "error",
                "It bills %(now)s, and %(before)s were billed before: %(whole)s of the %(ordered)s ordered (order"
                " %(order)s, line %(line)s)."
                if ordered.billed
                else "It bills %(now)s of the %(ordered)s ordered (order %(order)s, line %(line)s).",
                values,
            )


def _of_the_whole(said: Billed, order: KnownOrder, pairing: Pairing, price: Tolerance) -> Iterator[Difference]:
    """An invoice without lines, or a line that was matched with an order as such: only sums can be compared."""
    ordered = order.net
    if ordered is None:
        yield Difference(
            "no_sum",
            pairing.position,
            "error",
            "The order %(order)s says no sum that it could be held against.",
            {"order": order.number},
        )
    elif pairing.net is None:
        yield Difference("no_net", pairing.position, "error", "It does not say what it comes to without tax.", {})
    elif pairing.net > 0 and not within(
        price, _rounded(ordered, said.currency), order.billed + pairing.net, said.currency
    ):
        yield Difference(
            "sum",
            pairing.position,
            "error",
            "It bills %(net)s, and %(billed)s were billed before, of the %(whole_sum)s that the order"
            " %(order)s comes to.",
            {
                "net": pairing.net,
                "currency": said.currency,
                "billed": order.billed,
                "whole_sum": ordered,
                "order": order.number,
            },
        )


def of_contracts(said: Billed, known: Known, pairings: Sequence[Pairing]) -> Iterator[Difference]:
    """Of counterparty, term and amount. Without a period of its own an invoice is about the day of its issue."""
    held = [each for each in pairings if each.target[0] == "contract"]
    if said.contract and whole_number(said.contract) not in known.contracts and not held:
        yield Difference(
            "contract",
            WHOLE,
            "warning",
            "The contract %(contract)s that it names is not known.",
            {"contract": said.contract},
        )
    for contract in known.contracts.values():
        mine = [each for each in held if each.target[1] == contract.id]
        if mine:
            yield from _of_one_contract(said, contract, mine)


def _of_one_contract(said: Billed, contract: KnownContract, mine: Sequence[Pairing]) -> Iterator[Difference]:
    at, named = mine[0].position, {"contract": contract.number}
    if not contract.in_force:
        yield Difference("contract_state", at, "error", "The contract %(contract)s is not in force.", named)
    if not same_party(said.supplier, "", contract.counterparty, ""):
        yield Difference(
            "counterparty",
            at,
            "error",
            "%(supplier)s bills it, and the contract %(contract)s is with somebody else.",
            {**named, "supplier": said.supplier},
        )
    first, last = said.starts_on or said.issued_on, said.ends_on or said.starts_on or said.issued_on
    if contract.starts_on and first and first < contract.starts_on:
        values = {**named, "day": first, "starts_on": contract.starts_on}
        yield Difference(
            "before_term",
            at,
            "error",
            "It bills from %(day)s on, and the contract %(contract)s begins on %(starts_on)s.",
            values,
        )
    # of what has been delivered, invoices still come after the end
    if contract.ends_on and last and last > contract.ends_on:
        values = {**named, "day": last, "ends_on": contract.ends_on}
        yield Difference(
            "after_term",
            at,
            "error",
            "It bills until %(day)s, and the contract %(contract)s ended on %(ends_on)s.",
            values,
        )
    if contract.amount is None:
        return
    now = sum((each.net or Decimal(0) for each in mine), Decimal(0))
    if contract.currency and said.currency and contract.currency != said.currency:
        values = {**named, "currency": said.currency, "other": contract.currency}
        yield Difference(
            "contract_currency",
            at,
            "error",
            "It is in %(currency)s, and the contract %(contract)s in %(other)s.",
            values,
        )
    elif now > 0 and contract.billed + now > contract.amount:
        # of the contract itself not more than that: not everybody who reads this may read it
        values = {**named, "currency": said.currency, "more": min(now, contract.billed + now - contract.amount)}
        yield Difference(
            "contract_amount",
            at,
            "error",
            "With it, %(more)s more is billed than the contract %(contract)s is about.",
            values,
        )


def of_machines(said: Billed, known: Known, pairings: Sequence[Pairing]) -> Iterator[Difference]:
    """Of the days between which a machine was there, and of whose contract it belongs to."""
    machines = {each.id: each for each in known.machines.values()}
    lines = {each.position: each for each in said.lines}
    for pairing in pairings:
        machine = machines.get(pairing.target[1]) if pairing.target[0] == "machine" else None
        # what is given back for a machine that is gone is as it should be
        if machine is None or (pairing.net is not None and pairing.net <= 0):
            continue
        line = lines.get(pairing.position)
        first, last = _days(said, line)
        named = {"serial": machine.serial}
        if machine.removed_on and last and last >= machine.removed_on:
            yield Difference(
                "removed",
                pairing.position,
                "error",
                "Billed for the machine %(serial)s, which was removed on %(removed_on)s."
                if first is None or first >= machine.removed_on
                else "Billed until %(day)s for the machine %(serial)s, which was removed on %(removed_on)s.",
                {**named, "removed_on": machine.removed_on, "day": last},
            )
        if machine.installed_on and first and first < machine.installed_on:
            spans = (line is not None and line.starts_on is not None) or said.starts_on is not None
            yield Difference(
                "installed",
                pairing.position,
                "error" if spans else "warning",
                "Billed from %(day)s on for the machine %(serial)s, which was installed on %(installed_on)s.",
                {**named, "installed_on": machine.installed_on, "day": first},
            )
        agreed, billed_by = whole_number(machine.contract_number), whole_number(said.contract)
        if agreed and billed_by and agreed != billed_by:
            yield Difference(
                "machine_contract",
                pairing.position,
                "warning",
                "The machine %(serial)s belongs to the contract %(contract)s, and the invoice names %(other)s.",
                {**named, "contract": machine.contract_number, "other": said.contract},
            )


def _days(said: Billed, line: BilledLine | None) -> tuple[date | None, date | None]:
    """From when until when is billed: the line's days, else the invoice's, else the day on which it was issued."""
    if line is not None and (line.starts_on or line.ends_on):
        return line.starts_on or line.ends_on, line.ends_on or line.starts_on
    if said.starts_on or said.ends_on:
        return said.starts_on or said.ends_on, said.ends_on or said.starts_on
    return said.issued_on, said.issued_on


def within(tolerance: Tolerance, expected: Decimal, amount: Decimal, currency: str) -> bool:
    """Whether an amount is not dearer than ``expected`` by more than the tolerance, to the currency's smallest unit."""
    return amount - expected <= tolerance.of(expected, lambda share: _rounded(share, currency))


def same_party(name: str, its_id: str, other: str, other_id: str) -> bool:
    """Whether two are the same: by their ids where both have one, else by their names. Who is not named is anybody."""
    if whole_number(its_id) and whole_number(other_id):
        return whole_number(its_id) == whole_number(other_id)
    one, two = whole_number(name), whole_number(other)
    return not one or not two or one == two


def _rounded(amount: Decimal, currency: str) -> Decimal:
    decimals = get_currency_precision(currency) if currency in list_currencies() else 2
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _other_item(line: BilledLine, ordered: KnownLine) -> tuple[str, str] | None:
    """The numbers of two items, where both say some of one kind, and agree in none."""
    both = [
        (mine, theirs)
        for mine, theirs in (
            (line.sellers_id, ordered.sellers_id),
            (line.buyers_id, ordered.buyers_id),
            (line.standard_id, ordered.standard_id),
        )
        if whole_number(mine) and whole_number(theirs)
    ]
    return None if not both or any(whole_number(a) == whole_number(b) for a, b in both) else both[0]


def _unit(unit: str) -> str:
    unit = unit.strip().upper()
    return "" if unit in ONE_PIECE else unit


def _error(code: str, billed: BilledLine, sentence: str, **values: object) -> Difference:
    return Difference(code, billed.position, "error", sentence, values)
