from __future__ import annotations

from sqlalchemy import inspect
from sqlmodel import Session

from workflows.database import open_engine
from workflows.search import schema
from workflows.search.operations import put
from workflows.search.queries import find


def test_the_index_comes_and_goes_with_exactly_the_tables_that_it_names(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    try:
        with engine.begin() as connection:
            schema.create(connection)
            made = set(inspect(connection).get_table_names())
            own = {"search_entry", "search_edition"}
            assert made == (schema.SEARCH_TABLES if connection.dialect.name == "sqlite" else own)
        with engine.begin() as connection:
            schema.drop(connection)
            assert inspect(connection).get_table_names() == []
    finally:
        engine.dispose()


def test_what_is_rolled_back_is_found_no_more_and_what_is_committed_is(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    try:
        with engine.begin() as connection:
            schema.create(connection)
        for words, is_kept in (("lease", True), ("rent", False)):
            with Session(engine) as session:
                put(session, kind="contract", object_id="1", head=words, body="", numbers=[], seen_by=["o1"])
                assert find(session, words, seen_by=["o1"]).object_ids == ("1",)
                if is_kept:
                    session.commit()
        with Session(engine) as session:
            assert find(session, "lease", seen_by=["o1"]).object_ids == ("1",)
            assert find(session, "rent", seen_by=["o1"]).object_ids == ()
    finally:
        engine.dispose()
