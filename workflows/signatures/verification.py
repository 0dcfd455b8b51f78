"""Verify the files of strangers: in a child process that may die alone, as intake reads them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime

from documents import sandbox
from documents.intake import AT_ONCE, IntakeLimits, megabytes
from signing.report import Report, Said
from signing.report_parts import unpacked
from workflows.errors import NotReady

log = logging.getLogger(__name__)

REPORT_BYTES = 100_000_000
"""The most that is read: an approval record has 50 MB at most."""

# of their own, so that whoever verifies does not keep others from handing in
_places = sandbox.Places(AT_ONCE)
_server = sandbox.Server("signing.report_parts", "signing.validation", idle_seconds=30)


def verify(pdf: bytes, trust_anchors: Sequence[bytes], *, limits: IntakeLimits, at: datetime | None = None) -> Report:
    """As `signing.verification.verify`, within limits; a file that meets them is unreadable, and the sentence says why.

    Safe in threads; at most ``AT_ONCE`` at a time, others wait their turn.

    Raises:
        NotReady: too many files are being verified just now.
    """
    try:
        answer = sandbox.run(
            "signing.report_parts:verify_alone",
            pdf,
            {"anchors": [each.decode() for each in trust_anchors], "at": at.isoformat() if at else None},
            places=_places,
            memory_bytes=limits.memory_bytes,
            seconds=limits.seconds,
            answer_bytes=REPORT_BYTES,
            by=_server,
        )
        return unpacked(answer.parts[0])
    except sandbox.Busy:
        raise NotReady("Too many files are being verified at the moment. Please try again in a minute.") from None
    except sandbox.Died as died:
        match died.reason:
            case "memory":
                said = Said(
                    "This file was not checked: that takes more than %(limit)s of memory.",
                    limit=megabytes(limits.memory_bytes),
                )
            case "time":
                said = Said(
                    "This file was not checked: that takes longer than %(limit)s seconds.", limit=limits.seconds
                )
            case "crash":
                said = _unusable()
    except (ValueError, IndexError):
        log.warning("The child process that verified a file gave no report.")
        said = _unusable()
    return Report("unreadable", said, (), (), hashlib.sha256(pdf).hexdigest())


def _unusable() -> Said:
    return Said("This file cannot be checked. It is damaged, or made so that checking it costs too much.")
