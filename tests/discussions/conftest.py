"""A contract with people of its own house and of others on its way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.api.test_pages import PASSWORD
from tests.support.office import Office, open_office
from workflows.contracts.model import Contract
from workflows.parties.model import Person

ROUTE = """\
name: together
document: contract
priority: 10
stages:
  - name: legal
    approvers: {group: legal}
    quorum: any
"""


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """Ann, Bo and Pat are asked; Bo has no account, Pat is of another house; Sol and Root are on no route; Eve looks
    after another house; Sarka signs by link, once all have approved."""
    office = open_office(database_url, tmp_path)
    house = {"organisation": "Nordwerk Maschinen", "timezone": "Europe/Berlin"}
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"])
    office.person("bo", groups=["legal"])
    office.person("pat", groups=["legal"], **house)
    office.person("sol", locale="ko")
    office.person("una")
    office.person("root", roles=["administrator"])
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    with office.transaction() as session:  # one password for all, hashed once: that is slow on purpose
        known = session.get_one(Person, office.people["dan"].id).password_hash
        for name in ("ann", "pat", "sol", "root", "eve"):
            session.get_one(Person, office.people[name].id).password_hash = known
    office.route(ROUTE)
    yield office
    office.runtime.engine.dispose()


@pytest.fixture
def contract(office: Office) -> Contract:
    made = office.contract("dan", signers=["sarka@nordwerk.example"])
    office.deliver()
    return made


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    app = create_app(runtime=office.runtime)
    with TestClient(app, headers={"Accept": "text/html"}, follow_redirects=False) as client:
        yield client
