from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal
from uuid import UUID

from signing.evidence import to_json
from tests.signing.builders import decision, document, evidence

KST = timezone(timedelta(hours=9))


def test_the_same_record_gives_the_same_bytes() -> None:
    record = evidence(document())
    shifted = replace(record, made_at=record.made_at.astimezone(KST))
    assert to_json(record) == to_json(shifted)


def test_it_is_canonical() -> None:
    data = to_json(evidence(document(), decision(name="김민준")))
    assert "김민준".encode() in data
    assert json.dumps(json.loads(data), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == data
    assert json.loads(data)["made_at"] == "2026-05-27T02:31:05.250000Z"


def test_events_keep_ids_and_amounts_as_they_are_written() -> None:
    event = {"id": UUID(int=5), "amount": Decimal("38400000.00"), "at": evidence(document()).made_at}
    (kept,) = json.loads(to_json(replace(evidence(document()), events=(event,))))["events"]
    assert kept == {
        "id": "00000000-0000-0000-0000-000000000005",
        "amount": "38400000.00",
        "at": "2026-05-27T02:31:05.250000Z",
    }
