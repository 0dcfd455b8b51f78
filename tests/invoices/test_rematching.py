"""What becomes known after an invoice came: it is held against it in the background, on record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.invoices.test_matching import ORDER, ROUTE
from tests.support.office import Office
from workflows.invoices import rematching
from workflows.invoices.model import InvoiceNamed
from workflows.invoices.rematching import hold_waiting_anew

NOBODY = """\
name: nobody-asked
document: invoice
priority: 90
when: invoice.order_number == "PO-7"
currency: EUR
match: {on_failure: {insert: exception, before: first}}
stages:
  - {name: exception, approvers: {group: nobody-is-in-it}}
"""


@pytest.fixture
def dan(office: Office, web: TestClient) -> Program:
    office.route(ROUTE)
    return Program(web, office, "dan")


@pytest.fixture
def ada(office: Office, web: TestClient) -> Program:
    return Program(web, office, "ada")


def keep(ada: Program, number: str = "PO-7") -> None:
    answer = ada.web.put(f"/api/orders/{number}", json=ORDER, headers=ada.headers)
    assert answer.status_code == 200, answer.text


def looked(office: Office) -> int:
    return hold_waiting_anew(office.runtime, now=datetime.now(UTC))


def test_an_order_that_comes_after_its_invoice_is_found_in_the_background(
    office: Office, dan: Program, ada: Program
) -> None:
    made = dan.hand_in(sound_ubl(order="po 7"))
    other = dan.hand_in(sound_ubl(number="2026-0002", order="PO-8"))
    assert dan.get(f"/api/invoices/{made['id']}")["match"] == "failed"
    assert looked(office) == 0, "nothing is known"
    keep(ada)
    assert looked(office) == 1
    assert looked(office) == 0, "nothing has come since"
    after = dan.get(f"/api/invoices/{made['id']}")
    assert (after["match"], after["state"]) == ("matched", "in_approval")
    events = dan.get(f"/api/invoices/{made['id']}/events")["items"]
    held = [each["data"]["outcome"] for each in events if each["action"] == "held_against_orders"]
    assert held == ["failed", "matched"]
    assert dan.get(f"/api/invoices/{other['id']}")["match"] == "failed", "it names another order"


def test_a_machine_that_is_kept_later_is_found_by_its_serial_number(office: Office, dan: Program, ada: Program) -> None:
    made = dan.hand_in(sound_ubl().replace(b"Forklift, one month", b"Forklift SN-4711-88"))
    machine = {"model": "Truck", "removed_on": "2026-03-03"}
    assert ada.web.put("/api/machines/SN471188", json=machine, headers=ada.headers).status_code == 200
    assert looked(office) == 1
    assert [each["label"] for each in dan.get(f"/api/invoices/{made['id']}/matches")["matches"]] == ["SN471188"]


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_of_many_that_wait_those_are_held_that_name_what_is_new(
    office: Office, dan: Program, ada: Program, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(rematching, "AT_ONCE", at_once)
    for number, (order, name) in enumerate(
        [("PO-7", "Forklift"), ("PO 8", "SN-4711-88"), ("po-7", "Forklift"), ("PO-70", "SN-4711-89"), ("", "Forklift")]
    ):
        dan.hand_in(sound_ubl(number=f"2026-{number}", order=order, name=name))
    for order in ("PO-5", "PO-6", "PO-7", "PO-9"):
        keep(ada, order)
    assert looked(office) == 2
    for serial in ("SN 4711 87", "SN 4711 88", "SN 4711 90"):
        assert ada.web.put(f"/api/machines/{serial}", json={}, headers=ada.headers).status_code == 200
    assert looked(office) == 1
    keep(ada, "PO-8")
    keep(ada, "PO-70")
    assert looked(office) == 2
    assert looked(office) == 0


def test_what_an_invoice_names_goes_by_its_newest_reading(office: Office, dan: Program, ada: Program) -> None:
    made = dan.hand_in(sound_ubl(order="PO-7"))
    here = f"/api/invoices/{made['id']}"
    dan.post(f"{here}/recall")
    dan.post(f"{here}/data", {"order_number": "PO-8", "reason": "They wrote another one."})
    assert dan.get(here)["order_number"] == "PO-8"
    keep(ada, "PO-7")
    assert looked(office) == 0
    keep(ada, "PO-8")
    assert looked(office) == 1


def test_what_is_over_is_not_looked_for_any_more(office: Office, dan: Program, ada: Program) -> None:
    made = dan.hand_in(sound_ubl(order="PO-7"))
    waits = dan.hand_in(sound_ubl(number="2026-0002", order="PO-7"))
    dan.post(f"/api/invoices/{made['id']}/withdrawal")
    keep(ada)
    assert looked(office) == 1
    with office.reading() as session:
        assert {str(each.invoice_id) for each in session.exec(select(InvoiceNamed))} == {waits["id"]}


def test_a_machine_that_only_the_head_names_is_found_too(office: Office, dan: Program, ada: Program) -> None:
    about = (
        b"<cac:AdditionalDocumentReference><cbc:ID>SN-4711-88</cbc:ID><cbc:DocumentTypeCode>130</cbc:DocumentTypeCode>"
        b"</cac:AdditionalDocumentReference><cac:AccountingSupplierParty>"
    )
    made = dan.hand_in(sound_ubl().replace(b"<cac:AccountingSupplierParty>", about, 1))
    assert ada.web.put("/api/machines/SN471188", json={}, headers=ada.headers).status_code == 200
    assert looked(office) == 1
    assert [each["label"] for each in dan.get(f"/api/invoices/{made['id']}/matches")["matches"]] == ["SN471188"]


def test_what_is_decided_stays_as_it_was_held(office: Office, web: TestClient, dan: Program, ada: Program) -> None:
    made = dan.hand_in(sound_ubl(order="PO-7"))
    ada.decide()
    Program(web, office, "mia").decide()
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "approved"
    keep(ada)
    assert looked(office) == 0
    assert dan.get(f"/api/invoices/{made['id']}")["match"] == "failed"


def test_an_invoice_that_no_route_takes_further_stays_matched(office: Office, dan: Program, ada: Program) -> None:
    """Received, checked, matched: how it came out is kept and shown, also where it can be sent on to nobody."""
    keep(ada)
    office.route(NOBODY)
    made = dan.hand_in(sound_ubl(order="PO-7"))
    waits = dan.get(f"/api/invoices/{made['id']}")
    assert (waits["state"], waits["match"], waits["turns"]) == ("matched", "matched", [])
    assert dan.get("/api/invoices?state=matched")["items"][0]["id"] == made["id"]


def test_orders_and_machines_are_deleted_where_nothing_refers_to_them(
    office: Office, dan: Program, ada: Program
) -> None:
    keep(ada, "PO-7")
    keep(ada, "PO/8")
    dan.hand_in(sound_ubl(order="PO-7"))
    machine = ada.web.put("/api/machines/SN1", json={}, headers=ada.headers)
    assert machine.status_code == 200
    for address, status in (
        ("/api/orders/po-7", 409),
        ("/api/orders/PO/8", 204),
        ("/api/orders/PO/8", 404),
        ("/api/machines/sn-1", 204),
        ("/api/machines/SN1", 404),
    ):
        assert dan.web.delete(address, headers=dan.headers).status_code == 403
        answer = ada.web.delete(address, headers=ada.headers)
        assert answer.status_code == status, answer.text
    assert [each["number"] for each in ada.get("/api/orders")["items"]] == ["PO-7"]
