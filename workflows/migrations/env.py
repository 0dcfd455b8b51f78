"""Alembic's environment. The address comes from the caller (``workflows.database.migrate``) or from the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import workflows.models  # noqa: F401  (brings every table into the metadata)
from workflows.database import open_engine
from workflows.search.schema import SEARCH_TABLES
from workflows.settings import Settings

MIGRATIONS_LOCK = 7_313_470_915  # any number of our own: one process migrates, the others wait


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    # the search index speaks each database's own language; its migration calls workflows.search.schema
    return not (kind == "table" and name in SEARCH_TABLES)


def run() -> None:
    url = context.config.attributes.get("url") or Settings().database
    engine = open_engine(url)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": MIGRATIONS_LOCK})
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            include_object=_ours,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": MIGRATIONS_LOCK})
            connection.commit()
    engine.dispose()


run()
