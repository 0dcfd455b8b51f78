"""A folder of a mailbox, over IMAP (RFC 3501): what waits in it, and where what was dealt with is put."""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SECONDS = 30
MEANT = (
    "SIGNOFF_INVOICES_MAILBOX_URL is imaps://USER:PASSWORD@HOST:PORT/FOLDER, or imap://… which begins with STARTTLS"
    " (?starttls=never: without), with ?ca=FILE where the server's certificate needs it; in user and password the signs"
    " @ : / ? # % [ ] are written %40 %3A %2F %3F %23 %25 %5B %5D."
)


class MailboxUnavailable(Exception):
    """It cannot be read now; later it may be. The words never hold the password."""


@dataclass(frozen=True)
class Place:
    host: str
    port: int
    encryption: str
    """"at once", "always" (STARTTLS) or "never"."""
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    authorities: str | None = None


def place_of(url: str) -> Place:
    """Raises ValueError; the message never repeats the address, which holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise ValueError(MEANT) from None
    starttls, authorities = options.pop("starttls", "always"), options.pop("ca", None)
    if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username or parts.fragment or options:
        raise ValueError(MEANT)
    if starttls not in ("always", "never"):
        raise ValueError(MEANT)
    encryption = "at once" if parts.scheme == "imaps" else starttls
    return Place(
        host=parts.hostname,
        port=port or (993 if encryption == "at once" else 143),
        encryption=encryption,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        authorities=authorities,
    )


@dataclass(frozen=True)
class Waiting:
    uid: str
    size: int
    """Bytes, as the server counts them."""


class Folder:
    """One folder, open for reading and for moving what is in it."""

    def __init__(self, connection: imaplib.IMAP4, name: str) -> None:
        self._connection, self._name = connection, name
        listed = self._said(connection.list('""', _quoted(name)))
        found = re.search(rb'\) "(.)" ', listed[0]) if listed and isinstance(listed[0], bytes) else None
        self._between = found[1].decode() if found else "/"
        self._said(connection.select(_quoted(name)))
        validity = connection.response("UIDVALIDITY")[1]
        self.validity = validity[0].decode() if validity and isinstance(validity[0], bytes) else ""
        """With a message's uid it names that message for good."""

    def waiting(self, most: int) -> list[Waiting]:
        """The oldest of what lies here."""
        uids = self._said(self._connection.uid("SEARCH", "UNDELETED"))
        found = []
        for uid in (uids[0] or b"").split()[:most] if uids else ():
            [*said] = self._said(self._connection.uid("FETCH", uid.decode(), "(RFC822.SIZE)"))
            size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(each for each in said if isinstance(each, bytes)))
            if size:
                found.append(Waiting(uid.decode(), int(size[1])))
        return found

    def fetch(self, uid: str) -> bytes:
        """The message as it came; it stays unread."""
        for each in self._said(self._connection.uid("FETCH", uid, "(BODY.PEEK[])")):
            if isinstance(each, tuple):
                return bytes(each[1])
        raise MailboxUnavailable("The server did not give the message that it had listed.")

    def move(self, uid: str, below: str) -> None:
        """Into the folder of this name below, made where there is none."""
        target = _quoted(f"{self._name}{self._between}{below}")
        with suppress(MailboxUnavailable):  # it is there already
            self._said(self._connection.create(target))
        if "MOVE" in self._connection.capabilities:  # RFC 6851
            self._said(self._connection.uid("MOVE", uid, target))
            return
        self._said(self._connection.uid("COPY", uid, target))
        self._said(self._connection.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in self._connection.capabilities:  # RFC 4315: nothing that others marked goes with it
            self._said(self._connection.uid("EXPUNGE", uid))

    def _said(self, answer: tuple[str, Sequence[Any]]) -> list[Any]:
        kind, said = answer
        if kind != "OK":
            words = said[0].decode(errors="replace") if said and isinstance(said[0], bytes) else ""
            raise MailboxUnavailable(words[:200])
        return [each for each in said if each is not None]


@contextmanager
def opened(place: Place) -> Iterator[Folder]:
    """Raises MailboxUnavailable: at once, or from whatever is done with the folder."""
    try:
        connection = _connected(place)
        try:
            _sign_in(connection, place)
            yield Folder(connection, place.folder)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                connection.logout()
            with suppress(OSError):
                connection.shutdown()
    except (imaplib.IMAP4.error, OSError) as failure:  # ssl.SSLError and timeouts are OSErrors
        raise MailboxUnavailable(str(failure).replace(place.password or "\0", "…")[:200]) from None


def _connected(place: Place) -> imaplib.IMAP4:
    if place.encryption == "at once":
        certificates = ssl.create_default_context(cafile=place.authorities)
        return imaplib.IMAP4_SSL(place.host, place.port, ssl_context=certificates, timeout=SECONDS)
    return imaplib.IMAP4(place.host, place.port, timeout=SECONDS)


def _sign_in(connection: imaplib.IMAP4, place: Place) -> None:
    if place.encryption == "always":
        connection.starttls(ssl.create_default_context(cafile=place.authorities))
    connection.login(place.user, place.password)
    # what it can do may be told only to those who have signed in
    able = connection.capability()[1]
    connection.capabilities = tuple(str(able[-1] or b"", "ascii", "replace").upper().split())


def _quoted(name: str) -> str:
    """RFC 3501, 5.1.3: letters beyond ASCII in modified UTF-7, in quotes."""
    written, run = [], ""
    for letter in name + "\0":
        if letter.isascii():
            if run:
                coded = base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
                written.append(f"&{coded}-")
                run = ""
            written.append("&-" if letter == "&" else letter)
        else:
            run += letter
    return '"' + "".join(written).rstrip("\0").replace("\\", "\\\\").replace('"', '\\"') + '"'
