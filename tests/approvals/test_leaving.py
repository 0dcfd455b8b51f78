"""People who leave: what they are asked goes to others, and what they decided stays as it was; on either database."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from tests.support.office import PASSWORD, Office, link_in
from tests.support.web import Browser, notice
from workflows.approvals.handing_over import reassign
from workflows.approvals.leaving import hand_on_tasks, see_off
from workflows.approvals.links import follow, insist_on_live
from workflows.approvals.model import Decision, StageState, Task, TaskState
from workflows.approvals.replay import event_of, replayed
from workflows.approvals.reviewing import ask_reviewer
from workflows.approvals.substitutes import name_substitute
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Gone
from workflows.parties.personnel import welcome_back

ROUTE = """\
name: careful
document: contract
priority: 10
separation: {exclude: [submitter]}
stages:
  - {name: manager, approvers: {manager_of: submitter}, fallback: {role: head}}
  - {name: legal, approvers: {people: [ann@haneul.example, bo@haneul.example]}, quorum: all}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", roles=["head"], password=PASSWORD)
    for name in ("ann", "bo", "cy"):
        office.person(name, password=PASSWORD)
    office.person("hana", roles=["head"], password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def leaves(office: Office, name: str) -> None:
    by = office.actor("root")
    with office.transaction() as session:
        see_off(session, office.people[name].id, by=by, now=office.later(minutes=1))


def told(office: Office, kind: str) -> list[str]:
    return sorted(mail.to_email.partition("@")[0] for mail in office.queued() if mail.kind == kind)


def actions(office: Office, contract: Contract) -> list[str]:
    with office.reading() as session:
        return [event.action for event in history(session, PROCESS, contract.id)]


def test_what_they_are_asked_goes_to_the_stages_fallback(office: Office) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    leaves(office, "mia")
    assert office.open_tasks(contract) == ["hana"], "of the role dan sent it, and may not decide"
    assert office.task_of("mia", contract).closed_because == "left"
    assert told(office, "task") == ["hana", "mia"]
    assert told(office, "handed_over") == ["dan"]
    assert actions(office, contract).count("left_to") == 1
    with office.reading() as session:
        assert follow(session, link_in(mail).removeprefix("/t/"))[0].dead_at is not None, "the link leads nowhere"
    office.decide("hana")
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_what_they_decided_keeps_their_name(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    leaves(office, "mia")
    with office.reading() as session:
        [decision] = session.exec(select(Decision)).all()
        assert (decision.name, decision.person_id) == ("Mia", office.people["mia"].id)
    assert office.open_tasks(contract) == ["ann", "bo"]
    assert "left_to" not in actions(office, contract)


def test_without_a_fallback_the_task_waits_and_administrators_hear_of_it_once(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.deliver()
    leaves(office, "ann")
    for _ in range(2):
        with office.transaction() as session:
            assert hand_on_tasks(session, now=office.now) == 0
    assert told(office, "incident") == ["root"]
    assert actions(office, contract).count("left_alone") == 1
    assert office.open_tasks(contract) == ["ann", "bo"]
    mail = office.mails.to(office.email("ann"))[-1]
    with office.reading() as session:
        link, task, round = follow(session, link_in(mail).removeprefix("/t/"))
        with pytest.raises(Gone, match="has done its work"):
            insist_on_live(link, round, task, now=office.now)
    office.decide("bo")
    assert office.state(contract) == "in_review", "never an approval"


def test_an_administrator_gives_what_was_left_to_somebody(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    leaves(office, "ann")
    task, by = office.task_of("ann", contract), office.actor("root")
    with office.transaction() as session:
        reassign(session, task.id, to=office.email("cy"), by=by, now=office.now)
    office.decide("cy")
    office.decide("bo")
    assert office.state(contract) == "approved"


def test_what_was_asked_while_they_left_is_found_by_the_upkeep(office: Office) -> None:
    contract = office.contract()
    with office.transaction() as session:  # as if the decision that asked them had read them before they left
        session.get_one(type(office.people["mia"]), office.people["mia"].id).active = False
    with office.transaction() as session:
        assert hand_on_tasks(session, now=office.now) == 1
    assert office.open_tasks(contract) == ["hana"]


def test_a_seat_goes_back_to_whose_it_is(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    today, by = office.now.date(), office.actor("ann")
    with office.transaction() as session:
        name_substitute(
            session,
            office.people["ann"].id,
            substitute=office.email("cy"),
            first_day=today,
            last_day=today,
            by=by,
            now=office.now,
        )
    assert office.open_tasks(contract) == ["bo", "cy"]
    leaves(office, "cy")
    assert office.open_tasks(contract) == ["ann", "bo"]
    assert office.task_of("ann", contract).instead_of_id is None


def test_an_opinion_of_somebody_who_left_is_no_longer_waited_for(office: Office) -> None:
    contract = office.contract()
    task, by = office.task_of("mia", contract), office.actor("mia")
    with office.transaction() as session:
        ask_reviewer(session, task.id, whom=office.email("cy"), by=by, now=office.now)
    leaves(office, "cy")
    assert office.open_tasks(contract) == ["mia"]
    assert told(office, "incident") == []


def test_a_signer_who_left_is_for_administrators_to_see_to(office: Office) -> None:
    contract = office.contract(signers=["cy"])
    leaves(office, "cy")
    assert told(office, "incident") == ["root"]
    assert office.task_of("cy", contract).state is TaskState.WAITING
    assert office.open_tasks(contract) == ["mia"]


def test_whoever_comes_back_has_what_was_left(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    leaves(office, "ann")
    by = office.actor("root")
    with office.transaction() as session:
        welcome_back(session, office.people["ann"].id, by=by, now=office.now)
    with office.transaction() as session:
        assert hand_on_tasks(session, now=office.now) == 0
    office.decide("ann")
    office.decide("bo")
    assert office.state(contract) == "approved"


def test_leaving_twice_is_as_once(office: Office) -> None:
    contract = office.contract()
    leaves(office, "mia")
    leaves(office, "mia")
    assert office.open_tasks(contract) == ["hana"]
    with office.reading() as session:
        assert len(session.exec(select(Task).where(Task.email == office.email("hana"))).all()) == 1


def test_the_page_says_where_the_tasks_went(office: Office, web: TestClient) -> None:
    contract = office.contract()
    browser = Browser(web, "root")
    here = f"/people/{office.people['mia'].id}"
    browser.open(here)
    assert "What they were asked has gone to whom its route names" in notice(browser.send(f"{here}/departure"))
    assert office.open_tasks(contract) == ["hana"]


VETO = """\
name: guarded
document: contract
priority: 20
stages:
  - name: legal
    approvers: {people: [ann@haneul.example, bo@haneul.example, cy@haneul.example]}
    fallback: {role: head}
    quorum: {approve: 2, reject: 2, veto: [ann@haneul.example]}
"""


def test_their_veto_goes_with_the_task(office: Office) -> None:
    office.route(VETO)
    contract = office.contract()
    leaves(office, "ann")
    assert office.open_tasks(contract) == ["bo", "cy", "dan"], "the first of the role; this route lets a sender decide"
    office.decide("dan", "reject", contract=contract)
    assert office.state(contract) == "rejected", "by one rejection, where others take two"
    with office.reading() as session:
        entries = history(session, PROCESS, contract.id)
    events = [event_of(each.action, each.data, each.actor_id) for each in entries]
    assert replayed(filter(None, events)) == {"legal": StageState.REJECTED}, "the history tells it again"


def test_a_substitute_who_leaves_takes_no_veto_along(office: Office) -> None:
    office.route(VETO)
    contract = office.contract()
    today, by = office.now.date(), office.actor("ann")
    with office.transaction() as session:
        name_substitute(
            session,
            office.people["ann"].id,
            substitute=office.email("mia"),
            first_day=today,
            last_day=today,
            by=by,
            now=office.now,
        )
    leaves(office, "mia")
    assert office.open_tasks(contract) == ["ann", "bo", "cy"]
    office.decide("ann", "reject", contract=contract)
    assert office.state(contract) == "rejected"
