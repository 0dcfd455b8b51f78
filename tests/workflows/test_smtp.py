"""Handing mails to SMTP servers: a real one (Mailpit), the embedded mailbox, and ones that misbehave."""

from __future__ import annotations

import base64
import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.rendering import Reader
from tests.support.servers import MailServer, free_port, wait_until
from workflows.mailbox import Mailbox, messages
from workflows.notifications import Address, Mailer, MailRefused, MailUnavailable, Server, compose

SENDER = Address("하늘물류", "contracts@haneul.example")
NAMES = [
    "김민준",
    "山田太郎",
    "张伟",
    "Šárka Černá",
    "Böhm, Lukas",
    "O’Neill",
    "O'Neill",
    'Ann "Nan" Lee',
    "a\\b",
    "Ж" * 90,
]


def letter(
    *,
    to: str = "jiwoo.han@haneul.example",
    name: str = "Jiwoo Han",
    title: str = "Forklift fleet lease",
    note: str = "",
) -> Any:
    return compose(
        "withdrawn",
        to=Address(name, to),
        reply_to=Address("Böhm, Lukas", "lukas.boehm@haneul.example"),
        sender=SENDER,
        reader=Reader("en", "Asia/Seoul"),
        values={
            "to_name": name,
            "organisation": "하늘물류",
            "title": title,
            "number": "C-2026-0148",
            "version": 1,
            "by_name": "Minjun Kim",
            "comment": note,
        },
        message_id=f"<{uuid4()}@haneul.example>",
    )


class Inbox:
    """What Mailpit has received."""

    def __init__(self, server: MailServer) -> None:
        self._web = httpx.Client(base_url=server.api, timeout=60)

    def of(self, address: str) -> list[dict[str, Any]]:
        found = self._get("/search", query=f'to:"{address}"', limit=500)["messages"]
        return [self._get(f"/message/{each['ID']}") for each in found]

    def headers(self, message: dict[str, Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self._get(f"/message/{message['ID']}/headers")
        return found

    @contextmanager
    def refusing(self, what: str, code: int) -> Iterator[None]:
        """``what``: Sender, Recipient or Authentication."""
        self._web.put("/chaos", json={what: {"Probability": 100, "ErrorCode": code}}).raise_for_status()
        try:
            yield
        finally:
            self._web.put("/chaos", json={}).raise_for_status()

    def close(self) -> None:
        self._web.close()

    def _get(self, path: str, **query: Any) -> Any:
        answer = self._web.get(path, params=query)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def inboxes() -> Iterator[Callable[[MailServer], Inbox]]:
    opened: list[Inbox] = []

    def of(server: MailServer) -> Inbox:
        opened.append(Inbox(server))
        return opened[-1]

    yield of
    for each in opened:
        each.close()


@pytest.fixture
def mailers() -> Iterator[Callable[..., Mailer]]:
    opened: list[Mailer] = []

    def make(url: str) -> Mailer:
        opened.append(Mailer.from_url(url, embedded_port=0))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def address() -> str:
    """Of somebody whom no other test writes to."""
    return f"{uuid4().hex}@haneul.example"


class Certificates:
    """An authority made for this test, and a certificate of it for this machine."""

    def __init__(self, folder: Path, *, names: tuple[str, ...] = ("localhost", "127.0.0.1")) -> None:
        authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        authority = self._certificate("Authority of a test", authority_key, authority_key, "Authority of a test", ())
        certificate = self._certificate(names[0], key, authority_key, "Authority of a test", names)
        folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.certificate, self.key = folder / "ca.pem", folder / "certificate.pem", folder / "key.pem"
        self.ca.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @property
    def options(self) -> tuple[str | Path, ...]:
        return "--smtp-tls-cert", self.certificate, "--smtp-tls-key", self.key

    def _certificate(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        signing_key: ec.EllipticCurvePrivateKey,
        issuer: str,
        names: tuple[str, ...],
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        )
        if names:
            alternatives = [
                x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each) for each in names
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        else:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(signing_key, hashes.SHA256())


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


# What arrives


@pytest.mark.parametrize("name", NAMES)
def test_a_name_arrives_as_its_owner_writes_it(
    mailpit: MailServer, inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer], address: str, name: str
) -> None:
    mailers(f"smtp://127.0.0.1:{mailpit.smtp_port}").send(letter(to=address, name=name, title=f"For {name}"))
    [message] = inboxes(mailpit).of(address)
    assert message["To"] == [{"Name": name, "Address": address}]
    assert message["From"] == {"Name": "하늘물류", "Address": "contracts@haneul.example"}
    assert message["ReplyTo"] == [{"Name": "Böhm, Lukas", "Address": "lukas.boehm@haneul.example"}]
    assert message["Subject"] == f"Withdrawn: For {name} (C-2026-0148)"
    assert f"{name}, Minjun Kim has withdrawn this contract." in " ".join(message["Text"].split())


def test_an_address_beyond_ascii_is_reached(
    mailpit: MailServer, inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer]
) -> None:
    address = f"민준.{uuid4().hex}@haneul.example"
    mailers(f"smtp://127.0.0.1:{mailpit.smtp_port}").send(letter(to=address, name="김민준"))
    [message] = inboxes(mailpit).of(address)
    assert message["To"] == [{"Name": "김민준", "Address": address}]


def test_text_and_html_arrive_whole(
    mailpit: MailServer, inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer], address: str
) -> None:
    sent = letter(to=address, note=".\n..\nA line with one dot above.\n" + "긴 " * 2000 + "the end")
    mailers(f"smtp://127.0.0.1:{mailpit.smtp_port}").send(sent)
    [message] = inboxes(mailpit).of(address)
    text, html = sent.get_body(("plain",)).get_content(), sent.get_body(("html",)).get_content()
    assert message["Text"].splitlines() == text.splitlines()
    assert message["HTML"].splitlines() == html.splitlines()
    assert message["MessageID"] == sent["Message-ID"].strip("<>")
    assert message["Attachments"] == []
    assert message["Inline"] == []
    headers = inboxes(mailpit).headers(message)
    assert headers["Auto-Submitted"] == ["auto-generated"]
    assert headers["Return-Path"] == ["<contracts@haneul.example>"]


def test_the_embedded_mailbox_is_a_server_like_any_other(tmp_path: Path) -> None:
    port = free_port()
    mailbox = Mailbox(tmp_path, port)
    mailbox.start()
    mailer = Mailer.from_url("embedded:", embedded_port=port)
    try:
        for name in NAMES:
            mailer.send(letter(name=name, to="민준@하늘.example"))
        found = messages(tmp_path)
    finally:
        mailer.close()
        mailbox.stop()
    domain = "하늘.example".encode("idna").decode()
    assert [each.recipients for each in found] == [(f"민준@{domain}",)] * len(NAMES)
    for name, each in zip(NAMES, reversed(found), strict=True):
        assert each.to[0].partition(" <")[0].strip('"') == name


# Encryption and signing in


def test_the_mail_goes_encrypted_where_the_server_offers_it(
    start_mailpit: Callable[..., MailServer],
    certificates: Certificates,
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
) -> None:
    server = start_mailpit(*certificates.options, "--smtp-require-starttls")
    mailers(f"smtp://127.0.0.1:{server.smtp_port}?ca={quote(str(certificates.ca))}").send(letter())
    assert len(inboxes(server).of("jiwoo.han@haneul.example")) == 1
    with pytest.raises(MailUnavailable, match="puts it off: 530"):
        mailers(f"smtp://127.0.0.1:{server.smtp_port}?starttls=never").send(letter())


def test_tls_from_the_first_byte(
    start_mailpit: Callable[..., MailServer],
    certificates: Certificates,
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
) -> None:
    server = start_mailpit(*certificates.options, "--smtp-require-tls")
    mailers(f"smtps://localhost:{server.smtp_port}?ca={quote(str(certificates.ca))}").send(letter())
    assert len(inboxes(server).of("jiwoo.han@haneul.example")) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_of_nobody_we_trust_gets_no_mail(
    start_mailpit: Callable[..., MailServer],
    certificates: Certificates,
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
    scheme: str,
) -> None:
    server = start_mailpit(*certificates.options, *(("--smtp-require-tls",) if scheme == "smtps" else ()))
    with pytest.raises(MailUnavailable, match="certificate is not trusted"):
        mailers(f"{scheme}://127.0.0.1:{server.smtp_port}").send(letter())
    assert inboxes(server).of("jiwoo.han@haneul.example") == []


def test_a_certificate_of_another_server_gets_no_mail(
    start_mailpit: Callable[..., MailServer],
    tmp_path: Path,
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
) -> None:
    other = Certificates(tmp_path / "other", names=("mail.other.example",))
    server = start_mailpit(*other.options)
    with pytest.raises(MailUnavailable, match="certificate is not trusted"):
        mailers(f"smtp://127.0.0.1:{server.smtp_port}?ca={quote(str(other.ca))}").send(letter())
    assert inboxes(server).of("jiwoo.han@haneul.example") == []


def test_encryption_that_the_settings_ask_for_is_not_done_without(
    mailpit: MailServer, inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer], address: str
) -> None:
    with pytest.raises(MailUnavailable, match="offers no encryption"):
        mailers(f"smtp://127.0.0.1:{mailpit.smtp_port}?starttls=always").send(letter(to=address))
    assert inboxes(mailpit).of(address) == []


@pytest.mark.parametrize("password", ["plain", "signs:/@?#%+&=[]", "비밀번호🗝", "tail=="])
def test_signing_in(
    start_mailpit: Callable[..., MailServer],
    certificates: Certificates,
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
    tmp_path: Path,
    password: str,
) -> None:
    (tmp_path / "passwords").write_text(f"post@haneul.example:{password}\n")
    server = start_mailpit(*certificates.options, "--smtp-auth-file", tmp_path / "passwords")
    url = f"smtp://post%40haneul.example:{quote(password, safe='')}@127.0.0.1:{server.smtp_port}?ca={certificates.ca}"
    mailers(url).send(letter())
    assert len(inboxes(server).of("jiwoo.han@haneul.example")) == 1


def test_signing_in_to_an_older_server() -> None:
    heard: list[bytes] = []

    def login(conversation: Conversation) -> None:
        conversation.say("220 old\r\n")
        for answer in ("250-old\r\n250 AUTH LOGIN", "334 UGFzc3dvcmQ6", "235 welcome"):
            heard.append(conversation.hear())
            conversation.say(f"{answer}\r\n")

    with scripted(login) as port, pytest.raises(MailUnavailable, match="closed the connection"):
        Mailer(Server("127.0.0.1", port, user="post", password="비밀")).send(letter())
    assert [base64.b64decode(each.split()[-1]) for each in heard[1:]] == [b"post", "비밀".encode()]


def test_a_wrong_password_is_mended_by_an_administrator_and_shown_to_nobody(
    start_mailpit: Callable[..., MailServer],
    certificates: Certificates,
    mailers: Callable[..., Mailer],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "passwords").write_text("post:right\n")
    server = start_mailpit(*certificates.options, "--smtp-auth-file", tmp_path / "passwords")
    mailer = mailers(f"smtp://post:hunter%202%C3%A9@127.0.0.1:{server.smtp_port}?ca={certificates.ca}")
    with pytest.raises(MailUnavailable, match="did not accept the user and password") as raised:
        mailer.send(letter())
    shown = "".join(traceback.format_exception(raised.value)) + repr(vars(mailer)) + caplog.text
    secret = "hunter 2é"
    for form in (secret, quote(secret), base64.b64encode(f"\0post\0{secret}".encode()).decode()):
        assert form not in shown


def test_a_server_that_wants_a_sign_in_puts_mails_off(
    start_mailpit: Callable[..., MailServer], certificates: Certificates, mailers: Callable[..., Mailer], tmp_path: Path
) -> None:
    (tmp_path / "passwords").write_text("post:right\n")
    server = start_mailpit(*certificates.options, "--smtp-auth-file", tmp_path / "passwords")
    with pytest.raises(MailUnavailable, match="530"):
        mailers(f"smtp://127.0.0.1:{server.smtp_port}?ca={certificates.ca}").send(letter())


def test_a_password_is_not_sent_unencrypted_through_a_network() -> None:
    heard: list[bytes] = []
    with scripted(lambda conversation: conversation.serve(heard)) as port:
        here = socket.gethostname()
        try:
            socket.create_connection((here, port), 1).close()
        except OSError:
            pytest.skip("This machine does not answer under its own name.")
        heard.clear()
        mailer = Mailer(Server(here, port, "offered", user="post", password="secret"))
        with pytest.raises(MailUnavailable, match="the password was not sent"):
            mailer.send(letter())
    assert not any(b"AUTH" in each for each in heard)


# Refusals


def test_a_refused_recipient_is_refused_for_good_in_the_servers_own_words(
    start_mailpit: Callable[..., MailServer], inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer]
) -> None:
    server = start_mailpit()
    mailer = mailers(f"smtp://127.0.0.1:{server.smtp_port}")
    with inboxes(server).refusing("Recipient", 550), pytest.raises(MailRefused) as refused:
        mailer.send(letter())
    assert refused.value.permanent
    assert refused.value.sentence == "The mail server refused it: %(words)s"
    assert str(refused.value.values["words"]).startswith("550 ")
    assert "Chaos" in str(refused.value)
    mailer.send(letter())
    assert len(inboxes(server).of("jiwoo.han@haneul.example")) == 1


@pytest.mark.parametrize("what", ["Sender", "Recipient"])
@pytest.mark.parametrize("code", [421, 451])
def test_a_server_that_is_busy_gets_the_mail_later(
    start_mailpit: Callable[..., MailServer],
    inboxes: Callable[..., Inbox],
    mailers: Callable[..., Mailer],
    what: str,
    code: int,
) -> None:
    server = start_mailpit()
    mailer = mailers(f"smtp://127.0.0.1:{server.smtp_port}")
    mailer.send(letter())
    with inboxes(server).refusing(what, code), pytest.raises(MailUnavailable):
        mailer.send(letter())
    mailer.send(letter())
    assert len(inboxes(server).of("jiwoo.han@haneul.example")) == 2


def test_a_recipient_that_the_server_does_not_serve(
    start_mailpit: Callable[..., MailServer], mailers: Callable[..., Mailer]
) -> None:
    server = start_mailpit("--smtp-allowed-recipients", "@haneul\\.example$")
    mailer = mailers(f"smtp://127.0.0.1:{server.smtp_port}")
    mailer.send(letter())
    with pytest.raises(MailRefused, match="refused it: 55"):
        mailer.send(letter(to="somebody@elsewhere.example"))


def test_an_address_beyond_ascii_is_refused_where_the_server_cannot_deliver_to_it() -> None:
    with (
        scripted(lambda conversation: conversation.serve([])) as port,
        pytest.raises(MailRefused, match="beyond ASCII"),
    ):
        Mailer(Server("127.0.0.1", port)).send(letter(to="민준@haneul.example"))


# Servers that come and go


def test_nobody_listening() -> None:
    with pytest.raises(MailUnavailable, match="cannot be reached"):
        Mailer(Server("127.0.0.1", free_port())).send(letter())


def test_a_name_that_is_nowhere() -> None:
    with pytest.raises(MailUnavailable, match="cannot be reached"):
        Mailer(Server("mail.haneul.invalid", 25)).send(letter())


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with (
        scripted(lambda conversation: conversation.wait(60)) as port,
        pytest.raises(MailUnavailable, match="took too long"),
    ):
        Mailer(Server("127.0.0.1", port), seconds=0.3).send(letter())


def test_a_server_that_drips_is_not_waited_for() -> None:
    """Each byte comes in time, the answer never does."""

    def drip(conversation: Conversation) -> None:
        conversation.say("220 slow\r\n")
        conversation.hear()
        for _ in range(600):
            conversation.say("250-x")
            conversation.wait(0.1)

    with scripted(drip) as port, pytest.raises(MailUnavailable, match="took too long"):
        Mailer(Server("127.0.0.1", port), seconds=0.6).send(letter())


def test_a_server_that_speaks_something_else() -> None:
    def answer(conversation: Conversation) -> None:
        conversation.say("HTTP/1.1 400 Bad Request\r\n\r\n")

    with scripted(answer) as port, pytest.raises(MailUnavailable):
        Mailer(Server("127.0.0.1", port), seconds=2).send(letter())


def test_a_server_without_the_tls_that_the_address_promises() -> None:
    with scripted(lambda conversation: conversation.serve([])) as port:
        mailer = Mailer.from_url(f"smtps://127.0.0.1:{port}", embedded_port=0)
        with pytest.raises(MailUnavailable, match="encrypted"):
            mailer.send(letter())


def test_a_mail_whose_answer_was_lost_is_not_sent_twice_by_itself() -> None:
    """Whether it arrived cannot be known: whoever repeats it does so knowingly, under the same Message-ID."""
    heard: list[bytes] = []
    with scripted(lambda conversation: conversation.serve(heard, hang_up_after_mails=2)) as port:
        mailer = Mailer(Server("127.0.0.1", port))
        mailer.send(letter())
        with pytest.raises(MailUnavailable, match="closed the connection"):
            mailer.send(letter())
        mailer.close()
    assert sum(each.startswith(b"DATA") for each in heard) == 2


def test_mails_share_a_connection(tmp_path: Path) -> None:
    heard: list[bytes] = []
    with scripted(lambda conversation: conversation.serve(heard)) as port:
        mailer = Mailer(Server("127.0.0.1", port))
        for _ in range(5):
            mailer.send(letter())
        mailer.close()
    assert sum(each.startswith(b"EHLO") for each in heard) == 1
    assert sum(each.startswith(b"DATA") for each in heard) == 5
    assert heard[-1].startswith(b"QUIT")


def test_a_connection_that_nobody_needs_is_closed() -> None:
    heard: list[bytes] = []
    with scripted(lambda conversation: conversation.serve(heard)) as port:
        mailer = Mailer(Server("127.0.0.1", port), keep_open=0.1)
        mailer.send(letter())
        wait_until(lambda: heard[-1].startswith(b"QUIT"), "the goodbye")
        mailer.send(letter())
        mailer.close()
    assert sum(each.startswith(b"EHLO") for each in heard) == 2


def test_a_server_that_was_restarted_meanwhile_gets_the_next_mail(tmp_path: Path) -> None:
    port = free_port()
    mailer = Mailer.from_url("embedded:", embedded_port=port)
    for _ in range(3):
        mailbox = Mailbox(tmp_path, port)
        mailbox.start()
        mailer.send(letter())
        mailer.send(letter())
        mailbox.stop()
    with pytest.raises(MailUnavailable):
        mailer.send(letter())
    assert len(messages(tmp_path)) == 6


def test_a_server_that_says_goodbye_to_an_idle_connection_gets_the_next_mail() -> None:
    heard: list[bytes] = []
    with scripted(lambda conversation: conversation.serve(heard, goodbye_after_mails=1)) as port:
        mailer = Mailer(Server("127.0.0.1", port))
        mailer.send(letter())
        mailer.send(letter())
        mailer.close()
    assert sum(each.startswith(b"DATA") for each in heard) == 2


def test_threads_send_at_the_same_time(tmp_path: Path) -> None:
    port = free_port()
    mailbox = Mailbox(tmp_path, port)
    mailbox.start()
    mailer = Mailer.from_url("embedded:", embedded_port=port)
    letters = [letter() for _ in range(60)]
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(mailer.send, letters))
    finally:
        mailer.close()
        mailbox.stop()
    assert sorted(each.message_id for each in messages(tmp_path)) == sorted(each["Message-ID"] for each in letters)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
def test_a_forked_process_does_not_speak_on_its_parents_connection() -> None:
    heard: list[bytes] = []
    script = """
import os, sys
from email.message import EmailMessage
from workflows.notifications import Mailer, Server
message = EmailMessage()
message["From"], message["To"], message["Subject"] = "a@x.example", "b@x.example", "Hello"
message.set_content("Good day.")
mailer = Mailer(Server("127.0.0.1", int(sys.argv[1])))
mailer.send(message)
if not (child := os.fork()):
    mailer.send(message)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
mailer.send(message)
mailer.close()
"""
    with scripted(lambda conversation: conversation.serve(heard)) as port:
        subprocess.run([sys.executable, "-c", script, str(port)], check=True, timeout=90)
    assert sum(each.startswith(b"EHLO") for each in heard) == 2  # the parent's went on
    assert sum(each.startswith(b"DATA") for each in heard) == 3


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "",
        "smtp:",
        "smtp://",
        "http://mail.example",
        "smtp://mail.example:port",
        "smtp://mail.example/inbox",
        "smtp://mail.example?starttls=perhaps",
        "smtps://mail.example?starttls=never",
        "smtp://mail.example?tls=1",
        "smtp://mail.example?ca=/nowhere/ca.pem",
        "smtp://user:hunter2#secret@mail.example",
        "smtp://user:hunter2/secret@mail.example",
        "smtp://user:hunter2?secret@mail.example",
        "smtp://user:[hunter2secret@mail.example",
    ],
)
def test_an_address_that_means_nothing_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(ValueError, match="SIGNOFF_MAIL_URL") as refused:
        Mailer.from_url(url, embedded_port=0)
    shown = "".join(traceback.format_exception(refused.value, limit=0))
    assert "hunter2" not in shown
    assert "secret" not in shown


# Hypothetical people


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=80), title=st.text(min_size=1, max_size=150))
def test_no_name_and_no_title_breaks_a_header(
    mailpit: MailServer, inboxes: Callable[..., Inbox], mailers: Callable[..., Mailer], name: str, title: str
) -> None:
    address = f"{uuid4().hex}@haneul.example"
    sent = letter(to=address, name=name, title=title)
    mailers(f"smtp://127.0.0.1:{mailpit.smtp_port}").send(sent)
    [message] = inboxes(mailpit).of(address)
    assert message["To"] == [{"Name": sent["To"].addresses[0].display_name, "Address": address}]
    assert message["Subject"] == sent["Subject"]
    assert message["MessageID"] == sent["Message-ID"].strip("<>")


class Conversation:
    """One client at a server that does what a test wants."""

    def __init__(self, client: socket.socket, over: threading.Event) -> None:
        self._client, self._over = client, over
        self._lines = client.makefile("rb")

    def say(self, words: str) -> None:
        self._client.sendall(words.encode())

    def hear(self) -> bytes:
        return self._lines.readline()

    def wait(self, seconds: float) -> None:
        self._over.wait(seconds)

    def serve(
        self, heard: list[bytes], *, hang_up_after_mails: int | None = None, goodbye_after_mails: int | None = None
    ) -> None:
        """A plain server; ``hang_up_after_mails``: it takes the last mail and closes without an answer."""
        mails = 0
        self.say("220 scripted\r\n")
        while line := self.hear():
            heard.append(line.upper())
            if heard[-1].startswith(b"QUIT"):
                self.say("221 bye\r\n")
                return
            if not heard[-1].startswith(b"DATA"):
                self.say("250 fine\r\n")
                continue
            self.say("354 go on\r\n")
            while self.hear() not in (b".\r\n", b""):
                pass
            mails += 1
            if mails == hang_up_after_mails:
                return
            self.say("250 kept\r\n")
            if mails == goodbye_after_mails:
                self.say("421 you were silent for too long\r\n")
                return

    def close(self) -> None:
        self._lines.close()
        self._client.close()


@contextmanager
def scripted(script: Callable[[Conversation], None]) -> Iterator[int]:
    """A server on a port of its own, each connection in a thread."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def talk(client: socket.socket) -> None:
        conversation = Conversation(client, over)
        try:
            script(conversation)
        except OSError:
            pass  # the client has gone
        finally:
            conversation.close()

    def accept(listening: socket.socket) -> None:
        while not over.is_set():
            try:
                client, _ = listening.accept()
            except TimeoutError:
                continue
            client.settimeout(60)
            threads.append(threading.Thread(target=talk, args=(client,)))
            threads[-1].start()

    with socket.create_server(("", 0)) as listening:
        listening.settimeout(0.05)
        door = threading.Thread(target=accept, args=(listening,))
        door.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            door.join()
            for each in threads:
                each.join()
