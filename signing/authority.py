"""Our own certificate authority: a root, an issuing authority below it, the platform's seal, the time stamp authority.

Signers get no lasting key. Each act of signing has a key and a certificate of its own; the key is forgotten with the
act, so nobody can sign with it later, and there is nothing to steal.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from signing.cms import SignedDataTemplate, SigningKey, tlv
from signing.errors import KeyRefused
from signing.revocation import RevocationMaterial, common_name, gather
from signing.timestamps import Tsa

ROOT, ISSUING, TSA, SEAL = "root", "issuing", "tsa", "seal"

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
SMTP_UTF8_MAILBOX = ObjectIdentifier("1.3.6.1.5.5.7.8.9")  # RFC 9598

# Validators that ignore time stamps call a signature expired once its certificate ends. The key of a signer is gone by
# then, and a long life costs nothing.
SIGNER_YEARS = 10
NIST_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

YEARS = {ROOT: 25, ISSUING: 15, TSA: 11, SEAL: 10}
RENEW_BEFORE = {
    ISSUING: timedelta(days=90),
    SEAL: timedelta(days=90),
    # sealed files are time stamped again up to two years ahead (SIGNOFF_ARCHIVE_DAYS): by a certificate that lasts
    TSA: timedelta(days=3 * 365),
}

LONGEST_NAME = 64  # bytes; X.520 says characters, but cryptography and others count bytes

# Time stamps and lists must not be older than the certificates they speak of, also where clocks differ a little.
BACKDATED = timedelta(minutes=5)
CRL_FRESH = timedelta(minutes=1)
CRL_DAYS = {ROOT: 35, ISSUING: 7}


@dataclass(frozen=True)
class Credentials:
    """A certificate with its key, kept parsed: reading and checking an RSA key again costs more than signing with it.

    `chain` leads from the issuer up to, but without, the root.
    """

    certificate: x509.Certificate
    key: SigningKey
    chain: tuple[x509.Certificate, ...]
    gather: Callable[[bool], RevocationMaterial]

    @cached_property
    def template(self) -> SignedDataTemplate:
        return SignedDataTemplate(self.certificate, self.key, self.chain)

    @property
    def name(self) -> str:
        return common_name(self.certificate)

    def material(self, *, fresh: bool = False) -> RevocationMaterial:
        """What proves that this chain holds now; what others publish is up to an hour old, unless `fresh`.

        Raises KeyRefused when the certificate has been withdrawn.
        """
        return self.gather(fresh)

    def check(self, moment: datetime) -> None:
        """Raises KeyRefused outside the dates of the certificate and those above it."""
        for certificate in (self.certificate, *self.chain):
            check_dates(certificate, moment)


def check_dates(certificate: x509.Certificate, moment: datetime) -> None:
    if moment > certificate.not_valid_after_utc:
        raise KeyRefused(
            "The certificate of %(name)s expired on %(day)s.",
            name=common_name(certificate),
            day=certificate.not_valid_after_utc.date().isoformat(),
        )
    if moment < certificate.not_valid_before_utc:
        raise KeyRefused(
            "The certificate of %(name)s is not valid before %(day)s.",
            name=common_name(certificate),
            day=certificate.not_valid_before_utc.date().isoformat(),
        )


class Authority:
    """Opened once and shared between threads. Several processes may have the same folder open."""

    trust_anchor_pem: bytes
    tsa: Tsa

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        passphrase: str,
        organisation: str,
        country: str = "KR",
        publish_url: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> Authority:
        """The authority in this folder, made on first use. Certificates that end soon are renewed.

        `publish_url` is where `crls()` can be fetched by others (`{publish_url}/root.crl`); certificates name it.
        Raises KeyRefused for a wrong passphrase and for a folder that holds something else.
        """
        if not (folder / "root.crt").exists():
            _establish(folder, passphrase, organisation, country, publish_url, clock())
        return cls(folder, passphrase, organisation, country, publish_url, clock)

    def __init__(
        self,
        folder: Path,
        passphrase: str,
        organisation: str,
        country: str,
        publish_url: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.organisation = organisation
        self._folder = folder
        self._password = _key_password(passphrase, (folder / "salt").read_bytes())
        self._country = country
        self._publish_url = publish_url
        self._clock = clock
        self._lock = threading.RLock()
        self._keys: dict[str, SigningKey] = {}
        self._crls: dict[str, tuple[datetime, tuple[int, ...], bytes]] = {}
        self.root = self._certificate(ROOT)
        self.trust_anchor_pem = self.root.public_bytes(Encoding.PEM)
        self._renew()
        self.issuing = self._certificate(ISSUING)
        self.tsa = Tsa(self._certificate(TSA), self._key(TSA), material=lambda _: self._own_material(TSA), clock=clock)
        self._seal = self._credentials(self._certificate(SEAL), self._key(SEAL))

    def seal_credentials(self) -> Credentials:
        """The platform's own seal."""
        return self._seal

    def with_seal_from_pkcs12(self, path: Path | str, password: str) -> Authority:
        """This authority, but sealing with the certificate and key in a PKCS#12 file (.p12, .pfx).

        Raises KeyRefused for a wrong password, a file without key, an unsuitable key, and outside the dates of its
        certificate.
        """
        other = copy.copy(self)
        other._seal = credentials_from_pkcs12(Path(path), password, own=self)
        other._seal.check(self._clock())
        return other

    def issue_for(self, name: str, email: str, organisation: str | None) -> Credentials:
        """A fresh P-256 key and certificate for one act of signing; the key is never stored."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issue(
            ISSUING,
            _subject(name, organisation, self._country),
            key.public_key(),
            years=SIGNER_YEARS,
            usages=_person_usages(),
            email=email,
        )
        return self._credentials(certificate, key)

    def revocation_material(self, moment: datetime | None = None) -> RevocationMaterial:
        """Lists of both authorities made now, and the certificates below the root, to be kept inside a signed file.

        What is sealed must have lists from after its last signature; EU DSS speaks of PAdES B-T otherwise.
        """
        with self._lock:
            self._crls.clear()
            return RevocationMaterial(
                (self.issuing.public_bytes(Encoding.DER), self.tsa.certificate.public_bytes(Encoding.DER)),
                (self._crl(ROOT, moment), self._crl(ISSUING, moment)),
            )

    def crls(self) -> dict[str, bytes]:
        """File name to DER list, for publication. A validator needs the root's, fresh, decades from now."""
        return {f"{issuer}.crl": self._crl(issuer) for issuer in (ROOT, ISSUING)}

    def published(self) -> dict[str, bytes]:
        """Everything that `publish_url` promises: file name to DER of lists (`.crl`) and certificates (`.crt`)."""
        certificates = {f"{which}.crt": self._certificate(which) for which in (ROOT, ISSUING, TSA)}
        return self.crls() | {name: one.public_bytes(Encoding.DER) for name, one in certificates.items()}

    def revoke(self, serial: int, *, at: datetime | None = None) -> None:
        """Withdraw a certificate for good. It is refused for signing from now on, here and in other processes."""
        line = json.dumps({"serial": f"{serial:x}", "at": (at or self._clock()).astimezone(UTC).isoformat()})
        with self._lock, (self._folder / "revoked.jsonl").open("ab") as file:
            # One write with O_APPEND: lines of two processes never mix.
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._crls.clear()

    def _credentials(self, certificate: x509.Certificate, key: SigningKey) -> Credentials:
        def own_material(_: bool) -> RevocationMaterial:
            self._refuse_withdrawn(certificate, self.issuing)
            return self._own_material(ISSUING)

        return Credentials(certificate, key, (self.issuing,), own_material)

    def _refuse_withdrawn(self, *certificates: x509.Certificate) -> None:
        revoked = self._revoked()
        for certificate in certificates:
            if certificate.serial_number in revoked:
                raise KeyRefused("The certificate of %(name)s has been withdrawn.", name=common_name(certificate))

    def _own_material(self, which: str) -> RevocationMaterial:
        if which == TSA:
            self._refuse_withdrawn(self.tsa.certificate)
            return RevocationMaterial((self.tsa.certificate.public_bytes(Encoding.DER),), (self._crl(ROOT),))
        return RevocationMaterial((self.issuing.public_bytes(Encoding.DER),), (self._crl(ROOT), self._crl(ISSUING)))

    def _crl(self, issuer: str, moment: datetime | None = None) -> bytes:
        """At most a minute old, so that it is never older than the certificate it is asked about (see BACKDATED)."""
        now = moment or self._clock()
        with self._lock:
            revoked = self._revoked()
            kept = self._crls.get(issuer)
            if kept is not None and kept[1] == tuple(revoked) and abs(now - kept[0]) < CRL_FRESH:
                return kept[2]
            certificate = self._certificate(issuer)
            builder = (
                x509.CertificateRevocationListBuilder()
                .issuer_name(certificate.subject)
                .last_update(now)
                .next_update(now + timedelta(days=CRL_DAYS[issuer]))
                .add_extension(_authority_key(certificate), critical=False)
                # Grows with time: also across processes, without a counter on disk that could be lost.
                .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
            )
            for serial, at in revoked.items():
                builder = builder.add_revoked_certificate(
                    x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
                )
            der = builder.sign(self._key(issuer), hashes.SHA256()).public_bytes(Encoding.DER)
            self._crls[issuer] = (now, tuple(revoked), der)
            return der

    def _revoked(self) -> dict[int, datetime]:
        try:
            lines = (self._folder / "revoked.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return {}
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return {int(entry["serial"], 16): datetime.fromisoformat(entry["at"]) for entry in entries}

    def _renew(self) -> None:
        """Whoever signs gets a new certificate, for the same key and name, well before the old one ends."""
        for which, issuer in ((ISSUING, ROOT), (SEAL, ISSUING), (TSA, ROOT)):
            certificate, above = self._certificate(which), self._certificate(issuer)
            ends = certificate.not_valid_after_utc
            nothing_to_gain = ends >= above.not_valid_after_utc or above.not_valid_after_utc <= self._clock()
            if ends - self._clock() > RENEW_BEFORE[which] or nothing_to_gain:
                continue
            renewed = self._issue(
                issuer,
                certificate.subject,
                self._key(which).public_key(),
                years=YEARS[which],
                ca=0 if which == ISSUING else None,
                usages={SEAL: _seal_usages(), TSA: _tsa_usages()}.get(which),
            )
            _write(self._folder / f"{which}.crt", renewed.public_bytes(Encoding.PEM), 0o644)

    def _issue(
        self,
        issuer: str,
        subject: x509.Name,
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        *,
        years: int,
        usages: x509.ExtendedKeyUsage | None,
        ca: int | None = None,
        email: str | None = None,
    ) -> x509.Certificate:
        return _issue(
            self._certificate(issuer),
            self._key(issuer),
            subject,
            key,
            now=self._clock(),
            years=years,
            ca=ca,
            usages=usages,
            email=email,
            published=None if self._publish_url is None else f"{self._publish_url}/{issuer}",
        )

    def _certificate(self, which: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self._folder / f"{which}.crt").read_bytes())

    def _key(self, which: str) -> SigningKey:
        with self._lock:
            if which not in self._keys:
                self._keys[which] = _read_key(self._folder / f"{which}.key", self._password)
            return self._keys[which]


def credentials_from_pkcs12(path: Path, password: str, *, own: Authority) -> Credentials:
    """Raises KeyRefused with the reason when the file cannot be used for signing."""
    try:
        data = path.read_bytes()
    except OSError as failure:
        raise KeyRefused("%(file)s cannot be read: %(reason)s.", file=path.name, reason=failure.strerror) from failure
    try:
        bundle = load_pkcs12(data, password.encode())
    except ValueError as failure:
        raise KeyRefused(
            "%(file)s does not open: the password is wrong, or it is not a PKCS#12 file.", file=path.name
        ) from failure
    if bundle.key is None or bundle.cert is None:
        raise KeyRefused("%(file)s holds no key with a certificate.", file=path.name)
    key, certificate = bundle.key, bundle.cert.certificate
    # What poppler and OpenSSL 3.0 take: no Ed25519.
    is_ecdsa = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, NIST_CURVES)
    if not isinstance(key, rsa.RSAPrivateKey) and not is_ecdsa:
        raise KeyRefused("The key in %(file)s is neither RSA nor ECDSA on a NIST curve.", file=path.name)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < 2048:
        raise KeyRefused("The RSA key in %(file)s is shorter than 2048 bits.", file=path.name)
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        pass
    else:
        if not (usage.digital_signature or usage.content_commitment):
            raise KeyRefused("The certificate in %(file)s is not for signing.", file=path.name)
    others = [extra.certificate for extra in bundle.additional_certs]
    chain = tuple(other for other in others if other.issuer != other.subject)
    if certificate.issuer == own.issuing.subject:
        return own._credentials(certificate, key)
    return Credentials(certificate, key, chain, lambda fresh: gather(certificate, others, fresh=fresh))


def _establish(
    folder: Path, passphrase: str, organisation: str, country: str, publish_url: str | None, now: datetime
) -> None:
    """Make all keys beside the folder and move them in at once: a crash or a second process never sees half of them."""
    if len(passphrase) < 8:
        raise KeyRefused("The passphrase for the signing keys is shorter than 8 characters.")
    if not organisation.strip():
        raise KeyRefused("The signing certificates need the name of an organisation.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}")
    made.mkdir(mode=0o700)
    try:
        salt = secrets.token_bytes(16)
        _write(made / "salt", salt, 0o600)
        _make_keys(made, _key_password(passphrase, salt), organisation.strip(), country, publish_url, now)
        try:
            made.rename(folder)
        except OSError as failure:
            # Another process was faster: its authority is the one. Anything else in the folder is not ours to replace.
            if not (folder / "root.crt").exists():
                raise KeyRefused(
                    "%(folder)s is not empty and holds no signing authority.", folder=str(folder)
                ) from failure
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _make_keys(
    folder: Path, password: bytes, organisation: str, country: str, publish_url: str | None, now: datetime
) -> None:
    def subject(role: str) -> x509.Name:
        # The role must survive, or root and issuing authority would share a name.
        name = f"{_bounded(organisation, LONGEST_NAME - len(role) - 1)} {role}"
        return _subject(name, organisation, country)

    def published(issuer: str) -> str | None:
        return None if publish_url is None else f"{publish_url}/{issuer}"

    root_key = rsa.generate_private_key(65537, 4096)
    issuing_key = rsa.generate_private_key(65537, 3072)
    seal_key = rsa.generate_private_key(65537, 3072)
    tsa_key = ec.generate_private_key(ec.SECP256R1())

    root = _issue(None, root_key, subject(f"Root {now.year}"), root_key.public_key(), now=now, years=YEARS[ROOT], ca=1)
    issuing = _issue(
        root,
        root_key,
        subject(f"Issuing {now.year}"),
        issuing_key.public_key(),
        now=now,
        years=YEARS[ISSUING],
        ca=0,
        published=published(ROOT),
    )
    seal = _issue(
        issuing,
        issuing_key,
        subject("Seal"),
        seal_key.public_key(),
        now=now,
        years=YEARS[SEAL],
        usages=_seal_usages(),
        published=published(ISSUING),
    )
    tsa = _issue(
        root,
        root_key,
        subject("Time Stamp"),
        tsa_key.public_key(),
        now=now,
        years=YEARS[TSA],
        usages=_tsa_usages(),
        published=published(ROOT),
    )
    made: Sequence[tuple[str, SigningKey, x509.Certificate]] = (
        (ISSUING, issuing_key, issuing),
        (SEAL, seal_key, seal),
        (TSA, tsa_key, tsa),
        (ROOT, root_key, root),
    )
    for which, key, certificate in made:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
        _write(folder / f"{which}.key", pem, 0o600)
        _write(folder / f"{which}.crt", certificate.public_bytes(Encoding.PEM), 0o644)


def _issue(
    issuer: x509.Certificate | None,
    issuer_key: SigningKey,
    subject: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    now: datetime,
    years: int,
    ca: int | None = None,
    usages: x509.ExtendedKeyUsage | None = None,
    email: str | None = None,
    published: str | None = None,
) -> x509.Certificate:
    """`ca` is the number of authorities allowed below (None: not an authority). No certificate outlives its issuer."""
    if issuer is not None:
        check_dates(issuer, now)
    starts = now.replace(microsecond=0) - BACKDATED
    ends = starts + timedelta(days=round(365.25 * years))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends if issuer is None else min(ends, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca is not None, ca), critical=True)
        .add_extension(_key_usage(authority=ca is not None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if issuer is not None:
        builder = builder.add_extension(_authority_key(issuer), critical=False)
    if usages is not None:
        # RFC 3161, 2.3: only time stamping, and critical.
        builder = builder.add_extension(usages, critical=ExtendedKeyUsageOID.TIME_STAMPING in usages)
    if email is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([_mailbox(email)]), critical=False)
    if published is not None:
        crl, certificate = x509.UniformResourceIdentifier(f"{published}.crl"), f"{published}.crt"
        builder = builder.add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]), critical=False
        ).add_extension(
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(certificate)
                    )
                ]
            ),
            critical=False,
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _person_usages() -> x509.ExtendedKeyUsage:
    # poppler's NSS knows no document signing (RFC 9336) and asks for e-mail protection.
    return x509.ExtendedKeyUsage([DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION])


def _seal_usages() -> x509.ExtendedKeyUsage:
    return _person_usages()


def _tsa_usages() -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])


def _subject(name: str, organisation: str | None, country: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, country)]
    if organisation and organisation.strip():
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, _bounded(organisation)))
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, _bounded(name)))
    return x509.Name(attributes)


def _bounded(text: str, most: int = LONGEST_NAME) -> str:
    """On one line, and cut where a certificate has no room; the whole name also stands in the signature itself."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not text:
        raise KeyRefused("A certificate needs a name.")
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def _mailbox(email: str) -> x509.GeneralName:
    local, _, domain = email.rpartition("@")
    if not local or not domain:
        raise KeyRefused("%(email)s is not an e-mail address.", email=email)
    if local.isascii():
        with contextlib.suppress(UnicodeError):
            return x509.RFC822Name(f"{local}@{domain.encode('idna').decode('ascii')}")
    return x509.OtherName(SMTP_UTF8_MAILBOX, tlv(0x0C, email.encode()))


def _key_password(passphrase: str, salt: bytes) -> bytes:
    """What the key files are encrypted with.

    PKCS#8 as it is commonly written lets passphrases be guessed fast; scrypt makes each guess cost 64 MB.
    """
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=2**16, r=8, p=1, maxmem=2**27).hex().encode()


def _read_key(path: Path, password: bytes) -> SigningKey:
    try:
        # The file is our own: checking each prime again would take a third of a second for each RSA key.
        key = load_pem_private_key(path.read_bytes(), password, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as failure:
        raise KeyRefused("The passphrase for the signing keys is wrong.") from failure
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyRefused("%(file)s holds an unknown kind of key.", file=path.name)
    return key


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and on disk when this returns."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
