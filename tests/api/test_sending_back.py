"""Sending back to an earlier stage: over the API, on the pages and behind mailed links, on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests.api.test_handing_over import Program, link_of
from tests.support.html import read
from tests.support.korean import english_left
from tests.support.office import PASSWORD, Office, text_of
from tests.support.web import Browser, notice

ROUTE = """\
name: back
document: contract
priority: 10
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: legal, approvers: {people: [ann@haneul.example]}, send_back_to: [submitter, manager]}
  - {name: last, approvers: {people: [bo@haneul.example]}, send_back_to: [legal]}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ann", password=PASSWORD)
    office.person("bo", password=PASSWORD, locale="ko")
    office.route(ROUTE)
    return office


def test_a_program_reads_whereto_it_may_send_back_and_does(office: Office, web: TestClient) -> None:
    contract = office.contract()
    office.decide("mia")
    ann = Program(office, web, "ann")
    task = ann.get(f"/tasks/{office.task_of('ann', contract).id}")
    assert task["send_back_to"] == ["submitter", "manager"]
    decision = {"verdict": "send_back", "version_sha256": task["version_sha256"], "comment": "Ask the fleet."}
    refused = ann.post(f"/tasks/{task['id']}/decision", status=422, **decision, send_back_to="last")
    assert "does not go back to “last”" in refused["detail"]
    ann.post(f"/tasks/{task['id']}/decision", **decision, send_back_to="manager")
    assert office.open_tasks() == ["mia"]
    mia = Program(office, web, "mia")
    [again] = mia.get("/tasks")["items"]
    assert again["words"] == "Ask the fleet."
    assert mia.get(f"/contracts/{contract.id}")["turns"][0]["stage"] == "manager"


def test_the_choice_stands_on_the_contracts_page_and_the_page_tells_what_was_before(
    office: Office, web: TestClient
) -> None:
    contract = office.contract()
    office.decide("mia")
    ann = Browser(web, "ann")
    page = ann.open(f"/contracts/{contract.id}")
    choice = page.one("select", name="send_back_to")
    assert [(each.attributes["value"], each.text) for each in choice.all("option")] == [
        ("submitter", "Dan"),
        ("manager", "Manager"),
    ]
    action = page.one("form", id="decision").attributes["action"]
    ann.send(action, verdict="send_back", send_back_to="manager", comment="Ask the fleet.")
    assert notice(ann.page) == "You have sent this contract back"
    assert office.open_tasks() == ["mia"]
    mia = Browser(web, "mia")
    page = mia.open(f"/contracts/{contract.id}")
    route = page.one("section", **{"aria-labelledby": "route"}).text
    assert "You approved, before it was asked again" in route
    assert "Ann sent it back, before it was asked again" in route
    assert "Ann sent version 1 back to Manager" in page.one("section", **{"aria-labelledby": "history"}).text
    assert "Ask the fleet." in page.one("form", id="decision").text


def test_the_choice_stands_behind_a_link_and_a_single_way_needs_none(office: Office, web: TestClient) -> None:
    contract = office.contract()
    office.decide("mia")
    link = link_of(office, "ann")
    form = read(web.get(link).text).one("form", id="decision")
    assert len(form.all("select", name="send_back_to")) == 1
    office.decide("ann")
    address = link_of(office, "bo")
    page = web.get(address).text
    assert english_left(page) == []
    form = read(page).one("form", id="decision")
    assert not form.all("select")
    fields = {each.attributes["name"]: each.attributes["value"] for each in form.all("input")}
    assert fields["send_back_to"] == "legal"
    answer = web.post(f"{address}/decision", data={**fields, "verdict": "send_back", "comment": "다시 봐 주세요."})
    assert answer.status_code == 303, answer.text
    assert office.open_tasks(contract) == ["ann"]


def test_the_mail_to_whoever_is_asked_anew_says_who_sent_it_back_in_either_language(office: Office) -> None:
    office.route(
        ROUTE.replace("name: legal, approvers: {people: [ann@", "name: legal, approvers: {people: [bo@").replace(
            "{people: [bo@haneul.example]}, send_back_to: [legal]",
            "{people: [ann@haneul.example]}, send_back_to: [legal, manager]",
        )
    )
    said = {}
    for target, person in (("manager", "mia"), ("legal", "bo")):
        contract = office.contract()
        for name in ("mia", "bo"):
            office.decide(name, contract=contract)
        office.decide("ann", "send_back", to=target, comment="Look again.", contract=contract)
        office.deliver()
        said[person] = " ".join(text_of(office.mails.to(office.email(person))[-1]).split())
    assert "Mia, Ann sent a contract back to you. You are asked to decide on it again." in said["mia"]
    assert "Bo 님, Ann 님이 계약의 보완을 요청했습니다. 다시 결재해 주세요." in said["bo"]
    assert all("Look again." in each for each in said.values())
