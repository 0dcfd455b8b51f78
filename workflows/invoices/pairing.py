"""Which line of an invoice belongs to which line of an order, to which contract, to which machines. Pure.

An order speaks for a line by its number, which the line or the head names; within the order by the number of the line,
then the item's numbers (the buyer's, the seller's, the standard one), then its name. What people made or undid by hand
counts before all that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from uuid import UUID

from workflows.invoices.billed import Billed, BilledLine
from workflows.invoices.known import (
    WHOLE,
    Difference,
    Known,
    KnownContract,
    KnownLine,
    KnownMachine,
    KnownOrder,
    Pairing,
    Target,
)
from workflows.search.terms import whole_number


def pair(
    said: Billed, known: Known, made: Sequence[tuple[int, Target]], undone: Collection[tuple[int, Target]]
) -> tuple[list[Pairing], list[Difference]]:
    """What belongs together, and lines for which nothing was found where it should have been."""
    pairings: list[Pairing] = []
    lost: list[Difference] = []
    taken: set[tuple[UUID, str]] = set()
    lines = said.lines or (_as_one_line(said),)
    by_hand = {position for position, target in made if target[0] == "order"}
    named = {key for line in lines if (key := whole_number(line.order))}
    contract = known.contracts.get(whole_number(said.contract)) if said.contract else None
    by_contract = contract is not None and (WHOLE, ("contract", contract.id, "")) not in undone
    agreed = by_contract or any(target[0] == "contract" for _, target in made)
    for position, target in made:
        line = next((each for each in lines if each.position == position), None)
        pairings.append(_pairing(line or _as_one_line(said), position, target, known, "hand"))
        if target[0] == "order":
            taken.add((target[1], target[2]))
    for line in lines:
        if line.position in by_hand or (not line.net and not line.quantity):
            continue
        order = known.orders.get(whole_number(line.order)) if line.order else None
        if order is None:
            if line.order:
                lost.append(_lost("order", line, "The order %(order)s that it names is not known.", order=line.order))
            elif named and not agreed and line.net:
                lost.append(_lost("no_order", line, "It names no order, as the others do."))
            continue
        if line.position == WHOLE:
            if (WHOLE, ("order", order.id, "")) not in undone:
                pairings.append(_pairing(line, WHOLE, ("order", order.id, ""), known, "order"))
            continue
        refused = {target[2] for position, target in undone if position == line.position and target[1] == order.id}
        found = _line_of(order, line, taken, refused)
        if found is None:
            lost.append(
                _lost("line", line, "“%(name)s” is not in the order %(order)s.", name=_shown(line), order=order.number)
            )
            continue
        its_line, how = found
        taken.add((order.id, its_line.line))
        pairings.append(_pairing(line, line.position, ("order", order.id, its_line.line), known, how))
    if contract is not None and by_contract and not any(each.target[0] == "contract" for each in pairings):
        pairings.append(_pairing(_as_one_line(said), WHOLE, ("contract", contract.id, ""), known, "contract"))
    pairings += _machine_pairings(said, known, {(each.position, each.target) for each in pairings} | set(undone))
    return pairings, lost


def _as_one_line(said: Billed) -> BilledLine:
    """An invoice of which only the sum is known, as a line."""
    return BilledLine(WHOLE, order=said.order, net=said.net, serials=said.serials)


def _pairing(line: BilledLine, position: int, target: Target, known: Known, how: str) -> Pairing:
    return Pairing(position, target, label_of(target, known), how, line.quantity, line.net)


def label_of(target: Target, known: Known) -> str:
    """What it is called ("PO-7 / 10"); its line, or nothing, where it is not known any more."""
    kind, which, line = target
    several: list[KnownOrder | KnownContract | KnownMachine] = [
        *(known.orders.values() if kind == "order" else ()),
        *(known.contracts.values() if kind == "contract" else ()),
        *(known.machines.values() if kind == "machine" else ()),
    ]
    found = next((each for each in several if each.id == which), None)
    if found is None:
        return line
    name = found.serial if isinstance(found, KnownMachine) else found.number
    return f"{name} / {line}" if line else name


def _line_of(
    order: KnownOrder, line: BilledLine, taken: Collection[tuple[UUID, str]], refused: Collection[str]
) -> tuple[KnownLine, str] | None:
    """The line of an order that a billed line is about, and by what it was found.

    Where several would do: one that no other line of the invoice has, at the billed price, with the most left.
    """
    candidates = [each for each in order.lines if each.line not in refused]
    asked: tuple[tuple[str, str, str], ...] = (
        ("order_line", line.order_line, "line"),
        ("buyers_id", line.buyers_id, "buyers_id"),
        ("sellers_id", line.sellers_id, "sellers_id"),
        ("standard_id", line.standard_id, "standard_id"),
        ("name", line.name, "name"),
        ("name", line.description, "name"),
    )
    for how, value, column in asked:
        wanted = _same_form(value, how)
        if not wanted:
            continue
        fitting = [each for each in candidates if _same_form(getattr(each, column), how) == wanted]
        if fitting:
            return min(fitting, key=lambda each: _preference(order, each, line, taken)), how
    return None


def _same_form(value: str, how: str) -> str:
    """Two spellings of one number: "0010" and "10" of a line, "AX-1" and "ax 1" of an item."""
    key = whole_number(value)
    return key.lstrip("0") or key if how == "order_line" else key


def _preference(
    order: KnownOrder, each: KnownLine, line: BilledLine, taken: Collection[tuple[UUID, str]]
) -> tuple[bool, bool, Decimal, int]:
    price = line.net / line.quantity if line.net is not None and line.quantity else None
    left = (each.quantity or Decimal(0)) - each.billed
    return (order.id, each.line) in taken, each.price != price, -left, order.lines.index(each)


def _machine_pairings(said: Billed, known: Known, there: Collection[tuple[int, Target]]) -> Iterator[Pairing]:
    whole = _as_one_line(said)
    lines = said.lines if not whole.serials else (whole, *said.lines)
    for line in lines or (whole,):
        for key in line.serials:
            machine = known.machines.get(key)
            if machine is None:
                continue
            target: Target = ("machine", machine.id, "")
            if (line.position, target) not in there:
                yield Pairing(line.position, target, machine.serial, "serial", line.quantity, line.net)


def _shown(line: BilledLine) -> str:
    return (line.name or line.description or line.sellers_id or line.line_id or str(line.position))[:80]


def _lost(code: str, line: BilledLine, sentence: str, **values: object) -> Difference:
    return Difference(code, line.position, "error", sentence, values)
