"""The same request sent twice gets the first answer again.

The key is taken in the operation's own transaction: of two requests at once the later waits for the earlier to commit
and then finds its answer; where the earlier fails, nothing is kept and the later does the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from workflows.columns import UtcTime, json_column
from workflows.database import Work
from workflows.errors import Refused

LONGEST = 200


class IdempotencyKey(SQLModel, table=True):
    __tablename__ = "idempotency_key"

    person_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=LONGEST)
    request_sha256: str = Field(max_length=64)
    """Over method, path and body."""
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(json_column()))
    created_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


@dataclass(frozen=True)
class FirstAnswer:
    """``answer``: as it was given the first time."""

    answer: dict[str, Any]


class TakenElsewhere(Exception):
    """Somebody took the key in this instant; look again in a new transaction."""


def take(
    session: Work, person_id: UUID, key: str, request_sha256: str, *, now: datetime
) -> FirstAnswer | IdempotencyKey:
    """The first answer where there is one; else the key, whose ``answer`` the caller fills in before the commit.

    Raises:
        Refused: another request came under the same key, or the key is too long.
        TakenElsewhere: the same request is being answered in this very instant.
    """
    if len(key) > LONGEST:
        raise Refused("An Idempotency-Key has at most %(most)s characters.", field="Idempotency-Key", most=LONGEST)
    known = session.get(IdempotencyKey, (person_id, key), with_for_update=True)
    if known is None:
        known = IdempotencyKey(person_id=person_id, key=key, request_sha256=request_sha256, created_at=now)
        session.add(known)
        try:
            session.flush()
        except IntegrityError:
            session.rollback()
            raise TakenElsewhere from None
        return known
    if known.request_sha256 != request_sha256:
        raise Refused(
            "This Idempotency-Key was used for another request. Nothing was changed.", field="Idempotency-Key"
        )
    return FirstAnswer(known.answer) if known.answer is not None else known
