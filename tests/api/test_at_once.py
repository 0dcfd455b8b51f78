"""What people and processes do in the same moment: it is recorded once, the file sealed once, everybody told once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.main import create_app
from signing.verification import verify
from tests.support.html import read
from tests.support.office import QUICK_ROUTE, Office, link_in, text_of
from workflows.approvals.model import Decision, RoundState, Stage, StageState, Task, TaskState
from workflows.approvals.operations import Decided
from workflows.audit.queries import history
from workflows.contracts.model import Contract
from workflows.contracts.steps import desk
from workflows.errors import Conflict, Refused
from workflows.parties.model import Kind, Person
from workflows.parties.operations import join, make_token
from workflows.parties.rules import Scope
from workflows.signatures.ceremony import sign
from workflows.signatures.operations import decline

BOTH = QUICK_ROUTE.replace("quick", "both").replace("priority: 5", "priority: 4").replace(
    "{manager_of: submitter}", "{group: legal}, quorum: {approve: all}"
)  # fmt: skip


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("ann", "bo"):
        office.person(name, groups=["legal"])
    office.route(BOTH)
    return office


def test_two_hundred_decide_at_once_and_the_stage_closes_once(office: Office) -> None:
    """More than the portal has threads. Every answer is a decision that is kept, or says that enough have decided."""
    people, needed = 200, 120
    tokens = crowd(office, people)
    office.route(
        "name: crowd\ndocument: contract\npriority: 99\nstages:\n"
        f"  - {{name: crowd, approvers: {{group: crowd}}, quorum: {{approve: {needed}}}}}\n"
        "  - {name: after, approvers: {people: [bo@haneul.example]}}\n"
    )
    contract = office.contract()
    seen = office.round(contract).version_sha256
    with office.reading() as session:
        asked = session.exec(select(Task).where(Task.state == TaskState.OPEN)).all()
    with TestClient(create_app(runtime=office.runtime)) as portal:

        def click(task: Task) -> int:
            return portal.post(
                f"/api/tasks/{task.id}/decision",
                json={"verdict": "approve", "version_sha256": seen},
                headers={"Authorization": f"Bearer {tokens[task.person_id]}"},
            ).status_code

        answers = at_once(*(partial(click, task) for task in asked))
    assert Counter(answers) == {201: needed, 409: people - needed}
    with office.reading() as session:
        assert len(session.exec(select(Decision)).all()) == needed
        stage = session.exec(select(Stage).where(Stage.name == "crowd")).one()
    assert stage.state is StageState.APPROVED
    assert actions(office, contract)["approved"] == needed
    assert actions(office, contract)["asked"] == 2
    assert office.open_tasks() == ["bo"]


def crowd(office: Office, people: int) -> dict[UUID, str]:
    """So many people in the group ``crowd``, each with a token."""
    now = datetime.now(UTC)
    with office.transaction() as session:
        made = [
            Person(
                organisation_id=office.organisation.id,
                name=f"P{number}",
                email=f"p{number}@haneul.example",
                created_at=office.now,
            )
            for number in range(people)
        ]
        session.add_all(made)
        session.flush()
        for person in made:
            join(session, person, Kind.GROUP, "crowd")
        return {
            person.id: make_token(session, person, name="tests", scopes=[Scope.TASKS_DECIDE], now=now)
            for person in made
        }


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What each came to, begun in the same moment: its answer, or the refusal."""
    start, answers = threading.Barrier(len(deeds)), list[object](deeds)

    def do(number: int) -> None:
        start.wait()
        try:
            answers[number] = deeds[number]()
        except Refused as refused:
            answers[number] = refused

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def actions(office: Office, contract: Contract) -> Counter[str]:
    with office.reading() as session:
        return Counter(event.action for event in history(session, "contract", contract.id))


def test_the_last_two_approve_at_once_and_two_runs_seal_at_once(office: Office) -> None:
    contract = office.contract()
    office.deliver()
    answers = at_once(
        lambda: office.decide("ann", contract=contract),
        lambda: office.decide("bo", contract=contract),
    )
    assert not [each for each in answers if isinstance(each, Refused)]
    assert office.round(contract).state is RoundState.APPROVED
    at_once(lambda: office.carry_on(contract), lambda: office.carry_on(contract))
    office.carry_on(contract)
    assert office.state(contract) == "in_force"
    done = actions(office, contract)
    assert (done["approved"], done["certified"], done["sealed"], done["in_force"]) == (2, 1, 1, 1)
    mails = office.deliver() + office.deliver()
    assert [str(each["To"]) for each in mails if "dan@" in str(each["To"])] == ["Dan <dan@haneul.example>"]
    report = verify(office.sealed_file(contract), [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    assert [each.kind for each in report.signatures].count("certification") == 1


def test_a_signature_pressed_three_times_at_once_is_given_once(office: Office) -> None:
    contract = office.contract(signers=["doyun@nordwerk.example"])
    office.decide("ann")
    office.decide("bo")
    office.carry_on(contract)
    presses = [lambda: office.sign("doyun@nordwerk.example", contract=contract)] * 3
    answers = at_once(*presses)
    assert [each for each in answers if not isinstance(each, BaseException)], answers
    assert actions(office, contract)["signed"] == 1
    office.carry_on(contract)
    report = verify(office.sealed_file(contract), [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    assert [each.signer for each in report.signatures if each.kind == "signature"] == ["Doyun"]


def test_whoever_signs_and_withdraws_in_the_same_moment_gets_one_of_both(office: Office) -> None:
    from workflows.contracts.operations import withdraw

    contract = office.contract(signers=["doyun@nordwerk.example"])
    office.decide("ann")
    office.decide("bo")
    office.carry_on(contract)

    def take_back() -> object:
        with office.transaction() as session:
            by = office.actor("dan")
            return withdraw(session, contract.id, comment="", by=by, now=office.later(minutes=1), visible=True)

    task, seen = office.task_of("doyun@nordwerk.example", contract), office.round(contract).version_sha256
    signer = office.actor("doyun@nordwerk.example", via="link")

    def give() -> object:
        return sign(
            desk(office.runtime), task.id, seen=seen, name="Doyun", consent=True, by=signer, now=lambda: office.now
        )

    at_once(give, take_back)
    office.carry_on(contract)
    done = actions(office, contract)
    assert done["signed"] + done["withdrawn"] == 1
    assert office.state(contract) == ("in_force" if done["signed"] else "withdrawn")


def test_when_a_signer_declines_the_signatures_before_stay_and_nobody_can_act_any_more(office: Office) -> None:
    contract = office.contract(signers=["doyun@nordwerk.example", "sarka@nordwerk.example", "lukas@nordwerk.example"])
    office.decide("ann")
    office.decide("bo")
    office.carry_on(contract)
    office.sign("doyun@nordwerk.example", contract=contract)
    office.carry_on(contract)
    office.deliver()
    with office.reading() as session:
        before = {each.id: (each.name, each.at, each.verdict) for each in session.exec(select(Decision))}
        asked = {task.email.partition("@")[0]: task for task in session.exec(select(Task)) if "nordwerk" in task.email}
        round = office.round(contract)
    with office.transaction() as session:
        by = office.actor("sarka@nordwerk.example", via="link")
        decline(
            session,
            asked["sarka"].id,
            seen=round.version_sha256,
            comment="Clause 7 is not what we agreed.",
            by=by,
            now=office.later(minutes=1),
        )
    office.carry_on(contract)
    with office.reading() as session:
        after = {each.id: (each.name, each.at, each.verdict) for each in session.exec(select(Decision))}
        assert before.items() < after.items(), "what was given stays what it was"
        assert not session.exec(select(Task).where(Task.state == TaskState.OPEN)).all()
    told = [str(mail["To"]) for mail in office.deliver() if "Clause 7 is not what we agreed." in text_of(mail)]
    assert any("dan@" in each for each in told)
    for name in ("sarka", "lukas"):
        with pytest.raises(Conflict):
            sign(
                desk(office.runtime),
                asked[name].id,
                seen=round.version_sha256,
                name=name,
                consent=True,
                by=office.actor(f"{name}@nordwerk.example", via="link"),
                now=lambda: office.now,
            )
    assert actions(office, contract)["sealed"] == 0


TOGETHER = """\
name: together
document: contract
priority: 50
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: sign, kind: signature, approvers: {role: signatory}, order: parallel}
"""
SIGNERS = ("ida", "jun", "kim", "lea", "max")


@pytest.fixture
def signing_together(office: Office) -> Contract:
    """Approved, and five people are asked to sign it, all at once."""
    for name in SIGNERS:
        office.person(name, roles=["signatory"])
    office.route(TOGETHER)
    contract = office.contract()
    office.decide("mia")
    assert office.carry_on(contract)[-1] == f"Waiting(whom='{', '.join(each.capitalize() for each in SIGNERS)}')"
    return contract


def test_the_page_of_each_names_the_others_who_are_asked(
    office: Office, web: TestClient, signing_together: Contract
) -> None:
    office.deliver()
    [mail] = [each for each in office.mails.to("jun@haneul.example") if "sign" in str(each["Subject"])]
    page = read(web.get(link_in(mail)).text).one("main").text
    assert "Asked to sign as well: Ida, Kim, Lea, Max." in page
    assert "Mia last on" in page, "who has approved"
    office.sign("ida")
    assert "Asked to sign as well: Kim, Lea, Max." in read(web.get(link_in(mail)).text).one("main").text
    assert office.state(signing_together) == "in_signature"


def test_signers_who_are_asked_at_once_sign_in_any_order(office: Office, signing_together: Contract) -> None:
    assert office.open_tasks() == sorted(SIGNERS)
    told = {str(each["To"]).split()[0].lower() for each in office.deliver() if "sign" in str(each["Subject"])}
    assert told == set(SIGNERS)
    for name in reversed(SIGNERS):
        office.sign(name)
        assert office.carry_on(signing_together), "safe to repeat: nobody is asked twice"
    assert office.state(signing_together) == "in_force"
    report = verify(office.sealed_file(signing_together), [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    assert [each.signer for each in report.signatures if each.kind == "signature"] == [
        each.capitalize() for each in reversed(SIGNERS)
    ]
    assert actions(office, signing_together)["asked"] == 2


def test_signers_who_sign_in_the_same_moment_are_all_in_the_sealed_file(
    office: Office, signing_together: Contract
) -> None:
    answers = at_once(*(partial(office.sign, name) for name in SIGNERS))
    assert all(isinstance(each, Decided) and not each.again for each in answers), answers
    office.carry_on(signing_together)
    assert office.state(signing_together) == "in_force"
    report = verify(office.sealed_file(signing_together), [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    signed = [each.signer for each in report.signatures if each.kind == "signature"]
    assert sorted(filter(None, signed)) == sorted(each.capitalize() for each in SIGNERS)


def test_when_one_of_them_declines_the_others_hear_of_it_and_can_sign_no_more(
    office: Office, signing_together: Contract
) -> None:
    office.sign("ida")
    office.deliver()
    task, round = office.task_of("jun", signing_together), office.round(signing_together)
    with office.transaction() as session:
        decline(
            session,
            task.id,
            seen=round.version_sha256,
            comment="Clause 7 is not what we agreed.",
            by=office.actor("jun"),
            now=office.later(minutes=1),
        )
    told = {str(each["To"]).split()[0].lower() for each in office.deliver() if "Clause 7" in text_of(each)}
    assert told == {"dan", "ida", "kim", "lea", "max"}
    with pytest.raises(Conflict):
        sign(
            desk(office.runtime),
            office.task_of("kim", signing_together).id,
            seen=round.version_sha256,
            name="Kim",
            consent=True,
            by=office.actor("kim"),
            now=lambda: office.now,
        )
