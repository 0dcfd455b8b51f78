"""Time stamps (RFC 3161): our own authority, others over HTTP, and checking a token without any server."""

from __future__ import annotations

import hashlib
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.cms import (
    SHA256,
    TST_INFO,
    SignedDataTemplate,
    SigningKey,
    generalized_time,
    integer,
    octets,
    oid,
    sequence,
    tlv,
)
from signing.errors import KeyRefused, TimestampUnavailable, TokenRefused

if TYPE_CHECKING:
    from signing.revocation import RevocationMaterial

# An OID that nobody had to be asked for: below 2.25 every UUID is one's own (X.667).
POLICY = "2.25.159083246512174338706923315870427110389"

LOOKED_AT_AGAIN_SECONDS = 24 * 3600

GRANTED, REJECTED = 0, 2
BAD_ALGORITHM, BAD_REQUEST, BAD_FORMAT, UNACCEPTED_POLICY, UNACCEPTED_EXTENSION = 0, 2, 5, 15, 16


class Timestamper(Protocol):
    """Whoever can say when a hash existed."""

    size_bound: int  # no token is longer, in bytes

    def token(self, sha256: bytes) -> bytes: ...

    def material(self, *, fresh: bool = False) -> RevocationMaterial: ...

    def good_until(self) -> datetime:
        """When the certificates behind the tokens of today end."""


class Tsa:
    """Our own time stamp authority. All but time and hash is encoded beforehand: a token takes 0.1 ms."""

    def __init__(
        self,
        certificate: x509.Certificate,
        key: SigningKey,
        chain: Sequence[x509.Certificate] = (),
        *,
        material: Callable[[bool], RevocationMaterial],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.certificate = certificate
        self._template = SignedDataTemplate(certificate, key, chain)
        self._policy = oid(POLICY)
        self._accuracy = sequence(integer(1))  # seconds
        self._name = tlv(0xA0, tlv(0xA4, certificate.subject.public_bytes()))
        self._material = material
        self._clock = clock
        self.size_bound = self._template.size_bound + 256 + len(self._name)

    def token(self, sha256: bytes, *, nonce: int | None = None, with_certificates: bool = True) -> bytes:
        """A DER TimeStampToken for this SHA-256. Raises KeyRefused once the authority's certificate has ended."""
        if len(sha256) != 32:
            raise TokenRefused("A SHA-256 has 32 bytes, not %(bytes)s.", bytes=len(sha256))
        now = self._clock()
        if now > self.certificate.not_valid_after_utc:
            day = self.certificate.not_valid_after_utc.date().isoformat()
            raise KeyRefused("The certificate of the time stamp authority expired on %(day)s.", day=day)
        info = sequence(
            integer(1),
            self._policy,
            sequence(SHA256, octets(sha256)),
            integer(secrets.randbits(127)),
            generalized_time(now),
            self._accuracy,
            b"" if nonce is None else integer(nonce),
            self._name,
        )
        return self._template.encapsulating(TST_INFO, info, with_certificates=with_certificates)

    def material(self, *, fresh: bool = False) -> RevocationMaterial:
        """What proves later that this authority's certificate was good."""
        return self._material(fresh)

    def good_until(self) -> datetime:
        return self.certificate.not_valid_after_utc

    def respond(self, der_request: bytes) -> bytes:
        """A DER TimeStampResp for a DER TimeStampReq: what `POST` with application/timestamp-query is answered with."""
        from asn1crypto import tsp

        try:
            request = tsp.TimeStampReq.load(der_request, strict=True)
            imprint = request["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            hashed = imprint["hashed_message"].native
            nonce, policy = request["nonce"].native, request["req_policy"].native
            extensions, with_certificates = request["extensions"].native, bool(request["cert_req"].native)
        except Exception:  # noqa: BLE001 — asn1crypto raises whatever a malformed encoding trips over
            return _rejection(BAD_FORMAT, "This is not a time stamp request.")
        if algorithm != "sha256":
            return _rejection(BAD_ALGORITHM, "Only SHA-256 is stamped here.")
        if len(hashed) != 32:
            return _rejection(BAD_FORMAT, "A SHA-256 has 32 bytes.")
        if nonce is not None and nonce < 0:
            return _rejection(BAD_REQUEST, "The nonce is negative.")
        if policy is not None and policy != POLICY:
            return _rejection(UNACCEPTED_POLICY, "This policy is not offered.")
        if extensions:
            return _rejection(UNACCEPTED_EXTENSION, "No extensions are offered.")
        return sequence(
            sequence(integer(GRANTED)), self.token(hashed, nonce=nonce, with_certificates=with_certificates)
        )


def _rejection(failure: int, text: str) -> bytes:
    bits = bytearray(failure // 8 + 1)
    bits[failure // 8] = 0x80 >> failure % 8
    unused = 7 - failure % 8
    return sequence(
        sequence(integer(REJECTED), sequence(tlv(0x0C, text.encode())), tlv(0x03, bytes((unused,)), bytes(bits)))
    )


class HttpTsa:
    """Another organisation's time stamp authority, asked over HTTP (RFC 3161, 3.4)."""

    size_bound = 12_000

    def __init__(self, url: str, *, seconds: float = 10, trust_anchors: Sequence[bytes] = ()) -> None:
        """`trust_anchors` (PEM): where there are any, tokens of an authority that leads to none of them are refused."""
        self.url = url
        self._seconds = seconds
        self._anchors_pem = b"\n".join(trust_anchors)
        self._last: tuple[bytes, float] | None = None

    def token(self, sha256: bytes) -> bytes:
        """Raises TimestampUnavailable when there is no answer, TokenRefused when the answer is not one."""
        from asn1crypto import parser, tsp

        nonce = secrets.randbits(63)
        query = sequence(integer(1), sequence(SHA256, octets(sha256)), integer(nonce), b"\x01\x01\xff")
        request = urllib.request.Request(
            self.url, data=query, headers={"Content-Type": "application/timestamp-query", "User-Agent": "Signoff"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as response:
                answer: bytes = response.read(100_000)
        except (urllib.error.URLError, OSError) as failure:
            raise TimestampUnavailable(
                "The time stamp authority %(url)s did not answer: %(reason)s.", url=self.url, reason=failure
            ) from failure
        try:
            # asn1crypto's own response insists on a token, which a rejection has not.
            _, _, _, _, content, _ = parser.parse(answer, strict=True)
            _, _, _, header, body, _ = parser.parse(content)
            status = tsp.PKIStatusInfo.load(header + body)["status"].native
            token: bytes = content[len(header + body) :] if status.startswith("granted") else b""
        except Exception as failure:  # asn1crypto raises whatever a malformed encoding trips over
            raise TokenRefused("The answer of %(url)s is not a time stamp.", url=self.url) from failure
        if not token:
            raise TokenRefused("The time stamp authority %(url)s refused: %(status)s.", url=self.url, status=status)
        if len(token) > self.size_bound:
            raise TokenRefused("The token of %(url)s is too long to be kept in a PDF.", url=self.url)
        read = _parse(token)
        if read.nonce != nonce:
            raise TokenRefused("The answer of %(url)s belongs to another request.", url=self.url)
        _check_signature(read, sha256)
        if self._anchors_pem:
            try:
                _check_chain(read.signer_der, read.others_der, self._anchors_pem, read.at)
            except TokenRefused as failure:
                raise TokenRefused("%(url)s: %(reason)s", url=self.url, reason=failure) from failure
        self._last = token, time.monotonic()
        return token

    def material(self, *, fresh: bool = False) -> RevocationMaterial:
        """Fetched from where the authority's certificates say; kept for an hour."""
        return material_of(self._some_token(), self._anchors_pem, fresh=fresh)

    def good_until(self) -> datetime:
        return good_until(self._some_token(), self._anchors_pem)

    def _some_token(self) -> bytes:
        """The last one; after a day another, as the authority may have a new certificate by then."""
        if self._last is not None and time.monotonic() - self._last[1] < LOOKED_AT_AGAIN_SECONDS:
            return self._last[0]
        return self.token(hashlib.sha256(b"").digest())


def material_of(token: bytes, trust_anchor_pem: bytes = b"", *, fresh: bool = False) -> RevocationMaterial:
    """What proves that the certificates behind this token hold now; `trust_anchor_pem` helps where it names no issuer.

    Raises KeyRefused when one has been withdrawn, TimestampUnavailable when that cannot be learnt.
    """
    from signing.revocation import gather

    parsed = _parse(token)
    return gather(parsed.signer, [*parsed.certificates, *_certificates(trust_anchor_pem)], fresh=fresh)


def good_until(token: bytes, trust_anchor_pem: bytes) -> datetime:
    """When the first certificate between this token and an anchor ends; its signer's own where none is reached."""
    parsed = _parse(token)
    path = _chain(parsed.signer_der, parsed.others_der, trust_anchor_pem) or (parsed.signer,)
    return min(certificate.not_valid_after_utc for certificate in path)


def issuer_of(token: bytes) -> x509.Name:
    """Who vouches for the authority that made this token."""
    return _parse(token).signer.issuer


def check_token(token: bytes, sha256: bytes, trust_anchor_pem: bytes) -> datetime:
    """The proven time of this hash, in UTC, by tokens of anybody below the anchor(s) in the PEM.

    Raises TokenRefused. Whether the authority's certificate was withdrawn is not looked at: that needs its lists.
    """
    parsed = _parse(token)
    _check_signature(parsed, sha256)
    _check_chain(parsed.signer_der, parsed.others_der, trust_anchor_pem, parsed.at)
    return parsed.at


class _Token:
    """The parts of a token that are looked at."""

    def __init__(self, token: bytes) -> None:
        from asn1crypto import cms
        from asn1crypto import tsp as tsp  # teaches cms what a TSTInfo is

        signed = cms.ContentInfo.load(token, strict=True)["content"]
        (signer_info,) = signed["signer_infos"]
        content = signed["encap_content_info"]
        if content["content_type"].native != "tst_info":
            raise ValueError("no TSTInfo")
        info = content["content"].parsed
        self.content = bytes(content["content"])
        self.imprint: bytes = info["message_imprint"]["hashed_message"].native
        self.imprint_algorithm: str = info["message_imprint"]["hash_algorithm"]["algorithm"].native
        self.nonce: int | None = info["nonce"].native
        self.at: datetime = info["gen_time"].native
        certificates = [choice.chosen.dump() for choice in signed["certificates"]]
        self.digest_algorithm: str = signer_info["digest_algorithm"]["algorithm"].native
        self.signature: bytes = signer_info["signature"].native
        self.signature_algorithm = signer_info["signature_algorithm"]
        self.attributes_der: bytes = signer_info["signed_attrs"].untag().dump()
        attributes = {a["type"].native: a["values"][0] for a in signer_info["signed_attrs"]}
        self.message_digest: bytes = attributes["message_digest"].native
        identity = signer_info["sid"].chosen
        self.certificates = [x509.load_der_x509_certificate(der) for der in certificates]
        self.signer = next(
            certificate
            for certificate in self.certificates
            if certificate.serial_number == identity["serial_number"].native
            and certificate.issuer.public_bytes() == identity["issuer"].dump()
        )
        self.signer_der = self.signer.public_bytes(Encoding.DER)
        self.others_der = tuple(der for der in certificates if der != self.signer_der)
        if "signing_certificate_v2" in attributes:
            bound = attributes["signing_certificate_v2"]["certs"][0]
            name = bound["hash_algorithm"]["algorithm"].native
            matches = hashlib.new(name, self.signer_der).digest() == bound["cert_hash"].native
        else:
            bound = attributes["signing_certificate"]["certs"][0]
            # RFC 2634: the older attribute knows no other hash. The signature itself binds the certificate too.
            matches = hashlib.sha1(self.signer_der).digest() == bound["cert_hash"].native  # noqa: S324
        if not matches:
            raise ValueError("signed by another certificate")


def _parse(token: bytes) -> _Token:
    try:
        return _Token(token)
    except Exception as failure:  # asn1crypto and cryptography raise whatever a malformed encoding trips over
        raise TokenRefused("This is not a time stamp token.") from failure


_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def _check_signature(token: _Token, sha256: bytes) -> None:
    if token.imprint_algorithm != "sha256" or token.imprint != sha256:
        raise TokenRefused("The time stamp belongs to other data.")
    digest = _HASHES.get(token.digest_algorithm)
    if digest is None or hashlib.new(token.digest_algorithm, token.content).digest() != token.message_digest:
        raise TokenRefused("The time stamp has been changed.")
    key = token.signer.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(token.signature, token.attributes_der, ec.ECDSA(digest()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(token.signature, token.attributes_der, _rsa_padding(token, digest()), digest())
        else:
            raise TokenRefused("The time stamp is signed with a kind of key that is not accepted.")
    except InvalidSignature as failure:
        raise TokenRefused("The time stamp has been changed.") from failure


def _rsa_padding(token: _Token, digest: hashes.HashAlgorithm) -> padding.PKCS1v15 | padding.PSS:
    if token.signature_algorithm["algorithm"].native == "rsassa_pss":
        return padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
    return padding.PKCS1v15()


@lru_cache(maxsize=64)
def _chain(
    signer_der: bytes, others_der: tuple[bytes, ...], trust_anchor_pem: bytes
) -> tuple[x509.Certificate, ...] | None:
    """From the signer up to an anchor; None when there is no such way, or when the signer may not stamp time."""
    signer = x509.load_der_x509_certificate(signer_der)
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return None
    anchors = _certificates(trust_anchor_pem)
    issuers = [x509.load_der_x509_certificate(der) for der in others_der]
    path = [signer]
    while len(path) < 8:
        if path[-1] in anchors:
            return tuple(path)
        above = next((c for c in (*anchors, *issuers) if c not in path and _issued(c, path[-1])), None)
        if above is None:
            return None
        path.append(above)
    return None


def _certificates(pem: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem) if pem.strip() else []


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False


def _check_chain(signer_der: bytes, others_der: tuple[bytes, ...], trust_anchor_pem: bytes, at: datetime) -> None:
    path = _chain(signer_der, others_der, trust_anchor_pem)
    if path is None:
        raise TokenRefused("The time stamp comes from an authority that is not trusted here.")
    for certificate in path:
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise TokenRefused("The time stamp was made with a certificate that was out of date.")
