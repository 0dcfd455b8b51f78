"""The cursor by which SQLAlchemy reads from PostgreSQL; psycopg is loaded only where PostgreSQL is used."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor


class PromptCursor(Cursor[Any]):
    """A cursor that says of its columns what SQLAlchemy asks for: name and type (PEP 249, ``description``).

    psycopg makes an object for each of them, and for each answer anew, which takes a fortieth of a decision.
    """

    @property
    def description(self) -> Any:
        result = self.pgresult
        if result is None or not result.nfields:
            return super().description
        return [
            ((result.fname(n) or b"").decode(), result.ftype(n), None, None, None, None, None)
            for n in range(result.nfields)
        ]
