"""Rounds on a real database, led by anything that people may do: they end as the rules say, and their history tells it
again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from tests.support.office import Office, lasting_office
from workflows.approvals.handing_over import reassign
from workflows.approvals.model import Round, RoundState, Stage, StageState, Task, TaskState, Verdict
from workflows.approvals.operations import decide
from workflows.approvals.replay import event_of, replayed
from workflows.approvals.rules import Outcome, outcome, standing_votes, votes_in
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Refused

ROUTE = """\
name: everything
document: contract
priority: 10
repeated: skip
stages:
  - {name: first, approvers: {people: [p1@haneul.example, p2@haneul.example]}, quorum: any}
  - name: legal
    approvers: {people: [p2@haneul.example, p3@haneul.example, p4@haneul.example]}
    quorum: {approve: 2, reject: 2, veto: [p4@haneul.example]}
    send_back_to: [first]
  - name: checks
    parallel:
      - {name: left, approvers: {people: [p3@haneul.example, p5@haneul.example]}, quorum: 60%, send_back_to: [legal]}
      - {name: right, approvers: {people: [p5@haneul.example, p6@haneul.example]}, quorum: any}
  - {name: last, approvers: {people: [p1@haneul.example, p6@haneul.example]}, send_back_to: [checks, left, first]}
"""
PEOPLE = ["dan", *(f"p{number}" for number in range(1, 7))]
TARGETS = ("first", "legal", "checks", "left")
OVER = (RoundState.APPROVED, RoundState.REJECTED)

act = st.tuples(
    st.integers(0, 7),
    st.sampled_from([Verdict.APPROVE] * 5 + [Verdict.REJECT, Verdict.SEND_BACK]),
    st.sampled_from(TARGETS),
)


@pytest.fixture(scope="module")
def office(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with lasting_office(migrated_sqlite, tmp_path_factory.mktemp("following"), PEOPLE, ROUTE) as office:
        yield office


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(act, max_size=16))
def test_a_round_goes_as_the_rules_say_and_its_history_tells_it_again(
    office: Office, acts: list[tuple[int, Verdict, str]]
) -> None:
    contract = office.contract()
    for which, verdict, target in acts:
        take_part(office, contract, which, verdict, target)
        hold_all(office, contract)
    for which in range(40):  # everybody who is still asked approves: the vote ends
        if office.round(contract).state in OVER:
            break
        take_part(office, contract, which, Verdict.APPROVE, "")
    hold_all(office, contract)
    assert office.round(contract).state in OVER


def test_the_history_tells_of_a_veto_that_was_given_to_somebody_else(office: Office) -> None:
    contract = office.contract()
    office.decide("p1", contract=contract)
    with office.transaction() as session:
        veto = office.task_of("p4", contract).id
        reassign(session, veto, to=office.email("p5"), by=office.actor("root"), now=office.later(minutes=1))
    office.decide("p5", "reject", contract=contract)
    with office.reading() as session:
        told = [event_of(each.action, each.data, each.actor_id) for each in history(session, PROCESS, contract.id)]
    assert replayed(filter(None, told))["legal"] is StageState.REJECTED
    assert office.round(contract).state is RoundState.REJECTED


def take_part(office: Office, contract: Contract, which: int, verdict: Verdict, target: str) -> None:
    """Of those who are asked just now one decides, where they may."""
    with suppress(Refused), office.transaction() as session:
        asked = session.exec(
            select(Task)
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(Round.subject_id == contract.id, Task.state == TaskState.OPEN)
            .order_by(col(Task.id))
        ).all()
        if asked:
            task = asked[which % len(asked)]
            seen = session.get_one(Round, task.round_id).version_sha256
            by, now = office.actor(task.email.partition("@")[0]), office.later(minutes=1)
            decide(session, task.id, verdict, seen=seen, by=by, now=now, comment="Because.", send_back_to=target)


def hold_all(office: Office, contract: Contract) -> None:
    with office.reading() as session:
        round = session.exec(select(Round).where(Round.subject_id == contract.id)).one()
        stages = session.exec(select(Stage).where(Stage.round_id == round.id).order_by(col(Stage.position))).all()
        tasks = session.exec(select(Task).where(Task.round_id == round.id)).all()
        told = [event_of(each.action, each.data, each.actor_id) for each in history(session, PROCESS, contract.id)]
    counting = {stage.name: votes_in(stage, tasks) for stage in stages}
    for stage in stages:
        votes = standing_votes(stage, tasks)
        seats = Counter(task.instead_of_id or task.person_id for task in votes if task.verdict is not None)
        assert all(number == 1 for number in seats.values()), "somebody decided twice in one opening"
        if stage.state is StageState.APPROVED:
            assert counting[stage.name].approvals >= stage.approve > 0, "only the required quorum approves"
        if stage.state is StageState.OPEN:
            assert outcome(stage.approve, stage.reject, counting[stage.name]) is Outcome.PENDING
            assert any(task.state is TaskState.OPEN for task in votes), "an open stage waits for somebody"
        else:
            assert not any(task.state is TaskState.OPEN for task in votes), "nobody is asked in a stage that is closed"
    if round.state is RoundState.APPROVED:
        assert all(stage.state is StageState.APPROVED for stage in stages), "approved by every stage"
    if round.state is RoundState.OPEN:
        known = {stage.name: stage.state for stage in stages if stage.opening}
        assert replayed(filter(None, told)) == known
