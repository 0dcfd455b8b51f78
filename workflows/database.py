"""The engine and ``transaction()``: commit on success, roll back on error."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.fernet import Fernet
from sqlalchemy import Engine, Insert, Table, event, insert, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, SQLModel, create_engine

log = logging.getLogger(__name__)

TRIED_AFTER = 1.0  # seconds that a connection may lie idle before it is tried

_listeners: WeakKeyDictionary[Engine, list[Callable[[], None]]] = WeakKeyDictionary()


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """SQLite (WAL, foreign keys, writers take their turn at BEGIN) or PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _pinged_when_idle(create_engine(parsed, pool_size=pool_size, max_overflow=pool_size))
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=2 * pool_size,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own: we say BEGIN
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on", "busy_timeout = 30000"):
            connection.execute(f"pragma {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that starts by reading and writes later would meet "database is locked" without any wait:
        # writers queue at the door instead. Readers say so and stay outside the queue.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("begin" if reading else "begin immediate")

    return engine


def _pinged_when_idle(engine: Engine) -> Engine:
    """A connection that lay idle may have been cut meanwhile: it is tried before use, and replaced where it is dead.
    One that was in use a moment ago is taken as it is."""

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info["idle since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _try(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle since", math.inf) > TRIED_AFTER:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool makes a fresh one

    return engine


class Work(Session):
    """One unit of work: a session, and the two things that operations need besides rows.

    ``stamp``: sha256 (32 bytes) to an RFC 3161 token (DER). ``vault``: encrypts what may lie in the database only until
    it has left the house, such as the secret of a link in a mail that waits. ``owes``: set when the commit leaves
    something to do for the dispatcher.
    """

    stamp: Callable[[bytes], bytes]
    vault: Fernet
    owes: bool = False


@contextmanager
def transaction(engine: Engine, *, stamp: Callable[[bytes], bytes], vault: Fernet) -> Iterator[Work]:
    """All of it is kept, or none of it. Whoever waits for committed work is told afterwards."""
    with Work(engine, expire_on_commit=False) as work:
        work.stamp, work.vault = stamp, vault
        yield work
        work.commit()
    if work.owes:
        tell(engine)


def table_of(kind: type[SQLModel]) -> Table:
    table = inspect(kind).local_table
    assert isinstance(table, Table)
    return table


def insert_now(session: Session, rows: Sequence[SQLModel]) -> None:
    """Insert rows of one table at once, ahead of all that waits for the flush, so that others may refer to them.

    They belong to the session as if they had been added and flushed.
    """
    if rows:
        columns = inspect(type(rows[0])).column_attrs.keys()
        session.execute(_plain_insert(type(rows[0])), [{key: getattr(row, key) for key in columns} for row in rows])
        for row in rows:
            make_transient_to_detached(row)
            session.add(row)


def insert_values(session: Session, kind: type[SQLModel], /, **values: Any) -> None:
    """Insert one row at once, without making an object of it. Columns left out take their defaults."""
    session.execute(_plain_insert(kind), values)


def add_missing(session: Session, kind: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of ``rows`` whose primary key is not there yet; two transactions at once may add the same."""
    if rows:
        session.execute(_insert_missing(kind, session.get_bind().dialect.name), rows)


def add_or_change(
    session: Session, kind: type[SQLModel], row: Mapping[str, Any], change: Callable[[Any, Any], Mapping[str, Any]]
) -> None:
    """Insert ``row``, or change the one under its primary key: one statement, so that two at once take their turn.

    ``change``: a function of the module, from the columns of the row that is there and of the one that was to be to the
    new values.
    """
    session.execute(_insert_or_change(kind, session.get_bind().dialect.name, change), row)


# Statements are made once: to put one together takes longer than to carry it out.


@lru_cache(64)
def _plain_insert(kind: type[SQLModel]) -> Insert:
    return insert(table_of(kind))


@lru_cache(64)
def _insert_missing(kind: type[SQLModel], dialect: str) -> Any:
    return _insert_on(kind, dialect).on_conflict_do_nothing()


@lru_cache(64)
def _insert_or_change(kind: type[SQLModel], dialect: str, change: Callable[[Any, Any], Mapping[str, Any]]) -> Any:
    statement = _insert_on(kind, dialect)
    columns = statement.table.c
    return statement.on_conflict_do_update(
        index_elements=list(statement.table.primary_key), set_=change(columns, statement.excluded)
    )


def _insert_on(kind: type[SQLModel], dialect: str) -> Any:
    return (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table_of(kind))


@contextmanager
def reading(engine: Engine, *, at_once: bool = False) -> Iterator[Session]:
    """Only reads; on SQLite it does not stand in the writers' queue.

    ``at_once``: for a single statement, which elsewhere needs no transaction to be begun and ended for it.
    """
    options = {"isolation_level": "AUTOCOMMIT"} if at_once and engine.dialect.name != "sqlite" else {}
    with Session(engine.execution_options(reading=True, **options), expire_on_commit=False) as session:
        yield session


_lock = threading.Lock()


def on_commit(engine: Engine, listener: Callable[[], None]) -> None:
    """Have ``listener`` called after each commit that owes the world something (see ``outbox``)."""
    with _lock:
        _listeners.setdefault(engine, []).append(listener)


def tell(engine: Engine) -> None:
    for listener in _listeners.get(engine, ()):
        listener()
