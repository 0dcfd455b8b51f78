"""Tasks that change hands: over the API, on the pages and behind mailed links, on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.html import Element, faults, read
from tests.support.korean import english_left
from tests.support.office import PASSWORD, Office, link_in
from tests.support.web import Browser, notice, token

ROUTE = """\
name: careful
document: contract
priority: 10
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter], distinct_across_stages: true}
stages:
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 1}
    due: 3 business days
    extend: 2 business days
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    for name in ("dan", "cy"):
        office.person(name, password=PASSWORD)
    for name in ("ann", "bo"):
        office.person(name, groups=["legal"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def link_of(office: Office, name: str) -> str:
    office.deliver()
    return link_in(office.mails.to(office.email(name))[-1])


class Program:
    """Somebody's program at the API."""

    def __init__(self, office: Office, web: TestClient, name: str) -> None:
        self.web, self.headers = web, token(office, name) | {"Accept": "application/json"}

    def post(self, address: str, status: int = 201, **body: Any) -> Any:
        answer = self.web.post(f"/api{address}", json=body, headers=self.headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, address: str) -> Any:
        answer = self.web.get(f"/api{address}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_program_delegates_and_the_delegate_gives_it_back(office: Office, web: TestClient) -> None:
    contract = office.contract()
    task = office.task_of("ann", contract).id
    ann, cy = Program(office, web, "ann"), Program(office, web, "cy")
    made = ann.post(f"/tasks/{task}/delegation", to=office.email("cy"))
    assert (made["person"], made["instead_of"], made["state"]) == ("Cy", "Ann", "open")
    assert ann.post(f"/tasks/{task}/delegation", to=office.email("cy"))["task"] == made["task"]
    assert [each["id"] for each in cy.get("/tasks")["items"]] == [made["task"]]
    assert ann.get("/tasks")["items"] == []
    back = cy.post(f"/tasks/{made['task']}/return", comment="Not my field.")
    assert (back["task"], back["person"], back["instead_of"]) == (str(task), "Ann", None)
    refused = cy.post(f"/tasks/{made['task']}/return", status=409)
    assert "It went back to Ann on" in refused["detail"]


def test_a_program_decides_in_anothers_place(office: Office, web: TestClient) -> None:
    contract = office.contract()
    made = Program(office, web, "ann").post(
        f"/tasks/{office.task_of('ann', contract).id}/delegation", to=office.email("cy")
    )
    cy = Program(office, web, "cy")
    sha256 = cy.get(f"/tasks/{made['task']}")["version_sha256"]
    decided = cy.post(f"/tasks/{made['task']}/decision", verdict="approve", version_sha256=sha256)
    assert (decided["by"], decided["instead_of"]) == ("Cy", "Ann")
    events = cy.get(f"/contracts/{contract.id}/events")["items"]
    assert [each["data"].get("instead_of") for each in events if each["action"] == "approved"] == ["Ann"]


def test_only_administrators_reassign_over_the_api(office: Office, web: TestClient) -> None:
    task = office.task_of("ann", office.contract()).id
    wish: dict[str, Any] = {"to": office.email("cy")}
    Program(office, web, "ann").post(f"/tasks/{task}/reassignment", status=403, **wish)
    Program(office, web, "eve").post(f"/tasks/{task}/reassignment", status=404, **wish)
    made = Program(office, web, "root").post(f"/tasks/{task}/reassignment", **wish)
    assert (made["person"], made["instead_of"]) == ("Cy", None)
    unknown = Program(office, web, "root").post(
        f"/tasks/{made['task']}/reassignment", status=422, to="x@elsewhere.example"
    )
    assert unknown["field"] == "to"


def test_a_program_asks_for_an_opinion_and_gives_one(office: Office, web: TestClient) -> None:
    contract = office.contract()
    task = office.task_of("ann", contract).id
    made = Program(office, web, "ann").post(f"/tasks/{task}/reviewers", whom=office.email("cy"), question="Usual?")
    assert made["opinion"] is True
    cy = Program(office, web, "cy")
    sha256 = cy.get(f"/tasks/{made['task']}")["version_sha256"]
    refused = cy.post(f"/tasks/{made['task']}/decision", status=422, verdict="approve", version_sha256=sha256)
    assert "for your opinion here" in refused["detail"]
    shown = cy.get(f"/tasks/{made['task']}")
    assert (shown["wants_opinion"], shown["asked_by"], shown["words"]) == (True, "Ann", "Usual?")
    cy.post(f"/tasks/{made['task']}/opinion", text="Quite usual.", version_sha256=sha256)
    opinions = Program(office, web, "ann").get(f"/tasks/{task}")["opinions"]
    assert [(each["by"], each["text"]) for each in opinions] == [("Cy", "Quite usual.")]
    events = cy.get(f"/contracts/{contract.id}/events")["items"]
    assert "Quite usual" not in str(events)
    assert office.state(contract) == "in_review"


def test_a_due_time_is_put_off_over_the_api(office: Office, web: TestClient) -> None:
    task = office.task_of("ann", office.contract()).id
    dan = Program(office, web, "dan")
    later = dan.post(f"/tasks/{task}/extension", time="1 business day")
    assert later["due_at"] > later["first_due_at"]
    assert dan.post(f"/tasks/{task}/extension", status=422, time="2 business days")["detail"].startswith("The route")
    assert dan.post(f"/tasks/{task}/extension", status=422, time="soon")["field"] == "time"
    Program(office, web, "ann").post(f"/tasks/{task}/extension", status=403, time="1 business day")


def test_a_program_names_and_ends_substitutions(office: Office, web: TestClient) -> None:
    contract = office.contract(amount="5000.00", currency="EUR")
    today = office.now.date()
    days: dict[str, Any] = {"first_day": str(today - timedelta(days=1)), "last_day": str(today + timedelta(days=3))}
    ann, root = Program(office, web, "ann"), Program(office, web, "root")
    made = ann.post(
        "/substitutions", substitute=office.email("cy"), **days, up_to="10000", currency="EUR", kinds=["lease"]
    )
    assert (made["substitute_name"], made["up_to"], made["kinds"]) == ("Cy", "10000.00", ["lease"])
    assert office.open_tasks(contract) == ["bo", "cy"]
    for program in (ann, Program(office, web, "cy")):
        assert [each["id"] for each in program.get("/substitutions")["items"]] == [made["id"]]
    bo = {"person": str(office.people["bo"].id), "substitute": office.email("root"), **days}
    ann.post("/substitutions", status=404, **bo)
    Program(office, web, "eve").post("/substitutions", status=404, **bo)
    other = root.post("/substitutions", **bo)
    assert root.get(f"/substitutions?person={bo['person']}")["items"][0]["id"] == other["id"]
    for status in (204, 204):
        assert web.delete(f"/api/substitutions/{made['id']}", headers=ann.headers).status_code == status
    assert web.delete(f"/api/substitutions/{other['id']}", headers=ann.headers).status_code == 404
    assert ann.get("/substitutions")["items"] == []


def test_a_document_is_taken_back_over_the_api(office: Office, web: TestClient) -> None:
    contract = office.contract()
    Program(office, web, "ann").post(f"/contracts/{contract.id}/recall", status=403)
    Program(office, web, "eve").post(f"/contracts/{contract.id}/recall", status=404)
    taken = Program(office, web, "dan").post(f"/contracts/{contract.id}/recall", comment="The term is wrong.")
    assert (taken["state"], taken["owner_turn"]) == ("returned", True)


def test_a_task_is_handed_over_on_the_page_taken_back_and_decided(office: Office, web: TestClient) -> None:
    contract = office.contract()
    here, task = f"/contracts/{contract.id}", office.task_of("ann", contract).id
    ann = Browser(web, "ann")
    page = ann.open(here)
    assert office.email("cy") in [each.attributes["value"] for each in page.all("option")]
    ann.send(f"{here}/tasks/{task}/delegation", status=422, to="cy")
    assert ann.page.one("input", id="delegation-to").attributes["value"] == "cy", "what was typed is still there"
    page = ann.send(f"{here}/tasks/{task}/delegation", to=office.email("cy"), returns="no", comment="You know them.")
    assert "Handed over" in notice(page)
    assert "Cy decides for you" in page.text
    assert "Ann handed Legal to Cy" in page.text
    cy = Browser(web, "cy")
    page = cy.open(here)
    assert "You decide for Ann." in page.text
    assert "You know them." in page.text
    assert "For Ann" in cy.open("/").text
    acting = office.task_of("cy", contract).id
    page = ann.send(f"{here}/tasks/{acting}/return")
    assert "It has come back" in notice(page)
    ann.send(f"{here}/tasks/{task}/decision", verdict="approve")
    assert "You have approved" in notice(ann.page)


def test_a_substitute_decides_on_the_page_and_the_history_says_for_whom(office: Office, web: TestClient) -> None:
    contract = office.contract()
    ann = Browser(web, "ann")
    ann.open("/settings")
    today = office.now.astimezone(UTC).date()
    page = ann.send(
        "/settings/substitutions#substitutes",
        422,
        substitute=office.email("cy"),
        first_day="2020-01-01",
        last_day="2020-01-02",
    )
    assert "These days are over." in notice(page)
    page = ann.send(
        "/settings/substitutions#substitutes",
        substitute=office.email("cy"),
        first_day=str(today - timedelta(days=1)),
        last_day=str(today + timedelta(days=2)),
        up_to="",
        kinds=["lease"],
    )
    assert "The substitute is named" in notice(page)
    assert "Cy now" in page.one("section", id="substitutes").text
    cy = Browser(web, "cy")
    assert "for Ann" in cy.open("/settings").one("section", id="substitutes").text
    cy.open(f"/contracts/{contract.id}")
    page = cy.send(f"/contracts/{contract.id}/tasks/{office.task_of('cy', contract).id}/decision", verdict="approve")
    assert "Cy approved version 1, for Ann" in page.text
    assert "You approved, for Ann" in page.text
    ann.open("/settings")
    (end,) = [
        each.attributes["action"]
        for each in ann.page.all("form", method="post")
        if each.attributes["action"][-4:] == "/end"
    ]
    assert "Ended." in notice(ann.send(end))


def test_an_administrator_names_a_substitute_and_reassigns_on_the_pages(office: Office, web: TestClient) -> None:
    contract = office.contract()
    root, task = Browser(web, "root"), office.task_of("ann", contract).id
    here = f"/contracts/{contract.id}"
    root.open(here)
    page = root.send(f"{here}/tasks/{task}/reassignment", to=office.email("cy"))
    assert "Root gave Legal to Cy instead of Ann" in page.text
    bo = office.people["bo"].id
    root.open(f"/people/{bo}")
    today = office.now.date()
    days: dict[str, Any] = {"first_day": str(today), "last_day": str(today + timedelta(days=9))}
    page = root.send(f"/people/{bo}/substitutions#substitutes", substitute=office.email("ann"), **days)
    assert "The substitute is named" in notice(page)
    assert office.open_tasks(contract) == ["ann", "cy"]
    eve = Browser(web, "eve")
    eve.open(f"/people/{bo}", 404)


def test_an_opinion_is_asked_and_given_on_the_pages(office: Office, web: TestClient) -> None:
    contract = office.contract()
    here, task = f"/contracts/{contract.id}", office.task_of("ann", contract).id
    ann = Browser(web, "ann")
    ann.open(here)
    page = ann.send(f"{here}/tasks/{task}/reviewers", whom=office.email("cy"), question="Is clause 5 usual?")
    assert "Cy has not answered yet" in page.text
    cy = Browser(web, "cy")
    inbox = cy.open("/")
    assert "Ann asks for your opinion" in inbox.text
    assert not inbox.all("input", type="checkbox"), "an opinion is not decided together with others"
    page = cy.open(here)
    assert "Is clause 5 usual?" in page.text
    assert not page.all("button", value="approve")
    review = office.task_of("cy", contract).id
    cy.send(f"{here}/tasks/{review}/opinion", status=422, text=" ")
    page = cy.send(f"{here}/tasks/{review}/opinion", text="It is quite usual.")
    assert "Your opinion is on its way" in notice(page)
    assert "It is quite usual." in ann.open(here).text
    for other in ("bo", "dan", "root"):
        assert "It is quite usual." not in Browser(web, other).open(here).text


def test_a_sender_puts_the_due_time_off_and_takes_it_back_on_the_page(office: Office, web: TestClient) -> None:
    contract = office.contract()
    here = f"/contracts/{contract.id}"
    link, dan = link_of(office, "ann"), Browser(web, "dan")
    forms = dan.open(here).all("form", method="post")
    (later,) = [each.attributes["action"] for each in forms if each.attributes["action"].endswith("/extension")]
    page = dan.send(later, amount="2", unit="business days")
    assert "The due time is put off" in notice(page)
    assert "Dan put the due time of Legal off to" in page.text
    page = dan.send(later, status=422, amount="1", unit="business days")
    assert "at the latest" in notice(page)
    page = dan.send(f"{here}/recall", comment="The term is wrong.")
    assert "You took it back to change it" in page.text
    assert "Taken back by Dan, to change it" in page.text
    assert "Its sender took it back" in Browser(web).open(link).text


def linked(web: TestClient, address: str, status: int = 200, **typed: str) -> Element:
    answer = web.post(address, data=typed) if typed else web.get(address)
    if answer.status_code == 303:
        answer = web.get(answer.headers["location"])
    assert answer.status_code == status, answer.text[:600]
    assert not faults(answer.text)
    return read(answer.text)


def test_a_task_is_handed_over_behind_the_link_which_then_says_to_whom(office: Office, web: TestClient) -> None:
    contract = office.contract()
    link = link_of(office, "ann")
    page = linked(web, link)
    assert not page.all("option"), "a link that was forwarded tells nobody who works here"
    page = linked(web, f"{link}/delegation", 422, to="nobody@haneul.example")
    assert "Nobody of your organisation has the address" in notice(page)
    page = linked(web, f"{link}/delegation", to=office.email("cy"), returns="no")
    assert page.one("h1").text == "It was handed to Cy"
    assert "Ann was asked; Cy acts for them" in page.text
    refused = linked(web, f"{link}/delegation", 409, to=office.email("bo"))
    assert "It was handed to Cy on" in notice(refused)
    page = linked(web, link_of(office, "cy"))
    assert "You decide for Ann." in page.text
    page = linked(web, f"{link_of(office, 'cy')}/return", comment="Not my field.")
    assert page.one("h1").text == "It went back to Ann"
    assert "Not my field." in linked(web, link_of(office, "ann")).text
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_an_opinion_is_asked_and_given_behind_links(office: Office, web: TestClient) -> None:
    office.contract()
    link = link_of(office, "ann")
    assert (
        "Cy has not answered yet" in linked(web, f"{link}/reviewers", whom=office.email("cy"), question="Usual?").text
    )
    review = link_of(office, "cy")
    page = linked(web, review)
    assert "Ann asks for your opinion on this contract." in page.text
    assert "Usual?" in page.text
    sha256 = page.one("input", name="version_sha256").attributes["value"]
    assert "Say what you think." in notice(linked(web, f"{review}/opinion", 422, text=" ", version_sha256=sha256))
    page = linked(web, f"{review}/opinion", text="Quite usual.", version_sha256=sha256)
    assert page.one("h1").text == "You have given your opinion"
    assert "Quite usual." in linked(web, link).text


def test_get_and_head_of_these_links_change_nothing(office: Office, web: TestClient) -> None:
    contract = office.contract()
    link = link_of(office, "ann")
    for address in ("", "/delegation", "/reviewers", "/return", "/opinion"):
        for method in ("GET", "HEAD"):
            web.request(method, link + address)
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_every_such_page_is_wholly_korean(office: Office, web: TestClient) -> None:
    contract = office.contract()
    here = f"/contracts/{contract.id}"
    today = office.now.date()
    ann, cy, root = Browser(web, "ann"), Browser(web, "cy"), Browser(web, "root")
    Program(office, web, "ann").post(
        f"/tasks/{office.task_of('ann', contract).id}/reviewers", whom=office.email("cy"), question="?"
    )
    Program(office, web, "bo").post(
        "/substitutions",
        substitute=office.email("root"),
        first_day=str(today),
        last_day=str(today + timedelta(days=3)),
        up_to="10000.00",
        currency="EUR",
        kinds=["nda"],
    )
    Program(office, web, "dan").post(f"/tasks/{office.task_of('ann', contract).id}/extension", time="1 business day")
    links = [link_of(office, "cy"), link_of(office, "ann")]
    for browser, address in (
        (ann, here),
        (cy, here),
        (root, here),
        (Browser(web, "dan"), here),
        (cy, "/"),
        (ann, "/settings"),
        (Browser(web, "bo"), "/settings"),
        (root, "/settings"),
        (root, f"/people/{office.people['bo'].id}?done=substitute"),
        (Browser(web), links[0]),
        (Browser(web), links[1]),
    ):
        answer = web.get(f"{address}{'&' if '?' in address else '?'}lang=ko", headers={"Cookie": browser.cookie})
        web.cookies.clear()
        assert answer.status_code == 200
        assert not faults(answer.text)
        assert not english_left(answer.text), address
