"""The rules by which text and queries are cut, without a database."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.search.oracle import an_entry, meets
from workflows.search.terms import EDGE, LARGEST, fold, plain_of, terms_of, wanted, whole_number


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＢＣ", "abc"),
        ("㈜한빛", "(주)한빛"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        (decomposed("계약서"), "계약서"),
        (decomposed("Kündigung"), "kundigung"),
        ("Kündigung Café ŽIŽKOV", "kundigung cafe zizkov"),
        ("Straße STRASSE", "strasse strasse"),
        ("smørrebrød Łódź Ærø œuvre ığdır Þór", "smorrebrod lodz aero oeuvre igdir thor"),
        ("Ǿ ǽ", "o ae"),
        ("İstanbul", "istanbul"),
        ("ΑΊΓΛΗΣ", "αιγλησ"),
        ("か が", "か が"),
        (decomposed("か が"), "か が"),
        ("हिन्दी", "हिन्दी"),
        ("สัญญา", "สัญญา"),
        ("1\u00a0250,00", "1250,00"),
        ("1\u202f250\u2009000", "1250000"),
        ("1 250", "1 250"),
        ("Ver\u00adtrag", "vertrag"),
        ("계약\r\n서를", "계약\r\n서를"),
    ],
)
def test_folding_takes_away_case_accents_width_and_composition_and_nothing_else(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_folding_any_letter_twice_changes_nothing_more() -> None:
    letters = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    assert [letter for letter in letters if fold(fold(letter)) != fold(letter)] == []


@given(st.text())
@example("ᄀ\u0301ᅡ")  # an accent between two jamo, which meet when it is gone
@example("1\u00a0\u00ad250")
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("계약서를", {"계", "계약", "약서", "서를"}),
        ("임대 계약서", {"임", "임대", "계", "계약", "약서", "_대계"}),
        ("임대  　 계약서", {"임", "임대", "계", "계약", "약서", "_대계"}),
        ("계약\n서를", {"계", "계약", "약서", "서", "서를"}),
        ("계약 \r\n 서를", {"계", "계약", "약서", "서", "서를"}),
        ("임대, 계약", {"임", "임대", "계", "계약"}),
        ("契約書", {"契", "契約", "約書"}),
        ("ア・イ", {"ア", "イ"}),
        ("สัญญา", {"ส", "สั", "ัญ", "ญญ", "ญา"}),
        ("agreement", {"a", "ag", "agr", "agre", "agreement"}),
        ("the", {"t", "th", "the"}),
        ("kündigung", {"k", "ku", "kun", "kund", "kundigung"}),
        ("हिन्दी", {"ह", "हि", "हिन", "हिन्", "हिन्दी"}),
        (
            "INV-2026/001",
            {"i", "in", "inv", "inv2", "inv2026001", "2", "20", "202", "2026", "2026001", "0", "00", "001"},
        ),
        ("1,250.00", {"1", "12", "125", "1250", "125000", "2", "25", "250", "2500", "25000", "0", "00"}),
        ("1.250,00", {"1", "12", "125", "1250", "125000", "2", "25", "250", "2500", "25000", "0", "00"}),
        ("1\u00a0250,00", {"1", "12", "125", "1250", "125000", "0", "00"}),
        ("O'Neil", {"o", "on", "one", "onei", "oneil", "n", "ne", "nei", "neil"}),
        ("제3조", {"제", "3", "조"}),
        ("㈜한빛", {"주", "한", "한빛"}),
        ("agree-\nment", {"a", "ag", "agr", "agre", "agree", "agreement", "m", "me", "men", "ment"}),
        ("– ... ?!", set()),
    ],
)
def test_text_is_cut_into_terms(text: str, terms: set[str]) -> None:
    assert terms_of(fold(text)) == terms


def test_every_part_of_a_long_chain_is_a_term() -> None:
    parts = [f"part{number}" for number in range(50)]
    assert set(parts[-1:]) <= terms_of(".".join(parts))
    assert all(meets(an_entry(".".join(parts)), part) for part in parts)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Payment, within 30 (thirty) days!", " payment within 30 thirty days "),
        ("소프트웨어 임대\n계약서 2부", " 소프트웨어임대계약서 2 부 "),
        ("INV-2026/001: 1,250.00", " inv2026001 125000 "),
        ("", "  "),
    ],
)
def test_plain_text_has_one_space_between_words_and_none_between_paired_letters(text: str, plain: str) -> None:
    assert plain_of(fold(text)) == plain


def test_an_entry_has_the_terms_of_its_text_and_again_those_of_its_head_and_what_it_is() -> None:
    entry = an_entry("갑은", head="Lease\nCT-7", numbers=["CT-7"], seen_by=["o42", "p99"], marks=["in_force"])
    lease = {"l", "le", "lea", "leas", "lease", "c", "ct", "ct7", "7"}
    assert set(entry.terms) == {
        *("갑", "갑은"),
        *lease,
        *(":" + term for term in lease),
        *("=ct7", "@o42", "@p99", "~contract", "~in_force"),
    }
    assert entry.plain == " lease  ct7  갑은 "


def test_a_number_that_the_head_does_not_show_is_found_all_the_same() -> None:
    assert meets(an_entry(head="Lease", numbers=["CT-2026/07"]), "2026/07", in_head=True)


def test_lines_of_the_head_are_no_text_that_runs_on() -> None:
    entry = an_entry(head="소프트웨어 임대\n계약 담당", text="한빛")
    assert not meets(entry, "임대계약")
    assert not meets(entry, '"임대 계약"')
    assert not meets(entry, "담당한빛")
    assert meets(entry, "소프트웨어임대")


@pytest.mark.parametrize("number", ["INV-2026/001", "inv 2026 001", "ＩＮＶ2026.001"])
def test_a_number_is_the_same_however_it_is_written(number: str) -> None:
    assert whole_number(number) == "inv2026001"


@pytest.mark.parametrize(
    ("query", "conditions", "phrases"),
    [
        ("계약", [("계약",)], []),
        ("이사", [("이사",)], []),
        ("계약서", [("계약",), ("약서",)], ["계약서"]),
        ("계약서를", [("계약",), ("약서",)], ["계약서"]),
        ("회사에서", [("회사",)], []),
        ("나는", [("나는",)], []),
        ('"계약서를"', [("계약",), ("약서", "_약서"), ("서를",)], ["계약서를"]),
        (
            "임대계약서",
            [("임대",), ("대계", "_대계"), ("계약", "_계약"), ("약서",)],
            ["임대계약서"],
        ),
        ("임대 계약서", [("임대",), ("계약",), ("약서",)], ["계약서"]),
        ('"임대 계약"', [("임대",), ("계약",), ("대계", "_대계")], ["임대계약"]),
        ("갑", [("갑",)], []),
        ('"갑"', [("갑",)], ["갑"]),
        ('"갑, 을"', [("갑",), ("을",)], ["갑을"]),
        ("agre", [("agre",)], []),
        ("agreem", [("agreem*",)], []),
        ("Agreem Agreem", [("agreem*",)], []),
        ("INV-2026", [("inv2026*",)], []),
        ("1,250.00", [("125000*",)], []),
        ('"payment within 30 days"', [("payment",), ("within",), ("30",), ("days",)], [" payment within 30 days "]),
        ("„Mietvertrag über“ Räume", [("mietvertrag",), ("uber",), ("raume*",)], [" mietvertrag uber "]),
        ('"제3조 payment"', [("3",), ("payment",)], ["제 3 조 payment "]),
        ('never "closed', [("never*",), ("closed",)], [" closed "]),
        ("?! …", [], []),
        ('""', [], []),
        ("", [], []),
    ],
)
def test_a_query_is_cut_into_what_an_entry_must_have(
    query: str, conditions: list[tuple[str, ...]], phrases: list[str]
) -> None:
    want = wanted(query)
    assert (list(want.conditions), list(want.phrases)) == (conditions, phrases)


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("INV-2026/001", "inv2026001"),
        ("INV 2026 001", "inv2026001"),
        ('"INV-2026/001"', None),
        ("…", None),
    ],
)
def test_a_query_without_quotes_may_be_a_whole_number(query: str, number: str | None) -> None:
    assert wanted(query).number == number


FINDS = [
    ("계약서를 체결한다", "계약"),
    ("계약서를 체결한다", "계약서"),
    ("계약서를 체결한다", "계약서에서"),
    ("소프트웨어임대계약서", "임대계약"),
    ("소프트웨어임대계약서", "소프트웨어 계약"),
    ("임대 계약서", "임대계약서"),
    ("임대계약서", "임대 계약서"),
    ("소프트웨어 임대 계약서", "소프트웨어임대계약서"),
    ("소프트\n웨어", "소프트웨어"),
    ("소프트웨어 임대 계약", '"임대 계약"'),
    ("소프트웨어임대계약", '"임대 계약"'),
    ("임대, 계약", '"임대, 계약"'),
    ("갑은 을에게", "갑"),
    ("契約書", "契約"),
    ("ガイドブック", "ｶﾞｲﾄﾞ"),
    ("㈜한빛", "한빛"),
    ("㈜한빛", "㈜한빛"),
    ("สัญญาเช่า", "สัญญา"),
    ("सेवा अनुबंध", "अनुबंध"),
    ("עברית", "עברית"),
    ("عَقْد الإيجار", "عَقْد"),
    ("Договор аренды", "договор"),
    ("the agreement", "agreem"),
    ("the agreement", "AGREEMENT the"),
    ("Kündigung", "kundig"),
    ("Kundigung", "kündigung"),
    ("Gammastraße", "gammastrasse"),
    ("Vertrags-\nlaufzeit", "Vertragslaufzeit"),
    ("INV-2026/001", "INV2026001"),
    ("INV-2026/001", "2026/001"),
    ("INV-2026/001", "inv-2026"),
    ("1,250.00", "1250"),
    ("1,250.00", "1,250"),
    ("1,250.00", "1.250,00"),
    ("1\u00a0250,00", "1250"),
    ("Payment within 30 days.", '"payment within 30 days"'),
    ("Payment within\n30 days.", '"payment within 30 days"'),
    (decomposed("계약서"), "계약"),
    ("계약서", decomposed("계약")),
]
DOES_NOT_FIND = [
    ("관계 약정", "계약"),
    ("이 사건", "이사"),
    ("이 사회", "이사회"),
    ("か", "が"),
    ("계서약", "계약서"),
    ("계약 약서", "계약서"),
    ("임갑", "갑"),
    ("Payment within thirty days", '"payment within days"'),
    ("payments within", '"payment within"'),
    ("disagreement", "agreement"),
    ("1,250.00", "1260"),
    ("제30조", "제3조 40"),
]


@pytest.mark.parametrize(("text", "query"), FINDS)
def test_text_is_found(text: str, query: str) -> None:
    assert meets(an_entry(text), query)


@pytest.mark.parametrize(("text", "query"), DOES_NOT_FIND)
def test_other_text_is_not_found(text: str, query: str) -> None:
    assert not meets(an_entry(text), query)


def letters(*ranges: tuple[str, str]) -> st.SearchStrategy[str]:
    return st.one_of(*(st.characters(min_codepoint=ord(low), max_codepoint=ord(high)) for low, high in ranges))


SCRIPTS = {
    "Latin": letters(("a", "z"), ("A", "Z"), ("À", "Ö"), ("Ø", "ö"), ("ø", "ſ")),
    "Hangul": letters(("가", "힣")),
    "kana": letters(("ぁ", "ゖ"), ("ァ", "ヺ"), ("ｦ", "ﾝ")),
    "Han": letters(("一", "鿋"), ("㐀", "䶵")),
    "Thai": letters(("ก", "ฮ"), ("ะ", "ู")),
    "Cyrillic": letters(("А", "я")),
    "Greek": letters(("Α", "Ρ"), ("Σ", "ώ")),
    "Hebrew": letters(("א", "ת")),
    "Arabic": letters(("ء", "غ"), ("ف", "ي")),
    "Hindi": letters(("क", "ह")),
    "digits": st.sampled_from("0123456789０１２"),
    "any letter": st.characters(categories=["Lu", "Ll", "Lt", "Lo", "Nd"]),
}
words = st.one_of(
    *(st.text(script, min_size=1, max_size=60) for script in SCRIPTS.values()),
    st.text(SCRIPTS["Hangul"], min_size=1, max_size=20).map(decomposed),
)
"""Words of one script each, of letters of all scripts, and of jamo."""
numbers = st.lists(words, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from("-_/.,':+&@#").map(lambda joiner: joiner.join(parts))
)


@given(word=words | numbers, before=words, after=words, data=st.data())
def test_a_word_is_found_by_itself_and_by_its_beginnings_whatever_its_script(
    word: str, before: str, after: str, data: st.DataObject
) -> None:
    entry = an_entry(f"{before} {word} {after}", head=word)
    beginning = fold(word)[: data.draw(st.integers(1, len(fold(word))))]
    for query in (word, word.upper(), fold(word), beginning, beginning.rstrip("-_/.,':+&@#")):
        assert meets(entry, query), query
        assert meets(entry, query, in_head=True), query


@given(st.lists(words, min_size=2, max_size=5), st.sampled_from([" ", ", ", "\n", "  "]))
def test_words_in_a_row_are_found_as_a_phrase(row: list[str], between: str) -> None:
    assert meets(an_entry(f"x {between.join(row)} x"), f'"{between.join(row)}"')


@given(st.text(max_size=400))
def test_any_text_gives_only_terms_that_no_database_can_misread(text: str) -> None:
    for entry in (an_entry(text), an_entry(head=text, numbers=[text])):
        for term in entry.terms:
            bare = term.lstrip(":=@~_")
            assert bare
            assert all(letter.isalnum() for letter in bare if letter.isascii())
            assert len(term.encode()) <= 4 * 42
    for each in wanted(text).conditions:
        for term in each:
            bare = term.lstrip("_").removesuffix("*")
            assert all(letter.isalnum() for letter in bare if letter.isascii())


@pytest.mark.parametrize("name", ["", "O42", "o-42", "o 42", "o42:*", 'o"42', "o'42", "값"])
def test_a_name_that_a_database_could_misread_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be looked up"):
        an_entry("text", seen_by=[name])


def test_a_text_with_more_words_than_an_index_holds_keeps_its_beginning() -> None:
    text = " ".join(f"{number:06d}{'x' * 34}" for number in range(40_000))
    entry = an_entry(text, head="The title")
    assert len("".join(entry.terms).encode()) <= LARGEST
    assert meets(entry, "title", in_head=True)
    assert meets(entry, "000000xxx")
    assert meets(entry, "010000xxx")
    assert not meets(entry, "039999xxx")


def test_beginnings_are_terms_only_as_long_as_queries_look_for_them_so() -> None:
    assert wanted("x" * EDGE).conditions == (("x" * EDGE,),)
    assert wanted("x" * (EDGE + 1)).conditions == (("x" * (EDGE + 1) + "*",),)
