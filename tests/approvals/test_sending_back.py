"""A document goes back to an earlier stage of its round: what is asked anew, and what stays; on either database."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from tests.support.office import Office, link_in, text_of
from tests.support.pdfs import plain_pdf
from workflows.approvals.links import follow
from workflows.approvals.model import Decision, Stage, StageState, Verdict
from workflows.approvals.operations import decide
from workflows.approvals.rules import why_closed
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Conflict, Refused
from workflows.signatures.queries import evidence_of

ROUTE = """\
name: back-and-forth
document: contract
priority: 10
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
    send_back_to: [submitter, manager]
  - name: checks
    parallel:
      - {name: security, approvers: {people: [cy@haneul.example]}, send_back_to: [manager]}
      - {name: privacy, approvers: {people: [eva@haneul.example]}}
  - {name: last, approvers: {people: [fay@haneul.example]}, send_back_to: [manager, legal, checks, security]}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "ida"):
        office.person(name, groups=["legal"])
    for name in ("cy", "eva", "fay"):
        office.person(name)
    office.route(ROUTE)
    return office


def at(office: Office, stage: str) -> Contract:
    """A contract that has come as far as this stage."""
    contract = office.contract()
    for name, before in (("mia", "manager"), ("ann", "legal"), ("bo", "legal"), ("cy", "checks"), ("eva", "checks")):
        if before == stage:
            break
        office.decide(name)
    office.deliver()
    return contract


def states(office: Office, contract: Contract) -> dict[str, StageState]:
    with office.reading() as session:
        found = select(Stage).where(Stage.round_id == office.round(contract).id).order_by(col(Stage.position))
        return {each.name: each.state for each in session.exec(found)}


def test_it_is_asked_and_counted_anew_from_that_stage_on(office: Office) -> None:
    contract = at(office, "legal")
    office.decide("ann")
    office.decide("bo", "send_back", to="manager", comment="Is this agreed with the fleet?")
    assert office.open_tasks() == ["mia"]
    assert office.state(contract) == "in_review", "it never went back to whoever sent it"
    office.deliver()
    [*_, mail] = office.mails.to(office.email("mia"))
    assert "Bo sent a contract back to you" in " ".join(text_of(mail).split())
    assert "Is this agreed with the fleet?" in text_of(mail)
    office.decide("mia")
    assert office.open_tasks() == ["ann", "bo", "ida"]
    office.decide("bo")
    assert office.open_tasks() == ["ann", "ida"], "Ann's first approval counts no longer"
    office.decide("ida")
    assert states(office, contract)["legal"] is StageState.APPROVED
    with office.reading() as session:
        decided = session.exec(select(Decision.name, Decision.verdict).order_by(col(Decision.at))).all()
    assert [name for name, _ in decided] == ["Mia", "Ann", "Bo", "Mia", "Bo", "Ida"], "all of it stays on record"


def test_links_of_the_stages_that_are_asked_anew_are_dead_and_say_why(office: Office) -> None:
    at(office, "legal")
    link = link_in(office.mails.to("ann@haneul.example")[-1]).removeprefix("/t/")
    office.decide("bo", "send_back", to="manager")
    with office.reading() as session:
        found, task, round = follow(session, link)
        assert found.dead_at is not None
        closed = why_closed(round, task)
    assert closed is not None
    assert closed.sentence.startswith("It was sent back on")
    office.decide("mia")
    with pytest.raises(Conflict), office.transaction() as session:
        decide(session, task.id, Verdict.APPROVE, seen=round.version_sha256, by=office.actor("ann"), now=office.now)


def test_a_rejection_before_it_was_sent_back_does_not_count_afterwards(office: Office) -> None:
    contract = at(office, "legal")
    office.decide("ann", "reject")
    office.decide("bo", "send_back", to="manager")
    office.decide("mia")
    office.decide("ida", "reject")
    assert office.state(contract) == "in_review"
    office.decide("ann", "reject")
    assert office.state(contract) == "rejected"


def test_sent_back_into_one_branch_the_group_still_comes_to_its_end(office: Office) -> None:
    contract = at(office, "last")
    office.decide("fay", "send_back", to="security")
    assert office.open_tasks() == ["cy"], "the branch beside it keeps what was decided in it"
    office.decide("cy")
    assert office.open_tasks() == ["fay"]
    office.decide("fay")
    assert office.state(contract) == "approved"


def test_sent_back_to_a_group_all_its_branches_are_asked(office: Office) -> None:
    at(office, "last")
    office.decide("fay", "send_back", to="checks")
    assert office.open_tasks() == ["cy", "eva"]


def test_sent_back_from_one_branch_the_other_is_closed_too(office: Office) -> None:
    at(office, "checks")
    assert office.open_tasks() == ["cy", "eva"]
    office.decide("cy", "send_back", to="manager")
    assert office.open_tasks() == ["mia"]
    office.decide("mia")
    office.decide("ann")
    office.decide("ida")
    assert office.open_tasks() == ["cy", "eva"]


def test_it_goes_only_where_the_route_lets_it_go_and_where_it_has_been(office: Office) -> None:
    contract = at(office, "legal")
    with pytest.raises(Refused, match="does not go back to “privacy”"):
        office.decide("ann", "send_back", to="privacy")
    office.decide("ann", "send_back")
    assert office.state(contract) == "returned"
    office.replace(contract, plain_pdf("another text"))
    for name in ("mia", "ann", "bo"):
        office.decide(name)
    with pytest.raises(Refused, match="does not go back to its sender"):
        office.decide("cy", "send_back")
    assert office.open_tasks() == ["cy", "eva"], "nothing was recorded"


def test_a_stage_that_it_did_not_go_through_is_no_way_back(office: Office) -> None:
    skipping = ROUTE.replace("{name: manager,", '{name: manager, when: contract.kind == "nda",')
    office.route(skipping)
    office.contract(kind="lease")
    with pytest.raises(Refused, match="did not go through “manager”"):
        office.decide("ann", "send_back", to="manager")


def test_the_history_says_whereto_and_the_record_keeps_every_decision(office: Office) -> None:
    contract = at(office, "legal")
    office.decide("ann", "send_back", to="manager", comment="Ask the fleet.")
    for name in ("mia", "ann", "bo", "cy", "eva", "fay"):
        office.decide(name)
    with office.reading() as session:
        [entry] = [each for each in history(session, PROCESS, contract.id) if each.action == "sent_back"]
        record = evidence_of(session, office.round(contract), readable_sha256="0" * 64, pages=1, made_at=office.now)
    assert (entry.data["stage"], entry.data["send_back_to"]) == ("legal", "manager")
    told = [(each.stage, each.name, each.verdict) for each in record.decisions]
    assert told[:4] == [
        ("manager", "Mia", "approve"),
        ("legal", "Ann", "send_back"),
        ("manager", "Mia", "approve"),
        ("legal", "Ann", "approve"),
    ]


def test_the_same_click_twice_sends_back_once(office: Office) -> None:
    contract = at(office, "legal")
    task, round = office.task_of("ann", contract), office.round(contract)
    answers = []
    for _ in range(2):
        with office.transaction() as session:
            answers.append(
                decide(
                    session,
                    task.id,
                    Verdict.SEND_BACK,
                    seen=round.version_sha256,
                    by=office.actor("ann"),
                    now=office.later(seconds=1),
                    comment="Ask the fleet.",
                    send_back_to="manager",
                )
            )
    assert [each.again for each in answers] == [False, True]
    assert office.open_tasks() == ["mia"]


def test_whoever_sent_the_document_hears_where_it_went_back_to_by_whom_and_why(office: Office) -> None:
    at(office, "last")
    office.decide("fay", "send_back", to="checks", comment="Who watches the gate?")
    office.deliver()
    [mail] = office.mails.to(office.email("dan"))
    words = " ".join(text_of(mail).split())
    assert str(mail["Subject"]).startswith("Sent back to “Checks”: Forklift fleet lease")
    assert "Fay sent your contract back to the stage “Checks”" in words
    assert "Who watches the gate?" in words
    assert "There is nothing for you to do." in words


def test_whoever_sends_their_own_document_back_is_not_told(office: Office) -> None:
    office.put_in("dan", group="legal")
    at(office, "legal")
    office.decide("dan", "send_back", to="manager")
    assert [mail.kind for mail in office.queued() if mail.to_email == office.email("dan")] == ["task"]
