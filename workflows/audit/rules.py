"""How entries are hashed and chained. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

BEGINNING = "0" * 64


def digest(
    *,
    previous: str,
    process: str,
    subject_id: UUID,
    position: int,
    at: datetime,
    actor_id: UUID | None,
    actor: str,
    action: str,
    data: dict[str, Any],
) -> str:
    """sha256 (hex) of the entry as canonical JSON: keys sorted, no spaces, UTF-8 (what we use of RFC 8785)."""
    entry = {
        "v": 1,
        "previous": previous,
        "process": process,
        "subject": str(subject_id),
        "position": position,
        "at": instant(at),
        "actor_id": str(actor_id) if actor_id else None,
        "actor": actor,
        "action": action,
        "data": data,
    }
    return hashlib.sha256(
        json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def instant(at: datetime) -> str:
    """RFC 3339, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def anchor_digest(previous: str, hashes: Iterable[str]) -> str:
    """sha256 (hex) over the anchor before and the hashes of the events covered, in the order of their ids."""
    whole = hashlib.sha256(previous.encode())
    for each in hashes:
        whole.update(each.encode())
    return whole.hexdigest()
