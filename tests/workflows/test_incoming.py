"""Mails of strangers, taken apart: what they say is read, what could hurt is refused in bounded time."""

from __future__ import annotations

import time
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.incoming import MOST_FILES, Unreadable, own_words, taken_apart


def mail(text: str = "Hello", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = '"Böhm, Lukas" <Lukas@Aurora.example>', "bills@haneul.example", "송장 7"
    made["Message-ID"] = "<a1@aurora.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


def test_what_a_mail_says_is_read() -> None:
    made = mail("안녕하세요", In_Reply_To="<q1@haneul.example>", References="<q0@x.example> <q1@haneul.example>")
    made.add_attachment(b"<Invoice/>", maintype="application", subtype="xml", filename="송장.xml")
    read = taken_apart(made.as_bytes())
    assert (read.from_name, read.from_email) == ("Böhm, Lukas", "lukas@aurora.example")
    assert (read.subject, read.text.strip(), read.to) == ("송장 7", "안녕하세요", ("bills@haneul.example",))
    assert read.answers == ("q1@haneul.example", "q1@haneul.example", "q0@x.example")
    assert [(each.name, each.data) for each in read.files] == [("송장.xml", b"<Invoice/>")]
    assert not read.automatic


def test_the_same_mail_is_known_again_by_another_way_and_another_one_is_not() -> None:
    once = mail().as_bytes()
    again = b"Received: from elsewhere\r\n" + once
    assert taken_apart(once).sha256 == taken_apart(again).sha256
    assert taken_apart(once).sha256 != taken_apart(mail("Hello!").as_bytes()).sha256


@pytest.mark.parametrize("charset", ["utf-8", "euc-kr", "cp949", "iso-2022-kr"])
def test_korean_is_read_in_whatever_charset_it_says(charset: str) -> None:
    made = b"Content-Type: text/plain; charset=" + charset.encode() + b"\r\n\r\n" + "지급 바랍니다".encode(charset)
    assert taken_apart(made).text == "지급 바랍니다"


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "no-such", "punycode", "unicode_escape", "\\udcff"])
def test_korean_in_a_charset_that_it_does_not_say_is_read_all_the_same(charset: str) -> None:
    made = b"Content-Type: text/plain; charset=" + charset.encode() + b"\r\n\r\n" + "지급 바랍니다".encode("cp949")
    assert taken_apart(made).text == "지급 바랍니다"


def test_html_alone_is_read_by_its_words() -> None:
    made = EmailMessage()
    made.set_content("<style>p{}</style><p>Two &amp; two</p><script>x()</script><br>four", subtype="html")
    assert taken_apart(made.as_bytes()).text == "Two & two\nfour"


def test_a_mail_that_was_forwarded_as_a_whole_brings_its_files() -> None:
    inner = mail("inner")
    inner.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    outer = mail("outer")
    outer.add_attachment(inner)
    read = taken_apart(outer.as_bytes())
    assert (read.text.strip(), [each.name for each in read.files]) == ("outer", ["a.pdf"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example>"},
        {"Return_Path": "<>"},
    ],
)
def test_what_a_machine_wrote_is_known(headers: dict[str, str]) -> None:
    assert taken_apart(mail(**headers).as_bytes()).automatic


def test_what_is_quoted_is_left_out_where_something_else_is_said() -> None:
    assert own_words("Yes, two.\n> How many?\n>> One?") == "Yes, two."
    assert own_words("> How many?") == "> How many?"


def deep(levels: int) -> bytes:
    part = MIMEText("inside")
    for _ in range(levels):
        around = MIMEMultipart()
        around.attach(part)
        part = around  # type: ignore[assignment]  # both are parts
    return part.as_bytes()


def many_files() -> bytes:
    made = mail()
    for number in range(MOST_FILES + 1):
        made.add_attachment(b"x", maintype="application", subtype="pdf", filename=f"{number}.pdf")
    return made.as_bytes()


def forwarded(levels: int) -> bytes:
    head = b"Content-Type: message/rfc822\r\n\r\n"
    return head * levels + b"Subject: x\r\n\r\nx"


@pytest.mark.parametrize(
    "hostile",
    [
        deep(100),
        many_files(),
        forwarded(5000),
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n\r\n\r\n" * 100_000,
        b"boundary=a " * 1000 + b"\r\n\r\n",
    ],
    ids=["nested", "files", "forwarded", "parts", "boundaries"],
)
def test_what_is_nested_or_has_too_much_is_refused_at_once(hostile: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable):
        taken_apart(hostile)
    assert time.process_time() - started < 10


def test_a_long_mail_of_many_lines_is_read_in_bounded_time() -> None:
    made = deep(40).replace(b"inside", b"--x\n" * 2_000_000)
    started = time.process_time()
    assert len(taken_apart(made).text) <= 20_000
    assert time.process_time() - started < 60


@given(st.binary(max_size=400), st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=x\r\n", b"From: "]))
def test_whatever_comes_is_read_or_refused(noise: bytes, start: bytes) -> None:
    try:
        read = taken_apart(start + noise)
    except Unreadable:
        return
    "".join((read.from_name, read.from_email, read.subject, read.message_id, read.text)).encode()
    assert len(read.sha256) == 64
