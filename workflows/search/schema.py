"""The tables of the index, and which database speaks which dialect.

Both keep the entries in ``search_entry``; a higher id is a newer entry, and an entry keeps its id when it is written
again. ``search_edition`` holds the edition of the rules by which the terms were cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, text

from workflows.search import postgres_index, sqlite_index
from workflows.search.terms import EDITION, Entry

SEARCH_TABLES = frozenset(
    {
        "search_entry",
        "search_edition",
        "search_index",
        "search_index_config",  # these three belong to FTS5
        "search_index_data",
        "search_index_idx",
    }
)
"""Tables that a comparison with the models must leave alone: they are written in each database's own language."""


class Index(Protocol):
    """What a database must be able to do. Each is a module, ``sqlite_index`` or ``postgres_index``."""

    @property
    def CREATE(self) -> Sequence[str]: ...

    @property
    def DROP(self) -> Sequence[str]: ...

    def write(self, connection: Connection, entry: Entry) -> None:
        """Add the entry, or write it again under the id it has; do nothing if nothing changed."""
        ...

    def erase(self, connection: Connection, kind: str, object_id: str) -> None: ...

    def prepared(self, connection: Connection) -> AbstractContextManager[None]:
        """Around all searching. Nothing of it remains in the caller's transaction."""
        ...

    def newest(
        self, connection: Connection, conditions: Sequence[tuple[str, ...]], *, below: int, most: int
    ) -> list[int]:
        """The highest ids less than ``below`` that meet all conditions (see ``terms.Wanted``), highest first."""
        ...

    def object_ids(self, connection: Connection, ids: Sequence[int]) -> dict[int, str]:
        """Of which objects these entries are; those that are there."""
        ...

    def holding(self, connection: Connection, ids: Sequence[int], phrases: Sequence[str]) -> list[int]:
        """Those of the ids whose plain text holds every phrase, byte by byte, highest first."""
        ...


def index_of(connection: Connection) -> Index:
    match connection.dialect.name:
        case "sqlite":
            return sqlite_index
        case "postgresql":
            return postgres_index
        case other:
            raise NotImplementedError(f"There is no search on {other}.")


def create(connection: Connection) -> None:
    for statement in index_of(connection).CREATE:
        connection.execute(text(statement))
    connection.execute(text("create table search_edition (edition varchar(60) primary key)"))
    connection.execute(text("insert into search_edition (edition) values (:edition)"), {"edition": EDITION})


def drop(connection: Connection) -> None:
    for statement in index_of(connection).DROP:
        connection.execute(text(statement))
    connection.execute(text("drop table search_edition"))
