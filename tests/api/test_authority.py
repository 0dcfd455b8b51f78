"""Up to which amount people may approve: administrators say it on a page or over the API, and routes go by it."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, notice, token
from workflows.audit.queries import history
from workflows.parties.model import PROCESS

ROUTE = """\
name: by-authority
document: contract
priority: 10
currency: EUR
stages:
  - {name: signing-off, approvers: {authority: {role: signatory}}, fallback: {role: cfo}}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("dan", password=PASSWORD)
    for name in ("ann", "bo"):
        office.person(name, roles=["signatory"], password=PASSWORD)
    office.person("cfo", roles=["cfo"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    return office


def told(office: Office, name: str) -> list[object]:
    with office.reading() as session:
        events = history(session, PROCESS, office.people[name].id)
        return [each.data["changed"]["authority"] for each in events if each.action == "authority_changed"]


def test_what_is_kept_on_the_page_decides_whom_a_route_asks(office: Office, web: TestClient) -> None:
    office.route(ROUTE)
    root = Browser(web, "root")
    for name, limit, currency in (("ann", "10,000", "EUR"), ("bo", "", "EUR")):
        here = f"/people/{office.people[name].id}"
        root.open(here)
        assert "Changed." in notice(root.send(f"{here}/authority", limit=limit, currency=currency))
    assert office.open_tasks(office.contract(amount="10000.00", currency="EUR")) == ["ann"]
    assert office.open_tasks(office.contract(amount="10000.01", currency="EUR")) == ["bo"]
    here = f"/people/{office.people['bo'].id}"
    root.open(here)
    root.send(f"{here}/authority", limit="", currency="")
    assert office.open_tasks(office.contract(amount="10000.02", currency="EUR")) == ["cfo"], "nobody may: the fallback"
    kept = {"limit": None, "currency": "EUR"}
    assert told(office, "bo") == [[None, kept], [kept, None]]
    root.send(f"{here}/authority", limit="", currency="")
    assert len(told(office, "bo")) == 2, "what is so already is no change"


def test_what_is_no_limit_is_refused_and_changes_nothing(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    here = f"/people/{office.people['ann'].id}"
    root.open(here)
    for limit, currency, sentence in (
        ("many", "EUR", "An amount is a number"),
        ("10", "", "An amount needs its currency"),
        ("1.5", "KRW", "Amounts in KRW have no decimals"),
    ):
        page = root.send(f"{here}/authority", 422, limit=limit, currency=currency)
        assert sentence in notice(page)
        assert page.one("input", id="limit").attributes["value"] == limit
    assert told(office, "ann") == []


def test_programs_say_it_too(office: Office, web: TestClient) -> None:
    root = token(office, "root")
    listed = web.get("/api/people", params={"q": "signatory"}, headers=root).json()
    assert [each["name"] for each in listed["items"]] == ["Ann", "Bo"]
    ann = f"/api/people/{office.people['ann'].id}/authority"
    sent = {"authority": {"limit": "50000.00", "currency": "EUR"}}
    made = web.put(ann, json=sent, headers=root)
    assert made.status_code == 200, made.text
    assert made.json()["authority"] == sent["authority"]
    assert web.put(ann, json={"authority": None}, headers=root).json()["authority"] is None
    for name, expected in (("dan", 403), ("eve", 404)):
        assert web.put(ann, json=sent, headers=token(office, name)).status_code == expected
    wrong = web.put(ann, json={"authority": {"limit": "x", "currency": "EUR"}}, headers=root)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "amount")
