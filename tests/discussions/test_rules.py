"""What may be said, who is called, and what a text becomes on a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.discussions.model import Comment, Visibility
from workflows.discussions.rules import (
    LONGEST_FILE_NAME,
    LONGEST_TEXT,
    Mentionable,
    Piece,
    Subject,
    checked,
    checked_file_name,
    may_read,
    named_in,
    pieces,
    tidied,
    visibility_for,
    why_not_mention,
    why_not_withdraw,
)
from workflows.errors import Refused
from workflows.parties.rules import Actor

HOUSE = uuid4()
SUBJECT = Subject("contract", uuid4(), HOUSE)
NOW = datetime(2026, 5, 21, 9, 0, tzinfo=UTC)


def somebody(organisation: object = HOUSE) -> Actor:
    return Actor(uuid4(), "Ann", "ann@haneul.example", organisation)  # type: ignore[arg-type]  # a UUID or None


def person(name: str, email: str = "", *, inside: bool = True) -> Mentionable:
    return Mentionable(uuid4(), name, email or f"{uuid4().hex}@haneul.example", inside)


def comment(**known: Any) -> Comment:
    said = {"process": "contract", "subject_id": SUBJECT.id, "visibility": Visibility.INSIDE, "author_id": uuid4()}
    return Comment(**{**said, "author": "Ann", "text": "Fine.", "version_number": 1, "at": NOW, "via": "page", **known})


def test_a_comment_is_kept_as_text_without_what_cannot_be_seen() -> None:
    assert tidied("One\r\ntwo\rthree  \n\n\n\nfour\x00\u202e\u2066 end ") == "One\ntwo\nthree\n\nfour end"
    assert tidied("\tindented\tonce") == "indented\tonce"
    assert tidied("가\u1102\u1161") == "가나"
    assert tidied("👩\u200d🚒") == "👩\u200d🚒"


@pytest.mark.parametrize(
    ("text", "more", "field"),
    [
        ("", {}, "text"),
        (" \u200b\n ", {}, "text"),
        ("가" * (LONGEST_TEXT + 1), {}, "text"),
        ("Fine.", {"visibility": "everyone"}, "visibility"),
        ("Fine.", {"mentions": ["ann"]}, "mentions"),
        ("Fine.", {"mentions": [f"p{n}@haneul.example" for n in range(31)]}, "mentions"),
    ],
)
def test_what_will_not_do_is_refused_at_its_field(text: str, more: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(text, **more)  # type: ignore[arg-type]  # words of the table above
    assert refused.value.field == field


def test_the_longest_comment_is_taken_and_a_file_needs_none() -> None:
    assert len(checked("가" * LONGEST_TEXT + "\r\n").text) == LONGEST_TEXT
    assert checked("", has_file=True).text == ""


def test_an_address_that_is_named_twice_counts_once() -> None:
    said = checked("Fine.", mentions=["Ann@Haneul.example", " ann@haneul.example", ""])
    assert said.mentions == ("ann@haneul.example",)


def test_inside_is_what_people_of_the_house_mean_unless_they_choose() -> None:
    assert visibility_for(somebody(), SUBJECT, None) is Visibility.INSIDE
    assert visibility_for(somebody(), SUBJECT, Visibility.SHARED) is Visibility.SHARED


@pytest.mark.parametrize("organisation", [None, uuid4()])
def test_others_are_heard_by_both_and_cannot_write_inside(organisation: object) -> None:
    assert visibility_for(somebody(organisation), SUBJECT, None) is Visibility.SHARED
    with pytest.raises(Refused) as refused:
        visibility_for(somebody(organisation), SUBJECT, Visibility.INSIDE)
    assert refused.value.field == "visibility"


@given(st.sampled_from(Visibility), st.booleans())
def test_whoever_may_not_read_a_comment_may_not_be_mentioned_in_it(visibility: Visibility, inside: bool) -> None:
    said = comment(visibility=visibility)
    assert (why_not_mention(visibility, inside=inside) is None) == may_read(said, inside=inside)


def test_people_are_called_by_their_name_or_their_address() -> None:
    ann, lee, kim = person("Ann", "ann@haneul.example"), person("Ann Lee"), person("김민준")
    here = [ann, lee, kim]
    assert named_in("@Ann, please", here) == (ann.id,)
    assert named_in("@ann lee and @ANN", here) == (lee.id, ann.id)
    assert named_in("@김민준님께 여쭙니다", here) == (kim.id,)
    assert named_in("cc @ann@haneul.example.", here) == (ann.id,)
    assert named_in("(@Ann)(@Ann)", here) == (ann.id,)


def test_what_only_looks_like_a_call_calls_nobody() -> None:
    here = [person("Ann", "ann@haneul.example")]
    assert named_in("Write to ann@haneul.example, @Anna or @home; 3 @ 5 EUR", here) == ()


def test_names_in_any_spelling_of_unicode_are_found() -> None:
    sarka = person("Šárka Černá")
    assert named_in("@S\u030ca\u0301rka C\u030cerna\u0301: fine?", [sarka]) == (sarka.id,)


def test_two_people_of_one_name_are_told_apart_by_the_list() -> None:
    with pytest.raises(Refused, match="More than one person here is called Ann"):
        named_in("@Ann", [person("Ann"), person("Ann")])


def test_an_address_of_nobody_here_is_refused_rather_than_left_out() -> None:
    with pytest.raises(Refused, match=r"nobody@haneul\.example"):
        named_in("@nobody@haneul.example", [person("Ann")])


def test_a_comment_can_be_withdrawn_by_its_author_for_a_quarter_of_an_hour() -> None:
    ann = somebody()
    said = comment(author_id=ann.id)
    last = NOW + timedelta(minutes=14, seconds=59)
    assert why_not_withdraw(ann, said, now=last) is None
    assert why_not_withdraw(ann, said, now=NOW + timedelta(minutes=15)) is not None
    assert why_not_withdraw(somebody(), said, now=last) is not None


def test_web_addresses_lead_somewhere_and_nothing_else_does() -> None:
    said = "See https://haneul.example/a?b=1&c=2, (http://x.example)\njavascript:alert(1) ftp://y.example https:// end"
    assert [each.address for each in pieces(said) if each.address] == [
        "https://haneul.example/a?b=1&c=2",
        "http://x.example",
    ]


def test_an_address_that_hides_where_it_leads_is_text() -> None:
    assert list(pieces("https://bank.example@evil.example/ and https://[broken")) == [
        Piece("https://bank.example@evil.example/ and https://[broken")
    ]


@given(st.text())
def test_cutting_a_text_into_pieces_loses_nothing(text: str) -> None:
    assert "".join(each.text for each in pieces(text)) == text


@pytest.mark.parametrize(
    ("name", "endings", "shown"),
    [
        ("quote.pdf", ["pdf"], "quote.pdf"),
        ("QUOTE.PDF", ["pdf"], "QUOTE.PDF"),
        ("견적서 (최종).hwp", ["hwp"], "견적서 (최종).hwp"),
        ("../../etc/passwd", ["txt"], "passwd.txt"),
        ("C:\\temp\\list.csv", ["txt", "csv"], "list.csv"),
        ("run.bat", ["txt"], "run.bat.txt"),
        ("invoice\u202efdp.exe", ["pdf"], "invoice fdp.exe.pdf"),
        ('a"b\r\nSet-Cookie: x=1.png', ["png"], 'a"b Set-Cookie: x=1.png'),
        ("", ["png"], "file.png"),
        ("..", ["png"], "file.png"),
        (".pdf", ["pdf"], "file.pdf"),
    ],
)
def test_a_file_keeps_its_name_as_far_as_it_is_harmless(name: str, endings: list[str], shown: str) -> None:
    assert checked_file_name(name, endings) == shown


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_file_name_is_one_line_with_the_right_ending(name: str) -> None:
    made = checked_file_name(name, ["pdf"])
    assert made.lower().endswith(".pdf")
    assert len(made) <= LONGEST_FILE_NAME
    assert not {"/", "\\", "\n", "\0", "\u202e"} & set(made)
    assert checked_file_name(made, ["pdf"]) == made
