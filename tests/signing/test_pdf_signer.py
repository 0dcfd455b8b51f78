from __future__ import annotations

import asyncio
import hashlib
import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest

from signing.errors import SigningRefused
from signing.pdf_signer import SignerSlot
from signing.verification import verify
from tests.signing.builders import (
    BOTH,
    MINJUN,
    SARKA,
    anchors,
    decision,
    document,
    evidence,
    forbidding,
    foreign,
    prepared,
    sealed,
    sealed_lease,
    signed,
    text_of,
)
from tests.support.authority import signer, stranger


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def signature(pdf: pikepdf.Pdf, field: str) -> pikepdf.Object:
    return next(each for each in pdf.Root.AcroForm.Fields if str(each.T) == field)


# The shape of a signed file.


def test_every_step_only_adds_to_the_end() -> None:
    original = document()
    steps = [original, prepared(original)]
    steps.append(signed(steps[-1], MINJUN))
    steps.append(signed(steps[-1], SARKA, last=True))
    steps.append(signer().seal(steps[-1]))
    for before, after in pairwise(steps):
        assert after.startswith(before)
        assert len(after) > len(before)


def test_all_fields_are_there_before_the_first_signature() -> None:
    with opened(prepared(document())) as pdf:
        fields = {str(field.T): "/V" in field for field in pdf.Root.AcroForm.Fields}
    assert fields == {"Seal": True, "Signer1": False, "Signer2": False}


def test_the_platform_certifies_so_that_only_signing_is_allowed() -> None:
    with opened(prepared(document())) as pdf:
        (reference,) = signature(pdf, "Seal").V.Reference
        assert str(reference.TransformMethod) == "/DocMDP"
        assert int(reference.TransformParams.P) == 2
        assert pdf.Root.Perms.DocMDP.objgen == signature(pdf, "Seal").V.objgen


def test_only_the_last_signature_locks_and_names_every_field() -> None:
    with opened(sealed_lease()) as pdf:
        assert "/Reference" not in signature(pdf, "Signer1").V
        (reference,) = signature(pdf, "Signer2").V.Reference
        assert str(reference.TransformMethod) == "/FieldMDP"
        assert str(reference.TransformParams.Action) == "/Include"
        assert [str(name) for name in reference.TransformParams.Fields] == ["Seal", "Signer1", "Signer2"]


def test_signers_may_sign_in_any_order_and_the_last_one_locks() -> None:
    pdf = signed(signed(prepared(document()), SARKA), MINJUN, last=True)
    assert verify(signer().seal(pdf), anchors()).verdict == "sealed"


def test_validation_material_is_in_the_file_without_a_vri_dictionary() -> None:
    with opened(sealed_lease()) as pdf:
        store = pdf.Root.DSS
        assert "/VRI" not in store
        assert len(store.CRLs) >= 2
        assert len(store.Certs) == 2


def test_a_document_without_signers_is_certified_and_sealed() -> None:
    report = verify(sealed(slots=()), anchors())
    assert report.verdict == "sealed"
    assert [one.kind for one in report.signatures] == ["certification", "timestamp"]


def test_the_record_is_attached_and_says_what_was_decided() -> None:
    pdf = document()
    file = sealed(pdf, record=evidence(pdf, decision(name="박서연", comment="좋습니다", verdict="approve")))
    with opened(file) as read:
        attached = json.loads(read.attachments["approval-record.json"].get_file().read_bytes())
    assert attached["document"]["normalised_sha256"] == hashlib.sha256(pdf).hexdigest()
    assert attached["document"]["normalised_bytes"] == len(pdf)
    assert attached["decisions"][0]["comment"] == "좋습니다"
    assert attached["events"] == [{"action": "submitted"}]


def test_attachments_of_the_document_stay_listed() -> None:
    with opened(document()) as pdf:
        for name in ("zeta.txt", "alpha.txt", "m.txt"):
            pdf.attachments[name] = name.encode()
        output = io.BytesIO()
        pdf.save(output)
    file = sealed(output.getvalue())
    with opened(file) as read:
        assert sorted(read.attachments) == ["alpha.txt", "approval-record.json", "m.txt", "zeta.txt"]
        assert read.attachments["zeta.txt"].get_file().read_bytes() == b"zeta.txt"
    assert verify(file, anchors()).verdict == "sealed"


def test_a_document_with_an_attachment_of_our_name_does_not_pass_it_off_as_the_record() -> None:
    with opened(document()) as pdf:
        pdf.attachments["approval-record.json"] = b'{"format":"signoff-approval-record/1","forged":true}'
        output = io.BytesIO()
        pdf.save(output)
    report = verify(sealed(output.getvalue()), anchors())
    assert report.verdict == "sealed"
    assert report.evidence is not None
    assert "forged" not in report.evidence


# The record's pages.


def test_the_record_shows_document_decisions_and_hashes() -> None:
    pdf = document()
    other = hashlib.sha256(b"the version before").hexdigest()
    record = evidence(
        pdf,
        decision(verdict="send_back", comment="Page 2, please.", version_sha256=other, stage="Legal review"),
        decision(name="山田太郎", on_behalf_of="Jürgen Böhm", via="portal", version_sha256="ab" * 32),
    )
    text = text_of(prepared(pdf, record=record), -1)
    for shown in (
        "Forklift lease 2026–2029",
        "C-2026-0042",
        record.document.normalised_sha256,
        record.document.original_sha256,
        "Sent back",
        "Page 2, please.",
        other,
        "山田太郎",
        "on behalf of Jürgen Böhm",
        "by portal",
        "Wed 27 May 2026, 09:31:05 KST",
        "Page 1 of 1",
    ):
        assert shown in text


def test_the_record_is_told_in_korean() -> None:
    pdf = document()
    file = signer().prepare(
        pdf, evidence=evidence(pdf), slots=BOTH, reason="결재 완료", locale="ko", timezone="Asia/Seoul"
    )
    text = text_of(file, -1)
    for shown in ("결재 기록", "승인", "2026년 5월 27일(수) 09:31:05 KST", "사유: 결재 완료", "1쪽 중 1쪽"):
        assert shown in text


@pytest.mark.parametrize(("locale", "shown"), [("en", ("Manager", "Legal")), ("ko", ("상급자", "Legal"))])
def test_the_record_names_stages_as_pages_do(locale: str, shown: tuple[str, str]) -> None:
    pdf = document()
    record = evidence(pdf, *(decision(stage=stage, version_sha256="ab" * 32) for stage in ("manager", "legal")))
    file = signer().prepare(pdf, evidence=record, slots=BOTH, reason="", locale=locale, timezone="Asia/Seoul")
    text = text_of(file, -1)
    assert all(name in text for name in shown)
    assert "manager" not in text


def test_a_long_record_takes_several_pages_and_loses_nothing() -> None:
    pdf = document(pages=1)
    decisions = [decision(name=f"Approver {n}", comment=f"Comment {n} " + "reasons " * 60) for n in range(30)]
    slots = [SignerSlot(f"Signer{n}", f"Signer {n}", f"s{n}@example.kr") for n in range(1, 13)]
    file = prepared(pdf, record=evidence(pdf, *decisions), slots=slots)
    with opened(file) as read:
        count = len(read.pages)
        boxes = [[float(edge) for edge in field.Rect] for field in read.Root.AcroForm.Fields]
        pages = [field.P.objgen for field in read.Root.AcroForm.Fields]
    assert count > 4
    text = "\n".join(text_of(file, page) for page in range(1, count))
    for n in range(30):
        assert f"Approver {n} Approved" in text
        assert f"Comment {n} " in text
    assert f"Page {count - 1} of {count - 1}" in text
    assert len(boxes) == 13
    for box in boxes:
        assert 0 <= box[0] < box[2] <= 595
        assert 0 <= box[1] < box[3] <= 841
    for one, (box, page) in enumerate(zip(boxes, pages, strict=True)):
        for other_box, other_page in list(zip(boxes, pages, strict=True))[one + 1 :]:
            apart = box[2] <= other_box[0] or other_box[2] <= box[0] or box[3] <= other_box[1] or other_box[3] <= box[1]
            assert apart or page != other_page


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_marks_stand_upright_behind_a_rotated_and_cropped_document(rotate: int) -> None:
    file = sealed(document(rotate=rotate, crop=True))
    with opened(file) as pdf:
        record = pdf.pages[-1].obj
        assert int(record.Rotate) == 0
        assert [float(edge) for edge in record.CropBox] == [float(edge) for edge in record.MediaBox]
        field = signature(pdf, "Signer1")
        assert field.P.objgen == record.objgen
        assert "/Matrix" not in field.AP.N
    assert verify(file, anchors()).verdict == "sealed"
    assert "김민준" in text_of(file, -1)


@pytest.mark.parametrize(
    "name", ["김민준", "山田太郎", "张伟", "Šárka Černá", "Böhm, Lukas", "O’Neill", "Maximilian " * 8 + "Fürst"]
)
def test_a_mark_shows_name_time_with_zone_and_reason(name: str) -> None:
    slot = SignerSlot("Signer1", name, "someone@example.kr")
    file = signer().sign(
        prepared(document(), slots=[slot]),
        slot=slot,
        name=name,
        at=datetime(2026, 11, 25, 8, 0, 5, tzinfo=UTC),
        reason="계약 내용에 동의합니다",
        locale="en",
        timezone="Europe/Prague",
        last=True,
    )
    mark = text_of(file, -1).rpartition("Signed by")[2]
    assert "".join(name.split()) in "".join(mark.split())
    assert "Wed 25 Nov 2026, 09:00:05 CET" in mark
    assert "Reason: 계약 내용에 동의합니다" in mark


# What is refused.


def test_a_record_of_another_version_is_refused() -> None:
    with pytest.raises(SigningRefused, match="another version of the document"):
        prepared(document(), record=evidence(document("Another text")))


def test_two_signers_cannot_share_a_place() -> None:
    with pytest.raises(SigningRefused, match="cannot share a place"):
        prepared(document(), slots=[MINJUN, MINJUN])


def test_nobody_signs_twice() -> None:
    once = signed(prepared(document()), MINJUN)
    with pytest.raises(SigningRefused, match="Signer1 has already been given"):
        signed(once, MINJUN)


def test_nobody_signs_where_there_is_no_place() -> None:
    with pytest.raises(SigningRefused, match="no place for the signature Signer7"):
        signed(prepared(document()), SignerSlot("Signer7", "X", "x@example.kr"))
    with pytest.raises(SigningRefused, match="no place"):
        signed(document(), MINJUN)


def test_nothing_is_sealed_that_nobody_signed() -> None:
    with pytest.raises(SigningRefused, match="no signature to be sealed"):
        signer().seal(document())


@pytest.mark.parametrize("pdf", [b"", b"junk", b"%PDF-1.7\njunk", document()[:300]])
def test_what_is_no_pdf_is_refused(pdf: bytes) -> None:
    with pytest.raises(SigningRefused, match="damaged"):
        signer().seal(pdf)


def test_an_encrypted_document_is_refused() -> None:
    output = io.BytesIO()
    with opened(document()) as pdf:
        pdf.save(output, encryption=pikepdf.Encryption(owner="owner", user="user"))
    with pytest.raises(SigningRefused, match="encrypted"):
        signer().seal(output.getvalue())


# Forms and signatures that the document brings with it.


def test_fields_of_the_document_with_our_names_stay_what_they_are() -> None:
    file = sealed(document(form=["Signer1", "Seal", "amount"]))
    report = verify(file, anchors())
    assert report.verdict == "sealed"
    assert [one.field for one in report.signatures] == ["Seal-2", "Signer1-2", "Signer2-2", "Timestamp1"]
    with opened(file) as pdf:
        assert str(signature(pdf, "Signer1").V) == "100"


def test_a_form_that_shares_its_object_with_the_document_information_is_told_apart() -> None:
    with opened(document()) as pdf:
        shared = pdf.make_indirect(pikepdf.Dictionary(Producer="PyPDF2", NeedAppearances=True))
        pdf.Root.AcroForm = shared
        pdf.trailer.Info = shared
        output = io.BytesIO()
        pdf.save(output)
    file = sealed(output.getvalue())
    with opened(file) as pdf:
        assert str(pdf.trailer.Info.Producer).startswith("PyPDF2")
        assert "/Fields" not in pdf.trailer.Info
    assert verify(file, anchors()).verdict == "sealed"


def test_values_of_the_documents_own_form_are_fixed_from_the_certification_on() -> None:
    with opened(prepared(document(form=["amount", "party"]))) as pdf:
        references = {str(one.TransformMethod): one for one in signature(pdf, "Seal").V.Reference}
        assert [str(name) for name in references["/FieldMDP"].TransformParams.Fields] == ["amount", "party"]
    assert verify(sealed(document(form=["amount", "party"])), anchors()).verdict == "sealed"


@pytest.mark.parametrize("certify", [False, True])
def test_a_signature_that_the_document_came_with_stays_valid(certify: bool) -> None:
    original = foreign(document(), certify=certify)
    file = sealed(original)
    assert file.startswith(original)
    report = verify(file, anchors(stranger()))
    assert report.verdict == "sealed"
    assert [one.good for one in report.signatures] == [True] * 5
    assert report.signatures[0].signer == "Jürgen Böhm"
    with opened(original) as before, opened(file) as after:
        assert len(after.pages) == len(before.pages)


def test_the_record_of_a_document_that_came_signed_is_in_the_seal() -> None:
    pdf = foreign(document())
    report = verify(sealed(pdf, record=evidence(pdf, decision(comment="한글 의견"))), anchors())
    assert report.evidence is not None
    assert report.evidence["decisions"][0]["comment"] == "한글 의견"  # type: ignore[index]  # JSON
    assert {check.code: check.ok for check in report.checks}["record"]


def test_a_file_that_was_sealed_before_can_go_through_again() -> None:
    report = verify(sealed(sealed_lease()), anchors())
    assert report.verdict == "sealed"
    assert [one.field for one in report.signatures][-4:] == ["Seal-2", "Signer1-2", "Signer2-2", "Timestamp2"]


def test_a_document_whose_signature_forbids_every_change_is_refused() -> None:
    with pytest.raises(SigningRefused, match="already signed by Jürgen Böhm in a way that allows no further"):
        prepared(forbidding(document()))


@pytest.mark.parametrize("certify", [False, True])
def test_a_document_whose_signature_was_broken_before_is_refused(certify: bool) -> None:
    broken = bytearray(foreign(document(), certify=certify))
    broken[broken.index(b"/BaseFont") + 3] ^= 1
    with pytest.raises(SigningRefused, match="the signature in it does not hold"):
        prepared(bytes(broken))


# Around it.


def test_it_works_inside_a_running_loop() -> None:
    async def inside() -> tuple[bytes, str]:
        file = sealed(document(pages=1))
        return file, verify(file, anchors()).verdict

    assert asyncio.run(inside())[1] == "sealed"


def test_threads_sign_at_the_same_time() -> None:
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda n: sealed(document(f"Contract {n}")), range(4)))
    assert [verify(file, anchors()).verdict for file in files] == ["sealed"] * 4


def test_an_archive_is_stamped_again() -> None:
    renewed = signer().renew(sealed_lease())
    assert renewed.startswith(sealed_lease())
    report = verify(renewed, anchors())
    assert report.verdict == "sealed"
    assert [one.kind for one in report.signatures][-2:] == ["timestamp", "timestamp"]


def test_what_does_not_hold_any_more_is_not_stamped_again() -> None:
    changed = bytearray(sealed_lease())
    changed[400] ^= 1
    with pytest.raises(SigningRefused, match="not sealed any more"):
        signer().renew(bytes(changed))


def test_signing_times_are_kept_as_given() -> None:
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=40)
    pdf = signer().sign(
        prepared(document()),
        slot=MINJUN,
        name="김민준",
        at=at,
        reason="",
        locale="ko",
        timezone="Asia/Seoul",
        last=False,
    )
    report = verify(pdf, anchors())
    assert report.signatures[1].claimed_at == at


def test_importing_the_library_costs_little() -> None:
    code = (
        "import sys, signing.pdf_signer, signing.verification, signing.authority, signing.timestamps\n"
        "heavy = {'pyhanko', 'aiohttp', 'fontTools', 'prefect', 'fastapi', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_what_signs_does_not_load_a_client_of_the_web() -> None:
    ask = "import sys, signing.pdf_signer, signing.judging, signing.looking; sys.exit('aiohttp' in sys.modules)"
    subprocess.run([sys.executable, "-c", ask], check=True, timeout=60)
