"""What a new version does to approvals of the one before, as its route says; on either database."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from signing.verification import verify
from tests.support.office import Office
from tests.support.pdfs import plain_pdf
from workflows.approvals.model import Round, Stage, StageState
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.papers.operations import recall
from workflows.signatures.queries import evidence_of

ROUTE = """\
name: reopening
document: contract
priority: 10
on_change: {reopen_from: legal}
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: owner, approvers: {people: [bo@haneul.example, cy@haneul.example]}, quorum: any}
  - {name: legal, approvers: {people: [ann@haneul.example]}}
  - {name: last, approvers: {people: [eva@haneul.example]}}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "cy", "eva"):
        office.person(name)
    office.route(ROUTE)
    return office


def stages(office: Office, contract: Contract) -> dict[str, Stage]:
    with office.reading() as session:
        newest = select(Round.id).where(Round.subject_id == contract.id).order_by(col(Round.number).desc()).limit(1)
        found = select(Stage).where(Stage.round_id == session.exec(newest).one())
        return {each.name: each for each in session.exec(found)}


def told(office: Office, contract: Contract, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in history(session, PROCESS, contract.id) if each.action == action]


def test_what_was_approved_before_that_stage_stays_and_the_record_says_of_which_version(office: Office) -> None:
    contract = office.contract()
    first = office.round(contract).version_sha256
    office.decide("mia")
    office.decide("cy")
    office.decide("ann", "send_back", comment="Cap the liability.")
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["ann"]
    kept = stages(office, contract)["owner"].kept
    assert kept is not None
    assert (kept["version"], kept["sha256"], [each["name"] for each in kept["by"]]) == (1, first, ["Cy"])
    assert [(each.data["stage"], each.data["people"]) for each in told(office, contract, "kept")] == [
        ("manager", ["Mia"]),
        ("owner", ["Cy"]),
    ]
    office.decide("ann")
    office.decide("eva")
    assert office.state(contract) == "approved"
    with office.reading() as session:
        record = evidence_of(session, office.round(contract), readable_sha256="0" * 64, pages=1, made_at=office.now)
    second = office.round(contract).version_sha256
    assert [(each.stage, each.name, each.version_sha256) for each in record.decisions] == [
        ("manager", "Mia", first),
        ("owner", "Cy", first),
        ("legal", "Ann", second),
        ("last", "Eva", second),
    ]
    office.carry_on(contract)
    report = verify(office.sealed_file(contract), [office.runtime.authority.trust_anchor_pem])
    assert report.verdict == "sealed"
    [checked] = [each for each in report.checks if each.code == "record"]
    assert str(checked.note).startswith("Decisions in it: 4, of which 2 on an earlier version, as its route allows.")


def test_what_is_kept_is_kept_once_more_with_the_version_that_was_approved(office: Office) -> None:
    contract = office.contract()
    first = office.round(contract).version_sha256
    office.decide("mia")
    office.decide("bo")
    for text in ("second", "third"):
        office.replace(contract, plain_pdf(text))
    kept = stages(office, contract)["manager"].kept
    assert kept is not None
    assert (kept["version"], kept["sha256"]) == (1, first)
    assert office.open_tasks() == ["ann"]


def test_what_was_not_approved_yet_is_asked_also_before_that_stage(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    with office.transaction() as session:
        recall(
            session,
            Contract,
            contract.id,
            comment="",
            by=office.actor("dan"),
            now=office.later(minutes=1),
            visible=True,
        )
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["bo", "cy"]
    office.decide("bo")
    assert office.open_tasks() == ["ann"]


def test_another_version_of_the_route_asks_everybody_again(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.decide("bo")
    office.route(ROUTE + "  - {name: very-last, approvers: {people: [bo@haneul.example]}}\n")
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["mia"]


def test_a_new_version_is_never_approved_by_what_was_kept_alone(office: Office) -> None:
    """Nobody would have seen it: the stage from which it is asked about does not apply to it."""
    office.route(ROUTE.replace("{name: legal,", '{name: legal, when: contract.kind == "nda",').replace(
        "{name: last,", '{name: last, when: contract.kind == "nda",'
    ))  # fmt: skip
    contract = office.contract(kind="lease")
    office.decide("mia")
    office.decide("bo")
    assert office.state(contract) == "approved"
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["mia"]
    assert {each.state for each in stages(office, contract).values()} == {
        StageState.OPEN,
        StageState.WAITING,
        StageState.SKIPPED,
    }


def test_whoever_approved_what_is_kept_decides_in_no_later_stage(office: Office) -> None:
    separate = ROUTE.replace("stages:", "separation: {distinct_across_stages: true}\nstages:").replace(
        "people: [eva@haneul.example]", "people: [eva@haneul.example, bo@haneul.example]"
    )
    office.route(separate)
    contract = office.contract()
    office.decide("mia")
    office.decide("bo")
    office.replace(contract, plain_pdf("another text"))
    office.decide("ann")
    assert office.open_tasks() == ["eva"]


def test_without_on_change_everybody_is_asked_again(office: Office) -> None:
    office.route(ROUTE.replace("on_change: {reopen_from: legal}\n", ""))
    contract = office.contract()
    office.decide("mia")
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["mia"]
