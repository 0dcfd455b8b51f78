"""Mails that strangers send, taken apart. Pure: bytes in, values out; whatever cannot be read is refused, not guessed.

The parser of the standard library goes down into parts by recursion, and looks for the end of each part that it is in
on every line. So what is nested deeply is refused before it sees it.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr
from html.parser import HTMLParser

MOST_BOUNDARIES = 60
MOST_PARTS = 200
MOST_FILES = 20
LONGEST_TEXT = 20_000
LONGEST_HEADER = 1000


class Unreadable(Exception):
    """``sentence`` is an English message id without places."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(frozen=True)
class IncomingFile:
    name: str
    data: bytes


@dataclass(frozen=True)
class Incoming:
    """``sha256``: over what it says, by which the same mail is known again whatever way it came."""

    sha256: str
    message_id: str
    from_name: str
    from_email: str
    to: tuple[str, ...]
    """Every address that it was sent to or delivered for, in small letters."""
    answers: tuple[str, ...]
    """Message ids, without their brackets, that it says it answers; the nearest first."""
    subject: str
    text: str
    files: tuple[IncomingFile, ...]
    automatic: bool
    """A machine wrote it: an out-of-office note, a bounce, a list. Nobody answers those (RFC 3834)."""


def taken_apart(data: bytes) -> Incoming:
    """Raises Unreadable."""
    if len(re.findall(rb"boundary\s*=", data, re.IGNORECASE)) > MOST_BOUNDARIES:
        raise Unreadable("The mail is nested too deeply to be read.")
    try:
        message = message_from_bytes(data)
        parts = list(_leaves(message))
        text, files = _text_of(parts), tuple(_files_of(parts))
        # the name is decoded afterwards: a comma in it would part it in two addresses
        name, email = parseaddr(str(message.get("From", ""))[:LONGEST_HEADER])
        name, email = _plain(name), _plain(email)
    except Unreadable:
        raise
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise Unreadable("The mail is damaged and cannot be read.") from error
    message_id = _header(message, "Message-ID").strip("<> ")
    return Incoming(
        sha256=_digest(message_id, email, text, files),
        message_id=message_id[:LONGEST_HEADER],
        from_name=name[:200],
        from_email=email.lower()[:254],
        to=tuple(_addresses(message)),
        answers=tuple(_answers(message)),
        subject=_header(message, "Subject"),
        text=text,
        files=files,
        automatic=_automatic(message),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """Also those of mails that were forwarded as a whole."""
    for count, part in enumerate(message.walk()):
        if count > MOST_PARTS:
            raise Unreadable("The mail has too many parts to be read.")
        if not part.is_multipart():
            yield part


def _text_of(parts: list[Message]) -> str:
    """The plain text, or the words of the HTML where there is none."""
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted and not _is_file(part):
                words = _decoded(part)
                return (_words_of_html(words) if wanted == "text/html" else words)[:LONGEST_TEXT]
    return ""


def _files_of(parts: list[Message]) -> Iterator[IncomingFile]:
    count = 0
    for part in parts:
        if not _is_file(part):
            continue
        count += 1
        if count > MOST_FILES:
            raise Unreadable("The mail has too many parts to be read.")
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and data:
            yield IncomingFile(_plain(part.get_filename() or "")[:200] or "attachment", data)


def _is_file(part: Message) -> bool:
    """Pictures in the text of a mail, such as a company's sign, are none."""
    if part.get_content_disposition() == "inline" and part.get_content_maintype() == "image":
        return False
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_maintype() in ("application", "image") or part.get_content_type() == "text/xml"


def _decoded(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "cp949"):
        with suppress(LookupError, UnicodeError):  # charsets are what strangers say they are
            known = codecs.lookup(charset).name
            if known not in NO_TEXT:
                return codecs.getincrementaldecoder(known)().decode(data[: 4 * LONGEST_TEXT])
    return data[: 4 * LONGEST_TEXT].decode("latin-1")


NO_TEXT = frozenset(("punycode", "idna", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"))
"""Charsets of Python that no mail is written in, some of them slow."""


def _header(message: Message, name: str) -> str:
    return _plain(str(message.get(name, "")))[:LONGEST_HEADER]


def _plain(value: str) -> str:
    """In one line, encoded words decoded (RFC 2047); as it stands where they are broken."""
    with suppress(LookupError, UnicodeError, ValueError):
        value = str(make_header(decode_header(value)))
    return " ".join(value.encode("utf-8", "replace").decode().split())


def _addresses(message: Message) -> Iterator[str]:
    for name in ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc"):
        values = [str(each)[:20_000] for each in message.get_all(name, [])[:5]]
        yield from (email.lower() for _, email in getaddresses(values) if email)


def _answers(message: Message) -> Iterator[str]:
    for name in ("In-Reply-To", "References"):
        found = re.findall(r"<([^<>\s]{1,300})>", str(message.get(name, ""))[:20_000])
        yield from reversed(found[-30:])


def _automatic(message: Message) -> bool:
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or _header(message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply")
        or "List-Id" in message
        or "X-Autoreply" in message
        or message.get_content_type() == "multipart/report"
        or _header(message, "Return-Path") == "<>"
    )


def _digest(message_id: str, email: str, text: str, files: tuple[IncomingFile, ...]) -> str:
    made = hashlib.sha256()
    for each in (message_id.encode(), email.encode(), text.encode("utf-8", "replace"), *(one.data for one in files)):
        made.update(hashlib.sha256(each).digest())
    return made.hexdigest()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in ("style", "script", "title")
        if tag in ("p", "br", "div", "li", "tr", "h1", "h2", "h3"):
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in ("style", "script", "title") and self._unseen > 0

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.said.append(data)


def _words_of_html(html: str) -> str:
    parser = _Words()
    parser.feed(html[: 20 * LONGEST_TEXT])
    lines = (" ".join(line.split()) for line in "".join(parser.said).split("\n"))
    return "\n".join(line for line in lines if line)


def own_words(text: str) -> str:
    """Without the lines that quote what is answered; all of it where nothing else would be left."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(">")]
    return "\n".join(lines).strip() or text.strip()
