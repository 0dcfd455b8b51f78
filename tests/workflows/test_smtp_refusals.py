"""Mails that a server does not take: for good, or only now."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.servers import MailServer
from tests.workflows.mailing import Inbox, letter, scripted
from workflows.mailer import Mailer, MailRefused, MailUnavailable, Server


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
