"""Is this PDF what was signed? An answer for anybody, from the file and a trust anchor alone; no server is asked.

The report is here; the looking is in `validation`, which brings pyHanko and is imported with the first question.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Literal

log = logging.getLogger(__name__)

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


def verify(pdf: bytes, trust_anchors: Sequence[bytes], *, at: datetime | None = None) -> Report:
    """`trust_anchors` are PEM files of one or more certificates. Whatever the bytes are, raises only MemoryError.

    `at` asks how the file will be judged at another time, decades from now for instance. A hostile file can take long:
    who verifies strangers' uploads does it in a child process with limits.
    """
    sha256 = hashlib.sha256(pdf).hexdigest()
    if b"%PDF-" not in pdf[:1024]:
        return Report("unreadable", Said("This is not a PDF file."), (), (), sha256)
    from signing.validation import examine

    def run() -> Report:
        try:
            return asyncio.run(examine(pdf, trust_anchors, at or datetime.now(UTC)))
        except MemoryError:  # says something about this machine, not about the file
            raise
        except Exception:  # hostile files raise anything; RecursionError is among it
            log.warning("A file could not be examined to the end.", exc_info=True)
            return unreadable(pdf)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    # pyHanko wants an event loop of its own, and a thread has only one.
    with ThreadPoolExecutor(1) as other_thread:
        return other_thread.submit(run).result()


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


def broken_by(before: bytes, after: bytes) -> str | None:
    """The signer whose signature holds in `before` but no longer in `after`, its continuation; None when all hold."""
    from signing.looking import holding

    kept = dict(holding(after))
    return next((signer for field, signer in holding(before) if field not in kept), None)


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
