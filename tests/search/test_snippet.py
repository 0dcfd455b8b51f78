from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.test_terms import words
from workflows.search.queries import snippet
from workflows.search.terms import UNIT, fold


def shown(text: str, query: str) -> str:
    piece, start, length = snippet(text, query)
    return piece[start : start + length]


@pytest.mark.parametrize(
    ("text", "query", "hit"),
    [
        ("이 계약서를 체결한다", "계약서", "계약서"),
        ("이 계약서를 체결한다", "계약서에서", "계약서"),
        ("소프트웨어 임대\n계약서", "임대계약서", "임대\n계약서"),
        ("소프트웨어 임대 계약", '"임대 계약"', "임대 계약"),
        ("관계, 갑은 을에게", "갑", "갑"),
        ("임갑은 갑에게", "갑에게", "갑에게"),
        ("the Agreement", "agreem", "Agreem"),
        ("disagreement, agreement", "agreement", "agreement"),
        ("payments within; Payment,\nwithin 30 days", '"payment within"', "Payment,\nwithin"),
        ("see INV-2026/001.", "inv2026001", "INV-2026/001"),
        ("see INV-2026/001.", "2026/001", "2026/001"),
        ("2,500 and 1,250.00", "1250", "1,250"),
        ("1\u00a0250,00 EUR", "1250", "1\u00a0250"),
        ("㈜한빛 소프트웨어", "한빛", "한빛"),
        ("㈜한빛 소프트웨어", "주", "㈜"),
        ("㈜㈜ die Straße", "strasse", "Straße"),
        ("㈜㈜ die Straßen", "stras", "Straß"),
        (unicodedata.normalize("NFD", "이 계약서를"), "계약", unicodedata.normalize("NFD", "계약")),
        (unicodedata.normalize("NFD", "die Kündigung ist"), "kündigung", unicodedata.normalize("NFD", "Kündigung")),
        ("der Ver\u00adtrag", "vertrag", "Ver\u00adtrag"),
        ("ｶﾞｲﾄﾞ", "ガイド", "ｶﾞｲﾄﾞ"),
        ("제3조 (목적)", '"제3조"', "제3조"),
        ("payment of rent", "rent payment", "rent"),
    ],
)
def test_the_hit_is_shown_as_it_was_written(text: str, query: str, hit: str) -> None:
    assert shown(text, query) == hit


def test_a_snippet_has_some_letters_on_either_side() -> None:
    text = "x" * 300 + " lease " + "y" * 300
    assert snippet(text, "lease", around=10) == ("x" * 9 + " lease " + "y" * 9, 10, 5)
    assert snippet("lease " + "y" * 300, "lease", around=3) == ("lease yy", 0, 5)


def test_without_a_hit_the_text_is_shown_from_its_beginning() -> None:
    assert snippet("a" * 500, "lease", around=80) == ("a" * 160, 0, 0)
    assert snippet("a" * 500, "?!", around=80) == ("a" * 160, 0, 0)
    assert snippet("", "lease") == ("", 0, 0)


def test_the_hit_is_in_its_place_after_long_text_that_folding_made_longer_and_shorter() -> None:
    text = "㈜한빛 Straße Ver\u00adtrag 1\u00a0250\n" * 5000 + "the Lease ends"
    piece, start, length = snippet(text, "lease", around=4)
    assert (piece, piece[start : start + length]) == ("the Lease end", "Lease")


@given(before=st.text(), word=words, after=st.text(), around=st.integers(0, 90))
def test_a_snippet_is_a_piece_of_the_text_and_its_hit_lies_within(
    before: str, word: str, after: str, around: int
) -> None:
    text = f"{before} {word} {after}"
    piece, start, length = snippet(text, word, around)
    assert piece in text
    assert 0 <= start <= start + length <= len(piece)
    assert length or fold(word)


@given(word=words.filter(lambda word: UNIT.fullmatch(fold(word)) is not None))
def test_a_word_between_spaces_is_shown_from_its_first_letter(word: str) -> None:
    piece, start, length = snippet(f"… {word} …", word)
    assert start == 2
    assert fold(piece[start : start + length]).startswith(fold(word)[0])
