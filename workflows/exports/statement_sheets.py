"""Statements of account of any length: one account with its invoices, or all accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, TypeVar

from sqlmodel import Session

from documents.rendering import Reader
from workflows.exports.rules import StatementWanted
from workflows.invoices.aging import Period
from workflows.invoices.statements import account, all_accounts, all_items, count_accounts, count_items
from workflows.parties.model import Organisation
from workflows.parties.rules import Actor

TOLD_EVERY = 500

T = TypeVar("T")


def count(session: Session, actor: Actor, asked: StatementWanted) -> int:
    """Of its rows: invoices, or accounts."""
    shown = Period(asked.since, asked.as_of)
    if asked.key:
        return count_items(session, asked.side, asked.key, actor, shown)
    return count_accounts(session, asked.side, actor, shown)


def write(
    asked: StatementWanted,
    target: IO[bytes],
    *,
    reading: Callable[[], AbstractContextManager[Session]],
    who: Callable[[Session], Actor],
    reader: Reader,
    written: Callable[[int], None],
) -> None:
    """In one reading, so that balances and invoices speak of the same moment. ``written``: told of each 500 rows.

    Raises:
        NotFound: the actor may see nothing of them any more.
    """
    from workflows.invoices.statement_files import Statement, write_accounts, write_workbook  # fonts cost megabytes

    shown = Period(asked.since, asked.as_of)
    with reading() as session:
        actor = who(session)
        if not asked.key:
            accounts = _told(all_accounts(session, asked.side, actor, shown), written)
            write_accounts(accounts, asked.side, shown, target, reader)
            return
        whose = account(session, asked.side, asked.key, actor, shown)
        organisation = session.get(Organisation, actor.organisation_id) if actor.organisation_id else None
        items = _told(all_items(session, asked.side, asked.key, actor, shown), written)
        name = organisation.name if organisation else ""
        write_workbook(Statement(asked.side, name, whose, shown, items), target, reader)


def _told(rows: Iterable[T], written: Callable[[int], None]) -> Iterator[T]:
    number = 0
    for number, row in enumerate(rows, start=1):
        yield row
        if number % TOLD_EVERY == 0:
            written(TOLD_EVERY)
    written(number % TOLD_EVERY)
