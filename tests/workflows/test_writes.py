"""Rows that are written together with the next statement or the commit; on either database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from psycopg import Cursor
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from workflows.audit.model import AuditChain
from workflows.columns import new_id
from workflows.database import (
    Work,
    add_missing,
    add_or_change,
    insert_rows,
    insert_values,
    open_engine,
    reading,
    transaction,
)
from workflows.outbox import RunOwed
from workflows.parties.model import Organisation
from workflows.writes import only_reads

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def work(engine: Engine) -> Iterator[Work]:
    with Work(engine, expire_on_commit=False) as work:
        yield work


def names(session: Session) -> list[str]:
    return sorted(session.exec(select(Organisation.name)).all())


def kept(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return names(session)


def found(work: Work, name: str, id: UUID | None = None) -> None:
    insert_values(work, Organisation, id=id or new_id(), name=name, created_at=NOON)


def test_what_waits_is_seen_by_the_next_read_of_the_same_transaction_and_by_nobody_else(
    work: Work, engine: Engine
) -> None:
    found(work, "Haneul")
    assert names(work) == ["Haneul"]
    if engine.dialect.name != "sqlite":  # there, others wait for the writer
        assert kept(engine) == []
    work.commit()
    assert kept(engine) == ["Haneul"]


def test_what_waits_is_committed_without_any_other_statement(engine: Engine) -> None:
    with transaction(engine, stamp=lambda _: b"", vault=Fernet(Fernet.generate_key())) as work:
        found(work, "Haneul")
        found(work, "Nordwerk")
    assert kept(engine) == ["Haneul", "Nordwerk"]


def test_what_waits_is_forgotten_with_its_transaction(work: Work, engine: Engine) -> None:
    found(work, "Haneul")
    work.rollback()
    found(work, "Nordwerk")
    work.commit()
    assert kept(engine) == ["Nordwerk"]


def test_an_exception_leaves_nothing_for_the_next_user_of_the_connection(engine: Engine) -> None:
    def breaks_off() -> None:
        with transaction(engine, stamp=lambda _: b"", vault=Fernet(Fernet.generate_key())) as work:
            found(work, "Haneul")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks_off()
    with Work(engine) as other:
        assert names(other) == []
        other.commit()
    assert kept(engine) == []


def test_a_savepoint_takes_back_only_what_came_after_it(work: Work, engine: Engine) -> None:
    found(work, "Haneul")
    nested = work.begin_nested()
    found(work, "Nordwerk")
    nested.rollback()
    found(work, "Brno")
    work.commit()
    assert kept(engine) == ["Brno", "Haneul"]


def test_an_error_in_what_waits_comes_with_the_commit_and_nothing_is_kept(work: Work, engine: Engine) -> None:
    same = new_id()
    found(work, "Haneul", same)
    found(work, "Nordwerk", same)
    with pytest.raises(IntegrityError):
        work.commit()
    work.rollback()
    assert kept(engine) == []
    found(work, "Brno")  # the connection is as good as before
    work.commit()
    assert kept(engine) == ["Brno"]


def test_an_error_in_what_waits_comes_with_the_next_read(work: Work, engine: Engine) -> None:
    same = new_id()
    found(work, "Haneul", same)
    found(work, "Nordwerk", same)
    with pytest.raises(IntegrityError):
        names(work)
    work.rollback()
    assert kept(engine) == []


def test_rows_that_were_written_belong_to_the_session(work: Work, engine: Engine) -> None:
    made = Organisation(name="Haneul", created_at=NOON)
    insert_rows(work, [made])
    assert work.get(Organisation, made.id) is made
    made.name = "Haneul Robotics"
    work.commit()
    assert kept(engine) == ["Haneul Robotics"]


def test_rows_put_in_before_the_flush_can_be_referred_to_by_it(work: Work, engine: Engine) -> None:
    made = Organisation(name="Haneul", created_at=NOON)
    insert_rows(work, [made])
    made.name = "Haneul Robotics"
    work.add(Organisation(name="Nordwerk", created_at=NOON))
    work.commit()
    assert made.name == "Haneul Robotics"
    assert kept(engine) == ["Haneul Robotics", "Nordwerk"]


def test_a_changed_row_is_what_it_says_before_and_after_the_commit(work: Work, engine: Engine) -> None:
    work.add(AuditChain(process="contract", subject_id=(subject := uuid4())))
    work.commit()
    chain = work.get_one(AuditChain, ("contract", subject))
    for length in (3, 4):
        chain.length, chain.head = length, "f" * 64
        work.commit()
        assert (chain.length, chain.head) == (length, "f" * 64)
        with reading(engine) as session:
            again = session.get_one(AuditChain, ("contract", subject))
            assert (again.length, again.head) == (length, "f" * 64)


def test_a_change_that_the_database_refuses_comes_with_the_commit(work: Work, engine: Engine) -> None:
    for name in ("Haneul", "Nordwerk"):
        found(work, name)
    work.commit()
    other = work.exec(select(Organisation).where(Organisation.name == "Nordwerk")).one()
    other.id = work.exec(select(Organisation.id).where(Organisation.name == "Haneul")).one()
    with pytest.raises(IntegrityError):
        work.commit()
    work.rollback()
    assert kept(engine) == ["Haneul", "Nordwerk"]
    assert work.get_one(Organisation, other.id).name == "Nordwerk", "what was not kept is read anew"


def test_of_two_changes_the_last_one_holds(work: Work, engine: Engine) -> None:
    made = Organisation(name="Haneul", created_at=NOON)
    insert_rows(work, [made])
    work.commit()
    made.name = "first"
    work.flush()
    made.name = "second"
    work.commit()
    assert kept(engine) == ["second"]


def test_one_of_two_equal_rows_is_enough_and_wishes_add_up(work: Work) -> None:
    subject = uuid4()
    row = {"process": "contract", "subject_id": subject, "label": "C-1", "wanted_at": NOON, "not_before": NOON}
    add_missing(work, RunOwed, [row, row])
    for _ in range(2):
        add_or_change(work, RunOwed, row, _once_more)
    assert work.get_one(RunOwed, ("contract", subject)).sequence == 3


def _once_more(there: RunOwed, _wanted: RunOwed) -> dict[str, object]:
    return {"sequence": there.sequence + 1}


def test_a_connection_that_was_cut_is_replaced(work: Work, engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        return  # nobody can cut it
    process = work.connection().execute(text("select pg_backend_pid()")).scalar_one()
    found(work, "Haneul")
    with engine.connect() as other:
        other.execute(text("select pg_terminate_backend(:process)"), {"process": process})
    with pytest.raises(DBAPIError):
        work.commit()
    work.rollback()
    found(work, "Nordwerk")
    work.commit()
    assert kept(engine) == ["Nordwerk"]


def test_of_one_process_writers_take_turns_and_one_that_fails_gives_its_turn_back(engine: Engine) -> None:
    def work_of(name: str) -> None:
        with transaction(engine, stamp=lambda _: b"", vault=Fernet(Fernet.generate_key())) as work:
            names(work)
            found(work, name)
            if name.startswith("not"):
                raise ValueError(name)

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(work_of, f"{'not ' if each % 3 == 0 else ''}{each:02}") for each in range(24)]
    assert [each for each, one in enumerate(done) if one.exception()] == list(range(0, 24, 3))
    assert kept(engine) == [f"{each:02}" for each in range(24) if each % 3]


def test_nothing_that_is_changed_while_only_reading_is_kept(engine: Engine, work: Work) -> None:
    insert_rows(work, [Organisation(name="Haneul", created_at=NOON)])
    work.commit()
    with reading(engine) as session:
        session.exec(select(Organisation)).one().name = "shown otherwise"
        assert names(session) == ["Haneul"]
    assert kept(engine) == ["Haneul"]


def test_a_read_goes_ahead_of_writes_into_other_tables_and_sees_those_into_its_own(engine: Engine, work: Work) -> None:
    sent: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _note(connection: Connection, *_: Any) -> None:
        sent.append(", ".join(write.table for write, _ in connection.info.get("writes that wait", ())))

    owned = select(Organisation.name).execution_options(**only_reads("organisation"))
    insert_values(work, AuditChain, process="contract", subject_id=new_id(), length=0, head="0" * 64)
    assert work.exec(owned).all() == []
    assert sent[-1] == "audit_chain"  # still waits

    found(work, "Haneul")
    assert work.exec(owned).all() == ["Haneul"]
    assert sent[-1] == ""
    work.commit()
    assert kept(engine) == ["Haneul"]


def test_columns_bear_the_names_and_types_that_the_driver_tells(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(text("select 1 as one, 'zwei' as \"zwei 둘\", cast(null as integer) as none"))
        assert list(rows.keys()) == ["one", "zwei 둘", "none"]
        assert rows.all() == [(1, "zwei", None)]
        if engine.dialect.name == "sqlite":
            return
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor, plain = driver.cursor(), Cursor(driver)
        for each in (cursor, plain):
            each.execute("select 1 as one, true as two")
        assert [each[:2] for each in cursor.description] == [tuple(each)[:2] for each in plain.description or ()]
        cursor.execute("set local time zone 'UTC'")
        assert cursor.description is None
