"""What validators that share no code with us say about the files we sign."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from signing.pdf_signer import SignerSlot
from tests.dss.checker import opinions
from tests.signing.builders import (
    decision,
    document,
    evidence,
    foreign,
    prepared,
    sealed,
    sealed_lease,
    signed,
)
from tests.support import parts
from tests.support.authority import authority, signer, stranger

KOREAN_AND_CZECH = [
    SignerSlot("Signer1", "김민준", "minjun.kim@example.kr"),
    SignerSlot("Signer2", "Šárka Černá", "sarka.cerna@example.cz"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root.pem"
    path.write_bytes(authority().trust_anchor_pem)
    return path


def korean_lease() -> bytes:
    """The whole life in Korean."""
    pdf = document("Contract")
    sha256 = hashlib.sha256(pdf).hexdigest()
    record = evidence(
        pdf,
        decision(stage="법무 검토", comment="제7조를 확인했습니다.", version_sha256=sha256),
        decision(stage="재무", name="Šárka Černá", version_sha256=sha256),
        title="지게차 리스 계약",
    )
    file = signer().prepare(
        pdf, evidence=record, slots=KOREAN_AND_CZECH, reason="결재 완료", locale="ko", timezone="Asia/Seoul"
    )
    for slot in KOREAN_AND_CZECH:
        last = slot is KOREAN_AND_CZECH[-1]
        file = signed(file, slot, reason="계약 내용에 동의합니다", locale="ko", timezone="Asia/Seoul", last=last)
    return signer().seal(file)


def a_long_one() -> bytes:
    pdf = document(pages=1)
    decisions = [decision(name=f"Approver {n}", comment="because " * 40) for n in range(25)]
    slots = [SignerSlot(f"Signer{n}", f"Signer {n}", f"s{n}@example.kr") for n in range(1, 12)]
    return sealed(pdf, record=evidence(pdf, *decisions), slots=slots)


def test_eu_dss_finds_no_fault(root: Path, tmp_path: Path) -> None:
    files = {
        "lease": sealed_lease(),
        "korean": korean_lease(),
        "long": a_long_one(),
        "nobody signs": sealed(slots=()),
        "rotated and cropped": sealed(document(rotate=90, crop=True)),
        "with a form": sealed(document(form=["amount", "Signer1"])),
        "signed in another order": signer().seal(
            signed(signed(prepared(document()), KOREAN_AND_CZECH[1]), KOREAN_AND_CZECH[0], last=True)
        ),
        "stamped again": signer().renew(sealed_lease()),
    }
    paths = [tmp_path / f"{name}.pdf" for name in files]
    for path, file in zip(paths, files.values(), strict=True):
        path.write_bytes(file)
    for name, opinion in zip(files, opinions(paths, [root]), strict=True):
        assert opinion.is_flawless, f"{name}: {opinion}"


@pytest.mark.parametrize("certify", [False, True])
def test_eu_dss_still_passes_a_signature_that_the_document_came_with(root: Path, tmp_path: Path, certify: bool) -> None:
    (tmp_path / "other.pem").write_bytes(stranger().trust_anchor_pem)
    (tmp_path / "file.pdf").write_bytes(sealed(foreign(document(), certify=certify)))
    (opinion,) = opinions([tmp_path / "file.pdf"], [root, tmp_path / "other.pem"])
    assert opinion.is_flawless, opinion
    assert opinion.signatures[0].who == "Jürgen Böhm"


def test_eu_dss_knows_nobody_without_our_root(tmp_path: Path) -> None:
    """That the checker can say no."""
    (tmp_path / "other.pem").write_bytes(stranger().trust_anchor_pem)
    (tmp_path / "file.pdf").write_bytes(sealed_lease())
    (opinion,) = opinions([tmp_path / "file.pdf"], [tmp_path / "other.pem"])
    assert {one.indication for one in opinion.signatures} == {"INDETERMINATE"}


def test_pdfsig_finds_every_signature_valid(tmp_path: Path) -> None:
    pdfsig = parts.require("pdfsig")
    (tmp_path / "file.pdf").write_bytes(korean_lease())
    told = subprocess.run([pdfsig, "-nocert", "file.pdf"], cwd=tmp_path, capture_output=True, text=True).stdout
    # It does not know document time stamps.
    assert told.count("Signature is Valid.") == 3
    assert "Common Name: 김민준" in told
    assert "Common Name: Šárka Černá" in told
    assert "Total document signed" in told
    assert "Invalid" not in told


def test_qpdf_finds_the_file_sound(tmp_path: Path) -> None:
    qpdf = parts.require("qpdf")
    for name, file in (("korean", korean_lease()), ("long", a_long_one()), ("foreign", sealed(foreign(document())))):
        (tmp_path / f"{name}.pdf").write_bytes(file)
        told = subprocess.run([qpdf, "--check", f"{name}.pdf"], cwd=tmp_path, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr


def test_openssl_takes_each_signature_and_time_stamp(root: Path, tmp_path: Path) -> None:
    openssl = parts.require("openssl")
    file = korean_lease()
    found = re.findall(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]", file)
    assert len(found) == 4
    for number, edges in enumerate(found):
        start, first, second, rest = (int(edge) for edge in edges)
        (tmp_path / "data").write_bytes(file[start : start + first] + file[second : second + rest])
        padded = bytes.fromhex(file[first + 1 : second - 1].decode())
        length = int.from_bytes(padded[2:4], "big") + 4
        (tmp_path / "signature").write_bytes(padded[:length])
        if number < 3:
            arguments = ["cms", "-verify", "-inform", "DER", "-in", "signature", "-content", "data", "-binary"]
            arguments += ["-purpose", "any", "-cades", "-CAfile", str(root), "-out", "out"]
        else:
            arguments = ["ts", "-verify", "-data", "data", "-in", "signature", "-token_in", "-CAfile", str(root)]
        told = subprocess.run([openssl, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert told.returncode == 0, told.stderr


def test_poppler_shows_the_mark(tmp_path: Path) -> None:
    pdftotext = parts.require("pdftotext")
    (tmp_path / "file.pdf").write_bytes(korean_lease())
    told = subprocess.run([pdftotext, "-layout", "file.pdf", "-"], cwd=tmp_path, capture_output=True, text=True)
    assert not told.stderr
    for shown in ("김민준", "Šárka Černá", "사유: 계약 내용에 동의합니다", "지게차 리스 계약", "KST"):
        assert shown in told.stdout
