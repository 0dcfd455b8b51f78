"""What a route asks when it is tried out is what it asks of a real document; on either database."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlmodel import col, select

from tests.support.office import Office
from workflows.approvals.dry_run import dry_run
from workflows.approvals.model import Round, Stage, StageState, Task, TaskState
from workflows.approvals.publishing import parsed
from workflows.contracts.model import Contract
from workflows.parties.model import Person

ROUTE = """\
name: tried
document: contract
priority: 10
currency: EUR
separation: {exclude: [submitter]}
repeated: skip
stages:
  - {name: kinds, approvers: {group: legal, manager_of: submitter}}
  - {name: budget, approvers: {authority: {role: signatory}}}
  - {name: owner, approvers: {field: cost_center.owner}, fallback: {role: signatory}}
  - {name: boss, approvers: {manager_of: approver}, fallback: {group: legal}}
  - name: checks
    parallel:
      - {name: left, approvers: {people: [ann@haneul.example, eva@haneul.example]}}
      - {name: right, when: amount >= 5000, approvers: {people: [fay@haneul.example]}, quorum: any}
  - {name: last, approvers: {people: [eva@haneul.example]}}
"""
SEPARATE = ROUTE.replace("repeated: skip\n", "").replace("[submitter]}", "[submitter], distinct_across_stages: true}")


@pytest.fixture
def office(office: Office) -> Office:
    office.person("chief", roles=["signatory"])
    office.person("mia", manager="chief", roles=["signatory"])
    office.person("dan", manager="mia", groups=["legal"])
    for name in ("ann", "bo"):
        office.person(name, manager="chief", groups=["legal"])
    for name in ("eva", "fay"):
        office.person(name, manager="mia")
    with office.transaction() as session:
        for name, limit in (("mia", Decimal(5000)), ("chief", None)):
            person = session.get_one(Person, office.people[name].id)
            person.authority_limit, person.authority_currency = limit, "EUR"
    return office


def tried(office: Office, source: str, amount: str, owner: str) -> list[tuple[str, list[str]]]:
    """Each stage that would ask somebody, with whom."""
    with office.reading() as session:
        run = dry_run(
            session,
            parsed(source),
            amount=Decimal(amount),
            currency="EUR",
            fields={"kind": "lease", "cost_center": {"owner": owner}},
            submitter=session.get_one(Person, office.people["dan"].id),
            now=office.now,
        )
    return [
        (stage.name, sorted(each.name for each in stage.people))
        for stage in run.stages
        if stage.people and stage.kind == "approval"
    ]


def travelled(office: Office, contract: Contract) -> list[tuple[str, list[str]]]:
    """The same as it comes to be, where everybody approves."""
    for _ in range(20):
        asked = office.open_tasks(contract)
        if not asked:
            break
        office.decide(asked[0], contract=contract)
    with office.reading() as session:
        rows = session.exec(
            select(Stage, Task)
            .join(Task, col(Task.stage_id) == col(Stage.id))
            .join(Round, col(Round.id) == col(Stage.round_id))
            .where(Round.subject_id == contract.id)
            .order_by(col(Stage.position), col(Stage.id))
        ).all()
        assert {stage.state for stage, _ in rows} <= {StageState.APPROVED, StageState.BLOCKED}
        assert {task.state for _, task in rows} <= {TaskState.DECIDED, TaskState.VOID}
    names = dict.fromkeys(stage.name for stage, _ in rows)
    return [(name, sorted(task.name for stage, task in rows if stage.name == name)) for name in names]


@pytest.mark.parametrize("source", [ROUTE, SEPARATE], ids=["skip", "distinct"])
@pytest.mark.parametrize(("amount", "owner"), [("4999", "eva@haneul.example"), ("5001", "nobody@haneul.example")])
def test_a_dry_run_asks_whom_a_document_asks(office: Office, source: str, amount: str, owner: str) -> None:
    office.route(source)
    contract = office.contract(amount=amount, currency="EUR", fields={"cost_center": {"owner": owner}})
    came_to = travelled(office, contract)
    wanted = tried(office, source, amount, owner)
    assert came_to == wanted[: len(came_to)]
    blocked = office.state(contract) == "in_review"
    assert len(came_to) == len(wanted) or blocked
