"""Several tasks at once, each on its own: in the inbox and over the API, on either database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlmodel import col, select

from tests.support.html import Element, faults, read
from tests.support.office import PASSWORD, Office
from tests.support.pdfs import plain_pdf
from tests.support.web import Browser, notice, token
from workflows.approvals.model import Decision, Round, Task
from workflows.approvals.operations import decide
from workflows.contracts.model import Contract

ROUTE = """\
name: one-stage
document: contract
priority: 10
stages:
  - name: legal
    approvers: {group: legal}
    quorum: any
"""
ALL = "/tasks/decisions"


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("bo", groups=["legal"])
    office.route(ROUTE)
    return office


def handed_in(office: Office, number: int) -> list[Contract]:
    return [office.contract(title=f"Lease {each}") for each in range(1, number + 1)]


def task_of(office: Office, contract: Contract) -> tuple[UUID, str]:
    """The id of Ann's newest task in a contract, and the version's sha256."""
    with office.reading() as session:
        found = session.exec(
            select(Task, Round)
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(Round.subject_id == contract.id, Task.email == office.email("ann"))
            .order_by(col(Round.number).desc())
        ).first()
        assert found is not None
        return found[0].id, found[1].version_sha256


def wish(office: Office, contract: Contract, **changes: Any) -> dict[str, Any]:
    task, sha256 = task_of(office, contract)
    return {"task": str(task), "version_sha256": sha256, "verdict": "approve", **changes}


def outcomes(page: Element) -> dict[str, str]:
    """Of the answer page: title to the words of what became of it."""
    return {
        each.one("a", **{"class": "title"}).text: " ".join(words.text for words in each.all("p"))
        for each in page.one("main").all("li")
    }


def decided(office: Office) -> int:
    with office.reading() as session:
        return len(session.exec(select(Decision)).all())


def test_several_are_approved_together(office: Office, web: TestClient) -> None:
    contracts = handed_in(office, 3)
    ann = Browser(web, "ann")
    page = ann.open("/")
    choices = [each.attributes["value"] for each in page.all("input", type="checkbox")]
    assert len(choices) == 3
    page = ann.send(ALL, chosen=choices[:2], verdict="approve")
    assert page.one("h1").text == "What became of your decisions"
    assert "2 decisions have been recorded." in page.text
    assert outcomes(page) == {"Lease 1": "Approved", "Lease 2": "Approved"}
    assert [office.round(each).state for each in contracts] == ["approved", "approved", "open"]


def test_what_changed_meanwhile_is_left_alone_and_the_others_are_decided(office: Office, web: TestClient) -> None:
    first, second, third = handed_in(office, 3)
    ann = Browser(web, "ann")
    page = ann.open("/")
    choices = [each.attributes["value"] for each in page.all("input", type="checkbox")]
    office.replace(first, plain_pdf("Another text"))
    office.decide("bo", contract=second)
    page = ann.send(ALL, chosen=choices, verdict="approve")
    found = outcomes(page)
    assert "A new version took its place" in found["Lease 1"]
    assert "Bo decided it, on" in found["Lease 2"]
    assert found["Lease 3"] == "Approved"
    assert "One decision has been recorded. 2 have not" in page.text
    assert office.round(third).state == "approved"
    assert office.round(first).state == "open"


def test_one_comment_goes_with_all_that_are_sent_back(office: Office, web: TestClient) -> None:
    contracts = handed_in(office, 2)
    ann = Browser(web, "ann")
    choices = [each.attributes["value"] for each in ann.open("/").all("input", type="checkbox")]
    page = ann.send(ALL, status=422, chosen=choices, verdict="send_back", comment=" ")
    assert "needs a sentence that says why" in notice(page)
    assert [each.attributes.get("checked") for each in page.all("input", type="checkbox")] == ["", ""]
    assert decided(office) == 0
    page = ann.send(ALL, chosen=choices, verdict="send_back", comment="Ninety days, please.")
    assert set(outcomes(page).values()) == {"Sent back"}
    assert [office.state(each) for each in contracts] == ["returned", "returned"]
    with office.reading() as session:
        assert {each.comment for each in session.exec(select(Decision))} == {"Ninety days, please."}


def test_with_nothing_ticked_nothing_is_decided(office: Office, web: TestClient) -> None:
    handed_in(office, 1)
    ann = Browser(web, "ann")
    ann.open("/")
    assert "Nothing was chosen yet" in notice(ann.send(ALL, status=422, verdict="approve"))
    assert "Nothing was chosen yet" in notice(ann.send(ALL, status=422, verdict="approve", chosen="nonsense"))
    assert decided(office) == 0


def test_pressing_twice_gives_the_first_answer(office: Office, web: TestClient) -> None:
    handed_in(office, 2)
    ann = Browser(web, "ann")
    form = ann.open("/")
    choices = [each.attributes["value"] for each in form.all("input", type="checkbox")]
    first = outcomes(ann.send(ALL, chosen=choices, verdict="approve"))
    ann.page = form
    assert outcomes(ann.send(ALL, chosen=choices, verdict="approve")) == first
    assert decided(office) == 2


def test_the_answer_is_told_in_korean(office: Office, web: TestClient) -> None:
    handed_in(office, 1)
    ann = Browser(web, "ann")
    form = ann.open("/?lang=ko").one("form", action=ALL)
    assert "한꺼번에 결재" in form.text
    data = {
        "csrf_token": form.one("input", name="csrf_token").attributes["value"],
        "chosen": ann.page.one("input", type="checkbox").attributes["value"],
        "verdict": "approve",
    }
    answer = web.post(f"{ALL}?lang=ko", data=data, headers={"Cookie": ann.cookie})
    assert not faults(answer.text)
    assert "1건을 결재했습니다." in read(answer.text).text


def test_signatures_cannot_be_given_together(office: Office, web: TestClient) -> None:
    contract = office.contract(signers=["ann"])
    office.decide("bo")
    office.carry_on(contract)
    page = Browser(web, "ann").open("/")
    assert "Sign: " in page.text
    assert not page.all("input", type="checkbox")


def test_each_of_a_list_gets_its_own_result(office: Office, web: TestClient) -> None:
    good, changed, taken = handed_in(office, 3)
    sent = [wish(office, good), wish(office, changed), wish(office, taken), wish(office, good, task=str(uuid4()))]
    sent.append(wish(office, good, verdict="reject", comment="Or not."))
    office.replace(changed, plain_pdf("Another text"))
    sent[1]["task"] = wish(office, changed)["task"]  # the new task, with the sha256 of what was read before
    office.decide("bo", contract=taken)
    answer = web.post("/api/tasks/decisions", json=sent, headers=token(office, "ann"))
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [each["task"] for each in results] == [each["task"] for each in sent]
    assert [each["status"] for each in results] == [201, 409, 409, 404, 409]
    assert results[0]["decision"]["verdict"] == "approve"
    assert results[0]["problem"] is None
    assert "please read version 2" in results[1]["problem"]["detail"]
    assert "Ann has already approved this" in results[4]["problem"]["detail"]
    assert office.round(good).state == "approved"


def test_a_reject_without_a_reason_is_refused_alone(office: Office, web: TestClient) -> None:
    first, second = handed_in(office, 2)
    sent = [wish(office, first, verdict="reject"), wish(office, second)]
    answer = web.post("/api/tasks/decisions", json=sent, headers=token(office, "ann"))
    assert [each["status"] for each in answer.json()["results"]] == [422, 201]


def test_the_same_list_under_the_same_key_gives_the_first_answer(office: Office, web: TestClient) -> None:
    contracts = handed_in(office, 3)
    sent = [wish(office, each) for each in contracts[:2]]
    headers = {**token(office, "ann"), "Idempotency-Key": "friday-batch"}
    first = web.post("/api/tasks/decisions", json=sent, headers=headers).json()
    assert web.post("/api/tasks/decisions", json=sent, headers=headers).json() == first
    assert [each["decision"]["again"] for each in first["results"]] == [False, False]
    other = web.post("/api/tasks/decisions", json=[wish(office, contracts[2])], headers=headers)
    assert other.status_code == 422
    assert "another request" in other.json()["detail"]
    assert office.round(contracts[2]).state == "open"


def test_the_same_list_sent_at_once_decides_each_once(office: Office, web: TestClient) -> None:
    sent = [wish(office, each) for each in handed_in(office, 3)]
    headers = {**token(office, "ann"), "Idempotency-Key": "friday-batch"}
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: web.post("/api/tasks/decisions", json=sent, headers=headers), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert {each["status"] for answer in answers for each in answer.json()["results"]} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert decided(office) == 3


def test_a_failure_of_ours_with_one_loses_none_of_the_others(
    office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = handed_in(office, 3)
    sent = [wish(office, each) for each in contracts]

    def failing(session: Any, task_id: UUID, *args: Any, **named: Any) -> Any:
        made = decide(session, task_id, *args, **named)
        if str(task_id) == sent[0]["task"]:
            raise OperationalError("commit", {}, Exception("the server went away"))
        if str(task_id) == sent[1]["task"]:
            raise ZeroDivisionError
        return made

    monkeypatch.setattr("api.rest.decisions.decide", failing)
    results = web.post("/api/tasks/decisions", json=sent, headers=token(office, "ann")).json()["results"]
    assert [each["status"] for each in results] == [503, 500, 201]
    assert [office.round(each).state for each in contracts] == ["open", "open", "approved"]


def test_what_failed_on_our_side_is_tried_again_under_the_same_key(
    office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = handed_in(office, 2)
    sent = [wish(office, each) for each in contracts]
    headers = {**token(office, "ann"), "Idempotency-Key": "friday-batch"}

    def failing(session: Any, task_id: UUID, *args: Any, **named: Any) -> Any:
        if str(task_id) == sent[0]["task"]:
            raise NoConnection
        return decide(session, task_id, *args, **named)

    with monkeypatch.context() as broken:
        broken.setattr("api.rest.decisions.decide", failing)
        results = web.post("/api/tasks/decisions", json=sent, headers=headers).json()["results"]
    assert [each["status"] for each in results] == [503, 201]
    again = web.post("/api/tasks/decisions", json=sent, headers=headers).json()
    assert [each["status"] for each in again["results"]] == [201, 201]
    assert [each["decision"]["again"] for each in again["results"]] == [False, True]
    assert web.post("/api/tasks/decisions", json=sent, headers=headers).json() == again
    assert decided(office) == 2


@pytest.mark.parametrize("number", [0, 101])
def test_a_list_has_between_one_and_a_hundred_tasks(office: Office, web: TestClient, number: int) -> None:
    contract = office.contract()
    answer = web.post("/api/tasks/decisions", json=[wish(office, contract)] * number, headers=token(office, "ann"))
    assert answer.status_code == 422
    assert decided(office) == 0


def test_a_token_that_only_reads_cannot_decide(office: Office, web: TestClient) -> None:
    sent = [wish(office, office.contract())]
    answer = web.post("/api/tasks/decisions", json=sent, headers=token(office, "ann", "tasks:read"))
    assert answer.status_code == 403
