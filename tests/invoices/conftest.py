from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.office import PASSWORD, Office, open_office

QUICK = """\
name: quick-invoice
document: invoice
priority: 5
stages:
  - {name: manager, approvers: {manager_of: submitter}}
"""


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """Dan hands invoices in, Mia decides on them; Ada administers."""
    office = open_office(database_url, tmp_path)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("ada", roles=["administrator"], password=PASSWORD)
    office.route(QUICK)
    yield office
    office.runtime.engine.dispose()
