"""CMS SignedData (RFC 5652) as byte templates.

A signature's bytes are nearly all the same from one time to the next: certificates, algorithms, signer. They are
encoded once for each certificate; only digest, time and signature are put in for each signing. Object trees cost ten
times as much.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element: tag, length, content."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return tlv(0x31, *sorted(parts))


def octets(content: bytes) -> bytes:
    return tlv(0x04, content)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (first * 40 + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return tlv(0x06, content)


def generalized_time(moment: datetime) -> bytes:
    """To the millisecond; DER wants no trailing zeros in the fraction (X.690, 11.7)."""
    moment = moment.astimezone(UTC)
    fraction = f".{moment.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return tlv(0x18, (moment.strftime("%Y%m%d%H%M%S") + fraction + "Z").encode("ascii"))


SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"))
RSA_WITH_SHA256 = sequence(oid("1.2.840.113549.1.1.11"), b"\x05\x00")
ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))

DATA = oid("1.2.840.113549.1.7.1")
SIGNED_DATA = oid("1.2.840.113549.1.7.2")
TST_INFO = oid("1.2.840.113549.1.9.16.1.4")

CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47")
SIGNATURE_TIMESTAMP = oid("1.2.840.113549.1.9.16.2.14")


def attribute(kind: bytes, value: bytes) -> bytes:
    return sequence(kind, tlv(0x31, value))


class SignedDataTemplate:
    """Everything in a SignedData that depends on certificate, key and chain only. SHA-256 throughout."""

    def __init__(self, certificate: x509.Certificate, key: SigningKey, chain: Sequence[x509.Certificate]) -> None:
        certificate_der = certificate.public_bytes(Encoding.DER)
        chain_der = [issuer.public_bytes(Encoding.DER) for issuer in chain]
        self._key = key
        self._certificates = tlv(0xA0, *sorted([certificate_der, *chain_der]))
        self._signer = sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))
        # ESSCertIDv2 (RFC 5035): SHA-256 is the default algorithm, and DER leaves defaults out.
        self._signing_certificate = attribute(
            SIGNING_CERTIFICATE_V2, sequence(sequence(sequence(octets(hashlib.sha256(certificate_der).digest()))))
        )

    @property
    def size_bound(self) -> int:
        """No SignedData of this template, without time stamp and content, is longer than this many bytes."""
        signature = self._key.key_size // 8 if isinstance(self._key, rsa.RSAPrivateKey) else 160
        return len(self._certificates) + len(self._signer) + signature + 512

    def detached(self, digest: bytes, timestamp: Callable[[bytes], bytes] | None = None) -> bytes:
        """A PAdES signature (EN 319 142-1, 6.3) over content with this SHA-256.

        `timestamp` maps the SHA-256 of the signature value to a time stamp token, which becomes an unsigned attribute.
        There is no signing-time attribute: PAdES keeps that time in the signature dictionary's /M.
        """
        attributes = self._attributes(DATA, digest)
        signature = self._sign(attributes)
        unsigned = b""
        if timestamp is not None:
            token = timestamp(hashlib.sha256(signature).digest())
            unsigned = tlv(0xA1, attribute(SIGNATURE_TIMESTAMP, token))
        return self._pack(1, sequence(DATA), attributes, signature, unsigned)

    def encapsulating(self, content_type: bytes, content: bytes, *, with_certificates: bool = True) -> bytes:
        """A SignedData that carries its content, as a time stamp token does."""
        attributes = self._attributes(content_type, hashlib.sha256(content).digest())
        encapsulated = sequence(content_type, tlv(0xA0, octets(content)))
        return self._pack(3, encapsulated, attributes, self._sign(attributes), with_certificates=with_certificates)

    def _attributes(self, content_type: bytes, digest: bytes) -> bytes:
        return set_of(
            attribute(CONTENT_TYPE, content_type), attribute(MESSAGE_DIGEST, octets(digest)), self._signing_certificate
        )

    def _sign(self, attributes: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(attributes, ec.ECDSA(hashes.SHA256()))

    def _pack(
        self,
        version: int,
        content: bytes,
        attributes: bytes,
        signature: bytes,
        unsigned: bytes = b"",
        *,
        with_certificates: bool = True,
    ) -> bytes:
        algorithm = RSA_WITH_SHA256 if isinstance(self._key, rsa.RSAPrivateKey) else ECDSA_WITH_SHA256
        # What is signed is the SET OF attributes; what is sent has the implicit tag [0] in its place (RFC 5652, 5.4).
        implicit_attributes = b"\xa0" + attributes[1:]
        signer_info = sequence(
            integer(1), self._signer, SHA256, implicit_attributes, algorithm, octets(signature), unsigned
        )
        certificates = self._certificates if with_certificates else b""
        signed_data = sequence(integer(version), tlv(0x31, SHA256), content, certificates, tlv(0x31, signer_info))
        return sequence(SIGNED_DATA, tlv(0xA0, signed_data))
