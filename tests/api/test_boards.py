"""The boards of administrators: their page with its forms, and the same over the API; on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.boards.test_boards import ROUTE, blocked_contract, decided_at_random, with_lost_mail
from tests.support.html import faults, read
from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, action, notice, token
from workflows.outbox import RunOwed


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def test_the_charts_and_the_tables_say_the_same(office: Office, web: TestClient) -> None:
    decided_at_random(office, 40)
    page = Browser(web, "root").open("/boards")
    charts = page.all("figure")
    assert [each.one("h3").text for each in charts] == ["The whole way", "Legal"]
    for chart in charts:
        numbers = [each.all("td")[0].text for each in chart.one("table").all("tr")[1:]]
        assert len(numbers) == 12
        assert sum(map(int, numbers)) == 40
        months_with_bars = len(chart.one("svg").all("rect", **{"class": "median"}))
        assert months_with_bars == sum(number != "0" for number in numbers)


def test_a_route_is_chosen_by_a_form(office: Office, web: TestClient) -> None:
    decided_at_random(office, 4)
    blocked_contract(office)
    root = Browser(web, "root")
    page = root.open("/boards?route=auditors")
    chosen = [each.attributes["value"] for each in page.all("option") if "selected" in each.attributes]
    assert chosen == ["auditors"]
    assert "Nothing was decided in these months." in page.text
    assert len(root.open("/boards?route=nonsense").all("svg")) == 2


def test_a_blocked_stage_is_tried_again_by_a_button(office: Office, web: TestClient) -> None:
    contract = blocked_contract(office)
    office.carry_on(contract)
    root = Browser(web, "root")
    page = root.open("/boards")
    assert "One incident waits for somebody to mend it." in page.text
    assert "Route" in {each.text for each in page.all("a", href="/routes/auditors")}
    page = root.send(action(page, "/retry"), status=409)
    assert "There is still nobody to ask." in notice(page)
    office.person("ida", groups=["auditors"])
    page = root.send(action(page, "/retry"))
    assert "Somebody is asked again" in notice(page)
    assert "Nothing is broken." in page.text
    assert office.open_tasks(contract) == ["ida"]


def test_a_lost_mail_is_sent_to_the_right_address_by_a_form(office: Office, web: TestClient) -> None:
    _, lost = with_lost_mail(office)
    root = Browser(web, "root")
    page = root.open("/boards")
    assert "550 5.1.1 no such user" in page.text
    address = f"/boards/mails/{lost.mail_id}/address"
    page = root.send(address, status=422, email="nonsense")
    assert "is not an e-mail address" in notice(page)
    page = root.send(address, email="sarka@nordwerk.example")
    assert "corrected address" in notice(page)
    assert "sarka@nordwerk.example" in str(office.deliver()[-1]["To"])


def test_a_lost_mail_is_sent_again_by_a_button(office: Office, web: TestClient) -> None:
    _, lost = with_lost_mail(office)
    root = Browser(web, "root")
    root.open("/boards")
    page = root.send(f"/boards/mails/{lost.mail_id}/retry")
    assert "It is on its way again" in notice(page)
    assert len(office.deliver()) == 1


def test_what_could_not_be_sealed_is_taken_up_again_by_a_button(office: Office, web: TestClient) -> None:
    contract, _ = with_lost_mail(office)
    office.sign("sarka@nordwrk.example", contract=contract)
    with office.transaction() as session:
        session.get_one(RunOwed, ("contract", contract.id)).wanted_at = datetime.now(UTC) - timedelta(minutes=11)
    root = Browser(web, "root")
    page = root.open("/boards")
    assert "Everyone has signed, and the file could not be sealed so far." in page.text
    page = root.send(f"/boards/runs/contract/{contract.id}/retry")
    assert "taken up again" in notice(page)
    assert "could not be sealed" not in page.text


def test_the_boards_are_told_in_korean(office: Office, web: TestClient) -> None:
    decided_at_random(office, 5)
    blocked_contract(office)
    with_lost_mail(office)
    root = Browser(web, "root")
    answer = web.get("/boards?lang=ko", headers={"Cookie": root.cookie})
    assert not faults(answer.text)
    page = read(answer.text)
    assert page.one("h1").text == "현황"
    assert "요청할 사람이 없음" in page.text
    assert "열 중 아홉" in page.text


def test_boards_are_for_administrators_and_each_sees_their_own(office: Office, web: TestClient) -> None:
    contract = blocked_contract(office)
    Browser(web, "dan").open("/boards", status=403)
    assert [each.text for each in Browser(web, "dan").open("/").all("a", href="/boards")] == []
    eve = Browser(web, "eve")
    page = eve.open("/boards")
    assert "Nothing is broken." in page.text
    assert contract.number not in page.text
    form = {"csrf_token": page.all("input", name="csrf_token")[0].attributes["value"]}
    for address in (f"runs/contract/{contract.id}", f"mails/{uuid4()}", f"stages/{uuid4()}"):
        answer = web.post(f"/boards/{address}/retry", data=form, headers={"Cookie": eve.cookie})
        assert answer.status_code == 404


def test_a_form_from_elsewhere_mends_nothing(office: Office, web: TestClient) -> None:
    contract = blocked_contract(office)
    root = Browser(web, "root")
    answer = web.post(f"/boards/runs/contract/{contract.id}/retry", headers={"Cookie": root.cookie})
    assert answer.status_code == 403


def test_the_boards_are_read_over_the_api(office: Office, web: TestClient) -> None:
    decided_at_random(office, 20)
    blocked_contract(office)
    office.contract(route="one-stage")
    answer = web.get("/api/boards", headers=token(office, "root", "boards:read"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["stuck"]["tasks"] == 1
    assert [each["name"] for each in found["stuck"]["people"]] == ["Ann"]
    assert [(each["from_days"], each["to_days"]) for each in found["stuck"]["ages"]] == [
        (0, 1),
        (1, 3),
        (3, 7),
        (7, 30),
        (30, None),
    ]
    assert [each["kind"] for each in found["incidents"]["blocked"]] == ["nobody_to_ask"]
    assert found["incidents"]["count"] == sum(len(found["incidents"][each]) for each in ("blocked", "mails", "runs"))
    assert found["route"] == "one-stage"
    assert found["routes"] == ["one-stage", "auditors"]
    assert [each["stage"] for each in found["cycles"]] == [None, "legal"]
    assert found["cycles"][1]["whole"]["number"] == 20
    assert len(found["cycles"][1]["months"]) == 12


def test_the_api_shows_boards_to_administrators_with_the_scope_alone(office: Office, web: TestClient) -> None:
    assert web.get("/api/boards", headers=token(office, "root", "contracts:read")).status_code == 403
    assert web.get("/api/boards", headers=token(office, "dan")).status_code == 403
    assert web.get("/api/boards").status_code == 401
    assert web.get("/api/boards", headers=token(office, "eve")).json()["routes"] == []
