"""The three moments of a signed file: certified, signed, sealed. Each is made outside the transaction and then kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from documents.blobs import BlobRef, BlobStore
from documents.rendering import sentence
from signing.pdf_signer import PdfSigner, SignerSlot
from workflows.approvals.model import Round
from workflows.approvals.operations import Decided
from workflows.approvals.queries import journey
from workflows.approvals.signers import ask_next_signers
from workflows.database import Work
from workflows.parties.rules import Actor
from workflows.signatures.model import Signing, SigningState
from workflows.signatures.operations import (
    RevisionMoved,
    Ticket,
    begin,
    keep_seal,
    keep_signature,
    prepare_signature,
    signing_of,
)
from workflows.signatures.queries import evidence_of, slots_of

log = logging.getLogger(__name__)

KEEP_SEALED = timedelta(days=365 * 10)
PDF = "application/pdf"
FREE_TRIES = 2
"""How often a signature is made while others may sign as well; then they wait until it is kept."""


@dataclass(frozen=True)
class Readable:
    """The version that is to be signed, as it is shown."""

    key: str
    sha256: str
    pages: int


@dataclass(frozen=True)
class Desk:
    """What signing needs around it."""

    transaction: Callable[[], AbstractContextManager[Work]]
    reading: Callable[[], AbstractContextManager[Session]]
    blobs: BlobStore
    signer: PdfSigner


def certify(
    desk: Desk,
    round: Round,
    readable: Readable,
    *,
    locale: str,
    timezone: str,
    now: datetime,
    check: Callable[[Work], None],
) -> Signing:
    """Add the approval record and the places for signatures, certify the file, ask who signs first. Safe to repeat.

    ``check``: called inside the transaction; raises when somebody else has taken over this document.
    """
    with desk.reading() as session:
        there = signing_of(session, round.id)
    made = None if there else _prepared(desk, round, readable, locale=locale, timezone=timezone, now=now)
    with desk.transaction() as session:
        check(session)
        current = session.get_one(Round, round.id, with_for_update=True)
        if there is None:
            assert made is not None, "prepared where there was nothing yet"
            return begin(session, current, *made, now=now)
        ask_next_signers(session, current, now=now)
        return there


def _prepared(
    desk: Desk, round: Round, readable: Readable, *, locale: str, timezone: str, now: datetime
) -> tuple[BlobRef, list[dict[str, Any]]]:
    """The certified file, kept, and the places for its signers."""
    with desk.reading() as session:
        evidence = evidence_of(session, round, readable_sha256=readable.sha256, pages=readable.pages, made_at=now)
        slots = slots_of(journey(session, round), reason=sentence("I agree to this document", locale))
    pdf = desk.signer.prepare(
        desk.blobs.get(readable.key),
        evidence=evidence,
        slots=[SignerSlot(each["field"], each["name"], each["email"]) for each in slots],
        reason=sentence("Approved by everyone on its route", locale),
        locale=locale,
        timezone=timezone,
    )
    return desk.blobs.put(pdf, folder="signing", media_type=PDF), slots


def sign(
    desk: Desk,
    task_id: UUID,
    *,
    seen: str,
    name: str,
    consent: bool,
    by: Actor,
    now: Callable[[], datetime],
) -> Decided:
    """Put one person's signature into the file.

    Raises:
        Refused and its kinds: as ``prepare_signature``; nothing is signed.
    """
    came_in = now()
    for _ in range(FREE_TRIES):
        with desk.transaction() as session:
            ticket = prepare_signature(session, task_id, seen=seen, name=name, consent=consent, by=by, now=came_in)
        if not isinstance(ticket, Ticket):
            return ticket
        at = now()
        signed = _signed(desk, ticket, by=by, at=at)
        try:
            with desk.transaction() as session:
                return keep_signature(session, task_id, ticket, signed, seen=seen, by=by, now=at)
        except RevisionMoved:
            log.info("Another signature came in between; signing again from the newest revision.")
    with desk.transaction() as session:  # many sign at once: the round's lock keeps the others waiting meanwhile
        ticket = prepare_signature(session, task_id, seen=seen, name=name, consent=consent, by=by, now=came_in)
        if not isinstance(ticket, Ticket):
            return ticket
        at = now()
        return keep_signature(session, task_id, ticket, _signed(desk, ticket, by=by, at=at), seen=seen, by=by, now=at)


def _signed(desk: Desk, ticket: Ticket, *, by: Actor, at: datetime) -> BlobRef:
    """The file with one more signature, kept."""
    pdf = desk.signer.sign(
        desk.blobs.get(ticket.base_key),
        slot=SignerSlot(ticket.field, ticket.slot_name, ticket.email),
        name=ticket.name,
        at=at,
        reason=ticket.reason,
        locale=by.locale,
        timezone=by.timezone,
        last=ticket.last,
        organisation=ticket.organisation,
    )
    return desk.blobs.put(pdf, folder="signing", media_type=PDF)


def seal(desk: Desk, round: Round, *, now: datetime, check: Callable[[Work], None]) -> Signing:
    """Close the file with a document timestamp (PAdES B-LTA). Safe to repeat."""
    with desk.reading() as session:
        signing = signing_of(session, round.id)
    assert signing is not None, "sealing follows certifying"
    if signing.state is SigningState.SEALED:
        return signing
    pdf = desk.signer.seal(desk.blobs.get(signing.pdf_key))
    sealed = desk.blobs.put(pdf, folder="sealed", media_type=PDF, keep_until=now + KEEP_SEALED)
    archive_until = desk.signer.archive_until(pdf)
    with desk.transaction() as session:
        check(session)
        return keep_seal(
            session, signing.id, sealed, archive_until=archive_until, base_sha256=signing.pdf_sha256, now=now
        )
