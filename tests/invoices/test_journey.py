"""An invoice from its arrival to its payment, over the API."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.invoices.conftest import QUICK
from tests.invoices.samples import sound_ubl
from tests.support import einvoices
from tests.support.office import Office, link_in, text_of
from tests.support.pdfs import plain_pdf
from tests.support.web import token

XML = "application/xml"
BANDS = """\
name: banded
document: invoice
priority: 50
currency: EUR
match: {on_failure: {insert: exception, before: first}, without_order: {insert: procurement}}
bands:
  - {to: "100000", stages: []}
  - {from: "100000", stages: [owner]}
stages:
  - {name: owner, approvers: {field: cost_center.owner}}
  - {name: exception, approvers: {people: [mia@haneul.example]}}
  - {name: procurement, approvers: {people: [ada@haneul.example]}}
"""


class Program:
    """Acts for somebody by a token."""

    def __init__(self, web: TestClient, office: Office, name: str) -> None:
        self.web, self.headers = web, {**token(office, name), "Accept": "application/json"}

    def hand_in(self, data: bytes, name: str = "invoice.xml", status: int = 201, **words: str) -> dict[str, Any]:
        key = {"Idempotency-Key": words.pop("key")} if "key" in words else {}
        answer = self.web.post(
            "/api/invoices", files={"file": (name, data, XML)}, data=words, headers={**self.headers, **key}
        )
        made: dict[str, Any] = self._body(answer, status)
        return made

    def get(self, address: str, status: int = 200) -> Any:
        return self._body(self.web.get(address, headers=self.headers), status)

    def post(self, address: str, body: object = None, status: int = 201) -> Any:
        return self._body(self.web.post(address, json=body, headers=self.headers), status)

    def decide(self, verdict: str = "approve", **more: str) -> Any:
        task = self.get("/api/tasks")["items"][0]
        body = {"verdict": verdict, "version_sha256": task["version_sha256"], **more}
        return self.post(f"/api/tasks/{task['id']}/decision", body)

    def _body(self, answer: Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


@pytest.fixture
def mia(web: TestClient, office: Office) -> Program:
    return Program(web, office, "mia")


@pytest.fixture
def ada(web: TestClient, office: Office) -> Program:
    return Program(web, office, "ada")


def test_an_invoice_is_read_approved_released_and_paid(dan: Program, mia: Program, office: Office) -> None:
    made = dan.hand_in(sound_ubl())
    here = f"/api/invoices/{made['id']}"
    assert (made["supplier_number"], made["syntax"], made["blocked"]) == ("2026-0001", "ubl", False)
    assert dan.get(here)["state"] == "in_approval"

    mia.decide()
    assert dan.get(here)["state"] == "approved"
    assert dan.post(f"{here}/release")["state"] == "released"
    paid = dan.post(f"{here}/payment", {"paid_on": "2026-06-01"})
    assert (paid["state"], paid["paid_on"], paid["paid_amount"]) == ("paid", "2026-06-01", made["payable"])
    actions = [each["action"] for each in dan.get(f"{here}/events")["items"]]
    assert actions == ["handed_in", "asked", "approved", "released", "paid"]


def test_whoever_is_asked_decides_by_the_link_in_the_mail(dan: Program, office: Office, web: TestClient) -> None:
    made = dan.hand_in(sound_ubl())
    [mail] = office.deliver()
    assert "invoice" in text_of(mail)
    assert "contract" not in text_of(mail)
    link = link_in(mail)
    task = web.get(link, headers={"Accept": "application/json"}).json()
    assert task["process"] == "invoice"
    answer = web.post(
        f"{link}/decision",
        data={"verdict": "approve", "version_sha256": task["version_sha256"]},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 201, answer.text
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "approved"


def test_a_request_that_comes_three_times_is_one_invoice(dan: Program) -> None:
    first, second, third = (dan.hand_in(sound_ubl(), key="one") for _ in range(3))
    assert first == second == third
    assert len(dan.get("/api/invoices")["items"]) == 1


def test_the_xml_of_a_hybrid_counts_and_its_pages_are_shown(dan: Program) -> None:
    made = dan.hand_in(einvoices.hybrid(), "invoice.pdf")
    assert (made["supplier_number"], made["syntax"]) == ("2026-0001", "cii")
    assert made["versions"][0]["pages"] >= 1


def test_a_plain_pdf_waits_for_what_its_pages_say(dan: Program, mia: Program) -> None:
    made = dan.hand_in(plain_pdf("Invoice 77"), "scan.pdf")
    here = f"/api/invoices/{made['id']}"
    assert made["blocked"]
    assert {each["rule"] for each in made["findings"]} >= {"missing-supplier", "missing-payable"}
    assert dan.get(here)["state"] == "received"
    words = {"supplier": "Nordwerk", "supplier_number": "77", "issued_on": "2026-05-02", "currency": "KRW"}
    dan.post(f"{here}/data", {**words, "payable": "1000.5"}, status=422)
    typed = dan.post(f"{here}/data", {**words, "tax": "100", "payable": "1100"})
    assert (typed["state"], typed["net"], typed["payable"]) == ("in_approval", "1000", "1100")
    refused = dan.post(f"{here}/data", {"payable": "1"}, status=409)
    assert refused["detail"] == "It is being decided on. Take it back first; then it can be corrected."
    mia.decide()
    refused = dan.post(f"{here}/data", {"payable": "1"}, status=409)
    assert refused["detail"] == "Its amounts stay as they were approved."


def test_a_correction_of_what_was_read_needs_a_reason_and_keeps_the_reading(dan: Program, mia: Program) -> None:
    made = dan.hand_in(sound_ubl())
    here = f"/api/invoices/{made['id']}"
    mia.decide("send_back", comment="Our order is another one.")
    assert dan.get(here)["state"] == "returned"
    dan.post(f"{here}/data", {"order_number": "PO-7"}, status=422)
    mended = dan.post(f"{here}/data", {"order_number": "PO-7", "reason": "Typed wrongly by the supplier."})
    assert (mended["order_number"], mended["state"]) == ("PO-7", "in_approval")
    assert mended["payable"] == made["payable"]
    assert len(mended["lines"]) == len(made["lines"])


@pytest.mark.parametrize(("other", "blocked"), [({}, True), ({"number": "2026-0002"}, False)])
def test_the_same_number_of_the_same_supplier_in_the_same_year_is_one_invoice(
    dan: Program, other: dict[str, str], blocked: bool
) -> None:
    first = dan.hand_in(sound_ubl())
    again = dan.hand_in(sound_ubl(**other) + b"\n")
    assert again["blocked"] is blocked
    if blocked:
        [found] = [each for each in again["findings"] if each["rule"] == "duplicate"]
        assert found["text"] == f"It came before, as {first['number']}: the same supplier, number and year."


def test_what_breaks_a_rule_of_its_standard_is_not_decided_on(dan: Program) -> None:
    made = dan.hand_in(sound_ubl(said_tax="18.00"))
    assert made["blocked"]
    assert {each["rule"] for each in made["findings"]} >= {"BR-CO-17"}
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "received"


def test_xml_alone_is_given_pages_to_look_at(dan: Program) -> None:
    [version] = dan.hand_in(sound_ubl())["versions"]
    assert version["pages"] == 1
    assert version["readable_sha256"] != version["sha256"]
    assert version["file_name"] == "invoice.xml"


def test_the_very_file_is_known_again(dan: Program) -> None:
    dan.hand_in(sound_ubl())
    assert "same-file" in {each["rule"] for each in dan.hand_in(sound_ubl())["findings"]}


def test_what_is_handed_in_is_held_beside_what_the_supplier_sent_before(dan: Program) -> None:
    first = dan.hand_in(sound_ubl())
    changed = sound_ubl(number="2026-1").replace(b"DE02120300000000202051", b"DE88100900001234567892")
    found = {each["rule"]: each for each in dan.hand_in(changed)["findings"]}
    assert found["duplicate"]["severity"] == found["account"]["severity"] == "warning"
    assert first["number"] in found["duplicate"]["text"]
    assert first["number"] in found["account"]["text"]


@pytest.mark.parametrize("supplier", ["DE999999999", "DE123456789"])
def test_the_same_number_of_another_supplier_is_another_invoice(dan: Program, supplier: str) -> None:
    dan.hand_in(sound_ubl())
    other = dan.hand_in(sound_ubl().replace(b"DE123456789", supplier.encode()) + b"\n")
    assert ("duplicate" in {each["rule"] for each in other["findings"]}) is (supplier == "DE123456789")


def test_a_supplier_is_asked_and_the_invoice_waits(dan: Program, mia: Program, office: Office) -> None:
    made = dan.hand_in(sound_ubl())
    office.deliver()
    here = f"/api/invoices/{made['id']}"
    asked = dan.post(f"{here}/dispute", {"question": "Which machine is it?", "to": "billing@nordwerk.example"})
    assert asked["state"] == "disputed"
    assert mia.get("/api/tasks")["items"] == []
    mails = {mail["To"]: mail for mail in office.deliver()}
    question = next(mail for to, mail in mails.items() if "billing@nordwerk.example" in to)
    assert "Which machine is it?" in text_of(question)
    assert made["number"] in question["Subject"]
    assert dan.post(f"{here}/settlement", {"comment": "They told us."})["state"] == "in_approval"
    assert len(mia.get("/api/tasks")["items"]) == 1


def test_people_talk_about_an_invoice(dan: Program, mia: Program) -> None:
    made = dan.hand_in(sound_ubl())
    here = f"/api/invoices/{made['id']}"
    said = dan.post(f"{here}/comments", {"text": "Is this ours?", "mentions": ["mia@haneul.example"]})
    assert said["links"]["subject"] == here
    assert [each["text"] for each in mia.get(f"{here}/comments")["items"]] == ["Is this ours?"]


def test_a_withdrawn_invoice_asks_nobody(dan: Program, mia: Program) -> None:
    made = dan.hand_in(sound_ubl())
    assert dan.post(f"/api/invoices/{made['id']}/withdrawal", {"comment": "Not ours."})["state"] == "withdrawn"
    assert mia.get("/api/tasks")["items"] == []


def test_an_invoice_is_released_only_once_everybody_has_approved(dan: Program) -> None:
    made = dan.hand_in(sound_ubl())
    refused = dan.post(f"/api/invoices/{made['id']}/release", status=409)
    assert refused["detail"] == "Only an invoice that everybody has approved is released for payment."


def test_lists_find_by_words_numbers_supplier_state_and_day(dan: Program, ada: Program) -> None:
    made = dan.hand_in(sound_ubl())
    supplier = made["supplier"].split()[0]
    for asked in ("q=2026-0001", f"q={made['number']}", f"supplier={supplier}", "state=in_approval", "state=open"):
        assert [each["id"] for each in ada.get(f"/api/invoices?{asked}")["items"]] == [made["id"]], (
            "administrators read all"
        )
        assert [each["id"] for each in dan.get(f"/api/invoices?{asked}")["items"]] == [made["id"]], asked
    assert dan.get("/api/invoices?state=paid")["items"] == []
    assert dan.get("/api/invoices?supplier=nobody")["items"] == []


def test_only_those_concerned_see_it(dan: Program, mia: Program, office: Office, web: TestClient) -> None:
    office.person("eve")
    eve = Program(web, office, "eve")
    made = dan.hand_in(sound_ubl())
    eve.get(f"/api/invoices/{made['id']}", status=404)
    assert mia.get(f"/api/invoices/{made['id']}")["id"] == made["id"]
    assert [each["id"] for each in mia.get("/api/invoices?q=2026-0001")["items"]] == [made["id"]]


def test_where_no_order_speaks_for_it_the_route_puts_a_stage_in(dan: Program, ada: Program, office: Office) -> None:
    office.route(BANDS)
    made = dan.hand_in(sound_ubl())
    shown = dan.get(f"/api/invoices/{made['id']}")
    assert shown["match"] in ("without_order", "failed")
    assert [turn["stage"] for turn in shown["turns"]] == [
        "procurement" if shown["match"] == "without_order" else "exception"
    ]


def test_the_owner_of_the_cost_centre_decides(dan: Program, mia: Program, ada: Program, office: Office) -> None:
    office.route(BANDS.replace('"100000"', '"1"'))
    answer = ada.web.put(
        "/api/invoices/cost-centers",
        json=[{"code": "4711", "name": "Fleet", "owner": "mia@haneul.example"}],
        headers=ada.headers,
    )
    assert answer.status_code == 200, answer.text
    made = dan.hand_in(sound_ubl(), cost_center="4711")
    shown = dan.get(f"/api/invoices/{made['id']}")
    assert shown["cost_center"] == "4711"
    assert {turn["stage"] for turn in shown["turns"]} | set(shown["next"]) >= {"owner", "release"}


def test_where_no_route_fits_it_is_kept_and_waits(dan: Program, office: Office) -> None:
    office.route(QUICK + 'when: invoice.supplier == "nobody"\n')
    made = dan.hand_in(sound_ubl())
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "checked"
    refused = dan.post(f"/api/invoices/{made['id']}/route", status=422)
    assert refused["detail"] == "No route fits this document. An administrator has to publish one."


def test_what_is_no_invoice_is_refused_with_the_reason(dan: Program) -> None:
    refused = dan.hand_in(b"<order/>", status=422)
    assert "order" in refused["detail"]
    assert dan.get("/api/invoices")["items"] == []
