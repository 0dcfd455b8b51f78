"""A verification report on its way out of the child process that made it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, get_args

from signing.report import Check, Report, Said, SignatureReport, Verdict
from signing.verification import verify

MEMBERS = ("field", "kind", "signer", "email", "serial", "algorithm", "level", "modification", "reason")
NUMBERS = ("covers", "revision")
ANSWERS = ("intact", "valid", "trusted")


def verify_alone(pdf: bytes, *, anchors: list[str], at: str | None) -> tuple[dict[str, Any], list[bytes]]:
    """What the child does: `anchors` are PEM files, `at` is a time in ISO 8601. Its one part is the packed report."""
    report = verify(pdf, [each.encode() for each in anchors], at=_time(at))
    return {}, [packed(report)]


def packed(report: Report) -> bytes:
    return json.dumps(
        {
            "verdict": report.verdict,
            "sentence": _told(report.sentence),
            "checks": [[each.code, each.ok, _told(each.sentence), _told(each.note)] for each in report.checks],
            "signatures": [
                {name: getattr(each, name) for name in (*MEMBERS, *NUMBERS, *ANSWERS)}
                | {"claimed_at": _iso(each.claimed_at), "timestamp": _iso(each.timestamp)}
                | {"sentence": _told(each.sentence)}
                for each in report.signatures
            ],
            "sha256": report.sha256,
            "evidence": report.evidence,
            "archive_until": _iso(report.archive_until),
            "checked_at": _iso(report.checked_at),
        }
    ).encode()


def unpacked(data: bytes) -> Report:
    """Raises ValueError for anything that `packed` does not make: the child may have been taken over by a file."""
    try:
        return _report(json.loads(data))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as failure:
        raise ValueError("This is not a verification report.") from failure


def _report(told: dict[str, Any]) -> Report:
    if told["verdict"] not in get_args(Verdict):
        raise ValueError(told["verdict"])
    checked_at = _time(told["checked_at"])
    if checked_at is None or not (told["evidence"] is None or isinstance(told["evidence"], dict)):
        raise ValueError("no time, or no record")
    return Report(
        verdict=told["verdict"],
        sentence=_said(told["sentence"]),
        checks=tuple(Check(str(code), bool(ok), _said(what), _said(note)) for code, ok, what, note in told["checks"]),
        signatures=tuple(_signature(each) for each in told["signatures"]),
        sha256=str(told["sha256"]),
        evidence=told["evidence"],
        archive_until=_time(told["archive_until"]),
        checked_at=checked_at,
    )


def _signature(told: dict[str, Any]) -> SignatureReport:
    members: dict[str, Any] = {name: str(told[name]) for name in MEMBERS}
    members |= {name: int(told[name]) for name in NUMBERS}
    members |= {name: bool(told[name]) for name in ANSWERS}
    return SignatureReport(
        **members,
        claimed_at=_time(told["claimed_at"]),
        timestamp=_time(told["timestamp"]),
        sentence=_said(told["sentence"]),
    )


def _told(said: Said) -> list[Any]:
    return [said.sentence, said.values]


def _said(told: list[Any]) -> Said:
    sentence, values = told
    return Said(str(sentence), **values)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
