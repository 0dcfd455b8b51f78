"""What one sheet is made of: its headings, and the rows of so many documents at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from documents.rendering import Reader
from documents.spreadsheet import Cell
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Heading:
    sentence: str
    width: float = 14
    """In characters."""


Rows = Callable[[Session, Actor, Sequence[UUID], Reader], Iterable[Sequence[Cell]]]
"""The rows of these documents, as far as the actor may see them now; as many cells as headings."""


@dataclass(frozen=True)
class Table:
    name: Heading
    headings: Sequence[Heading]
    rows: Rows
