"""The embedded mailbox: a real SMTP server on loopback that keeps what it receives as files.

One process serves it, others may read at the same time: a message's file appears whole, and never changes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, getaddresses
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from workflows.errors import NotFound

log = logging.getLogger(__name__)

LARGEST = 50_000_000  # bytes


class Mailbox:
    """Takes every mail for everybody, and delivers it to a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._enough = asyncio.Event()

    def start(self) -> None:
        """From now on it takes mails.

        Raises:
            OSError: the port is taken.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            listening = socket.create_server(("127.0.0.1", self._port), backlog=100)
        except OSError as error:
            raise OSError(
                error.errno,
                f"The mailbox cannot listen on port {self._port} ({error.strerror});"
                " SIGNOFF_MAILBOX_PORT names another.",
            ) from error
        self._loop, self._enough = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, listening, self._enough), name="mailbox", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Safe to call twice."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._enough.set)
            self._thread.join()
            self._thread = self._loop = None

    def _run(self, loop: asyncio.AbstractEventLoop, listening: socket.socket, enough: asyncio.Event) -> None:
        # not aiosmtpd's Controller: it tells of a taken port only when its time-out is over
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve(listening, enough))

    async def _serve(self, listening: socket.socket, enough: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()

        def conversation() -> SMTP:
            return SMTP(
                _Delivery(self._folder),
                hostname="mailbox.localhost",  # given, or the DNS is asked for one, which may take its time
                ident="Signoff mailbox",
                data_size_limit=LARGEST,
                enable_SMTPUTF8=True,
                loop=loop,
            )

        server = await loop.create_server(conversation, sock=listening)
        await enough.wait()
        server.close()


class _Delivery:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        now = datetime.now(UTC)
        trace = [f"Return-Path: <{envelope.mail_from}>"]
        trace += [f"Delivered-To: {recipient}" for recipient in envelope.rcpt_tos]
        trace += [f"Received: from {session.host_name} by mailbox.localhost; {format_datetime(now)}"]
        try:
            await asyncio.to_thread(_keep, self._folder, "".join(f"{line}\r\n" for line in trace).encode() + content)
        except OSError as error:
            log.exception("A mail could not be kept.")
            return f"452 4.3.1 It could not be kept: {error.strerror}"
        return "250 2.0.0 Kept"


def _keep(folder: Path, content: bytes) -> None:
    """On the disk when this returns, under a name that sorts by the time of arrival."""
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    unfinished, finished = folder / f".{name}", folder / f"{name}.eml"
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(finished)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)  # the name, too
    finally:
        os.close(directory)


@dataclass(frozen=True)
class Message:
    """A mail as it arrived."""

    id: str
    sender: str
    """As the header has it: a name and an address."""
    to: tuple[str, ...]
    recipients: tuple[str, ...]
    """Addresses that it was delivered to, in lower case."""
    subject: str
    date: datetime
    """Of its arrival, in UTC."""
    message_id: str
    text: str
    html: str
    links: tuple[str, ...]
    """The addresses in it that a browser opens, each once, in their order."""

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "from": self.sender,
            "to": list(self.to),
            "subject": self.subject,
            "date": self.date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "message_id": self.message_id,
            "text": self.text,
            "html": self.html,
            "links": list(self.links),
        }


def messages(folder: Path, *, limit: int = 100, to: str | None = None) -> list[Message]:
    """The newest first. ``to``: only what was delivered to this address."""
    wanted = to.strip().lower() if to else None
    found: list[Message] = []
    for path in _newest_first(folder):
        if len(found) == limit:
            break
        try:
            if wanted is None or wanted in _recipients(path):
                found.append(_parsed(path))
        except FileNotFoundError:
            continue  # somebody is tidying up
    return found


def read(folder: Path, id: str) -> Message:
    """One message.

    Raises:
        NotFound: there is none of this id.
    """
    path = folder / f"{id}.eml"
    if not _ID.fullmatch(id) or not path.exists():  # what we remember does not tell that a file has gone
        raise NotFound("There is no such message.")
    return _parsed(path)


_ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}")
_LINK = re.compile(r"https?://[^\s<>\"'()]+[^\s<>\"'().,;:!?]")


def _newest_first(folder: Path) -> Iterator[Path]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 (names alone: a folder of thousands is listed with every look)
    except FileNotFoundError:
        return
    for name in sorted(names, reverse=True):
        if _ID.fullmatch(name.removesuffix(".eml")) and name.endswith(".eml"):
            yield folder / name


@lru_cache(maxsize=10_000)  # a file never changes
def _recipients(path: Path) -> tuple[str, ...]:
    """From the lines that the delivery wrote at the head; to parse every mail for every look would take its time."""
    found = []
    with path.open("rb") as file:
        for line in file:
            name, _, value = line.partition(b": ")
            if name == b"Received":
                break
            if name == b"Delivered-To":
                found.append(value.strip().decode("utf-8", "replace").lower())
    return tuple(found)


@lru_cache(maxsize=500)
def _parsed(path: Path) -> Message:
    with path.open("rb") as file:
        message = BytesParser(policy=SMTP_POLICY).parse(file)
    assert isinstance(message, EmailMessage)
    text, html = _body(message, "plain"), _body(message, "html")
    found = _LINK.findall(text) or re.findall(r"href=\"(https?://[^\"]+)\"", html)
    return Message(
        id=path.stem,
        sender=", ".join(_people(message, "From")),
        to=_people(message, "To"),
        recipients=_recipients(path),
        subject=_readable(str(message.get("Subject", ""))),
        date=datetime.fromtimestamp(int(path.stem.partition("-")[0]) / 1e9, UTC),
        message_id=_readable(str(message.get("Message-ID", ""))),
        text=text,
        html=html,
        links=tuple(dict.fromkeys(found)),
    )


def _people(message: EmailMessage, name: str) -> tuple[str, ...]:
    """Decoded by hand: the newer parser puts a space between the encoded words of a long name in some versions of
    Python."""
    raw = [value for key, value in message.raw_items() if key.lower() == name.lower()]
    unfolded = [_readable("".join(str(value).splitlines())) for value in raw]
    return tuple(
        f"{_decoded(name)} <{address}>" if name else address for name, address in getaddresses(unfolded) if address
    )


def _decoded(name: str) -> str:
    with suppress(LookupError, UnicodeError, HeaderParseError):  # of an encoding that nobody knows: as it came
        name = _readable(str(make_header(decode_header(name))))
    return f'"{name}"' if re.search(r"[,;<>@]", name) else name


def _readable(text: str) -> str:
    """The parser keeps UTF-8 that a header holds as it is (RFC 6532) byte by byte."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # an encoding that nobody knows
        text = content.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")
