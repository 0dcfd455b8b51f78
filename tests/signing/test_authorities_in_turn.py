"""Several time stamp authorities: the next one stamps when one fails. OpenSSL is the one of another maker."""

from __future__ import annotations

import hashlib
import logging
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from signing.authority import Authority
from signing.errors import KeyRefused, TimestampUnavailable, TokenRefused
from signing.pdf_signer import PdfSigner
from signing.timestamps import HttpTsa
from signing.verification import verify
from tests.signing.builders import anchors, document, prepared, sealed
from tests.signing.houses import house_online, served
from tests.support import parts
from tests.support.authority import PASSPHRASE, authority, stranger

SHA256 = hashlib.sha256(b"the first version").digest()

CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = OpenSSL Time Stamp
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
[tsa]
serial = serial
digests = sha256
signer_digest = sha256
default_policy = 1.2.3.4.1
ess_cert_id_alg = sha256
"""


@contextmanager
def openssl_online(folder: Path) -> Iterator[tuple[str, bytes]]:
    """OpenSSL as a time stamp authority: its address, and its root (PEM)."""
    openssl = parts.require("openssl")
    folder.mkdir()
    (folder / "conf").write_text(CONFIG)

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-config", "conf")
    run(*new, "-x509", "-days", "900", "-extensions", "root", "-subj", "/CN=Root", "-keyout", "ca.key", "-out", "ca")
    run(*new, "-keyout", "tsa.key", "-out", "asked")
    run(
        *("x509", "-req", "-in", "asked", "-CA", "ca", "-CAkey", "ca.key", "-set_serial", "7", "-days", "800"),
        *("-extfile", "conf", "-extensions", "stamps", "-out", "tsa"),
    )

    def answer(_: str, body: bytes) -> bytes:
        (folder / "query").write_bytes(body)
        run(
            *("ts", "-reply", "-config", "conf", "-section", "tsa", "-queryfile", "query"),
            *("-signer", "tsa", "-inkey", "tsa.key", "-chain", "ca", "-out", "reply"),
        )
        return (folder / "reply").read_bytes()

    with served(answer) as url:
        yield url, (folder / "ca").read_bytes()


def a_dead_address() -> str:
    with served(lambda *_: None) as url:
        return url


def test_openssl_stamps_when_the_first_authority_is_dead(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dead = a_dead_address()
    with openssl_online(tmp_path / "openssl") as (url, root):
        tsas = [HttpTsa(each, trust_anchors=[root]) for each in (dead, url)]
        with caplog.at_level(logging.WARNING):
            file = sealed(by=PdfSigner(authority(), *tsas, trust_anchors=[root]))
    report = verify(file, [*anchors(), root])
    assert report.verdict == "sealed", report.checks
    assert {one.signer for one in report.signatures if one.kind == "timestamp"} == {"OpenSSL Time Stamp"}
    assert {one.level for one in report.signatures} == {"PAdES-BASELINE-LTA", "RFC 3161"}
    assert dead in caplog.text
    assert verify(file, anchors()).verdict != "sealed"


def test_an_authority_that_failed_is_asked_last_for_a_while(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with house_online(tmp_path / "keys") as (_, url):
        signer = PdfSigner(authority(), HttpTsa(a_dead_address()), HttpTsa(f"{url}/tsa"))
        with caplog.at_level(logging.WARNING):
            sealed(by=signer)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda *_: b"<html>", "is not a time stamp"),
        (lambda *_: authority().tsa.respond(b"junk"), "refused: rejection"),
        (lambda _, body: stranger().tsa.respond(body), "not trusted here"),
        (lambda *_: None, "did not answer"),
    ],
)
def test_whatever_is_wrong_with_the_first_the_second_stamps(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[str, bytes], bytes | None],
    reason: str,
) -> None:
    with house_online(tmp_path / "keys") as (house, url), served(answer) as bad:
        tsas = [HttpTsa(each, trust_anchors=[house.trust_anchor_pem]) for each in (bad, f"{url}/tsa")]
        with caplog.at_level(logging.WARNING):
            file = sealed(by=PdfSigner(authority(), *tsas))
    assert verify(file, anchors(house)).verdict == "sealed"
    assert reason in caplog.text


def test_an_authority_whose_certificate_was_withdrawn_is_passed_over(tmp_path: Path) -> None:
    with house_online(tmp_path / "one") as (first, one), house_online(tmp_path / "two") as (second, two):
        first.revoke(first.tsa.certificate.serial_number)
        # A careless authority: it goes on stamping.
        tsas = [HttpTsa(f"{each}/tsa") for each in (one, two)]
        file = sealed(by=PdfSigner(authority(), *tsas))
    assert verify(file, anchors(second)).verdict == "sealed"


def test_when_all_fail_each_reason_is_said_and_nothing_is_signed() -> None:
    dead = a_dead_address()
    with served(lambda *_: b"<html>") as bad, pytest.raises(TimestampUnavailable) as failed:
        prepared(document(), by=PdfSigner(authority(), HttpTsa(dead), HttpTsa(bad)))
    assert str(failed.value).startswith("No time stamp authority gives a time stamp. ")
    assert f"{dead} did not answer" in str(failed.value)
    assert f"{bad} is not a time stamp" in str(failed.value)


def test_trust_anchors_may_be_those_of_several_authorities(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, url):
        both = stranger().trust_anchor_pem + house.trust_anchor_pem
        assert HttpTsa(f"{url}/tsa", trust_anchors=[both]).token(SHA256)
        with pytest.raises(TokenRefused, match=f"{url}/tsa: .* not trusted here"):
            HttpTsa(f"{url}/tsa", trust_anchors=[stranger().trust_anchor_pem]).token(SHA256)


def test_trouble_with_the_seal_is_not_blamed_on_time_stamps(tmp_path: Path) -> None:
    house = Authority.open(tmp_path / "keys", passphrase=PASSPHRASE, organisation="Haneul", country="KR")
    house.revoke(house.seal_credentials().certificate.serial_number)
    with pytest.raises(KeyRefused, match=r"^The certificate of Haneul Seal has been withdrawn\.$"):
        prepared(document(), by=PdfSigner(house, HttpTsa("http://127.0.0.1:9"), HttpTsa("http://127.0.0.1:9")))
