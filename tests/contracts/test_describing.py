"""What is said of a contract under way changes, and not its file: over the API and on its page, on either database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.office import PASSWORD, Office, link_in, text_of
from tests.support.web import Browser, notice, token
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.queries import listed

ROUTE = """\
name: keeping
document: contract
priority: 10
on_change: keep
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: legal, approvers: {people: [ann@haneul.example]}}
  - {name: partners, when: contract.counterparty == "Nordwerk", approvers: {people: [bo@haneul.example]}}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    for name in ("ann", "bo"):
        office.person(name)
    office.route(ROUTE)
    return office


def in_legal(office: Office, **words: Any) -> Contract:
    """A contract that its manager has approved."""
    contract = office.contract(ends_on="2029-06-30", notice_days="90", **words)
    office.decide("mia", contract=contract)
    office.deliver()
    return contract


def patched(
    office: Office, web: TestClient, contract: Contract, status: int = 200, by: str = "dan", **said: Any
) -> Any:
    headers = {**token(office, by), "Accept": "application/json"}
    answer = web.patch(f"/api/contracts/{contract.id}", json=said, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def told(office: Office, contract: Contract) -> list[dict[str, Any]]:
    with office.reading() as session:
        return [each.data for each in history(session, PROCESS, contract.id) if each.action == "described"]


def test_where_the_route_keeps_approvals_the_round_goes_on(office: Office, web: TestClient) -> None:
    contract = in_legal(office)
    made = patched(
        office, web, contract, title="Crane lease", ends_on="2030-06-30", counterparty_contact="kim@b.example"
    )
    assert (made["title"], made["ends_on"], made["cancel_by"]) == ("Crane lease", "2030-06-30", "2030-04-01")
    assert made["turns"][0]["stage"] == "legal"
    [entry] = told(office, contract)
    assert entry["goes_on"] is True
    assert entry["changes"] == {
        "title": ["Forklift fleet lease", "Crane lease"],
        "contact_email": ["", "kim@b.example"],
        "ends_on": ["2029-06-30", "2030-06-30"],
    }
    with office.reading() as session:
        found = listed(session, office.actor("ann"), q="crane", today=date(2026, 5, 21))
        assert [each.id for each in found.papers] == [contract.id], "it is found under its new title"
    assert office.deliver() == [], "nobody is asked again"
    office.decide("ann")
    assert office.state(contract) == "approved"


def test_where_the_route_asks_anew_everybody_is_asked_again(office: Office, web: TestClient) -> None:
    office.route(ROUTE.replace("on_change: keep", "on_change: restart"))
    contract = in_legal(office)
    patched(office, web, contract, title="Crane lease")
    assert office.open_tasks(contract) == ["mia"]
    [mail] = office.deliver()
    assert "Crane lease" in text_of(mail)
    assert "changed" in text_of(mail)
    assert told(office, contract)[0]["goes_on"] is False
    office.decide("mia")
    office.decide("ann")
    assert office.state(contract) == "approved"


def test_where_other_stages_apply_now_everybody_is_asked_again(office: Office, web: TestClient) -> None:
    contract = in_legal(office, counterparty="Nordberg")
    patched(office, web, contract, counterparty="Nordwerk")
    assert office.open_tasks(contract) == ["mia"]
    for name in ("mia", "ann", "bo"):
        office.decide(name)
    assert office.state(contract) == "approved"


def test_another_version_of_the_route_keeps_nothing(office: Office, web: TestClient) -> None:
    contract = in_legal(office)
    office.route(ROUTE.replace("name: partners", "name: others"))
    patched(office, web, contract, title="Crane lease")
    assert office.open_tasks(contract) == ["mia"]


def test_a_new_file_is_asked_about_from_the_beginning(office: Office) -> None:
    from tests.support.pdfs import plain_pdf

    contract = in_legal(office)
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks(contract) == ["mia"]


def test_what_is_so_already_changes_nothing_and_what_will_not_do_is_refused(office: Office, web: TestClient) -> None:
    contract = in_legal(office)
    patched(office, web, contract, title="Forklift fleet lease", notice_days=90)
    for wrong, field in (
        ({"title": ""}, "title"),
        ({"ends_on": None}, "ends_on"),
        ({"starts_on": "2030-01-01"}, "ends_on"),
        ({"counterparty_contact": "nobody"}, "email"),
    ):
        assert patched(office, web, contract, 422, **wrong)["field"] == field
    assert patched(office, web, contract, 422, amount="5")["field"] == "currency"
    assert told(office, contract) == []
    assert office.open_tasks(contract) == ["ann"]


def test_only_its_owner_changes_it_and_only_while_it_is_decided(office: Office, web: TestClient) -> None:
    contract = in_legal(office)
    refused = patched(office, web, contract, 403, by="mia", title="Mine")
    assert refused["detail"] == "Only its owner or an administrator may change what is said of this contract."
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    patched(office, web, contract, 404, by="eve", title="Mine")
    office.decide("ann")
    assert "Everyone has approved it" in patched(office, web, contract, 409, title="Late")["detail"]


def test_its_owner_changes_it_on_its_page_also_while_it_is_with_them(office: Office, web: TestClient) -> None:
    contract = in_legal(office)
    office.decide("ann", "send_back")
    dan = Browser(web, "dan")
    page = dan.open(f"/contracts/{contract.id}")
    action = f"/contracts/{contract.id}/description"
    form = page.one("form", action=action)
    assert form.one("input", name="ends_on").attributes["value"] == "2029-06-30"
    dan.send(action, title="Crane lease")
    assert notice(dan.page) == "Changed, as the route lets it"
    assert dan.page.one("h1").text == "Crane lease"
    assert (
        "Dan changed what is said of it (Title: Forklift fleet lease → Crane lease)"
        in dan.page.one("section", **{"aria-labelledby": "history"}).text
    )
    assert office.state(contract) == "returned"
    dan.send(action, 422, title="Crane lease", ends_on="")
    assert "A notice period needs the day" in notice(dan.page)
    assert dan.page.one("form", action=action).one("input", name="ends_on").attributes["value"] == ""


@pytest.mark.parametrize("on_change", ["keep", "restart", "{reopen_from: legal}"])
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"amount": "90000", "currency": "EUR"}, ["Amount", "EUR 84,600.00", "EUR 90,000.00"]),
        ({"currency": "USD"}, ["Currency", "EUR", "USD"]),
        ({"kind": "purchase"}, ["Kind", "Lease", "Purchase"]),
    ],
)
def test_where_amount_or_kind_change_everybody_is_asked_again_and_reads_what_changed(
    office: Office, web: TestClient, on_change: str, said: dict[str, Any], shown: list[str]
) -> None:
    office.route(ROUTE.replace("on_change: keep", f"on_change: {on_change}"))
    contract = in_legal(office, amount="84600.00", currency="EUR")
    patched(office, web, contract, **said)
    assert office.open_tasks(contract) == ["mia"], "the manager had approved the other amount"
    [entry] = told(office, contract)
    assert entry["goes_on"] is False
    assert entry["version"] == 1
    office.deliver()
    link = link_in(office.mails.to(office.email("mia"))[-1])
    words = " ".join(Browser(web, "mia").open(link).text.split())
    assert "Changed since you approved" in words
    assert f"before: {shown[1]} now: {shown[2]}" in words
    assert shown[0] in words
    assert "The file is the same." in words
    office.decide("mia")
    office.decide("ann")
    assert office.state(contract) == "approved"


def test_an_amount_that_another_route_is_for_sends_it_on_that_route(office: Office, web: TestClient) -> None:
    office.route(
        "{name: large, document: contract, priority: 20, currency: EUR, when: amount >= 100000,"
        " stages: [{name: board, approvers: {people: [bo@haneul.example]}}]}"
    )
    contract = in_legal(office, amount="84600.00", currency="EUR")
    patched(office, web, contract, amount="150000")
    assert office.open_tasks(contract) == ["bo"]


def test_amount_and_kind_are_changed_on_the_page_too(office: Office, web: TestClient) -> None:
    contract = in_legal(office, amount="84600.00", currency="EUR")
    dan = Browser(web, "dan")
    action = f"/contracts/{contract.id}/description"
    form = dan.open(f"/contracts/{contract.id}").one("form", action=action)
    assert form.one("input", name="amount").attributes["value"] == "84600.00"
    dan.send(action, title=contract.title, kind="purchase", amount="90,000", currency="EUR")
    history_told = dan.page.one("section", **{"aria-labelledby": "history"}).text
    assert "Kind: Lease → Purchase; Amount: EUR 84,600.00 → EUR 90,000.00" in history_told
    assert office.open_tasks(contract) == ["mia"]
