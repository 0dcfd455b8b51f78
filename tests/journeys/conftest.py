from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import parts
from tests.support.browser import chromium
from tests.support.busy_office import Busy, busy_office
from tests.support.portal import portal


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def busy(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    parts.require("chromium")
    home = tmp_path_factory.mktemp("busy")
    shutil.copyfile(migrated_sqlite, home / "signoff.db")
    made = busy_office(f"sqlite:///{home / 'signoff.db'}", home)
    yield made
    made.office.runtime.engine.dispose()


@pytest.fixture(scope="module")
def base(busy: Busy) -> Iterator[str]:
    with portal(busy.office.runtime) as base:
        yield base
