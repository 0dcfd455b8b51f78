"""The index on SQLite (3.40 and newer): FTS5 without content, sizes or positions.

An entry's id is its FTS5 row id, and FTS5 walks row ids backwards, so that a search stops at the newest hits.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

from workflows.search.terms import Entry

CREATE = (
    """
    create table search_entry (
      id integer primary key,
      kind text not null,
      object_id text not null,
      plain text not null,
      terms blob not null,  -- zlib; FTS5 without content must be told what it has to forget
      unique (kind, object_id)
    )
    """,
    # "ascii" cuts at ASCII other than letters and digits only; all else is part of a term
    r"""
    create virtual table search_index using fts5 (
      terms, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '\:=@~_'"
    )
    """,
    "insert into search_index (search_index, rank) values ('automerge', 8)",
)
DROP = ("drop table search_index", "drop table search_entry")


def write(connection: Connection, entry: Entry) -> None:
    name = {"kind": entry.kind, "object_id": entry.object_id}
    terms = " ".join(entry.terms)
    values = {**name, "plain": entry.plain, "terms": zlib.compress(terms.encode(), 1)}
    old = connection.execute(
        text("select id, terms, plain from search_entry where kind = :kind and object_id = :object_id"), name
    ).one_or_none()
    if old is None:
        key = connection.execute(
            text(
                "insert into search_entry (kind, object_id, plain, terms) "
                "values (:kind, :object_id, :plain, :terms) returning id"
            ),
            values,
        ).scalar_one()
    else:
        key = old.id
        old_terms = zlib.decompress(old.terms).decode()
        if (old_terms, old.plain) == (terms, entry.plain):
            return
        connection.execute(
            text("update search_entry set plain = :plain, terms = :terms where id = :id"), {**values, "id": key}
        )
        if old_terms == terms:
            return
        _forget(connection, key, old_terms)
    connection.execute(
        text("insert into search_index (rowid, terms) values (:id, :terms)"), {"id": key, "terms": terms}
    )


def erase(connection: Connection, kind: str, object_id: str) -> None:
    old = connection.execute(
        text("delete from search_entry where kind = :kind and object_id = :object_id returning id, terms"),
        {"kind": kind, "object_id": object_id},
    ).one_or_none()
    if old is not None:
        _forget(connection, old.id, zlib.decompress(old.terms).decode())


def _forget(connection: Connection, key: int, terms: str) -> None:
    # exactly the terms that were inserted: with others FTS5 is silently wrong afterwards
    connection.execute(
        text("insert into search_index (search_index, rowid, terms) values ('delete', :id, :terms)"),
        {"id": key, "terms": terms},
    )


@contextmanager
def prepared(_connection: Connection) -> Iterator[None]:
    yield


def newest(connection: Connection, conditions: Sequence[tuple[str, ...]], *, below: int, most: int) -> list[int]:
    found = connection.execute(
        text(
            "select rowid from search_index where search_index match :query and rowid < :below "
            "order by rowid desc limit :most"
        ),
        {"query": " AND ".join(map(_any_of, conditions)), "below": below, "most": most},
    )
    return list(found.scalars())


def object_ids(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    found = connection.execute(
        text("select id, object_id from search_entry where id in (select value from json_each(:ids))"),
        {"ids": json.dumps(ids)},
    )
    return {row.id: row.object_id for row in found}


def holding(connection: Connection, ids: Sequence[int], phrases: Sequence[str]) -> list[int]:
    holds = " and ".join(f"instr(plain, :phrase_{number})" for number in range(len(phrases)))
    found = connection.execute(
        text(
            # the only part put together here are the names of parameters
            f"select id from search_entry where id in (select value from json_each(:ids)) and {holds} order by id desc"  # noqa: S608
        ),
        {"ids": json.dumps(ids), **{f"phrase_{number}": phrase for number, phrase in enumerate(phrases)}},
    )
    return list(found.scalars())


def _any_of(alternatives: tuple[str, ...]) -> str:
    return "(" + " OR ".join(f'"{term[:-1]}"*' if term.endswith("*") else f'"{term}"' for term in alternatives) + ")"
