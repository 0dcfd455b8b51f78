"""The engine and ``transaction()``: commit on success, roll back on error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlmodel import Session, create_engine

log = logging.getLogger(__name__)

_listeners: WeakKeyDictionary[Engine, list[Callable[[], None]]] = WeakKeyDictionary()


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """SQLite (WAL, foreign keys, writers take their turn at BEGIN) or PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
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


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """Only reads; on SQLite it does not stand in the writers' queue."""
    with Session(engine.execution_options(reading=True), expire_on_commit=False) as session:
        yield session


_lock = threading.Lock()


def on_commit(engine: Engine, listener: Callable[[], None]) -> None:
    """Have ``listener`` called after each commit that owes the world something (see ``outbox``)."""
    with _lock:
        _listeners.setdefault(engine, []).append(listener)


def tell(engine: Engine) -> None:
    for listener in _listeners.get(engine, ()):
        listener()


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest shape. Safe to call by several processes at once."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(alembic_config(url), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database has the shape that this code expects."""
    head = ScriptDirectory.from_config(alembic_config(str(engine.url))).get_current_head()
    with engine.execution_options(reading=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
