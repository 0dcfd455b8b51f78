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
from typing import Any, TypeVar

from cryptography.fernet import Fernet
from sqlalchemy import Dialect, Engine, Table, bindparam, event, insert, inspect, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Session, SQLModel, create_engine

from workflows.writes import Write, prepare, watch, write_later

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIED_AFTER = 1.0  # seconds that a connection may lie idle before it is tried

SQLITE_WAITS = 30.0  # seconds for another writer to end
_READERS = "_itself_for_reading"  # kept by the engine, as its listeners are
_TURN = "whose turn it is to write"
_LISTENERS = "_whoever_is_told_after_commits"  # kept by the engine itself: some of them hold it, and end with it


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """SQLite (WAL, foreign keys, writers take their turn at BEGIN) or PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        from workflows.postgresql import PromptCursor

        engine = _pinged_when_idle(
            create_engine(
                parsed,
                connect_args={"cursor_factory": PromptCursor},
                pool_size=pool_size,
                max_overflow=pool_size,
            )
        )
        watch(engine)
        return engine
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": SQLITE_WAITS, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=2 * pool_size,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own: we say BEGIN
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            connection.execute(f"pragma {pragma}").close()

    turn = threading.Lock()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A transaction that starts by reading and writes later would meet "database is locked" without any wait:
        # writers queue at the door instead. Readers say so and stay outside the queue.
        if connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql("begin")
            return
        # SQLite itself has writers look again after ever longer sleeps, in which others overtake them. Those of one
        # process take turns; whoever waits too long asks SQLite, which says that the database is locked.
        if _TURN not in connection.info and turn.acquire(timeout=SQLITE_WAITS):
            connection.info[_TURN] = True
        connection.exec_driver_sql("begin immediate")

    @event.listens_for(engine, "checkin")
    def _pass_on(_connection: Any, record: Any) -> None:
        if record.info.pop(_TURN, False):
            turn.release()

    watch(engine)
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

    def commit(self) -> None:
        """Changes of rows go along with what waits; a flush of them would cost a tenth of a decision."""
        self._send_changes()
        super().commit()

    def commit_at_last(self) -> None:
        """Commit, and go on with none of its rows: where all is written, nothing is left to look through."""
        if self._send_changes():
            self.expunge_all()
        super().commit()

    def _send_changes(self) -> bool:
        """Whether nothing is left for a flush, which finds out which of new rows has to come first."""
        if self.new or self.deleted:
            return False
        for row in self.dirty:
            _write_changes(self, row)
        return True


@contextmanager
def transaction(engine: Engine, *, stamp: Callable[[bytes], bytes], vault: Fernet) -> Iterator[Work]:
    """All of it is kept, or none of it. Whoever waits for committed work is told afterwards."""
    with Work(engine, expire_on_commit=False) as work:
        work.stamp, work.vault = stamp, vault
        yield work
        work.commit_at_last()
    if work.owes:
        tell(engine)


def in_parts(values: Sequence[T], most: int = 1000) -> Iterator[Sequence[T]]:
    """The values for an IN, as many at once as either database takes."""
    for first in range(0, len(values), most):
        yield values[first : first + most]


def table_of(kind: type[SQLModel]) -> Table:
    table = inspect(kind).local_table
    assert isinstance(table, Table)
    return table


def insert_rows(session: Session, rows: Sequence[SQLModel]) -> None:
    """Insert rows of one table, ahead of all that waits for the flush, so that others may refer to them.

    They belong to the session as if they had been added and flushed.
    """
    if not rows:
        return
    connection, kind = session.connection(), type(rows[0])
    columns = tuple(inspect(kind).column_attrs.keys())
    write = _insert(kind, columns, connection.dialect)
    for row in rows:
        write_later(connection, write, {key: getattr(row, key) for key in columns})
        make_transient_to_detached(row)
        session.add(row)


def insert_values(session: Session, kind: type[SQLModel], /, **values: Any) -> None:
    """Insert one row, without making an object of it. Columns left out take their defaults."""
    connection = session.connection()
    write_later(connection, _insert(kind, tuple(values), connection.dialect), values)


def add_missing(session: Session, kind: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of ``rows`` whose primary key is not there yet; two transactions at once may add the same."""
    connection = session.connection()
    for row in rows:
        write_later(connection, _insert_missing(kind, tuple(row), connection.dialect), row)


def add_or_change(
    session: Session, kind: type[SQLModel], row: Mapping[str, Any], change: Callable[[Any, Any], Mapping[str, Any]]
) -> None:
    """Insert ``row``, or change the one under its primary key: one statement, so that two at once take their turn.

    ``change``: a function of the module, from the columns of the row that is there and of the one that was to be to the
    new values.
    """
    connection = session.connection()
    write_later(connection, _insert_or_change(kind, tuple(row), connection.dialect, change), row)


def _write_changes(session: Session, row: SQLModel) -> None:
    """What a flush would do for one row, along with all else that waits."""
    state = inspect(row)
    attributes = state.mapper.column_attrs
    before = {key: value for key, value in state.committed_state.items() if key in attributes}
    values = {key: now for key, value in before.items() if (now := getattr(row, key)) != value}
    if values:
        connection = session.connection()
        write = _update(type(row), tuple(values), connection.dialect)
        these = zip(state.mapper.primary_key, state.identity, strict=True)
        write_later(connection, write, values | {f"the_{column.key}": value for column, value in these})
    for key in before:
        set_committed_value(row, key, getattr(row, key))


def write(session: Session, statement: UpdateBase, values: Mapping[str, Any]) -> None:
    """Carry out a statement of a module, of which nothing is to be read: each ``bindparam`` bears a name of its own."""
    connection = session.connection()
    write_later(connection, _prepared(statement, connection.dialect), values)


def write_alone(engine: Engine, statement: UpdateBase, values: Mapping[str, Any]) -> None:
    """``write`` in a transaction of its own, after which nobody is told."""
    with engine.begin() as connection:
        write_later(connection, _prepared(statement, connection.dialect), values)


# Statements are made once: to put one together takes longer than to carry it out.


@lru_cache(256)
def _prepared(statement: UpdateBase, dialect: Dialect) -> Write:
    return prepare(statement, dialect)


@lru_cache(256)
def _insert(kind: type[SQLModel], columns: tuple[str, ...], dialect: Dialect) -> Write:
    return prepare(insert(table_of(kind)), dialect, columns)


@lru_cache(64)
def _insert_missing(kind: type[SQLModel], columns: tuple[str, ...], dialect: Dialect) -> Write:
    return prepare(_insert_on(kind, dialect).on_conflict_do_nothing(), dialect, columns)


@lru_cache(64)
def _insert_or_change(
    kind: type[SQLModel], columns: tuple[str, ...], dialect: Dialect, change: Callable[[Any, Any], Mapping[str, Any]]
) -> Write:
    statement = _insert_on(kind, dialect)
    there = statement.table.c
    changed = statement.on_conflict_do_update(
        index_elements=list(statement.table.primary_key), set_=change(there, statement.excluded)
    )
    return prepare(changed, dialect, columns)


@lru_cache(256)
def _update(kind: type[SQLModel], columns: tuple[str, ...], dialect: Dialect) -> Write:
    table = table_of(kind)
    these = (column == bindparam(f"the_{column.key}", type_=column.type) for column in table.primary_key)
    return prepare(
        update(table).where(*these).values({key: bindparam(key, type_=table.c[key].type) for key in columns}), dialect
    )


def _insert_on(kind: type[SQLModel], dialect: Dialect) -> Any:
    return (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(table_of(kind))


@contextmanager
def reading(engine: Engine, *, at_once: bool = False) -> Iterator[Session]:
    """Only reads; on SQLite it does not stand in the writers' queue.

    ``at_once``: for a single statement, which elsewhere needs no transaction to be begun and ended for it.
    It ends by a commit: at a rollback psycopg forgets every prepared statement of the connection.
    """
    at_once = at_once and engine.dialect.name != "sqlite"
    readers: dict[bool, Engine] = vars(engine).setdefault(_READERS, {})
    if at_once not in readers:  # each is made once: to make one takes longer than the reading
        options = {"isolation_level": "AUTOCOMMIT"} if at_once else {}
        readers[at_once] = engine.execution_options(reading=True, **options)
    with Session(readers[at_once], expire_on_commit=False, autoflush=False) as session:
        yield session
        session.expunge_all()  # what somebody changed for showing it is not to be kept
        session.commit()


_lock = threading.Lock()


def on_commit(engine: Engine, listener: Callable[[], None]) -> None:
    """Have ``listener`` called after each commit that owes the world something (see ``outbox``)."""
    with _lock:
        vars(engine).setdefault(_LISTENERS, []).append(listener)


def tell(engine: Engine) -> None:
    for listener in vars(engine).get(_LISTENERS, ()):
        listener()
