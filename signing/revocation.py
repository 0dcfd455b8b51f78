"""What proves that certificates had not been withdrawn: lists and answers that are kept inside the signed file."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from signing.errors import KeyRefused, TimestampUnavailable


@dataclass(frozen=True)
class RevocationMaterial:
    """Certificates of a chain (without its root), certificate revocation lists, and OCSP responses, all DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()

    def __or__(self, other: RevocationMaterial) -> RevocationMaterial:
        """Both, each thing once, in order."""
        return RevocationMaterial(
            tuple(dict.fromkeys(self.certificates + other.certificates)),
            tuple(dict.fromkeys(self.crls + other.crls)),
            tuple(dict.fromkeys(self.ocsps + other.ocsps)),
        )


_fetched: dict[str, tuple[bytes, datetime]] = {}
_lock = threading.Lock()


def gather(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], *, fresh: bool = False
) -> RevocationMaterial:
    """Material for another authority's certificate, fetched from where each certificate of its chain points.

    A certificate that points nowhere adds nothing; the signature is then PAdES B-T rather than B-LT. `fresh`: nothing
    that was fetched earlier, as what is sealed wants material from after its last signature.
    Raises KeyRefused when one has been withdrawn, TimestampUnavailable when a list cannot be had.
    """
    material = RevocationMaterial()
    current = certificate
    for _ in range(8):
        if current.issuer == current.subject:
            break
        issuer = next((other for other in others if _issued(other, current)), None)
        material |= RevocationMaterial(certificates=(current.public_bytes(Encoding.DER),))
        material |= _about(current, issuer, fresh)
        if issuer is None:
            break
        current = issuer
    return material


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _about(certificate: x509.Certificate, issuer: x509.Certificate | None, fresh: bool) -> RevocationMaterial:
    """An OCSP response where there is one to be had: it speaks of this moment, and lists can be megabytes."""
    responders, lists = _ocsp_urls(certificate), _crl_urls(certificate)
    if responders and issuer is not None:
        return _ocsp(responders[0], certificate, issuer, fresh)
    if lists:
        return _crl(lists[0], certificate, fresh)
    return RevocationMaterial()


def _ocsp(url: str, certificate: x509.Certificate, issuer: x509.Certificate, fresh: bool) -> RevocationMaterial:
    # SHA-1 names the issuer here and protects nothing; responders know no other.
    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()  # noqa: S303
    key = f"{url}#{certificate.serial_number:x}"
    der = _fetch(url, request.public_bytes(Encoding.DER), key=key, fresh=fresh)
    try:
        response = ocsp.load_der_ocsp_response(der)
        status = response.certificate_status
    except ValueError as failure:
        raise TimestampUnavailable("%(url)s does not say whether a certificate was withdrawn.", url=url) from failure
    if status is ocsp.OCSPCertStatus.REVOKED:
        raise KeyRefused("The certificate of %(name)s has been withdrawn.", name=common_name(certificate))
    if status is not ocsp.OCSPCertStatus.GOOD:
        raise TimestampUnavailable("%(url)s does not say whether a certificate was withdrawn.", url=url)
    _keep(key, der, response.next_update_utc)
    return RevocationMaterial(
        tuple(signer.public_bytes(Encoding.DER) for signer in response.certificates), ocsps=(der,)
    )


def _crl(url: str, certificate: x509.Certificate, fresh: bool) -> RevocationMaterial:
    der = _fetch(url, key=url, fresh=fresh)
    try:
        crl = x509.load_der_x509_crl(der)
    except ValueError as failure:
        raise TimestampUnavailable("%(url)s does not say whether a certificate was withdrawn.", url=url) from failure
    if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise KeyRefused("The certificate of %(name)s has been withdrawn.", name=common_name(certificate))
    _keep(url, der, crl.next_update_utc)
    return RevocationMaterial(crls=(der,))


def common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    names = [name for point in points for name in point.full_name or ()]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier) and _is_http(name.value)]


def _ocsp_urls(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    except x509.ExtensionNotFound:
        return []
    assert isinstance(access, x509.AuthorityInformationAccess)
    names = [entry.access_location for entry in access if entry.access_method == AuthorityInformationAccessOID.OCSP]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier) and _is_http(name.value)]


def _is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _fetch(url: str, body: bytes | None = None, *, key: str, fresh: bool) -> bytes:
    with _lock:
        kept = _fetched.get(key)
    if kept is not None and datetime.now(UTC) < kept[1] and not fresh:
        return kept[0]
    headers = {"User-Agent": "Signoff"} | ({} if body is None else {"Content-Type": "application/ocsp-request"})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=10) as response:
            answer: bytes = response.read(10_000_000)
    except (urllib.error.URLError, OSError) as failure:
        raise TimestampUnavailable("%(url)s did not answer: %(reason)s.", url=url, reason=failure) from failure
    return answer


def _keep(key: str, der: bytes, next_update: datetime | None) -> None:
    """An hour at most, so that a withdrawal is noticed soon."""
    until = datetime.now(UTC) + timedelta(hours=1)
    with _lock:
        _fetched[key] = (der, min(until, next_update) if next_update else until)
