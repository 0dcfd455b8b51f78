from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.invoices.conftest import QUICK
from tests.support.office import PASSWORD, QUICK_ROUTE, Office, open_office


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """Dan hands in, Mia decides, Ada administers; Eve works beside them and is on no route."""
    office = open_office(database_url, tmp_path)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.person("eve", password=PASSWORD)
    office.person("ada", roles=["administrator"], password=PASSWORD)
    office.route(QUICK)
    office.route(QUICK_ROUTE)
    yield office
    office.runtime.engine.dispose()
