"""The approval record: who decided what, when, on which bytes. Attached to the document as JSON, and its last page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

FILE_NAME = "approval-record.json"
FORMAT = "signoff-approval-record/1"


@dataclass(frozen=True)
class EvidenceDocument:
    """`normalised_sha256` is the hash of the bytes that people saw and decided on, and that are signed.

    They are the first bytes of the signed file, so that anybody can check this hash with the file alone.
    """

    title: str
    number: str
    version: int
    original_sha256: str
    normalised_sha256: str
    pages: int


@dataclass(frozen=True)
class EvidenceDecision:
    """`verdict` is approve, reject, send_back, …; `via` is link, portal or api."""

    stage: str
    name: str
    email: str
    verdict: str
    at: datetime
    comment: str = ""
    version_sha256: str = ""
    via: str = ""
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Evidence:
    """`events` is the document's history as it stands in the audit log; only the JSON carries it."""

    document: EvidenceDocument
    decisions: tuple[EvidenceDecision, ...]
    organisation: str
    made_at: datetime
    events: tuple[Mapping[str, object], ...] = field(default=())


def to_json(evidence: Evidence, *, document_bytes: int | None = None) -> bytes:
    """Canonical: sorted keys, no spaces, UTF-8, times in UTC to the microsecond. The same record gives the same bytes.

    `document_bytes` is how many bytes at the start of the signed file are the document that was decided on.
    """
    document: dict[str, object] = {
        "title": evidence.document.title,
        "number": evidence.document.number,
        "version": evidence.document.version,
        "original_sha256": evidence.document.original_sha256,
        "normalised_sha256": evidence.document.normalised_sha256,
        "pages": evidence.document.pages,
    }
    if document_bytes is not None:
        document["normalised_bytes"] = document_bytes
    record = {
        "format": FORMAT,
        "organisation": evidence.organisation,
        "made_at": evidence.made_at,
        "document": document,
        "decisions": [
            {
                "stage": decision.stage,
                "name": decision.name,
                "email": decision.email,
                "verdict": decision.verdict,
                "at": decision.at,
                "comment": decision.comment,
                "version_sha256": decision.version_sha256,
                "via": decision.via,
                "on_behalf_of": decision.on_behalf_of,
            }
            for decision in evidence.decisions
        ],
        "events": [dict(event) for event in evidence.events],
    }
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    # Ids, decimals, dates and the like have one plain spelling.
    return str(value)
