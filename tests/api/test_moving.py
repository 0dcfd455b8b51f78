"""Having a running round go on by another version of its route, over the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.support.office import Office
from tests.support.web import token

ROUTE = """\
name: house
document: contract
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: legal, approvers: {people: [ann@haneul.example]}}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    office.person("ann")
    office.person("bo")
    office.person("root", roles=["administrator"])
    office.person("eve", roles=["administrator"], organisation="Elsewhere")
    office.route(ROUTE)
    return office


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=office.runtime)) as client:
        yield client


def test_a_round_is_found_looked_at_and_moved(office: Office, web: TestClient) -> None:
    office.contract(title="Forklifts")
    office.decide("mia")
    office.route(ROUTE.replace("ann@", "bo@"))
    root = token(office, "root")

    [found] = web.get("/api/routes/house/rounds", headers=root).json()
    assert (found["version"], found["state"], found["process"]) == (1, "open", "contract")

    address = f"/api/rounds/{found['id']}/route"
    shown = web.get(address, params={"version": 2}, headers=root).json()
    assert {each["name"]: each["fate"] for each in shown["stages"]} == {"manager": "done", "legal": "asked_again"}
    assert office.open_tasks() == ["ann"]

    answer = web.post(address, json={"version": 2}, headers=root)
    assert answer.status_code == 200
    assert answer.json() == shown
    assert office.open_tasks() == ["bo"]
    assert web.get("/api/routes/house/rounds", headers=root).json()[0]["version"] == 2


def test_moving_is_refused_with_a_sentence(office: Office, web: TestClient) -> None:
    office.contract()
    root = token(office, "root")
    [found] = web.get("/api/routes/house/rounds", headers=root).json()
    address = f"/api/rounds/{found['id']}/route"
    for headers, body, status, detail in [
        (root, {"version": 1}, 409, "It goes by version 1 already."),
        (root, {"version": 9}, 404, "The route “house” has no version 9."),
        (root, {"version": 0}, 422, ""),
        (root, {"version": 2, "force": True}, 422, ""),
        (token(office, "dan"), {"version": 2}, 403, ""),
        (token(office, "eve"), {"version": 2}, 404, "There is no such round."),
    ]:
        answer = web.post(address, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        assert detail in answer.json()["detail"]
    assert web.get("/api/routes/house/rounds", headers=token(office, "eve")).json() == []
    assert office.open_tasks() == ["mia"]
