from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st

from signing.appearance import Canvas, fitted, lines
from signing.fonts import BOLD, REGULAR, embed, legible, runs, typefaces, width
from tests.signing.builders import decision, document, evidence, prepared, text_of

NAMES = [
    "김민준",
    "山田太郎",
    "张伟",
    "Šárka Černá",
    "Böhm, Lukas",
    "O’Neill",
    "Ștefan Ionuț",
    "Νίκος Παπάς",
    "Юрий Ёлкин",
]

# Letters of names and sentences in the scripts that the two packaged fonts are there for.
LETTERS = st.text(
    st.one_of(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
        st.characters(min_codepoint=0xA1, max_codepoint=0x17F),
        st.characters(min_codepoint=0x386, max_codepoint=0x3CE, categories=["L"]),
        st.characters(min_codepoint=0x400, max_codepoint=0x45F),
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5),
        st.characters(min_codepoint=0x3041, max_codepoint=0x3096),
        st.sampled_from("「」、。·–—“”‘’…€₩￦①→★"),
    ),
    max_size=60,
)


def drawn(text: str, weight: int = REGULAR) -> str:
    return "".join(glyph.text for run in runs(text, weight) for glyph in run.glyphs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight", [REGULAR, BOLD])
def test_a_name_is_drawn_whole(name: str, weight: int) -> None:
    assert drawn(name, weight) == name
    assert all(glyph.code for run in runs(name, weight) for glyph in run.glyphs)


@given(text=LETTERS, weight=st.sampled_from([REGULAR, BOLD]))
def test_no_letter_is_ever_dropped_or_left_as_an_empty_box(text: str, weight: int) -> None:
    assert drawn(text, weight) == legible(text)
    assert all(glyph.code for run in runs(text, weight) for glyph in run.glyphs)


@given(text=st.text(max_size=40))
def test_whatever_the_text_every_letter_leaves_something_to_see(text: str) -> None:
    shown = drawn(text)
    assert all(glyph.code for run in runs(text) for glyph in run.glyphs)
    for letter in legible(text):
        assert letter in shown or f"[U+{ord(letter):04X}]" in shown or unicodedata.category(letter) == "Cf"


def test_a_letter_that_no_font_has_is_written_as_its_code_point() -> None:
    assert drawn("مح Kim") == "[U+0645][U+062D] Kim"


def test_marks_that_turn_text_around_are_not_drawn() -> None:
    assert drawn("invoice\u202egpj.exe\u0000\u200b") == "invoicegpj.exe"


def test_decomposed_letters_are_drawn_composed() -> None:
    assert drawn("S\u030carka") == "Šarka"
    assert drawn(unicodedata.normalize("NFD", "김민준")) == "김민준"


def test_devanagari_is_shaped() -> None:
    (run,) = runs("अंग्रेज़ी")
    assert len(run.glyphs) < len("अंग्रेज़ी")
    assert drawn("अंग्रेज़ी") == legible("अंग्रेज़ी")


@given(text=LETTERS, room=st.floats(60, 500), size=st.floats(6, 20))
def test_broken_lines_keep_every_letter_and_their_room(text: str, room: float, size: float) -> None:
    broken = lines(text, size, room)
    assert "".join("".join(broken).split()) == "".join(legible(text).split())
    for line in broken:
        assert width(line, size) <= room or len(line) == 1


def test_lines_end_between_words_in_korean_and_anywhere_in_chinese() -> None:
    assert lines("계약 내용에 동의합니다", 10, 62) == ["계약 내용에", "동의합니다"]
    assert [len(line) for line in lines("契約内容同意契約内容同意", 10, 62)] == [6, 6]


def test_a_long_hash_is_broken_rather_than_drawn_over_the_edge() -> None:
    broken = lines("a" * 200, 10, 100)
    assert len(broken) > 5
    assert "".join(broken) == "a" * 200


def test_text_shrinks_until_it_fits() -> None:
    size, broken = fitted("word " * 80, (12, 10), 200, 2)
    assert len(broken) <= 2
    assert size < 10
    assert fitted("word", (12, 10), 200, 2) == (12, ["word"])


def test_a_subset_holds_only_the_letters_used() -> None:
    canvas = Canvas()
    canvas.text("김민준 Kim", 0, 0, 12)
    embedded = [embed(typeface, glyphs) for typeface, glyphs in canvas.fonts.used.items()]
    assert {font.is_cff for font in embedded} == {True, False}
    assert all(len(font.program) < 12_000 for font in embedded)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_on_the_page_can_be_copied(name: str) -> None:
    pdf = document()
    page = prepared(pdf, slots=(), record=evidence(pdf, decision(name=name)))
    assert name in text_of(page, -1)


def test_embedded_fonts_are_well_formed() -> None:
    pdf = document()
    with pikepdf.open(io.BytesIO(prepared(pdf, record=evidence(pdf, decision(comment="".join(NAMES)))))) as opened:
        fonts = opened.pages[-1].obj.Resources.Font
        assert len(fonts) == 4
        for font in fonts.values():
            descendant = font.DescendantFonts[0]
            assert str(font.Encoding) == "/Identity-H"
            assert str(descendant.CIDSystemInfo.Ordering) == "Identity"
            assert len(descendant.W) > 1
            assert str(font.BaseFont)[7] == "+"


@pytest.fixture
def an_arabic_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A font package as PyPI has them, made here, with two letters that the packaged fonts lack."""
    package = tmp_path / "fontpkg_noto_sans_example"
    (package / "files").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    builder = FontBuilder(1000, isTTF=True)
    names = [".notdef", "space", "alef", "beh"]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, 700))
    pen.lineTo((200, 700))
    pen.closePath()
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({0x20: "space", 0x627: "alef", 0x628: "beh"})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (600, 100)))
    builder.setupHorizontalHeader(ascent=1000, descent=-300)
    builder.setupNameTable({"familyName": "Example", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(package / "files" / "Example-Regular.ttf")
    facts = tmp_path / "fontpkg_noto_sans_example-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: fontpkg-noto-sans-example\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[fontpkg.family]\nexample = fontpkg_noto_sans_example\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    typefaces.cache_clear()
    runs.cache_clear()
    yield
    typefaces.cache_clear()
    runs.cache_clear()


@pytest.mark.usefixtures("an_arabic_family")
def test_any_further_family_that_is_installed_draws_its_letters() -> None:
    written = runs("Kim اب · 2026")
    assert [run.typeface.path.stem.split("-")[0].split("[")[0] for run in written] == [
        "NotoSans",
        "Example",
        "NotoSans",
    ]
    # Drawn from right to left; what follows the word stays on its right.
    assert [glyph.text for glyph in written[1].glyphs] == ["ب", "ا"]
    assert "".join(glyph.text for glyph in written[2].glyphs) == " · 2026"
