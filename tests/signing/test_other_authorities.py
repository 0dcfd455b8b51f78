"""Seals and time stamps of other houses: their answers over HTTP, and what they publish about their certificates."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from signing.authority import Authority
from signing.cms import integer, sequence
from signing.errors import KeyRefused, TimestampUnavailable, TokenRefused
from signing.pdf_signer import PdfSigner
from signing.timestamps import HttpTsa
from signing.verification import verify
from tests.dss.checker import opinions
from tests.signing.builders import anchors, document, prepared, sealed
from tests.signing.houses import Answer, house_online, served
from tests.support.authority import PASSPHRASE, authority

SHA256 = hashlib.sha256(b"the first version").digest()
PRIVATE = "of the seal"


# Time stamps.


def test_another_house_stamps_our_signatures_and_its_list_goes_into_the_file(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, url):
        file = sealed(by=PdfSigner(authority(), HttpTsa(f"{url}/tsa")))
    report = verify(file, anchors(house))
    assert report.verdict == "sealed"
    assert {one.level for one in report.signatures} == {"PAdES-BASELINE-LTA", "RFC 3161"}
    assert {one.signer for one in report.signatures if one.kind == "timestamp"} == {"Zeit GmbH Time Stamp"}
    assert verify(file, anchors()).verdict != "sealed"


def test_eu_dss_passes_time_stamps_of_another_house(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, url):
        (tmp_path / "file.pdf").write_bytes(sealed(by=PdfSigner(authority(), HttpTsa(f"{url}/tsa"))))
    for name, one in (("ours", authority()), ("theirs", house)):
        (tmp_path / f"{name}.pem").write_bytes(one.trust_anchor_pem)
    (opinion,) = opinions([tmp_path / "file.pdf"], [tmp_path / "ours.pem", tmp_path / "theirs.pem"])
    assert opinion.is_flawless, opinion


def test_a_house_that_keeps_no_lists_stamps_as_well(tmp_path: Path) -> None:
    house = Authority.open(tmp_path / "keys", passphrase=PASSPHRASE, organisation="Zeit GmbH", country="DE")
    with served(lambda _, body: house.tsa.respond(body)) as url:
        file = sealed(by=PdfSigner(authority(), HttpTsa(url)))
    assert verify(file, anchors(house)).verdict == "sealed"


def test_an_archive_with_their_time_stamp_is_stamped_again(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, url):
        signer = PdfSigner(authority(), HttpTsa(f"{url}/tsa"), trust_anchors=[house.trust_anchor_pem])
        assert verify(signer.renew(sealed(by=signer)), anchors(house)).verdict == "sealed"


def test_an_authority_that_does_not_answer_is_named() -> None:
    with served(lambda *_: None) as url, pytest.raises(TimestampUnavailable, match=url):
        HttpTsa(url, seconds=2).token(SHA256)
    with pytest.raises(TimestampUnavailable, match=url):
        HttpTsa(url, seconds=2).token(SHA256)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda *_: b"<html>", "is not a time stamp"),
        (lambda *_: authority().tsa.respond(b"junk"), "refused: rejection"),
        (
            lambda *_: sequence(sequence(integer(0)), authority().tsa.token(SHA256, nonce=1)),
            "belongs to another request",
        ),
    ],
)
def test_a_wrong_answer_is_refused(answer: Answer, sentence: str) -> None:
    with served(answer) as url, pytest.raises(TokenRefused, match=sentence):
        HttpTsa(url).token(SHA256)


def test_nothing_is_signed_when_the_time_stamp_cannot_be_had() -> None:
    with served(lambda *_: None) as url, pytest.raises(TimestampUnavailable):
        prepared(document(), by=PdfSigner(authority(), HttpTsa(url)))


# Seals.


def pkcs12_of(house: Authority, path: Path) -> tuple[Path, int]:
    """A corporate seal that this house issued, and its serial number."""
    seal = house.issue_for("Haneul Corporate Seal", "seal@example.kr", "Haneul")
    encryption = BestAvailableEncryption(PRIVATE.encode())
    path.write_bytes(
        serialize_key_and_certificates(b"seal", seal.key, seal.certificate, [house.issuing, house.root], encryption)
    )
    return path, seal.certificate.serial_number


def test_a_seal_of_another_house_seals_with_its_lists(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, _):
        path, _ = pkcs12_of(house, tmp_path / "seal.p12")
        file = sealed(by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))
    report = verify(file, anchors(house))
    assert report.verdict == "sealed"
    assert report.signatures[0].signer == "Haneul Corporate Seal"
    assert report.signatures[0].level == "PAdES-BASELINE-LTA"
    for name, one in (("ours", authority()), ("theirs", house)):
        (tmp_path / f"{name}.pem").write_bytes(one.trust_anchor_pem)
    (tmp_path / "file.pdf").write_bytes(file)
    (opinion,) = opinions([tmp_path / "file.pdf"], [tmp_path / "ours.pem", tmp_path / "theirs.pem"])
    assert opinion.is_flawless, opinion


def test_a_seal_that_another_house_has_withdrawn_seals_nothing(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, _):
        path, serial = pkcs12_of(house, tmp_path / "seal.p12")
        house.revoke(serial)
        with pytest.raises(KeyRefused, match="Haneul Corporate Seal has been withdrawn"):
            prepared(document(), by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))


def test_nothing_is_sealed_while_the_list_cannot_be_had(tmp_path: Path) -> None:
    with house_online(tmp_path / "keys") as (house, url):
        path, _ = pkcs12_of(house, tmp_path / "seal.p12")
    with pytest.raises(TimestampUnavailable, match=url):
        prepared(document(), by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))


class Responder:
    """A small house with an OCSP responder: its root signs seal and answers."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.status = ocsp.OCSPCertStatus.GOOD
        self.root = self.issue("Responder Root", self.key)
        self.seal: x509.Certificate | None = None

    def issue(self, name: str, key: ec.EllipticCurvePrivateKey, url: str | None = None) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if url is None else self.root.subject
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=900))
            .add_extension(x509.BasicConstraints(ca=url is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=url is not None,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=url is None,
                    crl_sign=url is None,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if url is not None:
            place = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url))
            builder = builder.add_extension(x509.AuthorityInformationAccess([place]), critical=False)
            key_of_root = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
            builder = builder.add_extension(key_of_root, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def answer(self, _: str, body: bytes) -> bytes | None:
        assert ocsp.load_der_ocsp_request(body).serial_number
        assert self.seal is not None
        now = datetime.now(UTC)
        revoked = self.status is ocsp.OCSPCertStatus.REVOKED
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                self.seal,
                self.root,
                hashes.SHA1(),  # noqa: S303 — names the issuer, protects nothing
                self.status,
                now,
                now + timedelta(days=1),
                now if revoked else None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.root)
            .certificates([self.root])
        )
        return response.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def pkcs12(self, path: Path, url: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        self.seal = self.issue("OCSP Seal", key, url)
        encryption = BestAvailableEncryption(PRIVATE.encode())
        path.write_bytes(serialize_key_and_certificates(b"seal", key, self.seal, [self.root], encryption))
        return path


def test_a_seal_of_a_house_with_a_responder_carries_its_answer(tmp_path: Path) -> None:
    house = Responder()
    with served(house.answer) as url:
        path = house.pkcs12(tmp_path / "seal.p12", url)
        file = sealed(by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))
    report = verify(file, [*anchors(), house.root.public_bytes(Encoding.PEM)])
    assert report.verdict == "sealed", report.checks
    assert report.signatures[0].signer == "OCSP Seal"
    assert b"/OCSPs" in file


def test_a_responder_that_says_no_stops_the_seal(tmp_path: Path) -> None:
    house = Responder()
    with served(house.answer) as url:
        path = house.pkcs12(tmp_path / "seal.p12", url)
        house.status = ocsp.OCSPCertStatus.REVOKED
        with pytest.raises(KeyRefused, match="OCSP Seal has been withdrawn"):
            prepared(document(), by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x03\x0a\x01\x03"])
def test_a_responder_that_says_nothing_of_use_stops_the_seal(tmp_path: Path, answer: bytes) -> None:
    house = Responder()
    with served(lambda *_: answer) as url:
        path = house.pkcs12(tmp_path / "seal.p12", url)
        with pytest.raises(TimestampUnavailable, match="does not say whether"):
            prepared(document(), by=PdfSigner(authority().with_seal_from_pkcs12(path, PRIVATE)))
