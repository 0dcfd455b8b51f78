"""A supplier's answer brings a corrected invoice: somebody takes it as the next version, by the rules of versions."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.invoices.test_letterbox import asked, attached, comments, mail, reply_to, taken
from tests.support.office import Office
from tests.support.pdfs import plain_pdf, with_user_password
from tests.support.web import Browser, notice

MAILBOX = "bills@haneul.example"


@pytest.fixture
def office(office: Office) -> Office:
    object.__setattr__(office.runtime.settings, "invoices_mailbox_address", MAILBOX)
    return office


def answered(office: Office, question: EmailMessage, *files: tuple[str, bytes]) -> None:
    taken(office, attached(mail("Corrected.", to=reply_to(question), sender="Kim <kim@aurora.example>"), *files))


@pytest.fixture
def corrected(office: Office, web: TestClient) -> dict[str, Any]:
    """An invoice whose supplier was asked, and answered with a corrected file."""
    made, question = asked(office, web)
    answered(office, question, ("fixed.xml", sound_ubl(net="200.00")))
    return made


@pytest.fixture
def dan(office: Office, web: TestClient) -> Program:
    return Program(web, office, "dan")


def at(office: Office, web: TestClient, made: dict[str, Any]) -> str:
    """Where the file of the last comment is."""
    return str(comments(office, web, made)[-1]["attachments"][0]["links"]["self"])


def test_by_itself_an_answer_changes_nothing_and_what_it_would_change_is_shown(
    office: Office, web: TestClient, corrected: dict[str, Any], dan: Program
) -> None:
    here = f"/api/invoices/{corrected['id']}"
    read = dan.get(f"{at(office, web, corrected)}/reading")
    assert read["read"] is True
    assert {"field": "payable", "before": "119.00", "now": "238.00"} in read["changes"]
    now = dan.get(here)
    assert (now["state"], now["payable"], len(now["versions"])) == ("disputed", "119.00", 1)


def test_the_file_becomes_the_next_version_which_travels_its_route(
    office: Office, web: TestClient, corrected: dict[str, Any], dan: Program
) -> None:
    here = f"/api/invoices/{corrected['id']}"
    dan.post(f"{at(office, web, corrected)}/version", {"note": "As they corrected it."})
    now = dan.get(here)
    assert (now["payable"], now["state"]) == ("238.00", "in_approval")
    assert [each["note"] for each in now["versions"]] == ["As they corrected it.", ""]
    assert dan.web.get(f"{here}/versions/2/file", headers=dan.headers).content == sound_ubl(net="200.00")
    assert office.open_tasks() == ["mia"]
    [event] = [each for each in dan.get(f"{here}/events")["items"] if each["action"] == "replaced"]
    assert (event["actor"], event["data"]["of"]) == ("Dan", "Kim (kim@aurora.example)")
    assert event["data"]["changes"]["payable"] == ["119.00", "238.00"]


def test_taken_twice_it_is_one_version(
    office: Office, web: TestClient, corrected: dict[str, Any], dan: Program
) -> None:
    address = f"{at(office, web, corrected)}/version"
    dan.post(address, {})
    assert "very file" in dan.post(address, {}, 409)["detail"]
    assert len(dan.get(f"/api/invoices/{corrected['id']}")["versions"]) == 2


def test_only_who_may_hand_in_a_version_takes_it(office: Office, web: TestClient, corrected: dict[str, Any]) -> None:
    address = at(office, web, corrected)
    mia = Program(web, office, "mia")
    mia.get(f"{address}/reading", 403)
    mia.post(f"{address}/version", {}, 403)
    browser = Browser(web, "mia")
    assert "next version" not in browser.open(f"/invoices/{corrected['id']}").text
    Program(web, office, "ada").post(f"{address}/version", {})


def test_what_is_approved_is_replaced_by_no_answer(office: Office, web: TestClient, dan: Program) -> None:
    made, question = asked(office, web)
    dan.post(f"/api/invoices/{made['id']}/settlement")
    dan.post(f"/api/invoices/{made['id']}/route")
    Program(web, office, "mia").decide()
    answered(office, question, ("fixed.xml", sound_ubl(net="200.00")))
    address = at(office, web, made)
    assert "as they were approved" in dan.post(f"{address}/version", {}, 409)["detail"]
    dan.get(f"{address}/reading", 409)
    assert "next version" not in Browser(web, "dan").open(f"/invoices/{made['id']}").text
    assert dan.get(f"/api/invoices/{made['id']}")["payable"] == "119.00"


def test_a_file_that_is_no_invoice_is_refused_with_the_reason(office: Office, web: TestClient, dan: Program) -> None:
    made, question = asked(office, web)
    answered(office, question, ("order.xml", b"<order/>"))
    address = at(office, web, made)
    assert dan.get(f"{address}/reading", 422)["detail"] == dan.post(f"{address}/version", {}, 422)["detail"]
    page = Browser(web, "dan").open(f"/invoices{address.removeprefix('/api/invoices')}/version", 422)
    assert not page.all("form", action=f"/invoices{address.removeprefix('/api/invoices')}/version")


def test_the_button_shows_what_changes_and_takes_it(office: Office, web: TestClient, corrected: dict[str, Any]) -> None:
    dan = Browser(web, "dan")
    page = dan.open(f"/invoices/{corrected['id']}")
    [button] = [each for each in page.all("a") if each.attributes["href"].endswith("/version")]
    page = dan.open(button.attributes["href"])
    assert "What it says otherwise than version 1" in page.text
    assert "119.00" in page.text
    assert "238.00" in page.text
    page = dan.send(button.attributes["href"], note="As they corrected it.")
    assert "The new version is kept" in notice(page)
    assert "Dan took fixed.xml of Kim (kim@aurora.example) as version 2 (" in page.text


def test_a_plain_pdf_of_an_answer_is_typed_afterwards(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    answered(office, question, ("fixed.pdf", plain_pdf("Invoice 7")))
    dan = Browser(web, "dan")
    here = f"/invoices{at(office, web, made).removeprefix('/api/invoices')}/version"
    assert "typed afterwards" in dan.open(here).text
    dan.send(here)
    now = Program(web, office, "dan").get(f"/api/invoices/{made['id']}")
    assert (now["state"], now["syntax"], now["versions"][0]["file_name"]) == ("received", "typed", "fixed.pdf")


def test_a_protected_pdf_of_an_answer_asks_for_its_password(office: Office, web: TestClient) -> None:
    made, question = asked(office, web)
    answered(office, question, ("fixed.pdf", with_user_password("open sesame")))
    dan = Browser(web, "dan")
    here = f"/invoices{at(office, web, made).removeprefix('/api/invoices')}/version"
    dan.open(here, 422)
    dan.send(here, 422, password="wrong")
    dan.send(here, password="open sesame")
    assert len(Program(web, office, "dan").get(f"/api/invoices/{made['id']}")["versions"]) == 2


def test_a_protected_invoice_is_handed_in_on_the_page_with_its_password(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    file = ("scan.pdf", with_user_password("open sesame"), "application/pdf")
    assert not dan.open("/invoices/new").all("input", name="password")
    page = dan.send("/invoices", 422, file=file)
    assert page.all("input", name="password")
    assert "Received" in notice(dan.send("/invoices", file=file, password="open sesame"))
