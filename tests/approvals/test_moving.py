"""Having a running round go on by another version of its route; on either database."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from tests.support.office import Office
from workflows.approvals.model import Decision, Stage, StageState, Task
from workflows.approvals.moving import Moving, move_round, rounds_under_way, what_moving_does
from workflows.approvals.rerouting import Fate
from workflows.audit.queries import history
from workflows.contracts.model import Contract
from workflows.contracts.queries import listed
from workflows.errors import Conflict, Forbidden, NotFound, Refused

FIRST = """\
name: two-stages
document: contract
currency: EUR
stages:
  - name: manager
    approvers: {manager_of: submitter}
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
  - name: finance
    approvers: {people: [fay@haneul.example]}
"""
SIGNED = (
    FIRST
    + """\
  - name: sign
    kind: signature
    approvers: {people: [sue@haneul.example, tom@haneul.example]}
"""
)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "cy"):
        office.person(name, groups=["legal"])
    for name in ("fay", "sue", "tom", "eva"):
        office.person(name)
    office.person("root", roles=["administrator"])
    office.route(FIRST)
    return office


def moved(office: Office, contract: Contract, version: int = 2, by: str = "root") -> Moving:
    round = office.round(contract)
    with office.transaction() as session:
        return move_round(session, round.id, version, by=office.actor(by), now=office.later(minutes=1))


def stages(office: Office, contract: Contract) -> dict[str, StageState]:
    with office.reading() as session:
        rows = session.exec(
            select(Stage).where(Stage.round_id == office.round(contract).id).order_by(col(Stage.position))
        ).all()
        return {each.name: each.state for each in rows}


def fates(moving: Moving) -> dict[str, Fate]:
    return {each.name: each.fate for each in moving.stages}


def test_publishing_alone_moves_nothing(office: Office) -> None:
    contract = office.contract()
    office.route(FIRST.replace("name: finance", "name: treasury"))
    assert office.round(contract).route_version == 1
    assert "finance" in stages(office, contract)


def test_what_was_decided_stays_and_the_rest_is_planned_anew(office: Office) -> None:
    contract = office.contract(amount="1000", currency="EUR")
    office.decide("mia")
    office.decide("ann")
    office.route(
        FIRST.replace(
            "  - name: finance\n",
            "  - name: board\n    when: amount >= 5000\n    approvers: {role: board}\n  - name: treasury\n",
        ).replace("fay@", "eva@")
    )
    moving = moved(office, contract)
    assert fates(moving) == {
        "manager": Fate.DONE,
        "legal": Fate.KEPT,
        "board": Fate.SKIPPED,
        "treasury": Fate.PLANNED,
        "finance": Fate.DROPPED,
    }
    assert stages(office, contract) == {
        "manager": StageState.APPROVED,
        "legal": StageState.OPEN,
        "board": StageState.SKIPPED,
        "treasury": StageState.WAITING,
    }
    assert office.round(contract).route_version == 2
    assert office.open_tasks() == ["bo", "cy"]
    office.decide("bo")  # the vote that Ann gave before still counts
    assert office.open_tasks() == ["eva"]
    office.decide("eva")
    assert office.state(contract) == "approved"


def test_a_stage_that_asks_others_now_is_asked_anew_and_counts_from_nothing(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.decide("ann")
    office.deliver()
    office.route(FIRST.replace("quorum: {approve: 2, reject: 2}", "quorum: all"))
    assert fates(moved(office, contract))["legal"] is Fate.ASKED_AGAIN
    assert office.open_tasks() == ["ann", "bo", "cy"]
    assert {str(mail["To"]).partition("@")[0].rpartition("<")[2] for mail in office.deliver()} >= {"ann", "bo", "cy"}
    office.decide("bo")
    office.decide("cy")
    assert office.open_tasks() == ["ann"]
    office.decide("ann")
    assert office.open_tasks() == ["fay"]
    with office.reading() as session:
        given = session.exec(select(Decision.name).where(Decision.round_id == office.round(contract).id)).all()
    assert sorted(given) == ["Ann", "Ann", "Bo", "Cy", "Mia"]  # nothing that anybody decided is lost


def test_a_stage_that_is_gone_is_ended_and_its_links_with_it(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.route(
        FIRST.replace("  - name: legal\n    approvers: {group: legal}\n    quorum: {approve: 2, reject: 2}\n", "")
    )
    assert fates(moved(office, contract)) == {"legal": Fate.ENDED, "manager": Fate.DONE, "finance": Fate.PLANNED}
    assert office.open_tasks() == ["fay"]
    with office.reading() as session:
        closed = session.exec(select(Task).where(Task.email == office.email("ann"))).one()
    assert closed.closed_because == "moved"
    office.decide("fay")
    assert office.state(contract) == "approved"


def test_a_new_stage_before_the_open_one_comes_first(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.route(
        FIRST.replace(
            "  - name: legal\n", "  - name: tax\n    approvers: {people: [eva@haneul.example]}\n  - name: legal\n"
        )
    )
    assert fates(moved(office, contract))["legal"] is Fate.ASKED_AGAIN
    assert office.open_tasks() == ["eva"]
    office.decide("eva")
    assert office.open_tasks() == ["ann", "bo", "cy"]


def test_a_new_stage_after_everything_that_is_done_asks_its_people(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.route(
        FIRST.replace(
            "  - name: legal\n    approvers: {group: legal}\n    quorum: {approve: 2, reject: 2}\n"
            "  - name: finance\n    approvers: {people: [fay@haneul.example]}\n",
            "",
        )
    )
    moved(office, contract)
    assert office.state(contract) == "approved"  # all that the new version asks for was decided


def test_signers_change_with_the_version(office: Office) -> None:
    office.route(SIGNED)
    contract = office.contract(signers=["sue"])
    office.route(SIGNED.replace("tom@", "eva@").replace("name: sign", "name: seal-of-the-house"))
    moving = moved(office, contract, 3)
    assert [each.name for each in moving.signers or ()] == ["Sue", "Eva"]
    for name in ("mia", "ann", "bo", "fay"):
        office.decide(name)
    office.carry_on(contract)
    assert office.open_tasks(contract) == ["sue"]


def test_the_documents_own_signers_come_back_where_the_new_version_names_none(office: Office) -> None:
    office.route(SIGNED)
    contract = office.contract(signers=["tom"])
    assert [each.name for each in moved(office, contract, 1).signers or ()] == ["Tom"]
    assert list(stages(office, contract))[-1] == "signatures"
    moving = moved(office, contract, 2)
    assert [each.name for each in moving.signers or ()] == ["Sue", "Tom"]
    assert list(stages(office, contract))[-1] == "sign"


def test_a_round_can_be_moved_there_and_back(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.route(
        FIRST.replace("{group: legal}", "{people: [ann@haneul.example, bo@haneul.example]}").replace(", reject: 2", "")
    )
    moved(office, contract, 2)
    assert office.open_tasks() == ["ann", "bo"]
    moved(office, contract, 1)
    assert office.open_tasks() == ["ann", "bo", "cy"]
    for name in ("ann", "cy", "fay"):
        office.decide(name)
    assert office.state(contract) == "approved"


def test_both_versions_are_on_record(office: Office) -> None:
    contract = office.contract()
    office.route(FIRST.replace("{approve: 2, reject: 2}", "any"))
    moving = moved(office, contract)
    with office.reading() as session:
        entry = next(each for each in history(session, "contract", contract.id) if each.action == "moved")
    assert (entry.actor, entry.data["from_version"], entry.data["to_version"]) == ("Root", 1, 2)
    assert (entry.data["from_sha256"], entry.data["to_sha256"]) == (moving.old.sha256, moving.new.sha256)
    assert entry.data["stages"]["legal"] == "planned"


def test_what_it_would_do_changes_nothing(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.route(
        FIRST.replace("{group: legal}", "{role: administrator}").replace("approve: 2, reject: 2", "approve: 1")
    )
    with office.reading() as session:
        shown = what_moving_does(session, office.round(contract).id, 2, by=office.actor("root"))
        assert fates(shown)["legal"] is Fate.ASKED_AGAIN
        assert shown.difference.changed[0].fields == ("approvers", "quorum")
    assert office.round(contract).route_version == 1
    assert office.open_tasks() == ["ann", "bo", "cy"]


def test_moving_makes_no_sense_where_nothing_would_be_asked_or_is_left(office: Office) -> None:
    contract = office.contract()
    office.route(FIRST.replace("    approvers", '    when: contract.kind == "nda"\n    approvers'))
    with pytest.raises(Conflict, match="goes by version 1 already"):
        moved(office, contract, 1)
    with pytest.raises(Refused, match="nobody would decide"):
        moved(office, contract, 2)
    with pytest.raises(NotFound, match="no version 7"):
        moved(office, contract, 7)
    for name in ("mia", "ann", "bo"):
        office.decide(name)
    office.decide("fay", "reject")
    with pytest.raises(Conflict, match="no longer under way"):
        moved(office, contract, 2)


def test_only_administrators_of_the_house_move_rounds(office: Office) -> None:
    contract = office.contract()
    office.route(FIRST.replace("{approve: 2, reject: 2}", "any"))
    office.person("eve", roles=["administrator"], organisation="Elsewhere")
    with pytest.raises(Forbidden):
        moved(office, contract, by="dan")
    with pytest.raises(NotFound):
        moved(office, contract, by="eve")
    with office.reading() as session:
        assert [each.id for each in rounds_under_way(session, "two-stages", by=office.actor("root"))] == [
            office.round(contract).id
        ]
        assert not rounds_under_way(session, "two-stages", by=office.actor("eve"))


def test_whom_the_new_version_names_finds_the_document(office: Office) -> None:
    contract = office.contract(title="Forklift fleet lease")
    office.decide("mia")
    office.route(FIRST.replace("people: [fay@haneul.example]", "people: [eva@haneul.example]"))

    def finds(name: str) -> bool:
        with office.reading() as session:
            found = listed(session, office.actor(name), q="forklift", today=office.now.date())
            return [each.id for each in found.papers] == [contract.id]

    assert not finds("eva")
    moved(office, contract)
    assert finds("eva")
