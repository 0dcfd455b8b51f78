"""Servers that are not there, say nothing, go away or come again; and who shares a connection to one."""

from __future__ import annotations

import os
import smtplib
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.servers import free_port, wait_until
from tests.workflows.mailing import Conversation, letter, scripted
from workflows.mailbox import Mailbox, messages
from workflows.mailer import Mailer, MailUnavailable, Server, _Watch


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
from workflows.mailer import Mailer, Server
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


def test_a_conversation_ends_in_time_beside_and_after_others_that_may_take_longer() -> None:
    """One thread watches over all of them: it sees an end that comes sooner than the one it waits for."""
    watch = _Watch()
    with watch.over(smtplib.SMTP(), 30):
        pass
    with scripted(lambda conversation: conversation.wait(60)) as port:
        connection = smtplib.SMTP()
        connection.sock = socket.create_connection(("127.0.0.1", port))
        connection.file = connection.sock.makefile("rb")
        began = time.monotonic()
        with watch.over(smtplib.SMTP(), 30), pytest.raises(TimeoutError), watch.over(connection, 0.3):
            connection.getreply()
        assert 0.3 <= time.monotonic() - began < 4
