"""A corrected file in the place of the one before."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import XML, Program
from tests.support.office import Office, link_in
from tests.support.pdfs import plain_pdf
from tests.support.web import HTML, Browser

REOPENS = """\
name: two-looks
document: invoice
priority: 50
on_change: {reopen_from: second}
stages:
  - {name: first, approvers: {people: [mia@haneul.example]}}
  - {name: second, approvers: {people: [ada@haneul.example]}, send_back_to: [submitter]}
"""


class Clerk(Program):
    def replace(self, invoice: dict[str, Any], data: bytes, status: int = 201, **words: str) -> Any:
        key = {"Idempotency-Key": words.pop("key")} if "key" in words else {}
        answer = self.web.post(
            f"/api/invoices/{invoice['id']}/versions",
            files={"file": ("corrected.xml", data, XML)},
            data=words,
            headers={**self.headers, **key},
        )
        return self._body(answer, status)


@pytest.fixture
def dan(office: Office, web: TestClient) -> Clerk:
    return Clerk(web, office, "dan")


def test_a_corrected_file_asks_everybody_anew_and_says_what_changed(
    office: Office, web: TestClient, dan: Clerk
) -> None:
    made = dan.hand_in(sound_ubl())
    old = link_in(office.deliver()[0])
    replaced = dan.replace(made, sound_ubl(net="200.00"), note="Two months")
    assert [each["number"] for each in replaced["versions"]] == [2, 1]
    now = dan.get(f"/api/invoices/{made['id']}")
    assert (now["payable"], now["state"]) == ("238.00", "in_approval")
    assert "/decision" not in web.get(old, headers=HTML).text
    form = {"verdict": "approve", "version_sha256": made["versions"][0]["sha256"]}
    assert web.post(f"{old}/decision", data=form).status_code == 409
    [mail] = office.deliver()
    page = web.get(link_in(mail), headers=HTML).text
    assert "What version 2 says otherwise than version 1" in page
    assert "119.00" in page
    assert "238.00" in page
    [event] = [each for each in dan.get(f"/api/invoices/{made['id']}/events")["items"] if each["action"] == "replaced"]
    assert event["data"]["changes"]["payable"] == ["119.00", "238.00"]
    dan.get(f"/api/invoices/{made['id']}/versions/2/comparison?with=1")
    Program(web, office, "mia").decide()
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "approved"


def test_approvals_stay_where_the_route_keeps_them_and_nothing_of_weight_changed(
    office: Office, web: TestClient, dan: Clerk
) -> None:
    office.route(REOPENS)
    mia = Program(web, office, "mia")
    made = dan.hand_in(sound_ubl())
    mia.decide()
    dan.replace(made, sound_ubl(order="PO-7"))
    assert office.open_tasks() == ["ada"], "the order's number alone is another one"
    dan.replace(made, sound_ubl(order="PO-7", net="200.00"))
    assert office.open_tasks() == ["mia"], "Mia approved another amount"


def test_what_was_approved_does_not_stand_for_an_amount_corrected_afterwards(
    office: Office, web: TestClient, dan: Clerk
) -> None:
    office.route(REOPENS)
    mia, ada = Program(web, office, "mia"), Program(web, office, "ada")
    made = dan.hand_in(sound_ubl())
    for words, asked in (({"order_number": "PO-8"}, ["ada"]), ({"iban": "DE89370400440532013000"}, ["mia"])):
        if office.open_tasks() == ["mia"]:
            mia.decide()
        ada.decide("send_back", comment="Please look again.")
        dan.post(f"/api/invoices/{made['id']}/data", {**words, "reason": "As they wrote."})
        assert office.open_tasks() == asked


def test_the_cost_centre_stays_where_the_new_file_names_none(dan: Clerk) -> None:
    made = dan.hand_in(sound_ubl(), cost_center="K-100")
    assert dan.replace(made, sound_ubl(net="200.00"))["cost_center"] == "K-100"


def test_a_version_that_breaks_a_rule_waits_and_nobody_is_asked(office: Office, dan: Clerk) -> None:
    made = dan.hand_in(sound_ubl())
    assert office.open_tasks() == ["mia"]
    assert dan.replace(made, sound_ubl(said_tax="18.00"))["blocked"] is True
    assert office.open_tasks() == []
    assert dan.get(f"/api/invoices/{made['id']}")["state"] == "received"
    dan.replace(made, sound_ubl(net="200.00"))
    assert office.open_tasks() == ["mia"]


def test_what_was_typed_of_a_plain_pdf_is_not_taken_over_by_the_next_file(dan: Clerk) -> None:
    typed = {"supplier": "Nord", "supplier_number": "7", "issued_on": "2026-05-01", "currency": "EUR", "payable": "10"}
    made = dan.hand_in(plain_pdf("Invoice 7"), "scan.pdf", **typed)  # type: ignore[arg-type]  # words
    replaced = dan.replace(made, plain_pdf("Invoice 7, corrected"))
    assert (replaced["payable"], replaced["state"]) == (None, "received")


def test_a_disputed_invoice_goes_on_with_the_file_that_its_supplier_corrected(office: Office, dan: Clerk) -> None:
    made = dan.hand_in(sound_ubl())
    dan.post(f"/api/invoices/{made['id']}/dispute", {"question": "Two?", "to": "bills@aurora.example"})
    assert office.open_tasks() == []
    dan.replace(made, sound_ubl(net="200.00"))
    assert office.open_tasks() == ["mia"]


def test_what_is_approved_stays_as_it_is(office: Office, web: TestClient, dan: Clerk) -> None:
    made = dan.hand_in(sound_ubl())
    Program(web, office, "mia").decide()
    for step in (None, "release"):
        if step:
            dan.post(f"/api/invoices/{made['id']}/{step}")
        refused = dan.replace(made, sound_ubl(net="200.00"), status=409)
        assert refused["detail"] == "Its amounts stay as they were approved."
    assert dan.get(f"/api/invoices/{made['id']}")["payable"] == "119.00"


def test_the_same_file_and_the_same_request_make_no_version(office: Office, web: TestClient, dan: Clerk) -> None:
    made = dan.hand_in(sound_ubl())
    dan.replace(made, sound_ubl(), status=409)
    first = dan.replace(made, sound_ubl(net="200.00"), key="v2")
    assert dan.replace(made, sound_ubl(net="200.00"), key="v2") == first
    assert len(dan.get(f"/api/invoices/{made['id']}")["versions"]) == 2


def test_only_whoever_keeps_it_hands_in_a_version(office: Office, web: TestClient, dan: Clerk) -> None:
    office.person("cho")
    made = dan.hand_in(sound_ubl())
    Clerk(web, office, "mia").replace(made, sound_ubl(net="200.00"), status=403)
    Clerk(web, office, "cho").replace(made, sound_ubl(net="200.00"), status=404)
    Clerk(web, office, "ada").replace(made, sound_ubl(net="200.00"))


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_the_page_takes_a_version_and_shows_old_and_new(office: Office, web: TestClient, locale: str) -> None:
    office.person("eun", manager="mia", locale=locale, password="correct horse battery")
    eun = Browser(web, "eun")
    eun.open("/invoices/new")
    eun.send("/invoices", file=("invoice.xml", sound_ubl(), XML))
    here = next(
        each.attributes["href"]
        for each in eun.open("/invoices").all("a")
        if each.attributes.get("href", "").startswith("/invoices/0")
    )
    eun.open(f"{here}/versions/new")
    again = eun.send(f"{here}/versions", status=409, file=("invoice.xml", sound_ubl(), XML), note="Typed once")
    assert "Typed once" in again.text
    shown = eun.send(f"{here}/versions", file=("invoice.xml", sound_ubl(net="200.00"), XML), note="Two months").text
    words = {"en": "What version 2 says otherwise than version 1", "ko": "버전 1에서 버전 2로 바뀐 내용"}[locale]
    assert words in shown
    compared = eun.open(f"{here}/versions/compare").text
    assert {"en": "What changed from version 1 to version 2", "ko": "버전 1"}[locale] in compared
