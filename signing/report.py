"""What is said of a PDF that was looked at: the report, its parts, and its sentences in any language."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal

Verdict = Literal["sealed", "signed", "changed", "untrusted", "unsigned", "unreadable"]


class Said(str):
    """An English sentence, filled, that remembers its message id and values, for telling it in another language."""

    sentence: str
    values: dict[str, object]

    def __new__(cls, sentence: str, **values: object) -> Said:
        said = super().__new__(cls, sentence % values if values else sentence)
        said.sentence = sentence
        said.values = values
        return said


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `code` is signatures, unchanged, people, times, sealed, record or archive."""

    code: str
    ok: bool
    sentence: Said
    note: Said


@dataclass(frozen=True)
class SignatureReport:
    """`kind` is certification, signature or timestamp; `level` is PAdES-BASELINE-…, RFC 3161 or CMS.

    `covers` is the number of bytes from the start of the file that are signed; `revision` counts from 1. `intact`: the
    bytes are the signed ones. `valid`: the signature value is right. `trusted`: the certificate leads to a trust anchor
    and was good at the time. `modification` says what came after: none, archive (time stamps, validation material),
    signatures (further signatures), other (anything else: changed).
    """

    field: str
    kind: str
    signer: str
    email: str
    serial: str
    algorithm: str
    level: str
    claimed_at: datetime | None
    timestamp: datetime | None
    covers: int
    revision: int
    intact: bool
    valid: bool
    trusted: bool
    modification: str
    sentence: Said
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.intact and self.valid and self.trusted and self.modification != "other"


@dataclass(frozen=True)
class Report:
    """`verdict`:

    - sealed: exactly what was signed and sealed, by people whom the anchors vouch for
    - signed: the same, but no time stamp closes the file: unfinished, or a later part has been cut off
    - changed: something was altered or added after signing, or a signature is damaged
    - untrusted: unchanged, but the anchors vouch for nobody who signed it
    - unsigned, unreadable: nothing to verify

    `archive_until`: by then a new time stamp is needed, as the certificate behind the last one ends.
    """

    verdict: Verdict
    sentence: Said
    checks: tuple[Check, ...]
    signatures: tuple[SignatureReport, ...]
    sha256: str
    evidence: dict[str, object] | None = None
    archive_until: datetime | None = None
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_dict(self) -> dict[str, object]:
        """For JSON: times as ISO 8601 in UTC."""
        report = _plain(asdict(self))
        assert isinstance(report, dict)
        return report


def unreadable(pdf: bytes) -> Report:
    """A file that cannot be parsed. If it was signed once, then it has been changed since."""
    sha256 = hashlib.sha256(pdf).hexdigest()
    if b"/ByteRange" in pdf:
        sentence = Said("This file was changed or damaged after it was signed. Do not rely on it.")
        note = Said("Its structure is broken, so that the signatures cannot be read.")
        return Report(
            "changed", sentence, (Check("unchanged", False, Said("The file has been changed."), note),), (), sha256
        )
    return Report("unreadable", Said("This file cannot be read. It is damaged, or not a PDF."), (), (), sha256)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Said):
        return str(value)
    return value
