"""Handing mails to SMTP servers, a real one (Mailpit) and the embedded mailbox: what arrives, and how it is guarded."""

from __future__ import annotations

import base64
import logging
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.servers import MailServer, free_port
from tests.workflows.mailing import NAMES, Certificates, Conversation, Inbox, letter, scripted
from workflows.mailbox import Mailbox, messages
from workflows.mailer import Mailer, MailUnavailable, Server

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
