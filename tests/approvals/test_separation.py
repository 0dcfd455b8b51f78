"""Separation of duties holds, whatever is handed to whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from tests.support.office import Office, lasting_office
from workflows.approvals.absences import substitutions_of
from workflows.approvals.handing_over import delegate, reassign, take_back
from workflows.approvals.model import Decision, Round, Stage, Task, TaskState, Verdict
from workflows.approvals.operations import decide
from workflows.approvals.substitutes import end_substitution, name_substitute, seat_substitutes
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.errors import Refused

ROUTE = """\
name: careful
document: contract
priority: 10
separation: {exclude: [submitter], distinct_across_stages: true}
stages:
  - {name: first, approvers: {people: [p1@haneul.example, p2@haneul.example]}, quorum: any}
  - name: side-by-side
    parallel:
      - {name: left, approvers: {people: [p2@haneul.example, p3@haneul.example]}, quorum: any}
      - {name: right, approvers: {people: [p4@haneul.example, p5@haneul.example]}, quorum: any}
  - name: last
    approvers: {people: [p1@haneul.example, p5@haneul.example, p6@haneul.example, p7@haneul.example]}
    quorum: {approve: 2, reject: 2}
"""
PEOPLE = ["dan", *(f"p{number}" for number in range(1, 8))]
TODAY = date(2026, 5, 21)

person = st.sampled_from(PEOPLE)
step = st.tuples(
    st.sampled_from(["delegate", "reassign", "back", "away", "here again", "approve", "approve", "reject"]),
    st.integers(0, 7),
    person,
)


@pytest.fixture(scope="module")
def office(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with lasting_office(migrated_sqlite, tmp_path_factory.mktemp("separation"), PEOPLE, ROUTE) as office:
        yield office


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, min_size=3, max_size=14))
def test_separation_holds_whatever_is_handed_to_whom(office: Office, steps: list[tuple[str, int, str]]) -> None:
    everybody_is_here(office)
    contract = office.contract()
    for what, which, to in steps:
        with suppress(Refused), office.transaction() as session:
            do(session, office, contract, what, which, to)
        assert_separate(office, contract)


def everybody_is_here(office: Office) -> None:
    with office.transaction() as session:
        for made in substitutions_of(session, [each.id for each in office.people.values()], on=TODAY):
            end_substitution(session, made.id, by=office.actor("root"), now=office.now)


def do(session: Work, office: Office, contract: Contract, what: str, which: int, to: str) -> None:
    asked = session.exec(
        select(Task)
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Round.subject_id == contract.id, Task.state == TaskState.OPEN)
        .order_by(col(Task.id))
    ).all()
    if not asked:
        return
    task = asked[which % len(asked)]
    whose = task.email.partition("@")[0]
    by, now = office.actor(whose), office.now
    match what:
        case "delegate":
            delegate(session, task.id, to=office.email(to), by=by, now=now)
        case "reassign":
            reassign(session, task.id, to=office.email(to), by=office.actor("root"), now=now)
        case "back":
            take_back(session, task.id, by=by, now=now)
        case "away":
            name_substitute(
                session,
                task.person_id,
                substitute=office.email(to),
                first_day=TODAY,
                last_day=TODAY + timedelta(days=3),
                by=by,
                now=now,
            )
        case "here again":
            for made in substitutions_of(session, [task.person_id], on=TODAY):
                end_substitution(session, made.id, by=by, now=now)
        case "approve" | "reject":
            seen = session.get_one(Round, task.round_id).version_sha256
            decide(session, task.id, Verdict(what), seen=seen, by=by, now=now, comment="Because.")
        case _:
            raise AssertionError(what)
    seat_substitutes(session, now=now)


def assert_separate(office: Office, contract: Contract) -> None:
    with office.reading() as session:
        decided = session.exec(
            select(Decision, Stage)
            .join(Task, col(Task.id) == col(Decision.task_id))
            .join(Stage, col(Stage.id) == col(Task.stage_id))
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(Round.subject_id == contract.id)
        ).all()
        asked = session.exec(
            select(Task)
            .join(Round, col(Round.id) == col(Task.round_id))
            .where(Round.subject_id == contract.id, Task.state == TaskState.OPEN)
        ).all()
    deciders = [decision.person_id for decision, _ in decided]
    assert len(set(deciders)) == len(deciders), "somebody decided twice"
    assert office.people["dan"].id not in deciders, "whoever sent it decided"
    assert office.people["dan"].id not in [task.person_id for task in asked]
    seats = [(stage.name, decision.instead_of_id or decision.person_id) for decision, stage in decided]
    assert len(set(seats)) == len(seats), "a seat has two votes"
    waiting = [(task.stage_id, task.person_id) for task in asked]
    assert len(set(waiting)) == len(waiting), "somebody is asked twice in one stage"
