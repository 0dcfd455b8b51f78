"""What one sheet is made of: its headings, and the rows of so many documents at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case
from sqlmodel import Session, col

from documents.rendering import Reader
from documents.spreadsheet import Cell
from workflows.papers.model import Paper
from workflows.papers.queries import may_see
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Heading:
    sentence: str
    width: float = 14
    """In characters."""


Rows = Callable[[Session, Actor, Sequence[UUID], Reader], Iterable[Sequence[Cell]]]
"""The rows of these documents, as far as the actor may see them now; as many cells as headings."""


def still_seen(model: type[Paper], actor: Actor, ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Those of the ids that the actor may see. Rights are asked of these alone: as a plain condition SQLite would begin
    with all documents of the actor, for each batch anew."""
    return and_(col(model.id).in_(ids), case((may_see(model, actor), 1), else_=0) == 1)


@dataclass(frozen=True)
class Table:
    name: Heading
    headings: Sequence[Heading]
    rows: Rows
