"""Lists walk the index of each reason to see a paper; looking at every paper gives the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from tests.support.office import QUICK_ROUTE, Office
from workflows.approvals.model import Participant, Round, Task, TaskState
from workflows.contracts import queries as contracts
from workflows.contracts.model import Contract, ContractState
from workflows.errors import Refused
from workflows.invoices import queries as invoices
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.rules import UNDER_WAY
from workflows.papers.lists import newest_ids
from workflows.papers.model import Paper
from workflows.parties.model import PAYMENTS
from workflows.parties.rules import Actor

TODAY = date(2026, 5, 21)
PEOPLE = ("dan", "ann", "ada", "pay", "far", "new")


@pytest.fixture
def office(office: Office) -> Office:
    office.person("ann")
    office.person("dan", manager="ann")
    office.person("ada", roles=["administrator"])
    office.person("pay", roles=[PAYMENTS])
    office.person("far", roles=["administrator"], organisation="Elsewhere")
    office.person("new")
    office.route(QUICK_ROUTE)
    chance = random.Random(3)
    for _ in range(4):
        office.contract("dan")
    with office.transaction() as session:
        for number in range(70):
            for model, states in ((Contract, ContractState), (Invoice, InvoiceState)):
                _put(session, office, model, number, chance.choice(list(states)), chance)
    return office


def _put(session: Session, office: Office, model: Any, number: int, state: Any, chance: random.Random) -> None:
    owner = office.people[chance.choice(["dan", "dan", "ann", "far"])]
    day = TODAY + timedelta(days=chance.randrange(-200, 200))
    own: dict[str, Any] = {"due_on": day} if model is Invoice else {"kind": "lease", "signers": [], "fields": {}}
    if model is Contract:
        own[chance.choice(["ends_on", "cancel_by"])] = day
    paper = model(
        number=f"T-{number}",
        organisation_id=owner.organisation_id,
        owner_id=owner.id,
        title="",
        state=state,
        state_since=office.now,
        created_at=office.now,
        **own,
    )
    session.add(paper)
    session.flush()
    for person in chance.sample(["dan", "ann", "ada", "pay", "far"], k=chance.randrange(3)):
        session.add(Participant(process=model.process, subject_id=paper.id, person_id=office.people[person].id))


def _asked(session: Session, actor: Actor) -> set[UUID]:
    return {
        session.get_one(Round, task.round_id).subject_id
        for task in session.exec(select(Task))
        if task.person_id == actor.id and task.state is TaskState.OPEN
    }


def _seen(session: Session, model: type[Paper], actor: Actor) -> list[Any]:
    let_in = {
        each.subject_id
        for each in session.exec(select(Participant))
        if (each.process, each.person_id) == (model.process, actor.id)
    }
    all_of_theirs = "administrator" in actor.roles or (model is Invoice and PAYMENTS in actor.roles)
    return [
        each
        for each in sorted(session.exec(select(model)), key=lambda each: each.id, reverse=True)
        if each.owner_id == actor.id
        or each.id in let_in
        or (all_of_theirs and each.organisation_id == actor.organisation_id)
    ]


def _pages(session: Session, listed: Callable[..., Any], actor: Actor, **asked: Any) -> list[UUID]:
    found: list[UUID] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listed(session, actor, cursor=cursor, limit=3, today=TODAY, **asked)
        assert len(page.papers) == 3 or page.next_cursor is None
        found += [each.id for each in page.papers]
        cursor = page.next_cursor
    return found


def _is_soon(contract: Contract, last: date, first: date = date.min) -> bool:
    return any(day is not None and first <= day <= last for day in (contract.ends_on, contract.cancel_by))


def _is(state: StrEnum) -> Callable[[Any], bool]:
    return lambda each: each.state is state


def _contracts_meet(actor: Actor, asked: set[UUID]) -> dict[str, Callable[[Contract], bool]]:
    """What each filter of the list asks of a contract."""
    waits = (ContractState.IN_REVIEW, ContractState.APPROVED, ContractState.IN_SIGNATURE, ContractState.SEALING)
    return {
        "": lambda each: True,
        "needs_me": lambda each: each.id in asked or (each.owner_id == actor.id and each.returned),
        "waiting": lambda each: each.state in waits and each.id not in asked,
        "expiring": lambda each: each.state == "in_force" and _is_soon(each, TODAY + timedelta(days=90), TODAY),
        **{state.value: _is(state) for state in ContractState},
        "rejected": lambda each: each.state in ("rejected", "declined", "withdrawn"),
    }


INVOICES_MEET: dict[str, Callable[[Invoice], bool]] = {
    "": lambda each: True,
    "needs_me": lambda each: False,
    "open": lambda each: each.state in UNDER_WAY,
    "overdue": lambda each: each.state in UNDER_WAY and each.due_on is not None and each.due_on < TODAY,
    **{state.value: _is(state) for state in InvoiceState},
}


@pytest.mark.parametrize("cursor", ["r", "r²", "r-1", "r1001", "r" + "9" * 5000, "x"])
def test_a_search_goes_on_from_no_place_but_its_own(office: Office, cursor: str) -> None:
    with office.reading() as session, pytest.raises(Refused, match="not one of ours"):
        contracts.listed(session, office.actor("dan"), q="lease", today=TODAY, cursor=cursor)


def test_lists_of_contracts_hold_what_looking_at_each_gives(office: Office) -> None:
    before = TODAY + timedelta(days=40)
    answers = 0
    with office.reading() as session:
        for actor in map(office.actor, PEOPLE):
            meets = _contracts_meet(actor, _asked(session, actor))
            seen = _seen(session, Contract, actor)
            for state, holds in meets.items():
                expected = [each.id for each in seen if holds(each)]
                assert _pages(session, contracts.listed, actor, state=state) == expected, (actor.name, state)
                sought = contracts.asked_for(actor, state=state, today=TODAY)
                assert list(newest_ids(session, sought, limit=1000)) == expected
                assert {each.id for each in session.exec(sought.all)} == set(expected)
                expected = [
                    each.id for each in seen if holds(each) and each.state == "in_force" and _is_soon(each, before)
                ]
                got = _pages(session, contracts.listed, actor, state=state, expires_before=before + timedelta(days=1))
                assert got == expected, (actor.name, state)
                answers += bool(expected)
    assert answers > 5


def test_lists_of_invoices_hold_what_looking_at_each_gives(office: Office) -> None:
    before = TODAY - timedelta(days=40)
    answers = 0
    with office.reading() as session:
        for actor in map(office.actor, PEOPLE):
            seen = _seen(session, Invoice, actor)
            for state, holds in INVOICES_MEET.items():
                expected = [each.id for each in seen if holds(each)]
                assert _pages(session, invoices.listed, actor, state=state) == expected, (actor.name, state)
                sought = invoices.asked_for(actor, state=state, today=TODAY)
                assert list(newest_ids(session, sought, limit=1000)) == expected
                assert {each.id for each in session.exec(sought.all)} == set(expected)
                expected = [
                    each.id for each in seen if holds(each) and each.state in UNDER_WAY and each.due_on < before
                ]
                got = _pages(session, invoices.listed, actor, state=state, due_before=before)
                assert got == expected, (actor.name, state)
                answers += bool(expected)
    assert answers > 5
