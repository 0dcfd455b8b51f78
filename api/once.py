"""The same request sent twice gets the first answer again: what the edges need around ``workflows.idempotency``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header

from workflows.database import Work
from workflows.idempotency import FirstAnswer, TakenElsewhere, take
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The same request again gives the first answer again.",
        examples=["order-4711-contract"],
    ),
]


def request_hash(what: str, words: Mapping[str, Any], data: bytes = b"") -> str:
    """sha256 (hex) over method and path, the words and the bytes of a request."""
    head = json.dumps([what, words, hashlib.sha256(data).hexdigest()], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(head.encode()).hexdigest()


def answered_already(
    runtime: Runtime, actor: Actor, key: str | None, request_sha256: str, now: datetime
) -> dict[str, Any] | None:
    """Spares a repeated request the intake; ``once`` decides."""
    if key is None:
        return None
    with runtime.transaction() as session:
        try:
            found = take(session, actor.id, key, request_sha256, now=now)
        except TakenElsewhere:  # being answered in this very instant
            return None
        session.rollback()
        return found.answer if isinstance(found, FirstAnswer) else None


def once(
    runtime: Runtime,
    actor: Actor,
    key: str | None,
    request_sha256: str,
    now: datetime,
    work: Callable[[Work], dict[str, Any]],
) -> dict[str, Any]:
    """The answer of ``work``, done in a transaction of its own; the first one where the request came before."""
    while True:
        try:
            with runtime.transaction() as session:
                if key is None:
                    return work(session)
                found = take(session, actor.id, key, request_sha256, now=now)
                if isinstance(found, FirstAnswer):
                    return found.answer
                found.answer = work(session)
                return found.answer or {}
        except TakenElsewhere:
            continue
