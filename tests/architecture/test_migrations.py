"""Migrations and tables say the same, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from workflows.database import open_engine
from workflows.schema import alembic_config, is_current, migrate, newest


def test_the_migrations_make_the_tables_that_the_code_expects(empty_database_url: str) -> None:
    migrate(empty_database_url)
    command.check(alembic_config(empty_database_url))


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    with opened(empty_database_url) as engine:
        assert not is_current(engine)
    for _ in range(2):
        migrate(empty_database_url)
        with opened(empty_database_url) as engine:
            assert is_current(engine)


def test_the_newest_revision_is_told_without_alembic() -> None:
    assert newest() == ScriptDirectory.from_config(alembic_config("sqlite://")).get_current_head()


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
