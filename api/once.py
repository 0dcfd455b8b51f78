"""The same request sent twice gets the first answer again: what the edges need around ``workflows.idempotency``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse

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


def page_key(key: str, request_sha256: str) -> str:
    """For a form whose page carries ``key``: its content sent twice is one thing, changed content another."""
    return f"page-{key[:60]}-{request_sha256[:40]}"


@dataclass(frozen=True)
class Creation:
    """A request that creates something and may come again. ``key``: None where its sender did not care."""

    runtime: Runtime
    actor: Actor
    key: str | None
    request_sha256: str
    now: datetime

    def answered_already(self) -> JSONResponse | None:
        """The first answer, before the work is prepared, which may be long; ``answer`` decides."""
        if self.key is None:
            return None
        with self.runtime.transaction() as session:
            try:
                found = take(session, self.actor.id, self.key, self.request_sha256, now=self.now)
            except TakenElsewhere:  # being answered in this very instant
                return None
            session.rollback()
            return _created(found.answer) if isinstance(found, FirstAnswer) else None

    def answer(self, work: Callable[[Work], dict[str, Any]]) -> JSONResponse:
        return _created(once(self.runtime, self.actor, self.key, self.request_sha256, self.now, work))


def _created(answer: dict[str, Any]) -> JSONResponse:
    return JSONResponse(answer, status_code=201)


def once(
    runtime: Runtime,
    actor: Actor,
    key: str | None,
    request_sha256: str,
    now: datetime,
    work: Callable[[Work], dict[str, Any]],
) -> dict[str, Any]:
    """The answer of ``work``, done in a transaction of its own; the first one where the request came before.

    Raises:
        Refused: another request came under the same key, or the key is too long.
    """
    if key is None:
        with runtime.transaction() as session:
            return work(session)
    while True:
        try:
            with runtime.transaction() as session:
                found = take(session, actor.id, key, request_sha256, now=now)
                if isinstance(found, FirstAnswer):
                    return found.answer
                found.answer = answer = work(session)
                return answer
        except TakenElsewhere:
            continue


def reserved(runtime: Runtime, actor: Actor, key: str, request_sha256: str, now: datetime) -> dict[str, Any] | None:
    """The first answer where there is one. Else the key stands for this request before anything of it is done: one that
    breaks off is carried on by its repetition."""
    while True:
        try:
            with runtime.transaction() as session:
                found = take(session, actor.id, key, request_sha256, now=now)
                return found.answer if isinstance(found, FirstAnswer) else None
        except TakenElsewhere:
            continue
