"""What always holds when people decide, each rule once, as programs and links meet it over HTTP; on either database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.main import create_app
from tests.support.html import read
from tests.support.office import PASSWORD, Office, link_in
from tests.support.pdfs import plain_pdf
from tests.support.web import HTML, token
from workflows.approvals.handing_over import reassign
from workflows.approvals.leaving import see_off
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract

ROUTE = """\
name: careful
document: contract
priority: 10
currency: EUR
separation: {exclude: [submitter], distinct_across_stages: true}
links: {one_time_code: {above: "10000"}}
stages:
  - {name: manager, approvers: {manager_of: submitter}, fallback: {role: standby}}
  - {name: legal, approvers: {group: legal}, quorum: any}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=1)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    for name in ("ann", "bo"):
        office.person(name, groups=["legal"], password=PASSWORD)
    office.person("cy", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


class Portal:
    """The portal at a time of the test's choosing."""

    def __init__(self, office: Office) -> None:
        self.office, self.now = office, datetime.now(UTC)
        self.app = create_app(runtime=office.runtime)
        self.app.state.clock = lambda: self.now
        self.web = TestClient(self.app, follow_redirects=False)
        self._tokens: dict[str, dict[str, str]] = {}

    def ask(self, who: str, method: str, address: str, **sent: Any) -> Response:
        """As a program of somebody's."""
        if who not in self._tokens:
            self._tokens[who] = token(self.office, who)
        headers = {**self._tokens[who], **sent.pop("headers", {})}
        return self.web.request(method, f"/api{address}", headers=headers, **sent)

    def tasks(self, who: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(who, "GET", "/tasks").json()["items"]
        return found

    def decide(self, who: str, task: dict[str, Any], verdict: str = "approve", **said: Any) -> Response:
        body = {"verdict": verdict, "version_sha256": task["version_sha256"], "comment": "Because.", **said}
        return self.ask(who, "POST", f"/tasks/{task['id']}/decision", json=body)

    def approve(self, who: str) -> None:
        [task] = self.tasks(who)
        assert self.decide(who, task).status_code == 201

    def actions(self, contract: Contract) -> list[str]:
        events = self.ask("dan", "GET", f"/contracts/{contract.id}/events?limit=1000").json()["items"]
        return [each["action"] for each in events]


@pytest.fixture
def portal(office: Office) -> Iterator[Portal]:
    made = Portal(office)
    with made.web:
        yield made


def at_once(*deeds: Callable[[], Response]) -> list[Response]:
    start, answers = threading.Barrier(len(deeds)), list[Any](deeds)

    def do(number: int) -> None:
        start.wait()
        answers[number] = deeds[number]()

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_who_decide_at_the_same_instant_the_later_one_reads_who_decided_and_when(
    office: Office, portal: Portal
) -> None:
    contract = office.contract()
    portal.approve("mia")
    [ann], [bo] = portal.tasks("ann"), portal.tasks("bo")
    answers = at_once(partial(portal.decide, "ann", ann), partial(portal.decide, "bo", bo))
    assert sorted(each.status_code for each in answers) == [201, 409]
    [first] = [each.json() for each in answers if each.status_code == 201]
    [late] = [each.json()["detail"] for each in answers if each.status_code == 409]
    assert late.startswith(f"{first['by']} decided it, on "), late
    assert str(portal.now.year) in late
    assert portal.actions(contract).count("approved") == 2, "the manager and one of Legal"


def test_a_decision_that_comes_in_at_its_due_time_or_after_is_too_late(office: Office, portal: Portal) -> None:
    """The time at which the portal received it decides, whether anybody has looked at the clock since or not."""
    timed = 'calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}\nseparation:'
    office.route(
        ROUTE.replace("separation:", timed).replace("quorum: any", "quorum: any, due: 4 days, on_expiry: incident")
    )
    contract = office.contract()
    portal.approve("mia")
    [task] = portal.tasks("ann")
    due = datetime.fromisoformat(task["due_at"])
    portal.now = due
    late = portal.decide("ann", task)
    assert late.status_code == 409
    assert "The time for this ran out on" in late.json()["detail"]
    assert portal.actions(contract).count("approved") == 1, "the manager’s alone"
    portal.now = due - timedelta(milliseconds=1)
    assert portal.decide("ann", task).status_code == 201


def test_a_changed_document_is_decided_by_nobody_who_saw_the_earlier_one(office: Office, portal: Portal) -> None:
    contract = office.contract()
    [old] = portal.tasks("mia")
    office.replace(contract, plain_pdf("another text"))
    [new] = portal.tasks("mia")
    stale = portal.decide("mia", {**new, "version_sha256": old["version_sha256"]})
    assert stale.status_code == 409
    assert "please read version 2" in stale.json()["detail"]
    assert portal.decide("mia", old).status_code == 409
    assert "approved" not in portal.actions(contract)
    assert [each["version"] for each in portal.tasks("mia")] == [2]


def test_the_same_request_twice_gives_the_first_answer_and_another_body_is_refused(
    office: Office, portal: Portal
) -> None:
    office.contract()
    [task] = portal.tasks("mia")
    body = [{"task": task["id"], "verdict": "approve", "version_sha256": task["version_sha256"]}]
    key = {"Idempotency-Key": "once"}
    first, again = (portal.ask("mia", "POST", "/tasks/decisions", json=body, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.json()["results"][0]["decision"]["again"] is False
    other = portal.ask(
        "mia", "POST", "/tasks/decisions", json=[{**body[0], "verdict": "reject", "comment": "No."}], headers=key
    )
    assert other.status_code == 422


def test_a_click_sent_twice_gives_the_first_answer_again(office: Office, portal: Portal) -> None:
    contract = office.contract()
    [task] = portal.tasks("mia")
    first, again = portal.decide("mia", task), portal.decide("mia", task)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "again": True}
    assert portal.decide("mia", task, "reject").status_code == 409
    assert portal.actions(contract).count("approved") == 1


def test_where_nobody_resolves_the_fallback_is_asked_and_then_administrators_hear_of_it(
    office: Office, portal: Portal
) -> None:
    office.person("ned", password=PASSWORD)
    office.put_in("cy", role="standby")
    with_fallback = office.contract("ned")
    assert [each["subject_id"] for each in portal.tasks("cy")] == [str(with_fallback.id)]
    office.route(ROUTE.replace("role: standby", "role: nobody"))
    blocked = office.contract("ned")
    standing = portal.ask("ned", "GET", f"/contracts/{blocked.id}").json()
    assert (standing["state"], standing["turns"][0]["blocked"]) == ("in_review", True), "never an approval"
    boards = portal.ask("root", "GET", "/boards").json()
    assert [each["subject_id"] for each in boards["incidents"]["blocked"]] == [str(blocked.id)]
    assert any("root@" in str(mail["To"]) for mail in office.deliver())


def test_a_past_decision_keeps_the_name_of_whoever_has_left(office: Office, portal: Portal) -> None:
    contract = office.contract()
    portal.approve("mia")
    with office.transaction() as session:
        see_off(session, office.people["mia"].id, by=office.actor("root"), now=office.now)
    events = portal.ask("dan", "GET", f"/contracts/{contract.id}/events?limit=1000").json()["items"]
    assert [each["actor"] for each in events if each["action"] == "approved"] == ["Mia"]


def test_what_somebody_is_asked_who_has_left_goes_to_the_fallback(office: Office, portal: Portal) -> None:
    office.put_in("cy", role="standby")
    contract = office.contract()
    by = office.actor("root")
    with office.transaction() as session:
        see_off(session, office.people["mia"].id, by=by, now=office.now)
    assert [each["subject_id"] for each in portal.tasks("cy")] == [str(contract.id)]
    portal.approve("cy")
    events = portal.ask("dan", "GET", f"/contracts/{contract.id}/events?limit=1000").json()["items"]
    assert [each["data"]["of"] for each in events if each["action"] == "left_to"] == ["Mia"]


def test_whoever_is_away_is_stood_in_for_and_the_record_says_for_whom(office: Office, portal: Portal) -> None:
    contract = office.contract()
    portal.approve("mia")
    today = portal.now.date()
    made = portal.ask(
        "ann",
        "POST",
        "/substitutions",
        json={
            "substitute": office.email("cy"),
            "first_day": str(today - timedelta(days=1)),
            "last_day": str(today + timedelta(days=5)),
        },
    )
    assert made.status_code == 201, made.text
    assert portal.tasks("ann") == []
    [task] = portal.tasks("cy")
    assert task["instead_of"] == "Ann"
    decided = portal.decide("cy", task).json()
    assert (decided["by"], decided["instead_of"]) == ("Cy", "Ann")
    assert office.state(contract) == "approved"


def test_who_decided_an_earlier_stage_is_neither_asked_again_nor_decides_again(office: Office, portal: Portal) -> None:
    office.put_in("mia", group="legal")
    contract = office.contract()
    [task] = portal.tasks("mia")
    portal.approve("mia")
    assert portal.tasks("mia") == []
    assert office.open_tasks(contract) == ["ann", "bo"]
    [ann] = portal.tasks("ann")
    assert portal.decide("mia", ann).status_code == 403
    handed = portal.ask("ann", "POST", f"/tasks/{ann['id']}/delegation", json={"to": office.email("mia")})
    assert handed.status_code == 422
    assert task["stage"] == "manager"


def test_a_round_under_way_keeps_its_route_and_is_moved_on_purpose(office: Office, portal: Portal) -> None:
    contract = office.contract()
    edited = portal.ask(
        "root", "PUT", "/routes/careful", content=ROUTE.replace("group: legal", "people: [cy@haneul.example]")
    )
    assert edited.status_code in (200, 201), edited.text
    assert portal.ask("dan", "GET", f"/contracts/{contract.id}").json()["route_version"] == 1
    round = office.round(contract).id
    shown = portal.ask("root", "GET", f"/rounds/{round}/route?version=2").json()
    assert (shown["from_version"], shown["to_version"]) == (1, 2)
    assert portal.ask("dan", "GET", f"/contracts/{contract.id}").json()["route_version"] == 1
    assert portal.ask("root", "POST", f"/rounds/{round}/route", json={"version": 2}).status_code == 200
    portal.approve("mia")
    assert office.open_tasks(contract) == ["cy"]


@pytest.mark.parametrize("quorum", ["{approve: 4}", "{approve: 2, reject: 3}"])
def test_a_quorum_that_could_deadlock_is_refused_on_saving(office: Office, portal: Portal, quorum: str) -> None:
    people = "[ann@haneul.example, bo@haneul.example, cy@haneul.example]"
    source = ROUTE.replace("{group: legal}, quorum: any", f"{{people: {people}}}, quorum: {quorum}")
    answer = portal.ask("root", "PUT", "/routes/careful", content=source)
    assert answer.status_code == 422, answer.text
    assert portal.ask("root", "GET", "/routes").json()[0]["version"] == 1


def test_opening_a_link_decides_nothing_and_counts_as_nothing(office: Office, portal: Portal) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    before = portal.actions(contract)
    for method in ("GET", "HEAD", "GET"):
        assert portal.web.request(method, link_in(mail), headers=HTML).status_code == 200
    assert portal.actions(contract) == before
    assert press(portal, link_in(mail)).status_code == 303
    assert office.open_tasks(contract) == ["ann", "bo"]


def press(portal: Portal, link: str) -> Response:
    form = read(portal.web.get(link, headers=HTML).text).one("form", id="decision")
    fields = {each.attributes["name"]: each.attributes["value"] for each in form.all("input")}
    return portal.web.post(f"{link}/decision", data={**fields, "verdict": "approve"}, headers=HTML)


def test_what_is_decided_by_a_link_says_so_and_above_the_limit_it_takes_a_code(office: Office, portal: Portal) -> None:
    small = office.contract(amount="10000.00", currency="EUR")
    [mail] = office.deliver()
    press(portal, link_in(mail))
    with office.reading() as session:
        [entry] = [each for each in history(session, PROCESS, small.id) if each.action == "approved"]
    assert entry.data["via"] == "link"
    office.deliver()
    large = office.contract(amount="10000.01", currency="EUR")
    forwarded = link_in([each for each in office.deliver() if "mia@" in str(each["To"])][-1])
    assert "code" in read(portal.web.get(forwarded, headers=HTML).text).one("main").text
    refused = portal.web.post(
        f"{forwarded}/decision",
        data={"verdict": "approve", "version_sha256": office.round(large).version_sha256},
        headers=HTML,
    )
    assert refused.status_code != 303
    assert "approved" not in portal.actions(large)


@pytest.mark.parametrize("ended", ["decided", "reassigned", "recalled", "run out"])
def test_a_link_that_is_over_says_what_became_of_its_task(office: Office, portal: Portal, ended: str) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    link, task = link_in(mail), portal.tasks("mia")[0]
    said = {
        "decided": "You have approved this contract",
        "reassigned": "It was given to Cy",
        "recalled": "Its sender took it back to change it",
        "run out": "This link ran out on",
    }[ended]
    match ended:
        case "decided":
            portal.decide("mia", task)
        case "reassigned":
            with office.transaction() as session:
                mine = office.task_of("mia", contract).id
                reassign(session, mine, to=office.email("cy"), by=office.actor("root"), now=portal.now)
        case "recalled":
            portal.ask("dan", "POST", f"/contracts/{contract.id}/recall", json={})
        case _:
            portal.now += timedelta(days=15)
    page = portal.web.get(link, headers=HTML)
    assert said in read(page.text).one("main").text
    before = portal.actions(contract)
    body = {"verdict": "reject", "comment": "Late.", "version_sha256": task["version_sha256"]}
    assert portal.web.post(f"{link}/decision", data=body).status_code in (409, 410)
    assert portal.actions(contract) == before


@pytest.mark.parametrize(
    ("place", "asked_at", "due", "due_at", "told"),
    [
        # Sunday's holiday is made up for on Monday, the 25th
        ("country: KR, timezone: Asia/Seoul", (2026, 5, 21, 0, 31), "2 business days", (2026, 5, 26, 9), "2026-05-25"),
        # on Sunday, the 25th, summer time ends: the office closes an hour later than it would have by UTC
        ("country: DE, timezone: Europe/Berlin", (2026, 10, 23, 8), "1 business day", (2026, 10, 26, 17), "2026-10-26"),
    ],
)
def test_due_times_over_a_holiday_or_a_clock_change_are_shown_with_their_arithmetic(
    office: Office,
    portal: Portal,
    place: str,
    asked_at: tuple[int, int, int, int],
    due: str,
    due_at: tuple[int, int, int, int],
    told: str,
) -> None:
    portal.now = datetime(*asked_at, tzinfo=UTC)
    calendar = f'calendar: {{{place}, hours: "09:00-18:00"}}\n'
    timed = ROUTE.replace("separation:", calendar + "separation:").replace("quorum: any", f"due: {due}")
    asked = {"source": timed, "submitter": office.email("dan"), "amount": "1000", "currency": "EUR"}
    run = portal.ask("root", "POST", "/routes/careful/dry-run", json=asked).json()
    legal = run["stages"][1]
    assert datetime.fromisoformat(legal["due_at"]) == datetime(*due_at, tzinfo=UTC)
    assert legal["due"]["timezone"] in place
    assert legal["due"]["calendar_version"]
    assert told in str(legal["due"])
