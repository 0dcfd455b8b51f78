"""A contract with people of its own house and of others on its way."""

from __future__ import annotations

import pytest

from tests.support.office import PASSWORD, Office
from workflows.contracts.model import Contract

ROUTE = """\
name: together
document: contract
priority: 10
stages:
  - name: legal
    approvers: {group: legal, people: [pat@haneul.example]}
    quorum: any
"""


@pytest.fixture
def office(office: Office) -> Office:
    """Ann, Bo and Pat are asked; Bo has no account, Pat is of another house; Sol and Root are on no route; Eve looks
    after another house; Sarka signs by link, once all have approved."""
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"], password=PASSWORD)
    office.person("bo", groups=["legal"])
    office.person("pat", organisation="Nordwerk Maschinen", timezone="Europe/Berlin", password=PASSWORD)
    office.person("sol", locale="ko", password=PASSWORD)
    office.person("una")
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("eve", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


@pytest.fixture
def contract(office: Office) -> Contract:
    made = office.contract("dan", signers=["sarka@nordwerk.example"])
    office.deliver()
    return made
