"""Who may keep whose record, and what finds a person; pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.errors import Refused
from workflows.parties.model import ADMINISTRATOR, ApiToken, Kind, Person
from workflows.parties.rules import (
    Actor,
    TokenState,
    checked_membership,
    has_words,
    token_state,
    why_not_give_up_administrator,
    why_not_keep,
    why_not_withdraw_token,
)

NOW = datetime(2026, 5, 21, 0, 31, tzinfo=UTC)
OURS, THEIRS = UUID(int=1), UUID(int=2)


def person(organisation: UUID | None, number: int = 7) -> Person:
    return Person(
        id=UUID(int=number), organisation_id=organisation, name="Ann", email="ann@haneul.example", created_at=NOW
    )


def actor(organisation: UUID | None, *roles: str, number: int = 8) -> Actor:
    return Actor(UUID(int=number), "Root", "root@haneul.example", organisation, roles=frozenset(roles))


def test_only_administrators_of_the_same_organisation_keep_somebodys_record() -> None:
    assert why_not_keep(actor(OURS, ADMINISTRATOR), person(OURS)) is None
    for other in (actor(OURS), actor(OURS, "reader"), actor(THEIRS, ADMINISTRATOR), actor(None, ADMINISTRATOR)):
        assert why_not_keep(other, person(OURS))


def test_people_of_no_organisation_have_no_administrator() -> None:
    assert why_not_keep(actor(None, ADMINISTRATOR), person(None))


def test_a_token_is_withdrawn_by_its_owner_or_by_their_administrator() -> None:
    assert why_not_withdraw_token(actor(None, number=7), person(None)) is None
    assert why_not_withdraw_token(actor(OURS, ADMINISTRATOR), person(OURS)) is None
    assert why_not_withdraw_token(actor(OURS), person(OURS))
    assert why_not_withdraw_token(actor(THEIRS, ADMINISTRATOR), person(OURS))


def test_the_last_administrator_stays() -> None:
    assert why_not_give_up_administrator([])
    assert why_not_give_up_administrator([UUID(int=3)]) is None


def token(expires_at: datetime | None, revoked_at: datetime | None) -> ApiToken:
    return ApiToken(
        token_sha256="c5" * 32,
        person_id=UUID(int=7),
        name="night job",
        scopes=["verify"],
        created_at=NOW,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


@given(st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 0))
def test_a_token_is_good_until_it_runs_out_or_is_withdrawn(expires: int | None, revoked: int | None) -> None:
    at = {name: NOW + timedelta(days=days) for name, days in (("e", expires), ("r", revoked)) if days is not None}
    state = token_state(token(at.get("e"), at.get("r")), now=NOW)
    assert (state is TokenState.WITHDRAWN) == (revoked is not None)
    assert (state is TokenState.GOOD) == (revoked is None and (expires is None or expires > 0))


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", True),
        ("han", True),
        ("HAN jiwoo", True),
        ("ｊｉｗｏｏ", True),
        ("지우", True),
        ("legal han", True),
        ("han finance", False),
        ("wooha", False),
    ],
)
def test_a_person_is_found_by_all_of_the_words_in_any_of_the_texts(q: str, found: bool) -> None:
    assert has_words(q, ["Jiwoo Han 한지우", "jiwoo.han@haneul.example", "legal"]) is found


@pytest.mark.parametrize("name", ["", " ", "\u200b", "x" * 81])
def test_a_role_needs_a_name_that_fits(name: str) -> None:
    with pytest.raises(Refused) as refused:
        checked_membership(Kind.ROLE, name)
    assert refused.value.field == "roles"
    assert checked_membership(Kind.GROUP, " Legal  team ") == "Legal team"
