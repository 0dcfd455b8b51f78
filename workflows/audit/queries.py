"""Read the history, and check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from signing.errors import TokenRefused
from workflows.audit.model import AuditAnchor, AuditChain, AuditEvent
from workflows.audit.rules import BEGINNING, anchor_digest, digest

CheckToken = Callable[[bytes, bytes], datetime]
"""(token, sha256) to the time it proves; raises TokenRefused where it proves nothing."""

CLOCKS_APART = timedelta(minutes=5)


def history(
    session: Session, process: str, subject_id: UUID, *, after: int = 0, limit: int = 1000
) -> Sequence[AuditEvent]:
    """Entries in their order, those after position ``after``."""
    return session.exec(
        select(AuditEvent)
        .where(AuditEvent.process == process, AuditEvent.subject_id == subject_id, col(AuditEvent.position) > after)
        .order_by(col(AuditEvent.position))
        .limit(limit)
    ).all()


@dataclass(frozen=True)
class Break:
    """The first place at which the history is not what was written."""

    process: str
    subject_id: UUID | None
    position: int
    reason: str


@dataclass(frozen=True)
class AuditReport:
    chains: int
    events: int
    anchors: int
    broken: Break | None


def verify(session: Session, check_token: CheckToken) -> AuditReport:
    """Walk every chain and every anchor; stop at the first break."""
    chains = events = 0
    seen: tuple[str, UUID] | None = None
    position, previous = 0, BEGINNING
    ends = {(chain.process, chain.subject_id): (chain.length, chain.head) for chain in session.exec(select(AuditChain))}
    found: dict[tuple[str, UUID], tuple[int, str]] = {}

    ordered = select(AuditEvent).order_by(col(AuditEvent.process), col(AuditEvent.subject_id), col(AuditEvent.position))
    rows = session.exec(ordered.execution_options(yield_per=500))
    for event in rows:
        here = (event.process, event.subject_id)
        if here != seen:
            seen, position, previous = here, 0, BEGINNING
            chains += 1
        wrong = _what_is_wrong(event, position + 1, previous, check_token)
        if wrong:
            rows.close()
            return AuditReport(chains, events, 0, Break(event.process, event.subject_id, event.position, wrong))
        position, previous = event.position, event.sha256
        found[here] = position, previous
        events += 1
    for here, (length, head) in ends.items():
        reached, last = found.get(here, (0, BEGINNING))
        if (reached, last) != (length, head):
            return AuditReport(
                chains,
                events,
                0,
                Break(*here, min(reached, length) + 1, f"{length} entries were written, and {reached} are there."),
            )

    anchors, broken = _verify_anchors(session, check_token)
    return AuditReport(chains, events, anchors, broken)


def _what_is_wrong(event: AuditEvent, position: int, previous: str, check_token: CheckToken) -> str | None:
    if event.position != position:
        return f"Entry {position} is missing."
    if event.previous != previous:
        return "It does not carry the hash of the entry before it."
    ours = digest(
        previous=event.previous,
        process=event.process,
        subject_id=event.subject_id,
        position=event.position,
        at=event.at,
        actor_id=event.actor_id,
        actor=event.actor,
        action=event.action,
        data=event.data,
    )
    if ours != event.sha256:
        return "Its content does not give the hash written beside it."
    try:
        proven = check_token(event.token, bytes.fromhex(event.sha256))
    except TokenRefused as wrong:
        return f"Its time stamp does not hold: {wrong}"
    if abs(proven - event.at) > CLOCKS_APART:
        return f"Its time stamp says {proven:%Y-%m-%d %H:%M:%S} UTC, the entry {event.at:%Y-%m-%d %H:%M:%S} UTC."
    return None


def _verify_anchors(session: Session, check_token: CheckToken) -> tuple[int, Break | None]:
    previous, count = BEGINNING, 0
    for made in session.exec(select(AuditAnchor).order_by(col(AuditAnchor.id))).all():
        hashes = session.exec(
            select(AuditEvent.sha256)
            .where(col(AuditEvent.id).between(made.first_event, made.last_event))
            .order_by(col(AuditEvent.id))
        ).all()
        whole = (
            made.previous == previous and len(hashes) == made.events and anchor_digest(previous, hashes) == made.sha256
        )
        if not whole:
            return count, Break(
                "audit", None, made.id or 0, f"The events of anchor {made.id} are not those that it was made over."
            )
        try:
            check_token(made.token, bytes.fromhex(made.sha256))
        except TokenRefused as wrong:
            return count, Break(
                "audit", None, made.id or 0, f"The time stamp of anchor {made.id} does not hold: {wrong}"
            )
        previous, count = made.sha256, count + 1
    return count, None
