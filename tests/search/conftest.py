"""An index on each kind of database. Every test works in one transaction that is rolled back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlmodel import Session

from tests.support import servers
from workflows.database import open_engine
from workflows.search import schema


@pytest.fixture(params=["sqlite", "postgresql"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    engine: Engine = request.getfixturevalue(f"{request.param}_index")
    with Session(engine) as session:
        yield session


@pytest.fixture(scope="session")
def sqlite_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    yield from _with_index(f"sqlite:///{tmp_path_factory.mktemp('search') / 'index.db'}")


@pytest.fixture(scope="session")
def postgresql_index(postgresql_server: URL) -> Iterator[Engine]:
    name = f"signoff_search_{uuid.uuid4().hex}"
    yield from _with_index(servers.create_database(postgresql_server, name).render_as_string(hide_password=False))
    servers.drop_database(postgresql_server, name)


def _with_index(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    with engine.begin() as connection:
        schema.create(connection)
    yield engine
    engine.dispose()
