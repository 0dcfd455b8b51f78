"""Sealed files for decades: a new time stamp before the certificate behind the last one ends.

The file with its new time stamp is another file of the same version. The one before stays in the store, and the history
names both.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col, select

from documents.blobs import BlobDamaged, BlobMissing, BlobRef, StoreUnavailable
from signing.errors import KeyRefused, SigningRefused, TimestampUnavailable, TokenRefused
from workflows.audit.operations import record
from workflows.database import Work
from workflows.signatures.ceremony import KEEP_SEALED, PDF, Desk
from workflows.signatures.model import Signing, SigningState

log = logging.getLogger(__name__)

AT_ONCE = 5
TRIED_AGAIN_AFTER = timedelta(days=1)
WORTH_A_STAMP = timedelta(days=30)
"""What a new time stamp must gain: authorities stamp with one certificate for years."""


def renew_archives(desk: Desk, *, margin: timedelta, now: datetime) -> int:
    """Time stamp a few of the sealed files again whose time stamp lasts no longer than ``margin``; how many were.

    Safe to repeat, and to be cut off anywhere: a file that was stored before its row said so is stored for nothing.
    What fails is tried again a day later.
    """
    with desk.transaction() as session:
        claimed = claim_archives(session, before=now + margin, now=now)
    if not claimed:
        return 0
    try:
        lasts = desk.signer.stamps_until()
    except (KeyRefused, TimestampUnavailable, TokenRefused) as failure:
        log.warning("Sealed files wait for a new time stamp: %s", failure)
        return 0
    worth_it = [
        each for each in claimed if each.archive_until is not None and lasts - each.archive_until >= WORTH_A_STAMP
    ]
    return sum(_renewed(desk, each, now=now) for each in worth_it)


def claim_archives(session: Work, *, before: datetime, now: datetime) -> Sequence[Signing]:
    """The most urgent of the sealed files whose time stamp ends by then; nobody else gets them for a day."""
    claimed = session.exec(
        select(Signing)
        .where(
            Signing.state == SigningState.SEALED,
            col(Signing.archive_until) < before,
            or_(col(Signing.archive_tried_at).is_(None), col(Signing.archive_tried_at) <= now - TRIED_AGAIN_AFTER),
        )
        .order_by(col(Signing.archive_until))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for each in claimed:
        each.archive_tried_at = now
    return claimed


def _renewed(desk: Desk, signing: Signing, *, now: datetime) -> bool:
    assert signing.sealed_key is not None, "only sealed files are claimed"
    try:
        pdf = desk.signer.renew(desk.blobs.get(signing.sealed_key), at=now)
        renewed = desk.blobs.put(pdf, folder="sealed", media_type=PDF, keep_until=now + KEEP_SEALED)
    except (BlobDamaged, BlobMissing, SigningRefused) as failure:
        log.error("The sealed file %s cannot be time stamped again: %s", signing.sealed_key, failure)
        with desk.transaction() as session:
            keep_failure(session, signing.id, str(failure), now=now)
        return False
    except (KeyRefused, StoreUnavailable, TimestampUnavailable, TokenRefused) as failure:
        log.warning("The sealed file %s waits for a new time stamp: %s", signing.sealed_key, failure)
        return False
    archive_until = desk.signer.archive_until(pdf)
    with desk.transaction() as session:
        return keep_renewal(
            session, signing.id, renewed, archive_until=archive_until, base_sha256=signing.sealed_sha256, now=now
        )


def keep_renewal(
    session: Work,
    signing_id: UUID,
    renewed: BlobRef,
    *,
    archive_until: datetime,
    base_sha256: str | None,
    now: datetime,
) -> bool:
    """Record a sealed file with its new time stamp. False where another one came first: that one stays."""
    signing = _locked(session, signing_id)
    if signing.sealed_sha256 != base_sha256:
        return False
    signing.sealed_key, signing.sealed_sha256, signing.sealed_size = renewed.key, renewed.sha256, renewed.size
    signing.sealed_token = session.stamp(bytes.fromhex(renewed.sha256))
    signing.archive_until, signing.archive_failure = archive_until, ""
    record(
        session,
        "stamped_again",
        signing.process,
        signing.subject_id,
        now=now,
        sha256=renewed.sha256,
        size=renewed.size,
        before_sha256=base_sha256,
        day=archive_until.date().isoformat(),
    )
    return True


def keep_failure(session: Work, signing_id: UUID, failure: str, *, now: datetime) -> None:
    """Record once why a file cannot be time stamped again, however often it is tried."""
    signing = _locked(session, signing_id)
    if signing.archive_failure == failure:
        return
    signing.archive_failure = failure
    record(
        session,
        "stamping_failed",
        signing.process,
        signing.subject_id,
        now=now,
        sealed_sha256=signing.sealed_sha256,
        failure=failure,
    )


def _locked(session: Work, signing_id: UUID) -> Signing:
    return session.exec(
        select(Signing).where(Signing.id == signing_id).with_for_update().execution_options(populate_existing=True)
    ).one()
