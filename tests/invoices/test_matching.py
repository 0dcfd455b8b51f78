"""Invoices that are held against orders, contracts and machines as they arrive, and by hand; on either database."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.support.office import QUICK_ROUTE, Office

ROUTE = """\
name: held-against-orders
document: invoice
priority: 50
currency: EUR
match:
  price: {percent: "2", amount: "5.00"}
  on_failure: {insert: exception, before: first}
  without_order: {insert: procurement}
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: exception, approvers: {people: [ada@haneul.example]}}
  - {name: procurement, approvers: {people: [ada@haneul.example]}}
"""
LINE = {"line": "10", "name": "Forklift, one month", "quantity": "3", "unit": "C62", "price": "100.00"}
ORDER = {"supplier": "Aurora Leasing GmbH", "currency": "EUR", "lines": [LINE]}


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    office.route(ROUTE)
    return Program(web, office, "dan")


@pytest.fixture
def mia(web: TestClient, office: Office) -> Program:
    return Program(web, office, "mia")


@pytest.fixture
def ada(web: TestClient, office: Office) -> Program:
    return Program(web, office, "ada")


def keep(ada: Program, address: str, **said: Any) -> None:
    answer = ada.web.put(f"/api/{address}", json=said, headers=ada.headers)
    assert answer.status_code == 200, answer.text


def ubl(number: int = 1, order: str = "PO-7", **words: str) -> bytes:
    """Another ``number`` is another invoice."""
    return sound_ubl(number=f"2026-000{number}", order=order, **words)


def stages(program: Program, made: dict[str, Any]) -> list[str]:
    return [turn["stage"] for turn in program.get(f"/api/invoices/{made['id']}")["turns"]]


def texts(found: dict[str, Any]) -> list[str]:
    return [each["text"] for each in found["differences"]]


def test_as_ordered_it_goes_its_way_without_exception(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl())
    assert stages(dan, made) == ["manager"]
    found = dan.get(f"/api/invoices/{made['id']}/matches")
    assert (found["outcome"], texts(found)) == ("matched", [])
    assert [(each["label"], each["how"], each["by"]) for each in found["matches"]] == [("PO-7 / 10", "name", "")]


def test_dearer_than_ordered_it_goes_to_the_exception_first(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl(net="110.00"))
    assert stages(dan, made) == ["exception"]
    found = dan.get(f"/api/invoices/{made['id']}/matches")
    assert texts(found) == [
        "It bills EUR 110.00, and 1 at the ordered EUR 100.00 come to EUR 100.00: EUR 10.00 more (order PO-7, line 10)."
    ]


def test_without_an_order_procurement_is_asked(dan: Program) -> None:
    made = dan.hand_in(ubl(order=""))
    assert dan.get(f"/api/invoices/{made['id']}/matches")["outcome"] == "without_order"
    assert "procurement" in [*stages(dan, made), *dan.get(f"/api/invoices/{made['id']}")["next"]]


def test_the_tolerance_of_the_route_counts_in_the_currency_of_the_invoice(dan: Program, ada: Program) -> None:
    answer = ada.web.put("/api/rates/2026-05-20", json={"base": "EUR", "units": {"KRW": "1500"}}, headers=ada.headers)
    assert answer.status_code == 200, answer.text
    lines = [{**LINE, "price": "1000000"}]
    keep(ada, "orders/PO-7", **{**ORDER, "currency": "KRW", "lines": lines})
    for number, net, outcome in ((1, "1007500", "matched"), (2, "1007600", "failed")):
        tax = str(int(net) * 19 // 100)
        made = dan.hand_in(ubl(number, currency="KRW", net=net, said_tax=tax))
        assert dan.get(f"/api/invoices/{made['id']}/matches")["outcome"] == outcome


def test_what_earlier_invoices_bill_counts_until_they_are_withdrawn(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    two = {"quantity": "2", "net": "200.00"}
    first = dan.hand_in(ubl(1, **two))
    second = dan.hand_in(ubl(2, **two))
    here = f"/api/invoices/{second['id']}"
    assert texts(dan.get(f"{here}/matches")) == [
        "It bills 2, and 2 were billed before: 4 of the 3 ordered (order PO-7, line 10)."
    ]
    assert dan.post(f"/api/invoices/{first['id']}/matching")["outcome"] == "matched", "it came first"
    dan.post(f"/api/invoices/{first['id']}/withdrawal", {"comment": "Not ours."})
    assert dan.post(f"{here}/matching")["outcome"] == "matched"


def test_a_machine_that_was_removed_is_told_of(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **{**ORDER, "lines": [{**LINE, "name": "Printer 004711000123456789"}]})
    keep(ada, "machines/004711000123456789", model="NW-Print", removed_on="2026-03-03")
    made = dan.hand_in(ubl(name="Printer 004711000123456789"))
    found = dan.get(f"/api/invoices/{made['id']}/matches")
    assert texts(found) == ["Billed for the machine 004711000123456789, which was removed on 3 Mar 2026."]
    assert [each["kind"] for each in found["matches"]] == ["order", "machine"]
    assert stages(dan, made) == ["exception"]


def test_a_match_is_made_by_hand_and_undone_on_record(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl(order=""))
    here = f"/api/invoices/{made['id']}"
    by_hand = {"position": 1, "order": "po 7", "order_line": "10"}
    dan.post(f"{here}/matches", {**by_hand, "reason": " "}, status=422)
    found = dan.post(f"{here}/matches", {**by_hand, "reason": "Ordered by phone."})
    again = dan.post(f"{here}/matches", {**by_hand, "reason": "Ordered by phone."})
    assert found == again
    [match] = found["matches"]
    assert (found["outcome"], match["how"], match["by"], match["reason"]) == (
        "matched",
        "hand",
        "Dan",
        "Ordered by phone.",
    )
    assert dan.get(here)["match"] == "matched"
    answer = dan.web.delete(f"{here}/matches/{match['id']}?reason=Another+one.", headers=dan.headers)
    assert answer.status_code == 200, answer.text
    [match] = answer.json()["matches"]
    assert (answer.json()["outcome"], match["undone"]["by"], match["undone"]["reason"]) == (
        "without_order",
        "Dan",
        "Another one.",
    )
    told = [each for each in dan.get(f"{here}/events")["items"] if each["action"].startswith("match_")]
    assert [(each["action"], each["actor"], each["data"]["to"], each["data"]["comment"]) for each in told] == [
        ("match_made", "Dan", "PO-7 / 10", "Ordered by phone."),
        ("match_undone", "Dan", "PO-7 / 10", "Another one."),
    ]


def test_what_somebody_undid_no_rule_makes_again(dan: Program, ada: Program) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl())
    here = f"/api/invoices/{made['id']}"
    [match] = dan.get(f"{here}/matches")["matches"]
    ada.web.delete(f"{here}/matches/{match['id']}?reason=No.", headers=dan.headers)
    found = dan.post(f"{here}/matching")
    assert texts(found) == ["“Forklift, one month” is not in the order PO-7."]
    assert [bool(each["undone"]) for each in found["matches"]] == [True]


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        ({"position": 9, "order": "PO-7"}, "The invoice has no line 9."),
        ({"position": 1}, "Name an order, a contract or a machine: one of them."),
        ({"position": 1, "order": "PO-7", "machine": "X"}, "Name an order, a contract or a machine: one of them."),
        ({"position": 1, "order": "PO-8"}, "There is no order PO-8."),
        ({"position": 1, "order": "PO-7", "order_line": "11"}, "The order PO-7 has no line 11."),
        ({"position": 0, "contract": "C-2026-0001"}, "There is no contract C-2026-0001."),
        ({"position": 0, "machine": "X1"}, "There is no machine X1."),
    ],
)
def test_what_cannot_be_matched_says_why(dan: Program, ada: Program, sent: dict[str, Any], detail: str) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl(order=""))
    refused = dan.post(f"/api/invoices/{made['id']}/matches", {**sent, "reason": "So."}, status=422)
    assert refused["detail"] == detail


def test_a_contract_in_force_is_matched_by_those_who_may_see_it(dan: Program, ada: Program, office: Office) -> None:
    office.route(QUICK_ROUTE)
    contract = office.contract(counterparty="Aurora Leasing GmbH", amount="1000", currency="EUR")
    made = dan.hand_in(ubl(order=""))
    body = {"position": 0, "contract": contract.number, "reason": "Agreed."}
    found = dan.post(f"/api/invoices/{made['id']}/matches", body)
    assert texts(found) == [f"The contract {contract.number} is not in force."]
    assert found["outcome"] == "failed"


def test_only_those_concerned_match_and_none_once_it_is_decided(
    dan: Program, mia: Program, ada: Program, office: Office, web: TestClient
) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    office.person("eve")
    made = dan.hand_in(ubl())
    here = f"/api/invoices/{made['id']}"
    eve = Program(web, office, "eve")
    eve.get(f"{here}/matches", status=404)
    eve.post(f"{here}/matching", status=404)
    assert mia.post(f"{here}/matching")["outcome"] == "matched", "she is asked"
    mia.decide()
    refused = dan.post(f"{here}/matching", status=409)
    assert refused["detail"] == "It is decided: what it was held against stays as it is."


def test_a_match_by_hand_holds_for_the_line_it_was_made_for(dan: Program, ada: Program, office: Office) -> None:
    keep(ada, "orders/PO-7", **ORDER)
    made = dan.hand_in(ubl(order=""))
    here = f"/api/invoices/{made['id']}"
    dan.post(f"{here}/matches", {"position": 1, "order": "PO-7", "order_line": "10", "reason": "By phone."})
    dan.post(f"{here}/recall", {"comment": "Again."})
    kept = dan.post(f"{here}/data", {"due_on": "2026-07-01", "reason": "Agreed."})
    assert kept["match"] == "matched"


@pytest.mark.parametrize("first", [0, 1])
def test_an_order_that_comes_after_its_invoices_is_not_billed_twice(dan: Program, ada: Program, first: int) -> None:
    made = [dan.hand_in(ubl(number, net="200.00", quantity="2")) for number in (1, 2)]
    keep(ada, "orders/PO-7", **ORDER)
    before, after = made[first], made[1 - first]
    for each, outcome in ((before, "matched"), (after, "failed"), (before, "matched"), (after, "failed")):
        assert dan.post(f"/api/invoices/{each['id']}/matching")["outcome"] == outcome
