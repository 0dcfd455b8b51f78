"""What has run out of time offers no decision anywhere, also where nothing has ended it yet, until it is put off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests.support.html import read
from tests.support.office import PASSWORD, Office, link_in
from tests.support.web import Browser, notice, token
from workflows.contracts.model import Contract
from workflows.upkeep.steps import keep_deadlines

ROUTE = """\
name: in-time
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    due: 1 business day
    extend: 20 business days
    on_expiry: incident
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(days=7)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


@pytest.mark.parametrize("ended", [False, True])
def test_an_expired_task_offers_no_decision_anywhere(office: Office, web: TestClient, ended: bool) -> None:
    contract = office.contract()
    office.deliver()
    link = link_in(office.mails.to(office.email("mia"))[-1])
    if ended:
        keep_deadlines(office.runtime, now=datetime.now(UTC))
    mia = Browser(web, "mia")
    for address in (link, "/", f"/contracts/{contract.id}"):
        page = mia.open(address)
        assert not page.all("button", value="approve"), address
        assert not page.all("input", name="chosen"), address
        assert "time" in page.one("main").text
        assert "run out" in page.one("main").text
    [task] = web.get("/api/tasks", headers=token(office, "mia")).json()["items"]
    assert task["ran_out"] is True
    assert "decision" not in task["links"]


def test_who_decides_all_the_same_reads_that_it_is_too_late(office: Office, web: TestClient) -> None:
    contract = office.contract()
    office.deliver()
    link = link_in(office.mails.to(office.email("mia"))[-1])
    sent = {"verdict": "approve", "version_sha256": office.round(contract).version_sha256}
    answer = web.post(f"{link}/decision", data=sent)
    assert answer.status_code == 409
    assert "The time for this ran out on" in notice(read(answer.text))
    headers = token(office, "mia")
    [task] = web.get("/api/tasks", headers=headers).json()["items"]
    refused = web.post(f"/api/tasks/{task['id']}/decision", json=sent, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    together = web.post("/api/tasks/decisions", json=[{"task": task["id"], **sent}], headers=headers).json()
    assert [each["status"] for each in together["results"]] == [409]
    assert office.state(contract) == "in_review"


def test_once_it_is_put_off_it_is_decided_by_the_same_link(office: Office, web: TestClient) -> None:
    contract = office.contract()
    office.deliver()
    link = link_in(office.mails.to(office.email("mia"))[-1])
    keep_deadlines(office.runtime, now=datetime.now(UTC))
    put_off(office, web, contract)
    mia = Browser(web, "mia")
    assert mia.open(link).all("button", value="approve")
    sent = {"verdict": "approve", "version_sha256": office.round(contract).version_sha256}
    assert web.post(f"{link}/decision", data=sent).status_code == 303
    assert office.state(contract) == "approved"


def put_off(office: Office, web: TestClient, contract: Contract) -> None:
    task = office.task_of("mia", contract).id
    headers = token(office, "root")
    made = web.post(f"/api/tasks/{task}/extension", json={"time": "15 business days"}, headers=headers)
    assert made.status_code == 201, made.text
