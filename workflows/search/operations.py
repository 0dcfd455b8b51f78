"""Writing to the index, in the transaction of whoever changed the object: both are kept, or neither is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlmodel import Session

from workflows.search import terms
from workflows.search.schema import index_of


def put(
    session: Session,
    *,
    kind: str,
    object_id: str,
    head: str,
    body: str,
    numbers: Sequence[str],
    seen_by: Sequence[str],
    marks: Sequence[str] = (),
) -> None:
    """Add an object, or write it again; see ``terms.entry`` for the parts.

    A text of 200 KB is 70 ms of cutting. Whoever wants that before the transaction begins, calls ``terms.entry`` there
    and ``put_entry`` here.
    """
    put_entry(
        session,
        terms.entry(kind, object_id, head=head, body=body, numbers=numbers, seen_by=seen_by, marks=marks),
    )


def put_entry(session: Session, entry: terms.Entry) -> None:
    connection = session.connection()
    index_of(connection).write(connection, entry)


def remove(session: Session, kind: str, object_id: str) -> None:
    connection = session.connection()
    index_of(connection).erase(connection, kind, object_id)


def note_edition(session: Session) -> None:
    """All objects have been put again: the index is of this edition now (see ``queries.is_outdated``)."""
    session.connection().execute(text("update search_edition set edition = :edition"), {"edition": terms.EDITION})
