"""Add to the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from workflows.audit.model import AuditAnchor, AuditChain, AuditEvent
from workflows.audit.rules import BEGINNING, anchor_digest, digest
from workflows.columns import to_millisecond
from workflows.database import Work, insert_values

CLOCK = "Signoff"
SETTLED = timedelta(minutes=2)  # by then a transaction that took an earlier id has committed or never will


def record(
    session: Work,
    action: str,
    process: str,
    subject_id: UUID,
    *,
    now: datetime,
    actor: str = CLOCK,
    actor_id: UUID | None = None,
    **data: Any,
) -> None:
    """Append one entry, time-stamped, in the caller's transaction. ``data``: JSON values only."""
    chain = _end_of(session, process, subject_id)
    at = to_millisecond(now)
    position, previous = chain.length + 1, chain.head
    sha256 = digest(
        previous=previous,
        process=process,
        subject_id=subject_id,
        position=position,
        at=at,
        actor_id=actor_id,
        actor=actor,
        action=action,
        data=data,
    )
    insert_values(
        session,
        AuditEvent,
        process=process,
        subject_id=subject_id,
        position=position,
        at=at,
        actor_id=actor_id,
        actor=actor,
        action=action,
        data=data,
        previous=previous,
        sha256=sha256,
        token=session.stamp(bytes.fromhex(sha256)),
    )
    chain.length, chain.head = position, sha256


def hold(session: Work, chain: AuditChain) -> None:
    """Append from now on to this end of a chain, which the caller has read and locked together with something else."""
    _held(session)[chain.process, chain.subject_id] = chain


def _end_of(session: Work, process: str, subject_id: UUID) -> AuditChain:
    """The end of the subject's chain, locked until the commit; asked for once a transaction."""
    held = _held(session)
    chain = held.get((process, subject_id)) or session.get(AuditChain, (process, subject_id), with_for_update=True)
    if chain is None:
        chain = AuditChain(process=process, subject_id=subject_id)
        session.add(chain)
    held[process, subject_id] = chain
    return chain


def _held(session: Work) -> dict[tuple[str, UUID], AuditChain]:
    held: dict[tuple[str, UUID], AuditChain] = session.info.setdefault("ends of chains", {})
    return held


def anchor(session: Work, *, now: datetime) -> AuditAnchor | None:
    """Cover the events since the last anchor by one hash and one token. None where there is nothing new."""
    last = session.exec(select(AuditAnchor).order_by(col(AuditAnchor.id).desc()).limit(1)).first()
    since = last.last_event if last else 0
    fresh = session.exec(
        select(AuditEvent.id, AuditEvent.sha256)
        .where(col(AuditEvent.id) > since, col(AuditEvent.at) <= now - SETTLED)
        .order_by(col(AuditEvent.id))
    ).all()
    if not fresh:
        return None
    previous = last.sha256 if last else BEGINNING
    sha256 = anchor_digest(previous, (each for _, each in fresh))
    made = AuditAnchor(
        at=now,
        first_event=fresh[0][0] or 0,
        last_event=fresh[-1][0] or 0,
        events=len(fresh),
        previous=previous,
        sha256=sha256,
        token=session.stamp(bytes.fromhex(sha256)),
    )
    session.add(made)
    return made
