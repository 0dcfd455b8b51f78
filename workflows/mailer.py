"""Mails handed to an SMTP server (RFC 5321), over connections that are kept for the next one."""

from __future__ import annotations

import base64
import os
import re
import smtplib
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from workflows.notifications import one_line


class MailRefused(Exception):
    """The server will not take this mail, now or later. ``sentence`` holds its own words."""

    permanent = True

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence, self.values = sentence, values
        super().__init__(sentence % values if values else sentence)


class MailUnavailable(Exception):
    """It did not work now and may work later: no connection, a full or busy server, a sign-in that fails."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence, self.values = sentence, values
        super().__init__(sentence % values if values else sentence)


CONNECT_SECONDS = 20
LINGERS = 5.0  # seconds that the thread stays which looks after conversations
MEANT = (
    "SIGNOFF_MAIL_URL is embedded:, smtp://USER:PASSWORD@HOST:PORT or smtps://USER:PASSWORD@HOST:PORT, with"
    " ?starttls=always, ?starttls=never (smtp only) or ?ca=FILE; in user and password the signs @ : / ? # % [ ] are"
    " written %40 %3A %2F %3F %23 %25 %5B %5D."
)

Encryption = Literal["at once", "always", "offered", "never"]


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    encryption: Encryption = "offered"
    user: str = ""
    password: str = field(default="", repr=False)
    certificates: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def is_this_machine(self) -> bool:
        return self.host in ("127.0.0.1", "::1", "localhost")


class Mailer:
    """Hands mails to one SMTP server, from any thread; a connection is kept for a few seconds for the next mail."""

    def __init__(self, server: Server, *, seconds: float = 60, keep_open: float = 10) -> None:
        """``seconds``: what one mail may take in all. ``keep_open``: seconds that a connection waits for the next."""
        self._server, self._seconds = server, seconds
        self._waiting = _Waiting(keep_open)
        self._watch = _Watch()
        weakref.finalize(self, self._waiting.close)

    @classmethod
    def from_url(cls, url: str, *, embedded_port: int) -> Self:
        """``embedded:``, ``smtp://USER:PASSWORD@HOST:PORT`` or ``smtps://…``.

        Options: ``?starttls=always|never`` (otherwise: when the server offers it), ``?ca=FILE`` (the authorities to
        trust instead of the system's). Without a port: 465 for smtps, 587 with a user, else 25.

        Raises:
            ValueError: it means nothing; the message never repeats the address, which holds a password.
        """
        if url.startswith("embedded:"):
            return cls(Server("127.0.0.1", embedded_port, "never"))
        return cls(_server(url))

    def send(self, message: EmailMessage) -> None:
        """Returns when the server has taken the mail over.

        Raises:
            MailRefused: for good.
            MailUnavailable: for now. Where the connection is lost at the very end the mail may have arrived all the
                same; its ``Message-ID`` tells.
        """
        envelope = _Envelope.of(message)
        while (kept := self._waiting.take()) is not None:
            try:
                self._hand_over(kept, envelope)
                return
            except _Dropped:
                continue  # the server had closed it meanwhile
        connection = self._connect()
        try:
            self._hand_over(connection, envelope)
        except _Dropped as dropped:
            raise MailUnavailable("The mail server closed the connection.") from dropped

    def close(self) -> None:
        self._waiting.close()

    def _connect(self) -> smtplib.SMTP:
        server, started = self._server, time.monotonic()
        with _explained():
            # a local name is given, because smtplib would ask the DNS for one, which may take its time
            if server.encryption == "at once":
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host,
                    server.port,
                    local_hostname="localhost",
                    timeout=min(CONNECT_SECONDS, self._seconds),
                    context=server.certificates,
                )
            else:
                connection = smtplib.SMTP(
                    server.host, server.port, local_hostname="localhost", timeout=min(CONNECT_SECONDS, self._seconds)
                )
            with self._watch.over(connection, self._seconds - (time.monotonic() - started)):
                self._introduce(connection)
            assert connection.sock is not None
            connection.sock.settimeout(self._seconds)
            return connection

    def _introduce(self, connection: smtplib.SMTP) -> None:
        """EHLO, STARTTLS, AUTH."""
        server = self._server
        _say_hello(connection)
        encrypted = server.encryption == "at once"
        if server.encryption in ("always", "offered"):
            if connection.has_extn("starttls"):
                connection.starttls(context=server.certificates)
                _say_hello(connection)
                encrypted = True
            elif server.encryption == "always":
                raise MailUnavailable("The mail server offers no encryption (STARTTLS), and the settings ask for it.")
        if not server.user:
            return
        if not encrypted and server.encryption != "never" and not server.is_this_machine:
            raise MailUnavailable(
                "The mail server offers no encryption, so the password was not sent to it."
                " Where that is meant, add ?starttls=never to SIGNOFF_MAIL_URL."
            )
        _sign_in(connection, server.user.encode(), server.password.encode())

    def _hand_over(self, connection: smtplib.SMTP, envelope: _Envelope) -> None:
        """Raises _Dropped where the connection ended before the mail itself was on its way: nothing was taken over."""
        with _explained(), self._watch.over(connection, self._seconds):
            try:
                _announce(connection, envelope)
            except (smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLEOFError) as error:
                raise _Dropped from error
            connection.send(envelope.data + b".\r\n")
            code, words = connection.getreply()
            if code != 250:
                raise _turned_down(code, words)
        self._waiting.put(connection)


def _server(url: str) -> Server:
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise ValueError(MEANT) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.fragment or parts.path not in ("", "/"):
        raise ValueError(MEANT)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    encryption: Encryption
    match parts.scheme, options.pop("starttls", None):
        case "smtps", None:
            encryption = "at once"
        case "smtp", None:
            encryption = "offered"
        case "smtp", "always":
            encryption = "always"
        case "smtp", "never":
            encryption = "never"
        case _:
            raise ValueError(MEANT)
    authorities = options.pop("ca", None)
    if options:
        raise ValueError(MEANT)
    try:
        certificates = None if encryption == "never" else ssl.create_default_context(cafile=authorities)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(
            f"SIGNOFF_MAIL_URL names {authorities} as its ca; no certificates can be read from it ({error.strerror})."
        ) from None
    return Server(
        host=parts.hostname,
        port=port or (465 if encryption == "at once" else 587 if user else 25),
        encryption=encryption,
        user=user,
        password=password,
        certificates=certificates,
    )


def _say_hello(connection: smtplib.SMTP) -> None:
    # RFC 5321, 4.1.3: an address literal is the honest name of a machine that may have no other
    assert connection.sock is not None
    here = connection.sock.getsockname()[0]
    code, words = connection.ehlo(f"[IPv6:{here}]" if ":" in here else f"[{here}]")
    if code != 250:
        raise MailUnavailable("The mail server does not talk to us: %(words)s", words=_reply(code, words))


def _sign_in(connection: smtplib.SMTP, user: bytes, password: bytes) -> None:
    """AUTH PLAIN (RFC 4616) or LOGIN, in UTF-8: smtplib's own takes ASCII only and repeats others in its errors."""
    offered = connection.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, _ = connection.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0" + user + b"\0" + password).decode())
    elif "LOGIN" in offered:
        code, _ = connection.docmd("AUTH", "LOGIN " + base64.b64encode(user).decode())
        if code == 334:
            code, _ = connection.docmd(base64.b64encode(password).decode())
    else:
        raise MailUnavailable("The mail server offers no way to sign in that Signoff knows (PLAIN, LOGIN).")
    if code != 235:
        # the server's words are left out: some repeat what they were sent
        raise MailUnavailable(
            "The mail server did not accept the user and password of SIGNOFF_MAIL_URL (answer %(code)s).", code=code
        )


def _announce(connection: smtplib.SMTP, envelope: _Envelope) -> None:
    """MAIL, RCPT, DATA."""
    options = []
    if connection.has_extn("size"):
        options.append(f"SIZE={len(envelope.data)}")
    if envelope.international:
        if not connection.has_extn("smtputf8"):
            raise MailRefused("The mail server cannot deliver to addresses with letters beyond ASCII.")
        options += ["SMTPUTF8"] + ["BODY=8BITMIME"] * connection.has_extn("8bitmime")
    code, words = connection.mail(envelope.sender, options)
    if code == 421:  # what a server says as it closes a connection that has waited too long
        raise _Dropped
    if code != 250:
        raise _turned_down(code, words)
    for recipient in envelope.recipients:
        code, words = connection.rcpt(recipient)
        if code not in (250, 251):
            raise _turned_down(code, words)
    code, words = connection.docmd("DATA")
    if code != 354:
        raise _turned_down(code, words)


def _turned_down(code: int, words: bytes) -> MailRefused | MailUnavailable:
    # 530, 534, 535, 538: about our signing in, which an administrator can mend, not about this mail
    if code >= 500 and code not in (530, 534, 535, 538):
        return MailRefused("The mail server refused it: %(words)s", words=_reply(code, words))
    return MailUnavailable("The mail server puts it off: %(words)s", words=_reply(code, words))


def _reply(code: int, words: bytes) -> str:
    return f"{code} {one_line(words.decode('utf-8', 'replace'))}"[:400]


class _Dropped(Exception):
    """The connection ended before the mail was on its way."""


@dataclass(frozen=True)
class _Envelope:
    sender: str
    recipients: tuple[str, ...]
    data: bytes
    """The mail with its dots doubled (RFC 5321, 4.5.2), ending with a line's end."""
    international: bool
    """An address has letters beyond ASCII before its @ (RFC 6531)."""

    @classmethod
    def of(cls, message: EmailMessage) -> Self:
        """Raises ValueError where nobody sends it, or nobody is to have it."""
        senders, recipients = (
            tuple(box.addr_spec for header in message.get_all(name, []) for box in header.addresses)
            for name in ("From", "To")
        )
        if len(senders) != 1 or not recipients:
            raise ValueError("a mail has one sender, and somebody to read it")
        data = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
        data = re.sub(rb"(?m)^\.", b"..", data)
        return cls(
            sender=senders[0],
            recipients=recipients,
            data=data if data.endswith(b"\r\n") else data + b"\r\n",
            international=not all(each.isascii() for each in (*senders, *recipients)),
        )


class _Waiting:
    """Open connections that wait for the next mail."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._connections: list[tuple[float, int, smtplib.SMTP]] = []
        self._timer: threading.Timer | None = None

    def take(self) -> smtplib.SMTP | None:
        with self._lock:
            if not self._connections:
                return None
            _, process, connection = self._connections.pop()
        if process == os.getpid():
            return connection
        connection.close()  # this copy only: the process that forked us goes on using it
        return self.take()

    def put(self, connection: smtplib.SMTP) -> None:
        with self._lock:
            self._connections.append((time.monotonic() + self._seconds, os.getpid(), connection))
            self._set_timer()

    def close(self) -> None:
        with self._lock:
            waiting, self._connections = self._connections, []
        for _, process, connection in waiting:
            _part(connection, politely=process == os.getpid())

    def _close_old(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._timer = None
            old = [each for each in self._connections if each[0] <= now]
            self._connections = [each for each in self._connections if each[0] > now]
            if self._connections:
                self._set_timer()
        for _, process, connection in old:
            _part(connection, politely=process == os.getpid())

    def _set_timer(self) -> None:
        if self._timer is None or not self._timer.is_alive():  # after a fork the timer stayed with the parent
            self._timer = threading.Timer(self._seconds, self._close_old)
            self._timer.daemon = True
            self._timer.start()


def _part(connection: smtplib.SMTP, *, politely: bool) -> None:
    try:
        if politely and connection.sock is not None:
            connection.sock.settimeout(1)
            connection.quit()
    except (smtplib.SMTPException, OSError):
        pass  # it was gone already
    finally:
        connection.close()


class _Watch:
    """Ends conversations that take longer in all than they may: a socket's own time-out begins anew with each byte.

    One thread looks after all of them, while there are any: a timer for each would be a thread for each mail.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ends: dict[object, tuple[float, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None
        self._looks_at = 0.0

    @contextmanager
    def over(self, connection: smtplib.SMTP, seconds: float) -> Iterator[None]:
        """Whatever goes wrong inside closes the connection.

        Raises:
            TimeoutError: it took longer.
        """
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            if connection.sock is not None:
                with suppress(OSError):
                    # past SSLSocket.shutdown, which takes the TLS state away from whoever is reading
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

        self._begin(late, time.monotonic() + max(seconds, 0), hang_up)
        try:
            yield
        except BaseException as error:
            connection.close()
            if late.is_set() and isinstance(error, (smtplib.SMTPException, OSError, _Dropped)):
                raise TimeoutError from error
            raise
        finally:
            with self._changed:
                self._ends.pop(late, None)

    def _begin(self, which: object, end: float, hang_up: Callable[[], None]) -> None:
        with self._changed:
            self._ends[which] = (end, hang_up)
            if self._thread is None or not self._thread.is_alive():  # after a fork it stayed with the parent
                self._thread = threading.Thread(target=self._look, name="mailer-watch", daemon=True)
                self._looks_at = 0.0
                self._thread.start()
            elif end < self._looks_at:
                self._changed.notify()

    def _look(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                late = [which for which, (end, _) in self._ends.items() if end <= now]
                for hang_up in [self._ends.pop(which)[1] for which in late]:
                    hang_up()
                # mails come one after the other: it waits a little before it leaves, and wakes for none of them
                soonest = min((end for end, _ in self._ends.values()), default=now + LINGERS)
                self._looks_at = min(soonest, now + LINGERS)
                self._changed.wait(self._looks_at - now)
                if not self._ends and time.monotonic() >= self._looks_at:
                    self._thread = None
                    return


@contextmanager
def _explained() -> Iterator[None]:
    """What a network can do to us, as a sentence."""
    try:
        yield
    except smtplib.SMTPConnectError as error:
        raise MailUnavailable(
            "The mail server does not take mails just now: %(words)s", words=_words_of(error)
        ) from error
    except smtplib.SMTPResponseException as error:
        raise MailUnavailable("The mail server puts it off: %(words)s", words=_words_of(error)) from error
    except smtplib.SMTPException as error:
        if isinstance(error.__context__, TimeoutError):
            raise MailUnavailable("The mail server took too long to answer.") from error
        raise MailUnavailable("The mail server closed the connection.") from error
    except ssl.SSLCertVerificationError as error:
        raise MailUnavailable(
            "The mail server's certificate is not trusted: %(why)s.", why=error.verify_message.rstrip(".")
        ) from error
    except ssl.SSLError as error:
        raise MailUnavailable(
            "No encrypted connection with the mail server came about (%(why)s).", why=error.reason or "TLS"
        ) from error
    except TimeoutError as error:
        raise MailUnavailable("The mail server took too long to answer.") from error
    except OSError as error:
        raise MailUnavailable(
            "The mail server cannot be reached (%(why)s).", why=error.strerror or type(error).__name__
        ) from error


def _words_of(error: smtplib.SMTPResponseException) -> str:
    words = error.smtp_error
    return _reply(error.smtp_code, words if isinstance(words, bytes) else words.encode())
