"""What `verify` says about files that are in order, and about every way we know to change one."""

# pyHanko, which the tampering is done with, annotates only a part of its functions.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import asyncio
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pikepdf
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject
from pypdf.annotations import FreeText

from signing import pdf_signer
from signing.pdf_signer import PdfSigner
from signing.report import Report, Said
from signing.revision import Revision
from signing.timestamps import Tsa
from signing.verification import verify
from tests.signing.builders import (
    MINJUN,
    anchors,
    document,
    evidence,
    foreign,
    prepared,
    sealed,
    sealed_lease,
    signed,
)
from tests.support.authority import authority, made, stranger
from tests.support.pdfs import signed_elsewhere

Change = Callable[[bytes], bytes]


def checks(report: Report) -> dict[str, bool]:
    return {check.code: check.ok for check in report.checks}


def note(report: Report, code: str) -> str:
    return next(str(check.note) for check in report.checks if check.code == code)


# In order.


def test_a_sealed_file_is_exactly_what_was_sealed() -> None:
    report = verify(sealed_lease(), anchors())
    assert report.verdict == "sealed"
    assert all(check.ok for check in report.checks)
    assert list(checks(report)) == ["unchanged", "signatures", "people", "times", "sealed", "record", "archive"]
    assert [(one.field, one.kind, one.level, one.modification) for one in report.signatures] == [
        ("Seal", "certification", "PAdES-BASELINE-LTA", "signatures"),
        ("Signer1", "signature", "PAdES-BASELINE-LTA", "signatures"),
        ("Signer2", "signature", "PAdES-BASELINE-LTA", "archive"),
        ("Timestamp1", "timestamp", "RFC 3161", "none"),
    ]
    assert report.signatures[1].signer == "김민준"
    assert report.signatures[1].email == "minjun.kim@example.kr"
    assert report.signatures[1].algorithm == "ECDSA P-256, SHA-256"
    assert report.signatures[1].reason == "I agree to this contract"
    assert report.signatures[3].covers == len(sealed_lease())
    assert report.archive_until == authority().tsa.certificate.not_valid_after_utc


def test_a_report_is_plain_json() -> None:
    told = json.loads(json.dumps(verify(sealed_lease(), anchors()).to_dict()))
    assert told["verdict"] == "sealed"
    assert told["signatures"][1]["signer"] == "김민준"
    assert told["signatures"][1]["timestamp"].endswith("Z")
    assert told["checks"][0]["sentence"] == "The file has not been changed since it was signed."


def test_a_sentence_remembers_what_it_was_made_of() -> None:
    said = Said("%(bytes)s bytes follow.", bytes=12)
    assert (said, said.sentence, said.values) == ("12 bytes follow.", "%(bytes)s bytes follow.", {"bytes": 12})


def test_it_works_inside_a_running_loop() -> None:
    async def inside() -> Report:
        return verify(sealed_lease(), anchors())

    assert asyncio.run(inside()).verdict == "sealed"


def test_a_file_on_its_way_is_signed_but_not_sealed() -> None:
    on_its_way = signed(prepared(document()), MINJUN)
    report = verify(on_its_way, anchors())
    assert report.verdict == "signed"
    assert not checks(report)["sealed"]
    assert checks(report)["unchanged"]
    assert [one.level for one in report.signatures] == ["PAdES-BASELINE-LT"] * 2


def test_a_rolled_back_file_is_not_sealed() -> None:
    """That a later version exists, only the version history knows; that the end is missing can be seen here."""
    ends = [found.end() for found in re.finditer(rb"%%EOF\s", sealed_lease())]
    assert verify(sealed_lease()[: ends[-2]], anchors()).verdict == "signed"


def test_a_file_of_another_house_is_untrusted() -> None:
    report = verify(sealed_lease(), [stranger().trust_anchor_pem])
    assert report.verdict == "untrusted"
    assert checks(report)["unchanged"]
    assert not checks(report)["people"]
    assert report.evidence is None


def test_no_anchor_vouches_for_nobody() -> None:
    assert verify(sealed_lease(), []).verdict == "untrusted"


def test_an_unsigned_file_is_unsigned() -> None:
    assert verify(document(), anchors()).verdict == "unsigned"


@pytest.mark.parametrize("pdf", [b"", b"junk", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"[" * 100_000, document()[:-200]])
def test_what_cannot_be_read_is_unreadable(pdf: bytes) -> None:
    assert verify(pdf, anchors()).verdict == "unreadable"


def test_an_encrypted_file_is_unreadable() -> None:
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(document())) as pdf:
        pdf.save(output, encryption=pikepdf.Encryption(owner="owner", user=""))
    assert verify(output.getvalue(), anchors()).verdict == "unreadable"


def test_signatures_that_the_document_came_with_are_told_apart() -> None:
    report = verify(sealed(foreign(document())), anchors())
    assert report.verdict == "sealed"
    assert checks(report)["foreign"]
    assert "Jürgen Böhm" in note(report, "foreign")
    assert not report.signatures[0].trusted


# Changed. Each way is tried on a file on its way and on a sealed one.


def flip(pdf: bytes, position: int) -> bytes:
    changed = bytearray(pdf)
    changed[position] ^= 1
    return bytes(changed)


def flip_text(pdf: bytes) -> bytes:
    return flip(pdf, pdf.index(b"/BaseFont") + 3)


def flip_signature_value(pdf: bytes) -> bytes:
    """The last byte of the first signature's CMS."""
    start, end = _contents(pdf)
    last = len(pdf[start:end].rstrip(b"0>")) + start - 1
    return pdf[:last] + (b"1" if pdf[last : last + 1] != b"1" else b"2") + pdf[last + 1 :]


def _contents(pdf: bytes) -> tuple[int, int]:
    found = re.search(rb"/ByteRange\s*\[\s*0 (\d+) (\d+) \d+\s*\]", pdf)
    assert found is not None
    return int(found[1]), int(found[2])


def update(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def swap_page(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        reference, _ = writer.find_page_for_modification(0)
        content = generic.StreamObject(stream_data=b"BT /F1 30 Tf 72 700 Td (Price: 9,999,999) Tj ET")
        reference.get_object()["/Contents"] = writer.add_object(content)
        writer.mark_update(reference)

    return update(pdf, change)


def overwrite_content(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        old = page.get_object().raw_get("/Contents")
        new = generic.StreamObject(stream_data=b"BT /F1 30 Tf 72 700 Td (Replaced) Tj ET")
        writer.objects[(old.generation, old.idnum)] = new

    return update(pdf, change)


def redefine_font(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        old = page.get_object()["/Resources"]["/Font"].raw_get("/F1")
        writer.objects[(old.generation, old.idnum)] = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/Type1"),
                pdf_name("/BaseFont"): pdf_name("/ZapfDingbats"),
            }
        )

    return update(pdf, change)


def reverse_pages(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        kids = writer.root["/Pages"]["/Kids"]
        kids.reverse()
        writer.update_container(kids)

    return update(pdf, change)


def add_page(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        content = writer.add_object(generic.StreamObject(stream_data=b""))
        writer.insert_page(PageObject(contents=content, media_box=(0, 0, 595, 842)))

    return update(pdf, change)


def add_annotation(pdf: bytes) -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    writer.add_annotation(0, FreeText(text="APPROVED", rect=(50, 550, 200, 650)))
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def add_script(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/OpenAction"] = generic.DictionaryObject(
            {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): pdf_string("app.alert(1)")}
        )
        writer.update_root()

    return update(pdf, change)


def change_language(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/Lang"] = pdf_string("en")
        writer.update_root()

    return update(pdf, change)


def replace_record(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        embedded = writer.root["/SGNF_ApprovalRecord"]["/EF"].raw_get("/F")
        writer.objects[(embedded.generation, embedded.idnum)] = generic.StreamObject(stream_data=b"{}")

    return update(pdf, change)


def hide_signatures(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        del writer.root["/AcroForm"]
        writer.update_root()

    return update(pdf, change)


def empty_a_signature(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        field = writer.root["/AcroForm"]["/Fields"][1]
        del field["/V"]
        writer.update_container(field)

    return update(pdf, change)


def redraw_a_mark(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        mark = writer.root["/AcroForm"]["/Fields"][1]["/AP"].raw_get("/N")
        old = mark.get_object()
        kept = {pdf_name(key): old.raw_get(key) for key in ("/Type", "/Subtype", "/BBox", "/Resources")}
        new = generic.StreamObject(kept, stream_data=b"1 0 0 rg 0 0 236 84 re f")
        writer.objects[(mark.generation, mark.idnum)] = new

    return update(pdf, change)


def move_a_mark(pdf: bytes) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        field = writer.root["/AcroForm"]["/Fields"][1]
        field["/Rect"] = generic.ArrayObject(generic.NumberObject(edge) for edge in (0, 0, 500, 500))
        writer.update_container(field)

    return update(pdf, change)


def append_junk(pdf: bytes) -> bytes:
    return pdf + b"junk junk "


def append_much_junk(pdf: bytes) -> bytes:
    return pdf + b"%comment\n" * 500


def append_a_second_document(pdf: bytes) -> bytes:
    return pdf + document("Another contract")


def payload_in_the_hole(pdf: bytes) -> bytes:
    _, end = _contents(pdf)
    payload = b"> /Evil (payload) /X <"
    return pdf[: end - 1 - len(payload)] + payload + pdf[end - 1 :]


def shrink_byte_range(pdf: bytes) -> bytes:
    start, end = _contents(pdf)
    old = re.search(rb"/ByteRange\s*\[[^]]*\]\s*", pdf)
    assert old is not None
    length = int(re.findall(rb"\d+", old[0])[3])
    new = (b"/ByteRange [0 %d %d %d]" % (start - 100, end, length)).ljust(len(old[0]))
    return pdf.replace(old[0], new)


def null_byte_range(pdf: bytes) -> bytes:
    old = re.search(rb"/ByteRange\s*\[[^]]*\]\s*", pdf)
    assert old is not None
    return pdf.replace(old[0], b"/ByteRange null".ljust(len(old[0])))


def zero_signature(pdf: bytes) -> bytes:
    start, end = _contents(pdf)
    return pdf[:start] + b"<" + b"0" * (end - start - 2) + b">" + pdf[end:]


def garble_signature(pdf: bytes) -> bytes:
    start, end = _contents(pdf)
    return pdf[:start] + b"<" + b"3003020101" + b"0" * (end - start - 12) + b">" + pdf[end:]


def unknown_kind_of_signature(pdf: bytes) -> bytes:
    return pdf.replace(b"/ETSI.CAdES.detached", b"/Evil.CAdES.detached", 1)


def rewrite_with_pypdf(pdf: bytes) -> bytes:
    output = io.BytesIO()
    pypdf.PdfWriter(clone_from=io.BytesIO(pdf)).write(output)
    return output.getvalue()


def rewrite_with_qpdf(pdf: bytes) -> bytes:
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(output)
    return output.getvalue()


def cover_with_a_new_signature(pdf: bytes) -> bytes:
    """A signature of somebody untrusted whose visible field hides the text ("sneaky signature")."""
    revision = Revision(pdf)
    revision.add_field("Evil", label="", page=0, box=(60, 600, 500, 760))
    person = stranger().issue_for("Evil", "evil@example.com", None)
    return revision.sign(
        "Evil", person, stranger().tsa, name="Evil", at=datetime.now(UTC), reason="", mark=None, certify=False
    )


CHANGES: list[Change] = [
    flip_text,
    flip_signature_value,
    swap_page,
    overwrite_content,
    redefine_font,
    reverse_pages,
    add_page,
    add_annotation,
    add_script,
    change_language,
    replace_record,
    hide_signatures,
    empty_a_signature,
    redraw_a_mark,
    move_a_mark,
    append_junk,
    append_much_junk,
    append_a_second_document,
    payload_in_the_hole,
    shrink_byte_range,
    null_byte_range,
    zero_signature,
    garble_signature,
    unknown_kind_of_signature,
    rewrite_with_pypdf,
    rewrite_with_qpdf,
    cover_with_a_new_signature,
]


@pytest.fixture(scope="module")
def on_its_way() -> bytes:
    return signed(prepared(document()), MINJUN)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_sealed_file_that_was_changed_is_not_to_be_relied_on(change: Change) -> None:
    report = verify(change(sealed_lease()), anchors())
    assert report.verdict == "changed", report.sentence
    assert not checks(report)["unchanged"]
    assert "Do not rely on it" in report.sentence


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_signed_file_that_was_changed_is_not_to_be_relied_on(change: Change, on_its_way: bytes) -> None:
    assert verify(change(on_its_way), anchors()).verdict == "changed"


@pytest.mark.parametrize("change", [swap_page, overwrite_content, redefine_font, add_annotation])
def test_the_report_names_the_page_that_was_changed(change: Change) -> None:
    changed = change(sealed_lease())
    told = note(verify(changed, anchors()), "unchanged")
    # Both pages are drawn with the font.
    pages = "1, 2" if change is redefine_font else "1"
    following = len(changed) - len(sealed_lease())
    assert told == f"{following} bytes follow the signed part; they change page {pages}."


def test_a_value_of_the_form_is_not_changed_after_the_certification() -> None:
    def change(writer: IncrementalPdfFileWriter) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0]
        field["/V"] = pdf_string("9999")
        writer.update_container(field)

    certified = prepared(document(form=["amount"]))
    assert verify(certified, anchors()).verdict == "signed"
    assert verify(update(certified, change), anchors()).verdict == "changed"
    assert verify(update(sealed(document(form=["amount"])), change), anchors()).verdict == "changed"


def test_a_signature_added_after_the_seal_is_a_change_even_when_invisible() -> None:
    for house in (authority(), stranger()):
        added = Revision(sealed_lease())
        added.add_field("Late", label="", box=None)
        person = house.issue_for("Late", "late@example.com", None)
        late = added.sign("Late", person, house.tsa, name="Late", at=datetime.now(UTC), reason="", mark=None)
        report = verify(late, anchors())
        assert report.verdict != "sealed"


def test_a_file_that_another_program_signed_without_any_list_is_unchanged() -> None:
    report = verify(signed_elsewhere(), anchors())
    assert report.verdict == "untrusted"
    assert (report.signatures[0].intact, report.signatures[0].valid) == (True, True)


def test_a_record_of_another_document_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody inside the house puts a record on the wrong document."""
    pdf = document()
    record = evidence(pdf)
    wrong = replace(record, document=replace(record.document, normalised_sha256="00" * 32))
    written = pdf_signer.to_json  # type: ignore[attr-defined]  # to be replaced
    monkeypatch.setattr(pdf_signer, "to_json", lambda _, document_bytes: written(wrong, document_bytes=document_bytes))
    report = verify(sealed(pdf, record=record), anchors())
    assert not checks(report)["record"]


# Hostile bytes.


@settings(max_examples=40)
@given(position=st.integers(0, 200_000), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_never_passed_over(position: int, bit: int) -> None:
    changed = bytearray(sealed_lease())
    changed[position % len(changed)] ^= 1 << bit
    report = verify(bytes(changed), anchors())
    if report.verdict == "sealed":
        # Padding inside the hole for a signature's value is signed by nobody, and read by nobody.
        assert _is_padding(position % len(changed))
    else:
        assert report.verdict in ("changed", "unreadable")


def _is_padding(position: int) -> bool:
    for found in re.finditer(rb"/ByteRange\s*\[\s*0 (\d+) (\d+) \d+\s*\]", sealed_lease()):
        if int(found[1]) <= position < int(found[2]):
            return True
    return False


@settings(max_examples=40)
@given(length=st.integers(0, 200_000))
def test_a_file_that_was_cut_off_is_never_sealed(length: int) -> None:
    cut = sealed_lease()[: length % len(sealed_lease())]
    assert verify(cut, anchors()).verdict in ("changed", "unreadable", "signed", "unsigned")


@settings(max_examples=60)
@given(pdf=st.binary(max_size=400).map(lambda junk: b"%PDF-1.7\n" + junk))
def test_no_bytes_make_it_raise(pdf: bytes) -> None:
    assert verify(pdf, anchors()).verdict in ("unreadable", "unsigned", "changed")


# Decades.


@pytest.mark.parametrize("years", [2, 5, 9, 10.9])
def test_a_sealed_file_holds_for_years_with_nothing_but_the_file_and_the_root(years: float) -> None:
    later = datetime.now(UTC) + timedelta(days=365.25 * years)
    assert verify(sealed_lease(), anchors(), at=later).verdict == "sealed"


def test_a_sealed_file_ends_with_the_certificate_behind_its_time_stamp() -> None:
    later = datetime.now(UTC) + timedelta(days=365.25 * 12)
    assert verify(sealed_lease(), anchors(), at=later).verdict != "sealed"


def test_an_archive_that_was_stamped_again_in_time_holds_on() -> None:
    in_eight_years = datetime.now(UTC) + timedelta(days=365.25 * 8)
    house = authority()
    from signing.authority import _issue, _tsa_usages

    certificate = _issue(
        house.root,
        house._key("root"),
        house.tsa.certificate.subject,
        house.tsa.certificate.public_key(),  # type: ignore[arg-type]  # a P-256 key
        now=in_eight_years,
        years=11,
        usages=_tsa_usages(),
    )
    crl = house._crl("root", in_eight_years)
    house._crls.clear()
    from cryptography.hazmat.primitives.serialization import Encoding

    from signing.revocation import RevocationMaterial

    later = Tsa(
        certificate,
        house._key("tsa"),
        material=lambda _: RevocationMaterial((certificate.public_bytes(Encoding.DER),), (crl,)),
        clock=lambda: in_eight_years,
    )
    renewed = PdfSigner(house, later).seal(sealed_lease())
    in_fifteen = datetime.now(UTC) + timedelta(days=365.25 * 15)
    report = verify(renewed, anchors(), at=in_fifteen)
    assert report.verdict == "sealed"
    assert report.archive_until == certificate.not_valid_after_utc


def test_a_signer_withdrawn_before_signing_is_not_trusted(tmp_path_factory: pytest.TempPathFactory) -> None:
    house = made("Haneul", folder=tmp_path_factory.mktemp("house") / "keys")
    credentials = house.issue_for("김민준", "minjun@example.kr", None)
    revision = Revision(document())
    revision.add_field("Signer1", label="", box=None)
    house.revoke(credentials.certificate.serial_number)
    careless = replace(credentials, gather=lambda _: house.revocation_material())
    file = revision.sign(
        "Signer1", careless, house.tsa, name="김민준", at=datetime.now(UTC), reason="", mark=None, certify=True
    )
    report = verify(PdfSigner(house).seal(file), [house.trust_anchor_pem])
    assert report.verdict == "untrusted"
    assert report.signatures[0].sentence == "The certificate had been withdrawn."


def test_a_signer_withdrawn_after_sealing_has_still_signed() -> None:
    report = verify(sealed_lease(), anchors())
    authority().revoke(int(report.signatures[1].serial, 16))
    assert verify(sealed_lease(), anchors()).verdict == "sealed"
