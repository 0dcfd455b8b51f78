"""A letter to send, what a real server has received of it, and servers that do what a test wants."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from documents.rendering import Reader
from tests.support.servers import MailServer
from workflows.notifications import Address, compose

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
