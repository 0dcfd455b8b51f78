"""Everything that is written into a history has its words, and open pages hear of it."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest

from api.pages.contracts import DONE
from api.pages.route_words import band_words
from api.pages.views import BY_ME, DECIDED
from api.pages.words import STATES, TOLD, VIA, VIEWS, told
from documents.rendering import Reader, sentence
from workflows.approvals.operations import _RECORDED as VERDICTS
from workflows.approvals.plan import Band
from workflows.audit.model import AuditEvent
from workflows.contracts import rules
from workflows.contracts.model import ContractState
from workflows.contracts.queries import FILTERS
from workflows.words import KINDS, kind_name

ROOT = Path(__file__).parents[2]
EN, KO = Reader("en", "Asia/Seoul"), Reader("ko", "Asia/Seoul")


def recorded() -> set[str]:
    """The actions that the engine writes into histories of contracts; those of people and exports have no page yet."""
    found = set(VERDICTS.values())
    for path in (ROOT / "workflows").rglob("*.py"):
        if path.parent.name in ("parties", "exports"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("record", "note_event")
            ):
                action = node.args[1] if len(node.args) > 1 else None
                if isinstance(action, ast.Constant) and isinstance(action.value, str):
                    found.add(action.value)
    return found - {
        "route_published",
        "substitute_named",
        "substitution_ended",
        "rates_kept",
        "orders_kept",
        "machines_kept",
        "order_dropped",
        "machine_dropped",
        "handed_in_from_mail",
        "mail_dismissed",
    }


def event(action: str, **data: object) -> AuditEvent:
    at = datetime(2026, 5, 21, 2, 30, 8, tzinfo=UTC)
    return AuditEvent(
        process="contract",
        subject_id=uuid4(),
        position=1,
        at=at,
        actor="Jiwoo Han",
        action=action,
        data=data,
        previous="",
        sha256="",
        token=b"",
    )


def test_the_search_for_actions_finds_them() -> None:
    assert {"handed_in", "approved", "signed", "sealed", "warned"} <= recorded()


def test_every_action_has_its_words() -> None:
    known = {name.partition("_cancel")[0] for name in TOLD} | {"warned"}
    assert recorded() <= known


@pytest.mark.parametrize("reader", [EN, KO], ids=["en", "ko"])
def test_every_place_in_the_words_is_filled(reader: Reader) -> None:
    """Whatever stands in the entry: a page with one entry more is a page, and no error."""
    for action in TOLD:
        assert "%(" not in told(event(action), reader).words, action


def test_open_pages_listen_for_every_action() -> None:
    script = (ROOT / "api" / "static" / "live.js").read_text()
    listened = set(re.findall(r'"([a-z_]+)"', script.partition("const actions = [")[2].partition("]")[0]))
    assert listened == recorded()


def test_an_entry_says_who_did_what_and_how() -> None:
    told_once = told(event("approved", version=3, via="link", comment="Fine.", version_sha256="c5" * 32), EN)
    assert told_once.words == "Jiwoo Han approved version 3, by the mailed link"
    assert told_once.quote == "Fine."
    assert told(event("approved", version=3, via="link"), KO).words == "Jiwoo Han 님이 버전 3 승인(메일 링크)"
    assert told(event("approved", version=3, via="page"), EN).words == "Jiwoo Han approved version 3"


def test_a_warning_names_its_day() -> None:
    warned = event("warned", what="cancel", day="2029-04-01")
    assert told(warned, EN).words == "Warned that the last day to cancel is Sun 1 Apr 2029"
    assert told(warned, KO).words == "해지 통보 기한 2029년 4월 1일(일) 알림"


def test_signers_are_asked_to_sign() -> None:
    assert told(event("asked", stage="signatures", people=["Doyun Park"]), EN).words == "Asked to sign: Doyun Park"
    assert told(event("asked", stage="legal", people=["Ann", "Cy"]), EN).words == "Asked for Legal: Ann, Cy"


def test_an_action_without_words_is_shown_as_it_stands() -> None:
    assert told(event("teleported"), EN).words == "Jiwoo Han: teleported"


def test_every_state_and_kind_and_filter_has_a_name() -> None:
    assert set(STATES) == set(ContractState)
    assert set(KINDS) == set(rules.KINDS)
    assert set(VIEWS) == {"", *FILTERS}


@pytest.mark.parametrize(
    "table", [KINDS, VIEWS, STATES, TOLD, VIA, DONE, DECIDED, BY_ME], ids=lambda table: str(next(iter(table)))
)
def test_every_name_has_its_korean(table: dict[object, str]) -> None:
    assert [words for words in table.values() if sentence(words, "ko") == words] == []


def test_a_kind_of_ones_own_is_shown_as_it_was_written() -> None:
    assert kind_name("joint-venture", KO) == "Joint-venture"
    assert kind_name("lease", KO) == "임대차"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"changes": {"payable": ["119.0", "2450.00"]}, "currency": "EUR"}, "EUR 119.00 → EUR 2,450.00"),
        ({"changes": {"payable": ["119.00", "2450000"], "currency": ["EUR", "KRW"]}}, "EUR 119.00 → KRW 2,450,000"),
        ({"changes": {"payable": [None, "2450"]}, "currency": None}, "– → 2,450"),
        ({"changes": {"due_on": [None, "2026-06-26"]}}, "– → 26 Jun 2026"),
    ],
)
def test_what_is_said_anew_is_told_as_people_read_it(data: dict[str, object], words: str) -> None:
    assert words in told(event("data_corrected", version=1, **data), EN).words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (None, "1000", "below KRW 1,000"),
        ("1000", "10000", "from KRW 1,000 to below KRW 10,000"),
        ("100000", None, "from KRW 100,000 on"),
        (None, None, "any amount"),
    ],
)
def test_a_band_is_told_as_people_read_it(start: str | None, end: str | None, words: str) -> None:
    first, last = (None if each is None else Decimal(each) for each in (start, end))
    assert band_words(Band(first, last, ()), "KRW", EN) == words
