"""Writes that wait: put into the database together, ahead of the next statement or the commit.

A decision writes a dozen rows and reads none of them again. One after the other, each would go to the server and back
and through all of SQLAlchemy; together they travel once (PostgreSQL's pipeline mode), as statements made beforehand.
Whatever else is asked of the same connection comes after them, so nobody can tell the difference: a read sees them, and
the commit brings in their errors. Only what a statement names itself, by ``only_reads``, lets it go ahead of those that
do not concern it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, Table, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

_WAITING = "writes that wait"
_READS = "tables that it reads"

Processor = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Write:
    """A statement in the driver's own words, and how its values become the driver's.

    ``values``: for each parameter its name, what turns a value into the driver's own (None: nothing needs to), and
    what makes the value where none is given.
    """

    table: str
    sql: str
    values: tuple[tuple[str, Processor | None, Callable[[], Any] | None], ...]
    in_order: bool
    """Parameters go by place, not by name."""

    def bound(self, given: Mapping[str, Any]) -> dict[str, Any] | list[Any]:
        """Raises KeyError for a value that is not given and cannot be made."""
        made: dict[str, Any] = {}
        for name, process, default in self.values:
            value = default() if default is not None and name not in given else given[name]
            made[name] = process(value) if process is not None else value
        return list(made.values()) if self.in_order else made


def prepare(statement: UpdateBase, dialect: Dialect, columns: Sequence[str] | None = None) -> Write:
    """A statement of which each parameter is used once and bears the name of a column, or of its own ``bindparam``.

    ``columns``: of an insert, those that are filled in.
    """
    compiled = statement.compile(dialect=dialect, column_keys=list(columns) if columns is not None else None)
    defaults = {
        column.key: _maker(column.default)
        for column in statement.table.columns
        if column.default is not None and columns is not None
    }
    table = statement.table
    assert isinstance(table, Table)
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    assert names is not None
    assert len(names) == len(set(names))
    fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required and bind.value is not None}
    return Write(
        table.name,
        compiled.string,
        tuple(
            (
                name,
                compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
                _always(fixed[name]) if name in fixed else defaults.get(name),
            )
            for name in names
        ),
        bool(compiled.positional),
    )


def _maker(default: Any) -> Callable[[], Any]:
    if default.is_callable:
        return lambda: default.arg(None)
    return _always(default.arg)


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


def write_later(connection: Connection, write: Write, values: Mapping[str, Any]) -> None:
    """Have it written with the next statement on this connection, or its commit.

    What the values are is settled now: who changes an object afterwards changes nothing of it.
    """
    connection.info.setdefault(_WAITING, []).append((write, write.bound(values)))


def only_reads(*tables: str) -> dict[str, frozenset[str]]:
    """Execution options of a statement that reads these tables and no others: it waits for writes into them alone."""
    return {_READS: frozenset(tables)}


def watch(engine: Engine) -> None:
    """Let no statement and no commit on this engine's connections overtake what waits."""

    @event.listens_for(engine, "before_cursor_execute")
    def _before_statement(connection: Connection, _cursor: Any, _sql: str, _values: Any, context: Any, *_: Any) -> None:
        reads: frozenset[str] | None = context.execution_options.get(_READS) if context is not None else None
        waiting: list[tuple[Write, Any]] = connection.info.get(_WAITING, [])
        if reads is None or any(write.table in reads for write, _ in waiting):
            _send(connection)

    @event.listens_for(engine, "commit")
    def _before_commit(connection: Connection) -> None:
        _send(connection, commit=True)

    @event.listens_for(engine, "rollback")
    def _forget(connection: Connection) -> None:
        connection.info.pop(_WAITING, None)


def _send(connection: Connection, *, commit: bool = False) -> None:
    """``commit``: and end the transaction with them, which on PostgreSQL saves a way there and back."""
    waiting: list[tuple[Write, Any]] | None = connection.info.pop(_WAITING, None)
    if not waiting:
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        if connection.dialect.name == "sqlite":
            for write, values in waiting:
                driver.execute(write.sql, values).close()
            return
        with driver.pipeline():
            cursor = driver.cursor()
            for write, values in waiting:
                cursor.execute(write.sql, values, prepare=True)
            if commit:  # what fails before it keeps it from being carried out; the driver sees that all is over
                cursor.execute("COMMIT", prepare=True)
            cursor.close()
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError.instance(
            "; ".join(write.sql for write, _ in waiting),
            None,
            error,
            connection.dialect.loaded_dbapi.Error,
            dialect=connection.dialect,
            hide_parameters=True,
        ) from error
