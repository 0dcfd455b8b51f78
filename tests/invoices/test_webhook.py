"""Where a released invoice may be posted to, and where it may not."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from workflows.invoices.webhook import Webhook, key_of
from workflows.settings import why_not_post

SECRET = "not known to anybody else"
SAID = {"released_at": "2026-05-21T00:31:00.000+00:00"}
PRIVATE = "It is an address of a private network, which the settings do not allow."


def sent(url: str, addresses: list[str], *, private: bool = False) -> str:
    asked = Webhook(url, SECRET, private=private, resolve=lambda host, port: addresses)
    return asked.send(uuid4(), SAID, now=datetime.now(UTC))


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.7",
        "172.16.3.4",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  (an address to be refused)
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.7",
        "64:ff9b::a00:7",
        "2002:0a00:0007::1",
        "2001:0:53aa:64c:0:fbe7:f5ff:fff8",
    ],
)
def test_an_address_that_only_this_network_reaches_is_refused(address: str) -> None:
    assert sent("https://erp.example/in", [address]) == PRIVATE
    assert sent("https://erp.example/in", ["93.184.216.34", address]) == PRIVATE, "whichever is taken"


def test_without_encryption_it_leaves_this_machine_nowhere() -> None:
    refused = "Without https it is posted to this machine alone."
    assert sent("http://erp.example/in", ["93.184.216.34"]) == refused
    assert sent("http://erp.example/in", ["10.0.0.7"], private=True) == refused
    assert sent("http://erp.example/in", ["127.0.0.1", "93.184.216.34"], private=True) == refused


def test_a_name_that_is_not_known_is_told() -> None:
    def fails(host: str, port: int) -> list[str]:
        raise OSError

    asked = Webhook("https://nowhere.example", SECRET, resolve=fails)
    assert asked.send(uuid4(), SAID, now=datetime.now(UTC)) == "Its name is not known."


@pytest.mark.parametrize(
    "url", ["ftp://erp.example", "erp.example", "https://", "https://ann:secret@erp.example", "https://erp.example:x"]
)
def test_what_is_no_address_is_told(url: str) -> None:
    assert (why_not_post(url, SECRET) or "").startswith("SIGNOFF_PAYMENT_URL is ")
    assert sent(url, ["93.184.216.34"]).startswith("SIGNOFF_PAYMENT_URL is ")


def test_a_short_secret_signs_nothing() -> None:
    assert why_not_post("https://erp.example", "short") == "SIGNOFF_PAYMENT_SECRET needs at least 16 characters."


def test_a_secret_as_the_standard_writes_it_is_the_bytes_within() -> None:
    assert key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").hex()[:8] == "31f290f6"
    assert key_of("plain secret of ours") == b"plain secret of ours"
