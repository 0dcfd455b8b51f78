"""What changed between two texts."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from documents.comparison import MOST_WORDS, Comparison, Kind, Piece, compare

CLAUSES = [f"Clause {number}. The lessee pays for item{number} what annex{number} says." for number in range(1, 60)]


def pieces(found: Comparison, *kinds: Kind) -> list[str]:
    return [piece.text for page in found.pages for piece in page.pieces if piece.kind in kinds]


def test_a_changed_word_stands_between_what_surrounds_it() -> None:
    found = compare(["The notice is sixty days before the end."], ["The notice is ninety days before the end."])
    (page,) = found.pages
    assert page.pieces == (
        Piece(Kind.SAME, "The notice is", 3),
        Piece(Kind.REMOVED, "sixty", 1),
        Piece(Kind.ADDED, "ninety", 1),
        Piece(Kind.SAME, "days before the end.", 4),
    )
    assert found.places == 1


def test_line_breaks_are_no_change() -> None:
    assert compare(["The rent is\npaid monthly."], ["The rent\nis paid  monthly."]).same


def test_a_paragraph_that_slides_to_the_next_page_is_no_change() -> None:
    old = [" ".join(CLAUSES[:20]), " ".join(CLAUSES[20:40])]
    new = [" ".join(CLAUSES[:19]), " ".join(CLAUSES[19:40])]
    assert compare(old, new).same


def test_changes_stand_on_the_pages_of_the_newer_text() -> None:
    old = [" ".join(CLAUSES[:20]), " ".join(CLAUSES[20:40]), " ".join(CLAUSES[40:])]
    new = [old[0], old[1].replace("annex30", "schedule30"), f"{old[2]} Signed twice."]
    found = compare(old, new)
    assert [(page.number, page.places) for page in found.pages] == [(2, 1), (3, 1)]
    assert pieces(found, Kind.REMOVED) == ["annex30"]
    assert pieces(found, Kind.ADDED) == ["schedule30", "Signed twice."]


def test_what_went_from_the_end_of_a_page_is_shown_behind_what_it_followed() -> None:
    old = ["one two three four five six gone", "seven eight nine ten"]
    found = compare(old, ["one two three four five six", "seven eight nine ten"])
    assert [(page.number, page.places) for page in found.pages] == [(1, 1)]
    assert pieces(found, Kind.REMOVED) == ["gone"]


def test_long_unchanged_parts_are_folded_and_keep_their_words() -> None:
    text = " ".join(CLAUSES)
    found = compare([text], [f"{text} And one more."])
    (page,) = found.pages
    assert [piece.kind for piece in page.pieces] == [Kind.FOLDED, Kind.SAME, Kind.ADDED]
    assert page.pieces[0].words == len(text.split()) - 12
    assert page.pieces[0].text.startswith("Clause 1. The lessee")


def test_a_rewritten_sentence_is_no_mosaic() -> None:
    old = "The lessee shall return every single truck of the fleet in working order"
    new = "All vehicles together with all keys must be given back of the owner without delay or damage"
    found = compare([f"{old}. Then what follows stays."], [f"{new}. Then what follows stays."])
    assert found.places == 1


def test_text_without_spaces_is_compared_letter_by_letter() -> None:
    found = compare(["契約期間は三年とする。"], ["契約期間は五年とする。"])
    assert pieces(found, Kind.REMOVED, Kind.ADDED) == ["三", "五"]


def test_files_of_pictures_have_no_text_to_compare() -> None:
    found = compare(["", " "], [""])
    assert not found.has_text
    assert found.same


def test_where_a_huge_text_is_cut_is_said() -> None:
    page = [" ".join(f"word{number}" for number in range(start, start + 500)) for start in range(0, 120_000, 500)]
    longer = [*page[:-1], f"{page[-1]} and more"]
    found = compare(page, longer)
    assert found.compared_to == MOST_WORDS // 500
    assert not found.same
    assert found.places == 0


def test_changes_beyond_what_can_be_shown_are_counted() -> None:
    old = [" ".join(f"a{page}x{number}" for number in range(400)) for page in range(80)]
    new = [
        text.replace("x200 ", "y200 ") if page % 2 else " ".join(f"b{page}x{number}" for number in range(400))
        for page, text in enumerate(old)
    ]
    found = compare(old, new)
    assert found.places == 80
    assert found.shown_to is not None
    assert found.pages[-1].number == found.shown_to < 80


WORDS = st.lists(st.sampled_from(["rent", "term", "the", "of", "notice", "days"]), max_size=60)


@given(st.lists(WORDS, max_size=4), st.lists(WORDS, max_size=4))
def test_what_stayed_and_came_is_the_newer_text_and_what_stayed_and_went_the_older(
    old: list[list[str]], new: list[list[str]]
) -> None:
    found = compare([" ".join(page) for page in old], [" ".join(page) for page in new])
    newer, older = [*chain(*new)], [*chain(*old)]
    assert found.same == (newer == older)
    for page in found.pages:
        shown = " ".join(piece.text for piece in page.pieces if piece.kind is not Kind.REMOVED)
        assert shown == " ".join(new[page.number - 1] if new else [])
    gone = sum(len(text.split()) for text in pieces(found, Kind.REMOVED))
    came = sum(len(text.split()) for text in pieces(found, Kind.ADDED))
    assert len(older) - gone == len(newer) - came
    assert sum(page.places for page in found.pages) == found.places
