"""Whoever comes to a document after it was submitted finds it from then on, however they came to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.discussions.talking import write
from tests.support.office import Office
from workflows.approvals.handing_over import delegate, reassign
from workflows.approvals.reviewing import ask_reviewer
from workflows.approvals.substitutes import name_substitute
from workflows.contracts.model import Contract
from workflows.contracts.queries import listed

ROUTE = """\
name: asked
document: contract
priority: 10
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: late, approvers: {role: late}, fallback: {people: [fay@haneul.example]}}
"""
THURSDAY = date(2026, 5, 21)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("bo", "fay"):
        office.person(name)
    office.person("cy", password="correct horse battery")
    office.person("root", roles=["administrator"])
    office.route(ROUTE)
    return office


def finds(office: Office, name: str, contract: Contract) -> bool:
    with office.reading() as session:
        found = listed(session, office.actor(name), q="forklift", today=THURSDAY)
        return contract.id in [each.id for each in found.papers]


def away(office: Office, name: str) -> None:
    with office.transaction() as session:
        name_substitute(
            session,
            office.people[name].id,
            substitute=office.email("cy"),
            first_day=THURSDAY,
            last_day=THURSDAY + timedelta(days=7),
            by=office.actor(name),
            now=office.now,
        )


def as_fallback(office: Office, contract: Contract) -> str:
    office.decide("mia")
    return "fay"


def as_late_member_of_a_role(office: Office, contract: Contract) -> str:
    office.put_in("cy", role="late")
    office.decide("mia")
    return "cy"


def as_substitute_when_a_stage_opens(office: Office, contract: Contract) -> str:
    away(office, "fay")
    office.decide("mia")
    return "cy"


def as_substitute_in_an_open_stage(office: Office, contract: Contract) -> str:
    away(office, "mia")
    return "cy"


def as_delegate(office: Office, contract: Contract) -> str:
    with office.transaction() as session:
        mine = office.task_of("mia", contract).id
        delegate(session, mine, to=office.email("cy"), by=office.actor("mia"), now=office.now)
    return "cy"


def by_an_administrator(office: Office, contract: Contract) -> str:
    with office.transaction() as session:
        mine = office.task_of("mia", contract).id
        reassign(session, mine, to=office.email("cy"), by=office.actor("root"), now=office.now)
    return "cy"


def for_an_opinion(office: Office, contract: Contract) -> str:
    with office.transaction() as session:
        mine = office.task_of("mia", contract).id
        ask_reviewer(session, mine, whom=office.email("cy"), by=office.actor("mia"), now=office.now)
    return "cy"


def by_a_mention(office: Office, contract: Contract) -> str:
    write(office, contract, "dan", "Is clause 5 usual?", mentions=[office.email("cy")])
    return "cy"


WAYS = (
    *(as_fallback, as_late_member_of_a_role, as_substitute_when_a_stage_opens, as_substitute_in_an_open_stage),
    *(as_delegate, by_an_administrator, for_an_opinion, by_a_mention),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
def test_whoever_comes_to_a_document_finds_it(office: Office, way: Callable[[Office, Contract], str]) -> None:
    contract = office.contract(title="Forklift fleet lease")
    assert not any(finds(office, name, contract) for name in ("cy", "fay", "bo"))
    assert finds(office, way(office, contract), contract)
    assert not finds(office, "bo", contract), "nobody else does"
