"""Checking a signed PDF: what stands in it, and what that comes to."""

# pyHanko annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import datetime

from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.judging import judge
from signing.looking import look, signatures
from signing.report import Check, Report, Said, Verdict, unreadable


async def examine(pdf: bytes, trust_anchors: Sequence[bytes], now: datetime) -> Report:
    """Raises whatever a malformed file trips over; `verify` turns that into a report."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 — damaged files make pyHanko raise more than its own errors
        return unreadable(pdf)
    if reader.security_handler is not None:
        return _report(pdf, "unreadable", Said("This file is encrypted; its signatures cannot be checked."))
    found = signatures(reader)
    if not found:
        if b"/ByteRange" in pdf:
            sentence = Said("This file was changed after it was signed. Do not rely on it.")
            note = Said("A signature has been taken out of the file.")
            return _report(
                pdf, "changed", sentence, Check("unchanged", False, Said("The file has been changed."), note)
            )
        return _report(pdf, "unsigned", Said("This file is not signed."))
    anchors = [
        asn1_x509.Certificate.load(der) for pem in trust_anchors for _, _, der in asn1_pem.unarmor(pem, multiple=True)
    ]
    looked = await look(reader, found, anchors, now)
    return judge(pdf, reader, looked, trust_anchors, now)


def _report(pdf: bytes, verdict: Verdict, sentence: Said, *checks: Check) -> Report:
    return Report(verdict, sentence, checks, (), hashlib.sha256(pdf).hexdigest())
