from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.approvals.codes import PLAIN, World, build


@pytest.fixture
def world(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = build(database_url, tmp_path, monkeypatch)
    yield made
    made.office.runtime.engine.dispose()


@pytest.fixture
def cautious(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An office where each new device is asked."""
    made = build(database_url, tmp_path, monkeypatch, link_codes="new-devices")
    made.office.route(PLAIN.replace("priority: 10", "priority: 20"))
    yield made
    made.office.runtime.engine.dispose()
