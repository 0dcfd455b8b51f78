"""Is this PDF what was signed? An answer for anybody, from the file and a trust anchor alone; no server is asked.

The report is in `report`; the looking is in `validation`, which brings pyHanko and is imported with the first question.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from signing.report import Report, Said, unreadable

log = logging.getLogger(__name__)


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


def broken_by(before: bytes, after: bytes) -> str | None:
    """The signer whose signature holds in `before` but no longer in `after`, its continuation; None when all hold."""
    from signing.looking import holding

    kept = dict(holding(after))
    return next((signer for field, signer in holding(before) if field not in kept), None)
