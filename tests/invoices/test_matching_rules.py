"""What an invoice bills beside what was ordered and agreed, in numbers; without a database."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.einvoices import data
from documents.rendering import Reader
from workflows.approvals.plan import Tolerance
from workflows.columns import as_json
from workflows.invoices.billed import Billed, BilledLine, billed
from workflows.invoices.known import WHOLE, Held, Known, KnownContract, KnownLine, KnownMachine, KnownOrder, Target
from workflows.invoices.matching_rules import hold
from workflows.invoices.queries import difference_words

ORDER, CONTRACT, MACHINE = UUID(int=1), UUID(int=2), UUID(int=3)
TONER = KnownLine("10", sellers_id="AX-1", name="Toner, black", quantity=D(12), unit="C62", price=D("84.50"))
PAPER = KnownLine("20", buyers_id="4711", name="종이 A4", quantity=D(100), unit="BX", price=D("3.333"))
PO = KnownOrder(ORDER, "PO-7", "Nordwerk GmbH", "DE123", "EUR", (TONER, PAPER))
BILLED_TONER = BilledLine(1, order="PO-7", sellers_id="AX-1", quantity=D(12), unit="C62", net=D("1014.00"))
EXACT = Tolerance()


def invoice(*lines: BilledLine, **said: Any) -> Billed:
    head = {"supplier": "Nordwerk GmbH", "supplier_id": "DE 123", "currency": "EUR", "issued_on": date(2026, 4, 1)}
    return Billed(**{**head, **said}, lines=lines)


def known(
    order: KnownOrder | None = PO, contract: KnownContract | None = None, machine: KnownMachine | None = None
) -> Known:
    return Known(
        orders={"po7": order} if order else {},
        contracts={"c20260001": contract} if contract else {},
        machines={"004711000123456789": machine} if machine else {},
    )


def held(said: Billed, what: Known, price: Tolerance = EXACT, quantity: Tolerance = EXACT, **more: Any) -> Held:
    return hold(said, what, price=price, quantity=quantity, **more)


def told(found: Held) -> list[str]:
    return [difference_words(as_json(asdict(each)), Reader("en")) for each in found.differences]


def test_what_is_billed_as_ordered_matches() -> None:
    found = held(invoice(BILLED_TONER), known())
    assert (found.outcome, told(found)) == ("matched", [])
    assert [(each.position, each.label, each.how) for each in found.pairings] == [(1, "PO-7 / 10", "sellers_id")]


@pytest.mark.parametrize(
    ("line", "how", "found"),
    [
        ({"order_line": "0010"}, "order_line", "10"),
        ({"buyers_id": "47-11"}, "buyers_id", "20"),
        ({"sellers_id": "ax 1"}, "sellers_id", "10"),
        ({"name": "TONER (black)"}, "name", "10"),
        ({"name": "Box", "description": "종이 Ａ4"}, "name", "20"),
    ],
)
def test_a_line_is_found_by_its_number_then_the_items_then_its_name(line: dict[str, Any], how: str, found: str) -> None:
    [pairing] = held(invoice(BilledLine(1, order="po 7", quantity=D(1), net=D(1), **line)), known()).pairings
    assert (pairing.how, pairing.target) == (how, ("order", ORDER, found))


def test_several_lines_of_one_item_go_to_several_lines_of_the_order() -> None:
    twice = replace(PO, lines=(TONER, replace(TONER, line="11", price=D(80))))
    dear, cheap = BILLED_TONER, replace(BILLED_TONER, position=2, net=D(960))
    for lines in ((dear, cheap), (replace(cheap, position=1), replace(dear, position=2))):
        found = held(invoice(*lines), known(twice))
        assert found.outcome == "matched", told(found)


def test_what_was_billed_before_counts() -> None:
    before = replace(PO, lines=(replace(TONER, billed=D(5)), PAPER))
    found = held(invoice(replace(BILLED_TONER, quantity=D(8), net=D(676))), known(before))
    assert found.outcome == "failed"
    assert told(found) == ["It bills 8, and 5 were billed before: 13 of the 12 ordered (order PO-7, line 10)."]
    assert held(invoice(replace(BILLED_TONER, quantity=D(7), net=D("591.50"))), known(before)).outcome == "matched"


def test_two_lines_of_one_invoice_count_together() -> None:
    half = replace(BILLED_TONER, quantity=D(7), net=D("591.50"))
    found = held(invoice(half, replace(half, position=2)), known())
    assert told(found) == ["It bills 14 of the 12 ordered (order PO-7, line 10)."]


@pytest.mark.parametrize(
    ("net", "tolerance", "outcome"),
    [
        ("1014.01", EXACT, "failed"),
        ("1013.00", EXACT, "matched"),
        ("1034.28", Tolerance(D(2)), "matched"),
        ("1034.29", Tolerance(D(2)), "failed"),
        ("1034.28", Tolerance(D(2), D(10)), "failed"),
        ("1024.00", Tolerance(D(2), D(10)), "matched"),
        ("1064.00", Tolerance(None, D(50)), "matched"),
        ("1064.01", Tolerance(None, D(50)), "failed"),
    ],
)
def test_prices_are_held_within_the_tolerance(net: str, tolerance: Tolerance, outcome: str) -> None:
    found = held(invoice(replace(BILLED_TONER, net=D(net))), known(), price=tolerance)
    assert found.outcome == outcome, told(found)


def test_a_price_says_both_sides_and_the_difference() -> None:
    found = held(invoice(replace(BILLED_TONER, quantity=D(10), net=D(900))), known())
    assert told(found) == [
        "It bills EUR 900.00, and 10 at the ordered EUR 84.50 come to EUR 845.00: EUR 55.00 more (order PO-7, line 10)."
    ]


@pytest.mark.parametrize(("currency", "net"), [("EUR", "10.00"), ("KRW", "10"), ("KWD", "9.999")])
def test_rounding_to_the_smallest_unit_of_the_currency_is_no_difference(currency: str, net: str) -> None:
    line = BilledLine(1, order="PO-7", buyers_id="4711", quantity=D(3), unit="BX", net=D(net))
    assert held(invoice(line, currency=currency), known(replace(PO, currency=currency))).outcome == "matched"


def test_a_tolerance_of_the_quantity_is_one_of_the_whole() -> None:
    more = replace(BILLED_TONER, quantity=D(13), net=D("1098.50"))
    assert held(invoice(more), known()).outcome == "failed"
    assert held(invoice(more), known(), quantity=Tolerance(D(10))).outcome == "matched"
    assert held(invoice(more), known(), quantity=Tolerance(D(8))).outcome == "failed"


@pytest.mark.parametrize(
    ("line", "said", "sentence"),
    [
        ({"order": "PO-9"}, {}, "The order PO-9 that it names is not known."),
        ({"sellers_id": "ZZ", "name": "Ink"}, {}, "“Ink” is not in the order PO-7."),
        ({"unit": "KGM"}, {}, "It is billed by KGM, and line 10 of the order PO-7 is by C62."),
        (
            {"order_line": "10", "sellers_id": "ZZ"},
            {},
            "It bills the item ZZ, and line 10 of the order PO-7 is for AX-1.",
        ),
        (
            {"quantity": None},
            {},
            "It says no quantity: its price cannot be held against line 10 of the order PO-7.",
        ),
        ({}, {"currency": "USD"}, "It is in USD, and the order PO-7 in EUR."),
        (
            {},
            {"supplier_id": "DE 999", "supplier": "Südwerk"},
            "Südwerk bills it, and the order PO-7 went to Nordwerk GmbH.",
        ),
        ({}, {"extra": D(25)}, "It charges EUR 25.00 on the whole beyond what was ordered."),
    ],
)
def test_each_difference_is_a_sentence(line: dict[str, Any], said: dict[str, Any], sentence: str) -> None:
    found = held(invoice(replace(BILLED_TONER, **line), **said), known())
    assert (found.outcome, told(found)) == ("failed", [sentence])


def test_a_piece_has_many_names() -> None:
    assert held(invoice(replace(BILLED_TONER, unit="h87")), known()).outcome == "matched"


def test_a_line_without_an_order_among_others_is_told() -> None:
    freight = BilledLine(2, name="Freight", quantity=D(1), net=D(20))
    assert told(held(invoice(BILLED_TONER, freight), known())) == ["It names no order, as the others do."]
    assert held(invoice(BILLED_TONER, replace(freight, net=D(0), quantity=None)), known()).outcome == "matched"


def test_without_an_order_nothing_is_confirmed() -> None:
    found = held(invoice(replace(BILLED_TONER, order="")), known())
    assert (found.outcome, found.pairings, found.differences) == ("without_order", (), ())


def test_an_invoice_without_lines_is_held_against_the_whole_order() -> None:
    small = replace(PO, lines=(TONER,), billed=D(1000))
    found = held(invoice(order="PO-7", net=D("14.00")), known(small))
    assert (found.outcome, found.pairings[0].target) == ("matched", ("order", ORDER, ""))
    assert told(held(invoice(order="PO-7", net=D("14.01")), known(small))) == [
        "It bills EUR 14.01, and EUR 1,000.00 were billed before, of the EUR 1,014.00 that the order PO-7 comes to."
    ]


def test_what_is_given_back_is_never_too_much() -> None:
    back = replace(BILLED_TONER, quantity=D(-20), net=D(-5000))
    assert held(invoice(back, credit=True), known()).outcome == "matched"


def test_a_credit_note_is_turned_round() -> None:
    said = data.Invoice(
        kind="credit note",
        syntax="ubl",
        order="PO-7",
        lines=(data.Line(id="1", quantity=data.Quantity(D(2), "C62"), net_amount=D(169)),),
        totals=data.Totals(without_tax=D(169)),
    )
    turned = billed(said)
    assert (turned.net, turned.lines[0].quantity, turned.lines[0].net, turned.lines[0].order) == (
        D(-169),
        D(-2),
        D(-169),
        "PO-7",
    )


LEASE = KnownContract(
    CONTRACT, "C-2026-0001", "Nordwerk GmbH", D(1200), "EUR", date(2026, 1, 1), date(2026, 12, 31), billed=D(1000)
)


def month(net: str, **said: Any) -> Billed:
    line = BilledLine(1, name="Lease, April", quantity=D(1), net=D(net))
    return invoice(line, **{"contract": "C-2026-0001", "net": D(net), **said})


def test_a_contract_speaks_for_an_invoice_where_it_has_a_price() -> None:
    assert held(month("200"), known(None, LEASE)).outcome == "matched"
    assert held(month("200"), known(None, replace(LEASE, amount=None))).outcome == "without_order"


@pytest.mark.parametrize(
    ("change", "said", "sentence"),
    [
        ({"in_force": False}, {}, "The contract C-2026-0001 is not in force."),
        (
            {"counterparty": "Südwerk"},
            {},
            "Nordwerk GmbH bills it, and the contract C-2026-0001 is with somebody else.",
        ),
        ({"currency": "KRW"}, {}, "It is in EUR, and the contract C-2026-0001 in KRW."),
        (
            {"billed": D(1050)},
            {},
            "With it, EUR 50.00 more is billed than the contract C-2026-0001 is about.",
        ),
        (
            {"ends_on": date(2026, 3, 31)},
            {"starts_on": date(2026, 3, 1), "ends_on": date(2026, 4, 30)},
            "It bills until 30 Apr 2026, and the contract C-2026-0001 ended on 31 Mar 2026.",
        ),
        (
            {"starts_on": date(2026, 4, 2)},
            {},
            "It bills from 1 Apr 2026 on, and the contract C-2026-0001 begins on 2 Apr 2026.",
        ),
    ],
)
def test_a_contract_that_does_not_fit_says_why(change: dict[str, Any], said: dict[str, Any], sentence: str) -> None:
    found = held(month("200", **said), known(None, replace(LEASE, **change)))
    assert (found.outcome, told(found)) == ("failed", [sentence])


def test_what_was_delivered_within_the_term_may_be_billed_after_it() -> None:
    ended = replace(LEASE, ends_on=date(2026, 3, 31))
    march = {"starts_on": date(2026, 3, 1), "ends_on": date(2026, 3, 31), "issued_on": date(2026, 4, 5)}
    assert held(month("200", **march), known(None, ended)).outcome == "matched"


def test_an_unknown_contract_is_a_warning() -> None:
    found = held(month("200"), known(None))
    assert [(each.code, each.severity) for each in found.differences] == [("contract", "warning")]
    assert found.outcome == "without_order"


PRINTER = KnownMachine(MACHINE, "004711000123456789", "NW-Print 300", date(2024, 2, 1), date(2026, 3, 3), "C-2026-0001")
SERIAL = "004711000123456789"


def upkeep(**line: Any) -> Billed:
    said = data.Line(id="1", quantity=data.Quantity(D(1)), net_amount=D(90), **line)
    return billed(
        data.Invoice(
            kind="invoice",
            syntax="ubl",
            currency="EUR",
            issued_on=date(2026, 4, 1),
            contract="C-2026-0001",
            lines=(said,),
        )
    )


@pytest.mark.parametrize(
    "line",
    [
        {"serial_numbers": (SERIAL,)},
        {"attributes": (data.Attribute("Serial", SERIAL),)},
        {"object": data.Identifier(SERIAL)},
        {"sellers_id": SERIAL},
        {"name": f"Upkeep ({SERIAL})"},
        {"description": f"S/N:{SERIAL}, floor 3"},
        {"note": f"복합기 일련번호{SERIAL}의 유지보수"},
        {"note": f"A-17/{SERIAL}"},
        {"note": "004711-000123-456789"},
        {"note": "machine 004711 000123 456789"},
    ],
)
def test_a_machine_that_was_removed_is_found_wherever_its_number_stands(line: dict[str, Any]) -> None:
    found = held(upkeep(**line), known(None, LEASE, PRINTER))
    assert "Billed for the machine 004711000123456789, which was removed on 3 Mar 2026." in told(found)
    assert found.outcome == "failed"


@pytest.mark.parametrize("text", [f"X{SERIAL}", f"{SERIAL}9", f"9{SERIAL[1:]}", SERIAL[1:], f"A-{SERIAL}"])
def test_a_part_of_a_word_is_no_serial_number(text: str) -> None:
    assert held(upkeep(note=text), known(None, LEASE, PRINTER)).pairings[1:] == ()


def test_a_period_that_reaches_beyond_the_removal_says_until_when() -> None:
    march = data.Period(date(2026, 3, 1), date(2026, 3, 31))
    found = held(upkeep(serial_numbers=(SERIAL,), period=march), known(None, LEASE, PRINTER))
    assert "Billed until 31 Mar 2026 for the machine 004711000123456789, which was removed on 3 Mar 2026." in told(
        found
    )
    february = data.Period(date(2026, 2, 1), date(2026, 2, 28))
    found = held(upkeep(serial_numbers=(SERIAL,), period=february), known(None, LEASE, PRINTER))
    assert [each.code for each in found.differences if each.code == "removed"] == []


def test_a_machine_of_another_contract_is_a_warning() -> None:
    other = replace(PRINTER, removed_on=None, contract_number="C-2025-0009")
    found = held(upkeep(serial_numbers=(SERIAL,)), known(None, LEASE, other))
    [difference] = [each for each in found.differences if each.code == "machine_contract"]
    assert difference.severity == "warning"


def test_what_people_matched_or_undid_by_hand_counts_first() -> None:
    line = replace(BILLED_TONER, order="")
    by_hand: tuple[int, Target] = (1, ("order", ORDER, "10"))
    found = held(invoice(line), known(), made=[by_hand])
    assert (found.outcome, found.pairings[0].how) == ("matched", "hand")
    found = held(invoice(BILLED_TONER), known(), undone={by_hand})
    assert told(found) == ["“AX-1” is not in the order PO-7."]


quantities = st.decimals(min_value=D("0.001"), max_value=10**6, places=3)
prices = st.decimals(min_value=0, max_value=10**6, places=4)
percents = st.decimals(min_value=0, max_value=100, places=2)


def one_line(quantity: D, price: D) -> tuple[Billed, KnownOrder]:
    net = (quantity * price).quantize(D("0.01"), rounding="ROUND_HALF_UP")
    order = replace(PO, lines=(KnownLine("1", sellers_id="A", quantity=quantity, price=price),))
    return invoice(BilledLine(1, order="PO-7", sellers_id="A", quantity=quantity, net=net)), order


@given(quantities, prices, percents)
def test_as_ordered_matches_with_any_tolerance(quantity: D, price: D, percent: D) -> None:
    said, order = one_line(quantity, price)
    tolerance = Tolerance(percent)
    assert held(said, known(order), price=tolerance, quantity=tolerance).outcome == "matched"


@given(quantities, prices, percents, percents, st.decimals(min_value=0, max_value=1000, places=2))
def test_a_wider_tolerance_never_fails_what_a_narrower_one_matches(
    quantity: D, price: D, one: D, other: D, more: D
) -> None:
    said, order = one_line(quantity, price)
    said = replace(said, lines=(replace(said.lines[0], net=(said.lines[0].net or D(0)) + more),))
    narrow, wide = sorted((one, other))
    if held(said, known(order), price=Tolerance(narrow)).outcome == "matched":
        assert held(said, known(order), price=Tolerance(wide)).outcome == "matched"


@given(st.lists(quantities, min_size=1, max_size=8), st.data())
def test_an_order_split_over_invoices_fails_exactly_where_too_much_is_billed(
    parts: list[D], drawn: st.DataObject
) -> None:
    ordered = drawn.draw(quantities)
    before = D(0)
    for part in parts:
        order = replace(PO, lines=(KnownLine("1", sellers_id="A", quantity=ordered, billed=before),))
        said = invoice(BilledLine(1, order="PO-7", sellers_id="A", quantity=part, net=D(1)))
        before += part
        assert held(said, known(order)).outcome == ("matched" if before <= ordered else "failed")


@given(st.permutations([1, 2, 3]))
def test_the_order_of_the_lines_changes_nothing(places: list[int]) -> None:
    lines = (
        BILLED_TONER,
        BilledLine(2, order="PO-7", buyers_id="4711", quantity=D(200), unit="BX", net=D("666.60")),
        BilledLine(3, order="PO-7", name="Ink", quantity=D(1), net=D(1)),
    )
    found = held(invoice(*(lines[place - 1] for place in places)), known())
    assert {(each.position, each.target) for each in found.pairings} == {
        (1, ("order", ORDER, "10")),
        (2, ("order", ORDER, "20")),
    }
    assert {(each.code, each.position) for each in found.differences} == {("quantity", 2), ("line", 3)}
    assert all(each.position != WHOLE for each in found.differences)


@pytest.mark.parametrize(
    ("currency", "net", "words"),
    [
        ("EUR", "2450.00", ("EUR 2,450.00", "EUR 1,605.00")),
        ("KRW", "2450000", ("KRW 2,450,000", "KRW 2,449,155")),
        ("KWD", "2450.000", ("KWD 2,450.000", "KWD 1,605.000")),
    ],
)
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_amounts_in_sentences_have_thousands_and_the_decimals_of_their_currency(
    currency: str, net: str, words: tuple[str, str], locale: str
) -> None:
    line = replace(BILLED_TONER, quantity=D(10), net=D(net))
    [difference] = held(invoice(line, currency=currency), known(replace(PO, currency=currency))).differences
    said = difference_words(as_json(asdict(difference)), Reader(locale))
    assert all(each in said for each in words), said
    assert "10 " in said or "10이면" in said, said


def test_quantities_in_sentences_have_thousands_and_no_idle_zeros() -> None:
    line = replace(BILLED_TONER, quantity=D("1200.500"), net=None)
    said = [each for each in told(held(invoice(line), known())) if "ordered" in each]
    assert said == ["It bills 1,200.5 of the 12 ordered (order PO-7, line 10)."]
