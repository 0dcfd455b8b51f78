from __future__ import annotations

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.cms import TST_INFO, SignedDataTemplate, integer, octets, oid, sequence, tlv
from signing.errors import KeyRefused, TokenRefused
from signing.revocation import RevocationMaterial
from signing.timestamps import Tsa, check_token
from tests.support import parts
from tests.support.authority import authority, stranger

DATA = b"the first version"
SHA256 = hashlib.sha256(DATA).digest()


def tsa_at(moment: datetime) -> Tsa:
    house = authority()
    return Tsa(house.tsa.certificate, house._key("tsa"), material=lambda _: house.tsa.material(), clock=lambda: moment)


def test_a_token_proves_its_time() -> None:
    moment = datetime(2026, 5, 27, 9, 0, 0, 120_000, tzinfo=UTC)
    token = tsa_at(datetime.now(UTC)).token(SHA256)
    assert abs(check_token(token, SHA256, authority().trust_anchor_pem) - datetime.now(UTC)) < timedelta(seconds=5)
    with pytest.raises(TokenRefused, match="out of date"):
        check_token(tsa_at(moment - timedelta(days=365)).token(SHA256), SHA256, authority().trust_anchor_pem)


@pytest.mark.parametrize("microsecond", [0, 1_000, 120_000, 999_999])
def test_a_token_keeps_milliseconds(microsecond: int) -> None:
    moment = datetime.now(UTC).replace(microsecond=microsecond)
    token = tsa_at(moment).token(SHA256)
    assert check_token(token, SHA256, authority().trust_anchor_pem) == moment.replace(
        microsecond=microsecond // 1000 * 1000
    )


def test_a_token_is_refused_for_other_data() -> None:
    token = authority().tsa.token(SHA256)
    with pytest.raises(TokenRefused, match="belongs to other data"):
        check_token(token, hashlib.sha256(b"another").digest(), authority().trust_anchor_pem)


def test_a_token_of_another_house_is_refused_unless_its_root_is_trusted() -> None:
    token = stranger().tsa.token(SHA256)
    with pytest.raises(TokenRefused, match="not trusted here"):
        check_token(token, SHA256, authority().trust_anchor_pem)
    both = authority().trust_anchor_pem + stranger().trust_anchor_pem
    assert check_token(token, SHA256, both).tzinfo is not None


def test_somebody_who_may_only_sign_cannot_stamp_time() -> None:
    person = authority().issue_for("김민준", "minjun@example.kr", None)
    token = Tsa(person.certificate, person.key, person.chain, material=lambda _: RevocationMaterial()).token(SHA256)
    with pytest.raises(TokenRefused, match="not trusted here"):
        check_token(token, SHA256, authority().trust_anchor_pem)


def test_no_token_is_made_once_the_certificate_has_ended() -> None:
    with pytest.raises(KeyRefused, match="time stamp authority expired on"):
        tsa_at(datetime.now(UTC) + timedelta(days=365 * 12)).token(SHA256)


@given(position=st.integers(0, 5000), bit=st.integers(0, 7))
def test_a_changed_token_never_proves_another_time(position: int, bit: int) -> None:
    moment = datetime(2026, 11, 25, 9, 0, 0, tzinfo=UTC)
    token = bytearray(_one_token())
    token[position % len(token)] ^= 1 << bit
    try:
        proven = check_token(bytes(token), SHA256, authority().trust_anchor_pem)
    except TokenRefused:
        return
    # A bit in an unsigned place (a certificate nobody needs, the order of a set) may change nothing.
    assert proven == check_token(_one_token(), SHA256, authority().trust_anchor_pem), moment


_TOKENS: list[bytes] = []


def _one_token() -> bytes:
    if not _TOKENS:
        _TOKENS.append(authority().tsa.token(SHA256))
    return _TOKENS[0]


@pytest.mark.parametrize("token", [b"", b"\x30\x00", b"not DER", b"\x30\x80" * 2000])
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(TokenRefused, match="not a time stamp token"):
        check_token(token, SHA256, authority().trust_anchor_pem)


def test_openssl_takes_our_tokens(tmp_path: Path) -> None:
    openssl = parts.require("openssl")
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "token").write_bytes(authority().tsa.token(SHA256))
    (tmp_path / "root.pem").write_bytes(authority().trust_anchor_pem)
    told = subprocess.run(
        [openssl, "ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", "root.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert "Verification: OK" in told.stdout


@pytest.mark.parametrize("options", [["-cert"], ["-cert", "-no_nonce"], []])
def test_openssl_takes_our_answers_to_its_questions(tmp_path: Path, options: list[str]) -> None:
    openssl = parts.require("openssl")
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "root.pem").write_bytes(authority().trust_anchor_pem)
    tsa = authority().tsa
    from cryptography.hazmat.primitives.serialization import Encoding

    (tmp_path / "tsa.pem").write_bytes(tsa.certificate.public_bytes(Encoding.PEM))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([openssl, "ts", *arguments], cwd=tmp_path, capture_output=True, text=True)

    asked = run("-query", "-data", "data", "-sha256", *options, "-out", "query")
    assert asked.returncode == 0, asked.stderr
    (tmp_path / "reply").write_bytes(tsa.respond((tmp_path / "query").read_bytes()))
    files = ["-queryfile", "query", "-in", "reply", "-CAfile", "root.pem", "-untrusted", "tsa.pem"]
    told = run("-verify", *files)
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize(
    ("request_der", "sentence"),
    [
        (b"junk", "This is not a time-stamp request."),
        (
            sequence(integer(1), sequence(sequence(oid("1.3.14.3.2.26")), octets(bytes(20)))),
            "Only SHA-256 is stamped here.",
        ),
        (sequence(integer(1), sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), octets(bytes(31)))), "has 32 bytes"),
        (
            sequence(integer(1), sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), octets(bytes(32))), oid("1.2.3.4")),
            "This policy is not offered.",
        ),
    ],
)
def test_a_request_that_cannot_be_met_is_answered_with_the_reason(
    tmp_path: Path, request_der: bytes, sentence: str
) -> None:
    answer = authority().tsa.respond(request_der)
    assert sentence.replace("time-stamp", "time stamp").encode() in answer
    openssl = parts.require("openssl")
    (tmp_path / "reply").write_bytes(answer)
    told = subprocess.run(
        [openssl, "ts", "-reply", "-in", "reply", "-text"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "Status: Rejected" in told.stdout


def test_a_token_signed_for_a_certificate_that_is_not_inside_is_refused() -> None:
    house = authority()
    info = sequence(integer(1), oid("1.2.3"), sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), octets(SHA256)))
    template = SignedDataTemplate(house.tsa.certificate, house._key("tsa"), ())
    token = template.encapsulating(TST_INFO, info + tlv(0x18, b"20261125000000Z"), with_certificates=False)
    with pytest.raises(TokenRefused):
        check_token(token, SHA256, house.trust_anchor_pem)
