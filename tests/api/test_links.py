"""What a mailed link does, for whom, and for how long: whoever else opens it or looks for it gets nothing of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.support.html import read
from tests.support.office import PASSWORD, Office, link_in
from tests.support.web import Browser
from workflows.approvals.handing_over import send_link_again
from workflows.approvals.model import Decision, Task

ROUTE = """\
name: two-stages
document: contract
priority: 10
stages:
  - name: manager
    approvers: {manager_of: submitter}
  - name: legal
    approvers: {group: legal}
    quorum: any
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=1)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def decisions(office: Office) -> list[Decision]:
    with office.reading() as session:
        return list(session.exec(select(Decision)))


def press(web: TestClient, link: str, page: Any, verdict: str = "approve") -> Any:
    form = page.one("form", id="decision")
    seen = form.one("input", name="version_sha256").attributes["value"]
    return web.post(f"{link}/decision", data={"verdict": verdict, "comment": "Why.", "version_sha256": seen})


def test_a_scanner_that_follows_everything_on_the_page_leaves_the_link_to_its_reader(
    office: Office, web: TestClient
) -> None:
    """It opens what the mail names, and every address, picture, style and script of what it finds there."""
    office.contract()
    [mail] = office.deliver()
    link = link_in(mail)
    waiting, seen = [link], set[str]()
    while waiting:
        address = waiting.pop()
        if address in seen or not address.startswith("/"):
            continue
        seen.add(address)
        answer = web.get(address, follow_redirects=True)
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += [
                each.attributes.get("href") or each.attributes.get("src") or each.attributes.get("action") or ""
                for each in read(answer.text)
            ]
    assert len(seen) > 5, "the page, its pictures, its text and its file"
    for method in ("HEAD", "OPTIONS"):
        web.request(method, f"{link}/decision")
    assert decisions(office) == []
    assert office.open_tasks() == ["mia"]
    dan = Browser(web, "dan")
    [contract] = [
        each.attributes["href"]
        for each in dan.open("/contracts").all("a")
        if "title" in each.attributes.get("class", "").split()
    ]
    told = dan.open(contract).one("section", aria_labelledby="history").text + dan.open(f"{contract}/history").text
    for word in ("viewed", "opened", "read by", "seen by"):
        assert word not in told.lower()
    assert press(web, link, read(web.get(link).text)).status_code == 303
    assert [each.name for each in decisions(office)] == ["Mia"]


@pytest.mark.parametrize("name", ["dan", "root", "ann"])
def test_nobody_but_the_addressee_ever_gets_the_link(office: Office, web: TestClient, name: str) -> None:
    """Neither who sent the document, nor an administrator, nor a colleague finds it in anything they may open."""
    contract = office.contract()
    office.deliver()
    office.decide("mia")
    office.deliver()
    secrets = {str(each["To"]): link_in(each).removeprefix("/t/") for each in office.mails.messages}
    own = {secret for to, secret in secrets.items() if f"{name}@" in to}
    somebody = Browser(web, name)
    waiting, seen = ["/", f"/contracts/{contract.id}", "/settings"], set[str]()
    while waiting:
        address = waiting.pop().partition("#")[0]
        if address in seen or not address.startswith("/") or address.startswith(("/mailbox", "/static", "/t/")):
            continue
        seen.add(address)
        answer = web.get(address, headers={"Cookie": somebody.cookie}, follow_redirects=True)
        for secret in set(secrets.values()) - own:
            assert secret.encode() not in answer.content, address
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += [each.attributes["href"] for each in read(answer.text) if "href" in each.attributes]
    assert f"/contracts/{contract.id}/history" in seen or name == "ann"


def test_a_link_that_has_run_out_offers_nothing_and_takes_nothing(office: Office, web: TestClient) -> None:
    office.now = datetime.now(UTC) - timedelta(days=15)
    office.contract()
    [mail] = office.deliver()
    link = link_in(mail)
    shown = web.get(link)
    assert shown.status_code == 410
    page = read(shown.text)
    assert page.all("form") == []
    assert page.all("button") == []
    sent = web.post(f"{link}/decision", data={"verdict": "approve", "version_sha256": office_version(office)})
    assert sent.status_code == 410
    assert decisions(office) == []


def test_a_link_that_had_run_out_works_when_it_is_sent_again(office: Office, web: TestClient) -> None:
    office.now = datetime.now(UTC) - timedelta(days=15)
    office.contract()
    [mail] = office.deliver()
    assert web.get(link_in(mail)).status_code == 410
    office.now = datetime.now(UTC)
    with office.transaction() as session:
        task = session.exec(select(Task)).one()
        send_link_again(session, task.id, by=office.actor("dan"), now=office.now)
    [again] = office.deliver()
    link = link_in(again)
    assert press(web, link, read(web.get(link).text)).status_code == 303
    assert web.get(link_in(mail)).status_code in (200, 410)
    assert [each.name for each in decisions(office)] == ["Mia"]


@pytest.mark.parametrize("name", ["root", "dan", "ann"])
def test_a_stage_with_nobody_in_it_is_decided_by_nobody(office: Office, web: TestClient, name: str) -> None:
    office.route(ROUTE.replace("two-stages", "of-nobody").replace("priority: 10", "priority: 20").replace(
        "group: legal", "group: empty"
    ))  # fmt: skip
    contract = office.contract()
    office.decide("mia")
    assert office.open_tasks() == []
    somebody = Browser(web, name)
    answer = web.get(f"/contracts/{contract.id}", headers={"Cookie": somebody.cookie})
    if answer.status_code == 200:
        page = read(answer.text)
        assert not [each for each in page.all("form") if "decision" in each.attributes.get("action", "")]
        assert not page.all("button", name="verdict")
    assert [each.name for each in decisions(office)] == ["Mia"]
    assert office.state(contract) == "in_review"


def office_version(office: Office) -> str:
    from workflows.approvals.model import Round

    with office.reading() as session:
        return session.exec(select(Round)).one().version_sha256
