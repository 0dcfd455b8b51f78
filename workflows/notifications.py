"""Mails: composed from ``templates/emails`` in their reader's language."""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.headerregistry import Address as Mailbox
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

import idna

from documents.rendering import Reader, render, sentence
from workflows.business_time import explained
from workflows.words import kind_name, stage_name

KINDS = frozenset(
    (
        "task",
        "signature",
        "sent_back",
        "approved",
        "rejected",
        "declined",
        "withdrawn",
        "in_force",
        "expiry",
        "expired",
        "mail_failed",
        "incident",
        "mention",
        "review",
        "opinion",
        "query",
        "handed_over",
        "code",
        "link_locked",
        "digest",
        "reminder",
        "escalated",
        "ran_out",
        "substitute",
        "export_ready",
        "export_failed",
        "sending",
    )
)
"""Each is a folder below ``templates/emails`` with subject.txt, body.txt and body.html."""

MOMENTS = ("due_at", "kept_until", "link_until", "code_until", "asked_at")
DAYS = ("day", "starts_on", "ends_on", "away_until", "due_on")
SPEECH = ("note", "comment")
"""Words of somebody else, which keep their line ends."""
MAY_BE_ABSENT = (
    *("address", "sender_email", "counterparty", "amount", "currency", "note", "stage"),
    *("due_at", "due", "due_note", "link", "link_until", "file_link", "page"),
    *("how", "for_name", "of_name", "people", "away_until", "recalled"),
    *("by_name", "comment", "file_name", "starts_on", "ends_on", "notice_days", "failed_kind", "due_on", "of_accounts"),
)

LONGEST_TITLE = 120  # in a subject; the body has all of it
LONGEST_SUBJECT = 250


def compose(
    kind: str,
    *,
    to: Address,
    reply_to: Address | None,
    sender: Address,
    reader: Reader,
    values: Mapping[str, object],
    message_id: str,
) -> EmailMessage:
    """A mail of this kind as text and HTML.

    ``values`` are plain: moments as ISO strings in UTC, days as ISO dates, amounts as decimal strings.

    Raises:
        ValueError: there is no such kind, or what should be an address is none.
        jinja2.UndefinedError: a value that this kind cannot do without is missing.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of mail named {kind!r}")
    reader = replace(reader, paper=str(values.get("paper") or "contract"))
    said = _said(values, reader) | {"reply_to_name": reply_to.name if reply_to else ""}
    message = EmailMessage(policy=ON_THE_WIRE)
    message["From"] = sender.in_header()
    message["To"] = to.in_header()
    if reply_to is not None:
        message["Reply-To"] = reply_to.in_header()
    said["subject"] = one_line(render(f"emails/{kind}/subject.txt", reader, **said))[:LONGEST_SUBJECT]
    message["Subject"] = said["subject"]
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    # RFC 3834: no machine shall answer this
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_tidy(render(f"emails/{kind}/body.txt", reader, **said)))
    message.add_alternative(render(f"emails/{kind}/body.html", reader, **said), subtype="html")
    message["Content-Language"] = reader.locale  # after the bodies, which would take it with them
    return message


def attach(message: EmailMessage, data: bytes, *, name: str) -> None:
    """Put a file beside the words. What it is says its name's ending alone: programs that read mails go by that."""
    subtype = {"pdf": "pdf", "xml": "xml"}.get(name.rpartition(".")[2].lower(), "octet-stream")
    message.add_attachment(data, maintype="application", subtype=subtype, filename=one_line(name))


def _said(values: Mapping[str, object], reader: Reader) -> dict[str, Any]:
    """What the templates get: times as times, text without what cannot be seen."""
    said: dict[str, Any] = dict.fromkeys(MAY_BE_ABSENT)
    said |= {name: _as_said(name, value) for name, value in values.items()}
    said["due_note"] = said["due_note"] or (explained(said["due"], reader.locale, sentence) if said["due"] else None)
    if said.get("stage"):
        said["stage"] = stage_name(said["stage"], reader)
    if said.get("kinds"):
        said["kinds"] = ", ".join(kind_name(each, reader) for each in said["kinds"])
    if said.get("why"):
        said["why"] = one_line(sentence(said["why"]["sentence"], reader.locale, **said["why"]["values"]))
    title = str(said.get("title", ""))
    said["short_title"] = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"
    return said


def _as_said(name: str, value: object) -> Any:
    match value:
        case str() if name in MOMENTS:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case str() if name in DAYS:
            return date.fromisoformat(value)
        case str():
            return _paragraphs(value) if name in SPEECH else one_line(value)
        case list() if value and isinstance(value[0], dict):  # rows, as of a list of tasks
            return [{each: _as_said(each, inside) for each, inside in row.items()} for row in value]
        case _:
            return value


# Control characters, direction marks and overrides (which can turn an address around), surrogates, line separators
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def one_line(text: str) -> str:
    """Without what cannot be seen, and without line ends."""
    return " ".join(_UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).split())


def _paragraphs(text: str) -> str:
    lines = "\n".join(one_line(line) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


def _tidy(text: str) -> str:
    """No space at the ends of lines (but after the mark of a signature), one empty line at most between paragraphs."""
    lines = "\n".join(line if line == "-- " else line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


@dataclass(frozen=True)
class Address:
    """Somebody in a mail's header: a name in any script, or "", and an address.

    Raises:
        ValueError: it is no address; nothing of it would be safe in a header or an SMTP command.
    """

    name: str
    email: str

    def __post_init__(self) -> None:
        local, at, domain = self.email.rpartition("@")
        if not (at and local and domain) or _NOT_IN_ADDRESSES.search(self.email):
            raise ValueError(f"{self.email!r} is not an e-mail address")

    def in_header(self) -> Mailbox:
        local, _, domain = self.email.rpartition("@")
        return Mailbox(display_name=one_line(self.name), username=local, domain=_in_ascii(domain))


_NOT_IN_ADDRESSES = re.compile(r"[\s\x00-\x1f\x7f<>()\[\],;:\"\\]|@.*@")


def _in_ascii(domain: str) -> str:
    """IDNA 2008 (RFC 5891): the older rule would send what is meant for faß.example to fass.example."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError(f"{domain!r} is not a domain") from None


class _OnTheWire(EmailPolicy):
    """Writes names and subjects itself: the standard library loses quotes around encoded commas, or the space between
    encoded words, in some of the versions that Signoff runs on."""

    def fold(self, name: str, value: Any) -> str:
        match name.lower():
            case "from" | "to" | "reply-to":
                boxes = ",\r\n ".join(_mailbox(each.display_name, each.addr_spec) for each in value.addresses)
                return f"{name}: {boxes}\r\n"
            case "subject":
                return f"{name}: {_encoded(one_line(str(value)))}\r\n"
            case "message-id" | "date" | "content-language" | "auto-submitted" | "x-auto-response-suppress":
                return f"{name}: {value}\r\n"
            case _:
                return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        # beyond ASCII only where the address itself is: such a mail needs SMTPUTF8 (RFC 6532)
        return self.fold(name, value).encode()


class _Headers(HeaderRegistry):
    """The standard library's, which makes a class for each header anew and reads ours back in, a dozen in each mail.

    Those of the parts are the same in every mail, and people write to each other again and again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kind = lru_cache(64)(super().__getitem__)
        self._made = lru_cache(64)(super().__call__)
        self._addressed = lru_cache(256)(self._to_one)

    def __getitem__(self, name: str) -> Any:
        return self._kind(name.lower())

    def _to_one(self, name: str, display_name: str, username: str, domain: str) -> Any:
        return super().__call__(name, Mailbox(display_name, username, domain))

    def __call__(self, name: str, value: Any) -> Any:
        if isinstance(value, Mailbox):
            return self._addressed(name, value.display_name, value.username, value.domain)
        same = isinstance(value, str) and name.lower().startswith(("content-", "mime-", "auto-", "x-"))
        return self._made(name, value) if same else super().__call__(name, value)


# 7-bit bodies pass every server, whatever it offers
ON_THE_WIRE = _OnTheWire(linesep="\r\n", cte_type="7bit", header_factory=_Headers())

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def _mailbox(name: str, address: str) -> str:
    """RFC 5322, 3.4: a name as it stands, quoted, or in encoded words."""
    if not name:
        return address
    if not name.isascii() or "=?" in name:
        written = _encoded(name)
    elif _ATOMS.fullmatch(name):
        written = name
    else:
        written = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{written}\r\n <{address}>" if len(written) + len(address) > 60 else f"{written} <{address}>"


def _encoded(text: str) -> str:
    """RFC 2047: as it stands where it is plain ASCII of one line's length, else in encoded words of at most 75 letters,
    each of whole characters."""
    if text.isascii() and "=?" not in text and len(text) < 900:
        return "\r\n ".join(_lines(text, 66))
    words, word = [], b""
    for character in text:
        more = character.encode()
        if len(word) + len(more) > 39:
            words.append(word)
            word = b""
        word += more
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each).decode()}?=" for each in words)


def _lines(text: str, width: int) -> Iterator[str]:
    """Cut at spaces only."""
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
