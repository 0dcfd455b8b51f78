"""The discussion behind mailed links: without an account, each hears what is meant for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.main import create_app
from tests.discussions.files import picture
from tests.discussions.talking import comments, said, send, write
from tests.support.html import Element, faults, read
from tests.support.office import Office, link_in, text_of
from tests.support.web import HTML, Browser
from workflows.contracts.model import Contract
from workflows.contracts.operations import withdraw
from workflows.settings import LinkCodes

PNG = picture("PNG")


@pytest.fixture
def contract(office: Office) -> Contract:
    office.now = datetime.now(UTC) - timedelta(hours=1)  # links run out by the real clock
    made = office.contract("dan", signers=["sarka@nordwerk.example"])
    office.deliver()
    return made


class Linked:
    """Somebody at a page behind a mailed link, without any cookie."""

    def __init__(self, web: TestClient, link: str) -> None:
        self.web, self.link = web, link

    def open(self, status: int = 200) -> Element:
        return self._shown(self.web.get(self.link, headers=HTML), status)

    def send(self, status: int = 200, file: Any = None, **typed: object) -> Element:
        form = self.open().one("form", action=f"{self.link}/comments#discussion-form")
        once = form.one("input", name="once").attributes["value"]
        files = {"file": file} if file else None
        answer = self.web.post(f"{self.link}/comments", data={"once": once, **typed}, files=files, headers=HTML)
        return self._shown(answer, status)

    def _shown(self, answer: Response, status: int) -> Element:
        if answer.status_code == 303:
            assert answer.headers["location"].startswith(f"{self.link}#comment-")
            return self.open(status)
        assert answer.status_code == status, answer.text[:500]
        assert not faults(answer.text)
        return read(answer.text)


@pytest.fixture
def bo(office: Office, web: TestClient, contract: Contract) -> Linked:
    """Of the house, without an account, asked to approve."""
    return Linked(web, link_in(office.mails.to("bo@")[-1]))


@pytest.fixture
def sarka(office: Office, web: TestClient, contract: Contract) -> Linked:
    """Of the counterparty, asked to sign; things were said before."""
    write(office, contract, "ann", "We would pay more.")
    write(office, contract, "ann", "Welcome.", visibility="shared")
    office.decide("ann")
    office.carry_on(contract)
    office.deliver()
    return Linked(web, link_in(office.mails.to("sarka@")[-1]))


def test_an_approver_talks_with_colleagues_behind_the_link(office: Office, web: TestClient, bo: Linked) -> None:
    shown = bo.send(file=("note.txt", "내용".encode(), "text/plain"), text="Inside, by link. @Dan")
    assert said(shown) == ["Inside, by link. @Dan"]
    assert "by the mailed link" in shown.one("section", id="discussion").text
    (made,) = comments(office)
    assert (made.visibility.value, made.via, made.author) == ("inside", "link", "Bo")
    (mail,) = office.deliver()
    assert str(mail["To"]) == "Dan <dan@haneul.example>"
    (file,) = [each.attributes["href"] for each in shown.all("a") if "/attachments/" in each.attributes["href"]]
    assert file.startswith(bo.link)
    answer = web.get(file)
    assert (answer.content, answer.headers["content-type"]) == ("내용".encode(), "text/plain")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert len(office.open_tasks()) == 3, "talking decides nothing"


def test_a_counterparty_behind_the_link_sees_and_writes_what_is_shared(
    office: Office, web: TestClient, contract: Contract, sarka: Linked
) -> None:
    shown = sarka.open()
    assert said(shown) == ["Welcome."]
    assert "We would pay more" not in shown.text
    assert shown.all("input", name="visibility") == []
    sarka.send(422, text="Sneaking in", visibility="inside")
    sarka.send(text="A question. @Ann @Sol")
    made = comments(office)[-1]
    assert (made.visibility.value, made.author) == ("shared", "Sarka")
    assert [str(each["To"]) for each in office.deliver()] == ["Ann <ann@haneul.example>"]
    assert said(Browser(web, "dan").open(f"/contracts/{contract.id}"))[-1] == "A question. @Ann @Sol"


def test_a_file_from_inside_is_not_reached_by_a_counterpartys_link(
    office: Office, web: TestClient, contract: Contract, sarka: Linked
) -> None:
    dan = Browser(web, "dan")
    page = f"/contracts/{contract.id}"
    dan.open(page)
    send(dan, page, file=("limit.png", PNG, "image/png"), visibility="inside")
    send(dan, page, file=("offer.png", PNG, "image/png"), visibility="shared")
    inside, shared = [
        each.attributes["href"].rpartition("/")[2]
        for each in dan.page.all("a")
        if "/attachments/" in each.attributes["href"]
    ]
    assert web.get(f"{sarka.link}/attachments/{inside}").status_code == 404
    assert web.get(f"{sarka.link}/attachments/{shared}").content == PNG
    assert web.get(f"/t/{'x' * 43}/attachments/{shared}").status_code == 404


def test_a_counterparty_who_is_called_after_signing_answers_by_the_link_in_that_mail(
    office: Office, web: TestClient, contract: Contract, sarka: Linked
) -> None:
    office.sign("sarka@nordwerk.example")
    office.carry_on(contract)
    office.deliver()
    write(office, contract, "ann", "One more thing, @Sarka.", visibility="shared")
    (mail,) = office.deliver()
    assert "sarka@" in str(mail["To"])
    again = Linked(web, link_in(mail))
    assert again.link != sarka.link
    assert said(again.open()) == ["Welcome.", "One more thing, @Sarka."]
    assert said(again.send(text="Gladly."))[-1] == "Gladly."
    assert "We would pay more" not in text_of(mail) + again.open().text


def test_a_link_that_has_done_its_work_opens_no_discussion(
    office: Office, web: TestClient, contract: Contract, bo: Linked
) -> None:
    write(office, contract, "ann", "Only for us.")
    assert said(bo.open()) == ["Only for us."]
    office.decide("ann")
    shown = bo.open()
    assert "Only for us." not in shown.text
    assert shown.all("section", id="discussion") == []
    answer = web.post(f"{bo.link}/comments", data={"text": "Too late"}, headers=HTML)
    assert answer.status_code == 410
    assert [each.text for each in comments(office)] == ["Only for us."]


def test_a_link_of_a_withdrawn_contract_writes_nothing(
    office: Office, web: TestClient, contract: Contract, bo: Linked
) -> None:
    with office.transaction() as session:
        withdraw(session, contract.id, comment="", by=office.actor("dan"), now=office.later(minutes=1), visible=True)
    assert web.post(f"{bo.link}/comments", data={"text": "Too late"}).status_code == 410
    assert comments(office) == []


def test_a_link_that_asks_for_a_code_opens_no_discussion_before_it(
    office: Office, contract: Contract, bo: Linked
) -> None:
    write(office, contract, "ann", "Only for us.")
    strict = office.runtime.settings.model_copy(update={"link_codes": LinkCodes.NEW_DEVICES})
    with TestClient(create_app(runtime=replace(office.runtime, settings=strict)), follow_redirects=False) as web:
        assert "Only for us." not in web.get(bo.link, headers=HTML).text
        for accept in ("text/html", "application/json"):
            answer = web.post(f"{bo.link}/comments", data={"text": "Who am I?"}, headers={"Accept": accept})
            assert answer.status_code == 403
            assert "Only for us." not in answer.text
    assert [each.text for each in comments(office)] == ["Only for us."]


def test_a_program_talks_by_a_link_in_json(office: Office, web: TestClient, bo: Linked) -> None:
    answer = web.post(f"{bo.link}/comments", data={"text": "By program"}, headers={"Accept": "application/json"})
    assert answer.status_code == 201
    assert (answer.json()["text"], answer.json()["author"]) == ("By program", "Bo")
    back = f"{bo.link}/comments/{answer.json()['id']}/withdrawal"
    assert web.post(back, headers={"Accept": "application/json"}).json()["text"] == ""


def test_opening_a_page_with_a_discussion_changes_nothing(
    office: Office, web: TestClient, contract: Contract, bo: Linked
) -> None:
    write(office, contract, "ann", "@Bo, look.")
    office.deliver()
    before = [(each.id, each.state) for each in office.queued()], comments(office)
    for how in (web.get, web.head):
        assert how(bo.link, headers=HTML).status_code == 200
        assert how(f"{bo.link}/comments", headers=HTML).status_code == 405
    assert ([(each.id, each.state) for each in office.queued()], comments(office)) == before


def test_a_link_in_a_mail_ends_with_the_task(office: Office, web: TestClient, contract: Contract) -> None:
    write(office, contract, "ann", "@Bo, look.")
    office.deliver()
    called = Linked(web, link_in(office.mails.to("bo@")[-1]))
    assert said(called.open()) == ["@Bo, look."]
    office.decide("bo")
    assert said(called.open()) == []
