from __future__ import annotations

import multiprocessing
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from signing.authority import RENEW_BEFORE, SEAL, TSA, Authority, Credentials
from signing.errors import KeyRefused
from signing.pdf_signer import PdfSigner
from signing.revocation import common_name
from signing.verification import verify
from tests.signing.builders import document, prepared, sealed
from tests.support.authority import ORGANISATION, PASSPHRASE, authority, made

PRIVATE = "of the seal"


def opened(folder: Path, *, passphrase: str = PASSPHRASE, at: datetime | None = None) -> Authority:
    clock = (lambda: datetime.now(UTC)) if at is None else (lambda: at)
    return Authority.open(folder, passphrase=passphrase, organisation=ORGANISATION, clock=clock)


def public_bytes(credentials: Credentials) -> bytes:
    return credentials.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_keys_are_encrypted_and_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    opened(folder)
    keys = sorted(folder.glob("*.key"))
    assert [key.name for key in keys] == ["issuing.key", "root.key", "seal.key", "tsa.key"]
    for key in keys:
        assert key.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [left.name for left in tmp_path.iterdir()] == ["keys"]


def test_an_authority_opened_again_is_the_same(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "keys"), opened(tmp_path / "keys")
    assert first.trust_anchor_pem == second.trust_anchor_pem
    assert public_bytes(first.seal_credentials()) == public_bytes(second.seal_credentials())


def test_a_wrong_passphrase_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "keys")
    with pytest.raises(KeyRefused, match="The passphrase for the signing keys is wrong"):
        opened(tmp_path / "keys", passphrase="another passphrase")


def test_a_short_passphrase_makes_no_keys(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="shorter than 8"):
        opened(tmp_path / "keys", passphrase="short")
    assert not (tmp_path / "keys").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(KeyRefused, match="holds no signing authority"):
        opened(tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == ["letter.txt"]


def _open_and_tell(folder: str) -> bytes:
    return opened(Path(folder)).trust_anchor_pem


def test_two_processes_that_start_at_once_have_one_authority(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(_open_and_tell, [str(tmp_path / "keys")] * 2, chunksize=1)
    assert first == second
    assert [left.name for left in tmp_path.iterdir()] == ["keys"]


def test_each_act_of_signing_has_a_key_of_its_own_that_is_never_stored(tmp_path: Path) -> None:
    house = opened(tmp_path / "keys")
    before = sorted(tmp_path.rglob("*"))
    first, second = (house.issue_for("김민준", "minjun@example.kr", None) for _ in range(2))
    assert public_bytes(first) != public_bytes(second)
    assert first.certificate.serial_number != second.certificate.serial_number
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["김민준", "山田太郎", "张伟", "Šárka Černá", "Böhm, Lukas", "O’Neill", "محمد علي", "Zoë + Co=1"]
)
def test_a_certificate_carries_a_name_in_any_script(name: str) -> None:
    certificate = authority().issue_for(name, "someone@example.kr", "하늘물류").certificate
    assert common_name(certificate) == name
    assert x509.load_der_x509_certificate(certificate.public_bytes(Encoding.DER)).subject == certificate.subject


def test_a_name_too_long_for_a_certificate_is_cut_between_letters_with_a_sign() -> None:
    name = common_name(authority().issue_for("가" * 30, "someone@example.kr", None).certificate)
    assert name == "가" * 20 + "…"


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(KeyRefused, match="needs a name"):
        authority().issue_for(" \n", "someone@example.kr", None)


@pytest.mark.parametrize(
    ("email", "kind"),
    [
        ("minjun@example.kr", x509.RFC822Name("minjun@example.kr")),
        ("minjun@예시.kr", x509.RFC822Name("minjun@xn--vv4b11d.kr")),
        ("민준@example.kr", None),
    ],
)
def test_a_certificate_carries_the_address_in_the_form_its_letters_need(
    email: str, kind: x509.RFC822Name | None
) -> None:
    certificate = authority().issue_for("김민준", email, None).certificate
    (entry,) = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if kind is not None:
        assert entry == kind
    else:
        assert isinstance(entry, x509.OtherName)
        assert entry.value.endswith(email.encode())


def test_an_organisation_with_a_long_name_still_has_distinct_authorities(tmp_path: Path) -> None:
    house = made("주식회사 하늘물류 국제운송 및 창고관리 Haneul Logistics and Warehousing", folder=tmp_path / "keys")
    assert house.root.subject != house.issuing.subject
    assert verify(sealed(by=PdfSigner(house)), [house.trust_anchor_pem]).verdict == "sealed"


def test_certificates_name_where_lists_are_published() -> None:
    certificate = authority().issue_for("김민준", "minjun@example.kr", None).certificate
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name == [x509.UniformResourceIdentifier("https://contracts.example.kr/authority/issuing.crl")]
    assert sorted(authority().published()) == ["issuing.crl", "issuing.crt", "root.crl", "root.crt", "tsa.crt"]
    issuing = x509.load_der_x509_certificate(authority().published()["issuing.crt"])
    certificate.verify_directly_issued_by(issuing)


def test_no_certificate_outlives_the_one_above_it(tmp_path: Path) -> None:
    opened(tmp_path / "keys")
    late = opened(tmp_path / "keys", at=datetime.now(UTC) + timedelta(days=365 * 9))
    signer = late.issue_for("김민준", "minjun@example.kr", None).certificate
    assert signer.not_valid_after_utc == late.issuing.not_valid_after_utc


# Withdrawn and expired: refused before anything is signed.


def test_a_withdrawn_certificate_stands_in_the_published_list_of_every_process(tmp_path: Path) -> None:
    here, there = opened(tmp_path / "keys"), opened(tmp_path / "keys")
    there.crls()
    serial = here.issue_for("김민준", "minjun@example.kr", None).certificate.serial_number
    here.revoke(serial)
    for house in (here, there):
        crl = x509.load_der_x509_crl(house.crls()["issuing.crl"])
        assert crl.get_revoked_certificate_by_serial_number(serial) is not None
        issuer_key = house.issuing.public_key()
        assert isinstance(issuer_key, rsa.RSAPublicKey)
        assert crl.is_signature_valid(issuer_key)


def test_numbers_of_lists_only_grow() -> None:
    numbers = []
    for _ in range(2):
        crls = authority().revocation_material().crls
        extension = x509.load_der_x509_crl(crls[0]).extensions.get_extension_for_class(x509.CRLNumber)
        numbers.append(extension.value.crl_number)
    assert numbers[0] < numbers[1]


def test_a_withdrawn_seal_seals_nothing(tmp_path: Path) -> None:
    here, there = opened(tmp_path / "keys"), opened(tmp_path / "keys")
    here.revoke(here.seal_credentials().certificate.serial_number)
    for house in (here, there):
        with pytest.raises(KeyRefused, match="has been withdrawn"):
            prepared(document(), by=PdfSigner(house))


def test_an_expired_seal_seals_nothing(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=365 * 11)
    opened(tmp_path / "keys", at=long_ago)
    # Opened with the old clock, the authority does not know that it should renew.
    with pytest.raises(KeyRefused, match=r"expired on \d{4}-\d\d-\d\d"):
        prepared(document(), by=PdfSigner(opened(tmp_path / "keys", at=long_ago)))


def test_an_expired_root_issues_nothing(tmp_path: Path) -> None:
    opened(tmp_path / "keys", at=datetime.now(UTC) - timedelta(days=366 * 25))
    house = opened(tmp_path / "keys")
    with pytest.raises(KeyRefused, match="expired on"):
        house.issue_for("김민준", "minjun@example.kr", None)
    with pytest.raises(KeyRefused, match="expired on"):
        prepared(document(), by=PdfSigner(house))


def test_an_authority_that_slept_for_years_signs_with_renewed_certificates(tmp_path: Path) -> None:
    opened(tmp_path / "keys", at=datetime.now(UTC) - timedelta(days=365 * 16))
    house = opened(tmp_path / "keys")
    assert verify(sealed(by=PdfSigner(house)), [house.trust_anchor_pem]).verdict == "sealed"


def test_seal_and_time_stamp_authority_are_renewed_in_time_with_their_keys(tmp_path: Path) -> None:
    first = opened(tmp_path / "keys")
    old = sealed(by=PdfSigner(first))
    seal_ends = first.seal_credentials().certificate.not_valid_after_utc
    later = opened(tmp_path / "keys", at=seal_ends - RENEW_BEFORE[SEAL] + timedelta(days=1))
    assert later.seal_credentials().certificate.not_valid_after_utc > seal_ends
    assert public_bytes(later.seal_credentials()) == public_bytes(first.seal_credentials())
    assert verify(old, [later.trust_anchor_pem]).verdict == "sealed"


def test_the_time_stamp_authority_is_renewed_years_before_it_ends_so_that_archives_gain_by_a_new_stamp(
    tmp_path: Path,
) -> None:
    ends = opened(tmp_path / "keys").tsa.good_until()
    later = opened(tmp_path / "keys", at=ends - RENEW_BEFORE[TSA] + timedelta(days=1))
    assert later.tsa.good_until() - ends > timedelta(days=365 * 7)


# Another authority's seal, from a PKCS#12 file.


def pkcs12(
    path: Path,
    *,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | None = None,
    days: int = 30,
    signing: bool = True,
) -> Path:
    """A self-made certificate with its key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Haneul Corporate Seal")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=40))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.KeyUsage(
                digital_signature=signing,
                content_commitment=False,
                key_encipherment=not signing,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    encryption = BestAvailableEncryption(PRIVATE.encode())
    path.write_bytes(serialize_key_and_certificates(b"seal", key, certificate, None, encryption))
    return path


def test_a_seal_from_a_pkcs12_file_seals(tmp_path: Path) -> None:
    path = pkcs12(tmp_path / "seal.p12")
    house = authority().with_seal_from_pkcs12(path, PRIVATE)
    file = sealed(by=PdfSigner(house))
    theirs = house.seal_credentials().certificate.public_bytes(Encoding.PEM)
    report = verify(file, [house.trust_anchor_pem, theirs])
    assert report.verdict == "sealed"
    assert report.signatures[0].signer == "Haneul Corporate Seal"
    assert authority().seal_credentials().name != "Haneul Corporate Seal"


def test_a_seal_that_this_authority_issued_can_come_back_as_pkcs12(tmp_path: Path) -> None:
    mine = authority().issue_for("하늘물류", "seal@example.kr", None)
    data = serialize_key_and_certificates(
        b"seal", mine.key, mine.certificate, [authority().issuing], BestAvailableEncryption(PRIVATE.encode())
    )
    (tmp_path / "seal.p12").write_bytes(data)
    house = authority().with_seal_from_pkcs12(tmp_path / "seal.p12", PRIVATE)
    report = verify(sealed(by=PdfSigner(house)), [house.trust_anchor_pem])
    assert report.verdict == "sealed"
    assert report.signatures[0].level == "PAdES-BASELINE-LTA"


def test_a_wrong_pkcs12_password_is_refused(tmp_path: Path) -> None:
    path = pkcs12(tmp_path / "seal.p12")
    for password in ("wrong", ""):
        with pytest.raises(KeyRefused, match="the password is wrong, or it is not a PKCS#12 file"):
            authority().with_seal_from_pkcs12(path, password)


def test_an_expired_certificate_in_a_pkcs12_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="Haneul Corporate Seal expired on"):
        authority().with_seal_from_pkcs12(pkcs12(tmp_path / "seal.p12", days=-1), PRIVATE)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "neither RSA nor ECDSA on a NIST curve"),
        (ec.generate_private_key(ec.SECP256K1()), "neither RSA nor ECDSA on a NIST curve"),
        (rsa.generate_private_key(65537, 1024), "shorter than 2048 bits"),  # noqa: S505 — that is the point
    ],
)
def test_a_key_that_readers_do_not_take_is_refused(
    tmp_path: Path, key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, sentence: str
) -> None:
    with pytest.raises(KeyRefused, match=sentence):
        authority().with_seal_from_pkcs12(pkcs12(tmp_path / "seal.p12", key=key), PRIVATE)


def test_a_certificate_for_something_else_than_signing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="is not for signing"):
        authority().with_seal_from_pkcs12(pkcs12(tmp_path / "seal.p12", signing=False), PRIVATE)


def test_a_missing_pkcs12_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match=r"seal\.p12 cannot be read"):
        authority().with_seal_from_pkcs12(tmp_path / "seal.p12", PRIVATE)


def test_threads_share_one_authority() -> None:
    with ThreadPoolExecutor(4) as pool:
        issued = list(pool.map(lambda n: authority().issue_for(f"Signer {n}", "s@example.kr", None), range(8)))
    assert len({one.certificate.serial_number for one in issued}) == 8
