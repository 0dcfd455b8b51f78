"""Whatever stands in a mail, its headers are those of one mail to one person, and nothing of it is taken for HTML."""

from __future__ import annotations

import email
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parsedate_to_datetime

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.rendering import Reader
from tests.workflows.letters import ENGLISH, OWN, Page, composed, html, text, written
from workflows.notifications import KINDS, LONGEST_SUBJECT, Address, compose


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_machine_does_not_answer(kind: str) -> None:
    message = written(kind)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"


def test_a_retry_is_recognisable_and_dated() -> None:
    first, again = written("task"), written("task")
    assert first["Message-ID"] == again["Message-ID"] == "<0198c0de@haneul.example>"
    assert abs(parsedate_to_datetime(first["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert parsedate_to_datetime(first["Date"]).tzinfo is not None


def test_an_answer_goes_to_the_sender_or_to_nobody_in_particular() -> None:
    assert written("withdrawn")["Reply-To"] == "Minjun Kim <minjun.kim@haneul.example>"
    message = compose(
        "withdrawn",
        to=Address("Jiwoo Han", "jiwoo.han@haneul.example"),
        reply_to=None,
        sender=Address("", "contracts@haneul.example"),
        reader=Reader("en", "UTC"),
        values=ENGLISH,
        message_id="<1@haneul.example>",
    )
    assert message["Reply-To"] is None
    assert message["From"] == "contracts@haneul.example"
    assert "A reply to this mail" not in text(message)


def test_nothing_of_a_title_is_taken_for_html() -> None:
    message = written("task", title="<script>alert(1)</script> & “Co”", note="</td><b>bold", counterparty="A & B <C>")
    assert "<script>alert" not in html(message)
    assert "<b>bold" not in html(message)
    page = Page(html(message))
    assert "<script>alert(1)</script> & “Co”" in page.seen
    assert "A & B <C>" in page.seen
    assert "<script>alert(1)</script> & “Co”\n" in text(message)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\u0085", "\x0b", "\0"])
def test_a_line_end_in_a_value_begins_no_header(end: str) -> None:
    evil = f"Lease{end}Bcc: everybody@haneul.example"
    message = written("task", title=evil, number=f"C-1{end}X: y", to_name=evil, sender_name=evil, organisation=evil)
    received = email.message_from_bytes(message.as_bytes(), policy=default)
    assert received["Bcc"] is None
    assert received["X"] is None
    assert "Lease Bcc: everybody@haneul.example" in received["Subject"]
    assert received["To"].addresses[0].display_name == "Lease Bcc: everybody@haneul.example"
    assert [each.addr_spec for each in received["To"].addresses] == ["jiwoo.han@haneul.example"]


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\ufeff", "\x1b", "\x7f"])
def test_invisible_marks_are_left_out(mark: str) -> None:
    message = written("task", title=f"Lease {mark}fdp.exe", note=f"see {mark}this", counterparty=f"{mark}Nordwerk")
    for part in (message["Subject"], text(message), html(message)):
        assert mark not in part


def test_a_long_title_leaves_room_for_its_number() -> None:
    message = written("task", title="Lease of forklifts " * 200)
    assert len(message["Subject"]) <= LONGEST_SUBJECT
    assert message["Subject"].endswith("… (C-2026-0148)")
    assert text(message).count("Lease of forklifts") == 200


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@haneul.example",
        "jiwoo@",
        "a@b@c.example",
        "a b@haneul.example",
        "a@haneul.example\r\nBcc: x@y.example",
        "a@haneul.example,b@haneul.example",
        "<a@haneul.example>",
        'a"b@haneul.example',
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        Address("Somebody", address)


def test_a_message_id_cannot_begin_a_header() -> None:
    with pytest.raises(ValueError):
        compose(
            "withdrawn",
            to=Address("", "a@haneul.example"),
            reply_to=None,
            sender=Address("", "b@haneul.example"),
            reader=Reader("en", "UTC"),
            values=ENGLISH,
            message_id="<1@x>\r\nBcc: c@haneul.example",
        )


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of mail"):
        composed("../pages/inbox", ENGLISH, Reader("en", "UTC"))


@pytest.mark.parametrize(("kind", "value"), [("task", "title"), ("expiry", "days_left"), ("mail_failed", "failure")])
def test_a_value_that_a_mail_cannot_do_without_is_missed(kind: str, value: str) -> None:
    values = ENGLISH | OWN[kind][0]
    del values[value]
    with pytest.raises(jinja2.UndefinedError, match=value):
        composed(kind, values, Reader("en", "UTC"))


def headers(message: EmailMessage) -> Iterator[bytes]:
    head, _, _ = message.as_bytes().partition(b"\r\n\r\n")
    yield from head.split(b"\r\n")


ANYTHING = st.text(max_size=120)


@given(name=ANYTHING, organisation=ANYTHING, title=st.text(min_size=1, max_size=200))
def test_names_in_any_script_survive_their_way_through_headers(name: str, organisation: str, title: str) -> None:
    message = composed(
        "withdrawn", ENGLISH | {"to_name": name, "organisation": organisation, "title": title}, Reader("en", "UTC")
    )
    # without a policy: the newer parser puts a space between encoded words of a name in some versions of Python
    received = email.message_from_bytes(message.as_bytes())
    for header in ("To", "From"):
        [(encoded, address)] = getaddresses([received[header]])
        assert str(make_header(decode_header(encoded))) == message[header].addresses[0].display_name
        assert address == message[header].addresses[0].addr_spec
    assert email.message_from_bytes(message.as_bytes(), policy=default)["Subject"] == message["Subject"]
    assert received.defects == []
    for line in headers(message):
        assert line.isascii()
        assert len(line) < 998


@given(name=st.text(st.characters(exclude_categories=("C", "Z")), max_size=60))
def test_a_name_without_invisible_marks_is_not_changed_at_all(name: str) -> None:
    shown = written("withdrawn", to_name=name)["To"].addresses[0].display_name
    assert shown == unicodedata.normalize("NFC", name)
