"""A page left open while its task went to somebody else: pressing there records nothing and says who has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.support.html import Element, read
from tests.support.office import PASSWORD, QUICK_ROUTE, Office, link_in
from tests.support.web import Browser, token
from workflows.approvals.handing_over import delegate, reassign
from workflows.approvals.model import Decision, Task, TaskState
from workflows.audit.queries import history
from workflows.contracts.model import Contract


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=1)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("cy", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(QUICK_ROUTE)
    return office


def hand_on(office: Office, how: str) -> None:
    """Mia's task goes to Cy."""
    with office.transaction() as session:
        task = session.exec(select(Task).where(Task.state == TaskState.OPEN)).one()
        if how == "reassigned":
            reassign(session, task.id, to=office.email("cy"), by=office.actor("root"), now=office.later(minutes=5))
        else:
            delegate(session, task.id, to=office.email("cy"), by=office.actor("mia"), now=office.later(minutes=5))


def actors(office: Office, contract: Contract) -> list[tuple[str, str]]:
    with office.reading() as session:
        return [(each.action, each.actor) for each in history(session, "contract", contract.id)]


def decided_by(office: Office) -> list[str]:
    with office.reading() as session:
        return [each.name for each in session.exec(select(Decision))]


def form_of(page: Element) -> dict[str, str]:
    form = page.one("form", id="decision")
    fields = {
        each.attributes["name"]: each.attributes["value"]
        for each in form.all("input")
        if each.attributes.get("type") == "hidden"
    }
    return {**fields, "verdict": "approve", "comment": ""}


@pytest.mark.parametrize("how", ["reassigned", "delegated"])
@pytest.mark.parametrize("where", ["desk", "link", "program"])
def test_whoever_had_the_task_is_told_who_has_it_now(office: Office, web: TestClient, where: str, how: str) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    headers: dict[str, str] = {}
    fields: dict[str, Any]
    if where == "desk":
        mia = Browser(web, "mia")
        page = mia.open(f"/contracts/{contract.id}")
        address, fields, headers = page.one("form", id="decision").attributes["action"], form_of(page), {}
        headers = {"Cookie": mia.cookie}
    elif where == "link":
        address = f"{link_in(mail)}/decision"
        fields = form_of(read(web.get(link_in(mail)).text))
    else:
        headers = {**token(office, "mia"), "Accept": "application/json"}
        [task] = web.get("/api/tasks", headers=headers).json()["items"]
        seen = web.get(f"/api/tasks/{task['id']}", headers=headers).json()["version_sha256"]
        address, fields = f"/api/tasks/{task['id']}/decision", {"verdict": "approve", "version_sha256": seen}

    hand_on(office, how)
    before = actors(office, contract)
    how_sent: dict[str, Any] = {"json": fields} if where == "program" else {"data": fields}
    answer = web.post(address, headers=headers, **how_sent)

    assert answer.status_code == 409, answer.text
    said = answer.json()["detail"] if where == "program" else read(answer.text).one("main").text
    assert "Cy" in said
    assert decided_by(office) == []
    assert actors(office, contract) == before
    assert office.open_tasks() == ["cy"]

    office.decide("cy")
    assert decided_by(office) == ["Cy"]
    told = dict(actors(office, contract))
    assert told["approved"] == "Cy"
    assert told[how] == ("Root" if how == "reassigned" else "Mia")
    assert {name for _, name in actors(office, contract)} == {"Dan", told[how], "Cy", "Signoff"}


def test_the_stale_tab_is_refused_before_and_after_the_task_is_decided(office: Office, web: TestClient) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    old = form_of(read(web.get(link_in(mail)).text))
    hand_on(office, "reassigned")
    new = link_in([each for each in office.deliver() if "cy@" in str(each["To"])][-1])
    fresh = form_of(read(web.get(new).text))
    pressed = [(f"{link_in(mail)}/decision", old), (f"{new}/decision", fresh), (f"{link_in(mail)}/decision", old)]
    answers = [web.post(address, data=fields).status_code for address, fields in pressed]
    assert answers == [409, 303, 409]
    assert decided_by(office) == ["Cy"]
    with office.reading() as session:
        assert session.get_one(Contract, UUID(str(contract.id))).state.value == "approved"
