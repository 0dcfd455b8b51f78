"""Posts what is to be paid to the payment system: one request an invoice, signed as Standard Webhooks has it
(standardwebhooks.com, version 1: HMAC-SHA256 over id, time and body)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from workflows.settings import why_not_post

SECONDS = 15.0
LONGEST_FAILURE = 200

TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""Stands for any address of version 4, those of private networks among them (RFC 6052)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]


class Webhook:
    """Where to post, and the secret that signs. ``private``: addresses that only this network reaches are allowed."""

    def __init__(self, url: str, secret: str, *, private: bool = False, resolve: Resolve | None = None) -> None:
        self._url, self._secret, self._private = url, secret, private
        self._resolve = resolve or _resolved

    def send(self, order_id: UUID, said: Mapping[str, Any], *, now: datetime) -> str:
        """Empty where the payment system took it; else why not. The id and the body are the same at each try."""
        if sentence := why_not_post(self._url, self._secret):
            return sentence
        parts = urlsplit(self._url)
        body = json.dumps({"type": "invoice.released", "timestamp": said["released_at"], "data": said}).encode()
        try:
            address = self._address(parts)
        except _NotThere as refused:
            return str(refused)
        return _post(parts, address, body, self.headers(order_id, body, now))

    def headers(self, order_id: UUID, body: bytes, now: datetime) -> dict[str, str]:
        """Of one posting; the signature (HMAC-SHA256) covers id, time (seconds since 1970) and body. Source: Standard
        Webhooks 1.0.0."""
        stamp = str(int(now.timestamp()))
        signed = hmac.new(key_of(self._secret), f"{order_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "content-type": "application/json",
            "user-agent": "Signoff",
            "idempotency-key": str(order_id),
            "webhook-id": str(order_id),
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }

    def _address(self, parts: SplitResult) -> str:
        """The one that is connected to: a name that means another one a moment later leads nowhere else."""
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = self._resolve(host, port)
        except OSError:
            raise _NotThere("Its name is not known.") from None
        addresses = [ipaddress.ip_address(each.partition("%")[0]) for each in found]
        if not addresses:
            raise _NotThere("Its name is not known.")
        if not self._private and any(not _is_public(each) for each in addresses):
            raise _NotThere("It is an address of a private network, which the settings do not allow.")
        if parts.scheme == "http" and not all(each.is_loopback for each in addresses):
            raise _NotThere("Without https it is posted to this machine alone.")
        return str(addresses[0])


class _NotThere(Exception):
    pass


def key_of(secret: str) -> bytes:
    """The bytes that sign: of a secret written as the standard writes them, those within it."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            return secret.encode()
    return secret.encode()


def _is_public(address: Address) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    teredo = getattr(address, "teredo", None)
    if teredo is not None or address in TRANSLATED:
        return False
    return (inner or address).is_global and not (inner or address).is_multicast


def _resolved(host: str, port: int) -> list[str]:
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _post(parts: SplitResult, address: str, body: bytes, headers: Mapping[str, str]) -> str:
    import httpx  # 15 MB, for those processes alone that post

    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port else ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                f"{parts.scheme}://{host}{port}{path}",
                content=body,
                headers={**headers, "host": parts.netloc},
                extensions={"sni_hostname": parts.hostname},
            ) as answer,
        ):
            if answer.is_success:
                return ""
            return f"It answered {answer.status_code} {answer.reason_phrase}."[:LONGEST_FAILURE]
    except httpx.TimeoutException:
        return "It did not answer in time."
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return f"It could not be reached ({type(error).__name__})."
