from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.prefect_server import PrefectServer, prefect_server


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One Prefect server for all tests: name your own deployments and files."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server
