"""What becomes of an upload. Every kind of file that broke other products is here, made small."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Pdf, String

from documents.intake import Accepted, IntakeLimits, IntakeRefused, accept
from tests.support import corpus, parts, pdfs

REPAIRED = [
    pdfs.plain_pdf,
    pdfs.korean_pdf,
    pdfs.with_object_streams,
    pdfs.rotated,
    pdfs.cropped,
    pdfs.with_form,
    pdfs.junk_before_the_header,
    pdfs.junk_after_the_end,
    pdfs.broken_cross_references,
    pdfs.without_cross_references,
    pdfs.hybrid_cross_references,
    pdfs.without_stream_length,
    pdfs.direct_annotation,
    pdfs.annotation_instead_of_a_list,
    pdfs.direct_fields,
    pdfs.with_owner_password,
    pdfs.with_usage_rights,
    pdfs.with_nul_in_its_text,
    pdfs.enormous_page,
    pdfs.endless_strip,
]
STRIPPED: list[tuple[Callable[[], bytes], tuple[str, ...]]] = [
    (pdfs.with_javascript, ("actions that run by themselves", "scripts")),
    (pdfs.with_named_javascript, ("scripts",)),
    (pdfs.with_disguised_javascript, ("scripts",)),
    (pdfs.with_javascript_whose_kind_is_elsewhere, ("actions that run by themselves", "scripts")),
    (
        pdfs.with_triggers,
        ("actions that run by themselves", "actions that send or fetch data", "actions that start programs"),
    ),
    (pdfs.with_attachment, ("attached files",)),
    (pdfs.with_attachment_on_the_page, ("attached files",)),
    (pdfs.with_video, ("sound, video or 3D content",)),
    (pdfs.with_static_xfa, ("an XFA form",)),
]
DANGEROUS = [
    b"/JavaScript",
    b"/JS",
    b"app.alert",
    b"/Launch",
    b"calc.exe",
    b"/SubmitForm",
    b"/AA",
    b"/EF",
    b"MZ-attached",
    b"not for everybody",
    b"/XFA",
    b"/Rendition",
    b"/OpenAction",
]


def refused(data: bytes, limits: IntakeLimits | None = None, password: str | None = None) -> IntakeRefused:
    with pytest.raises(IntakeRefused) as caught:
        accept(data, limits=limits or IntakeLimits(), password=password)
    return caught.value


def opened(accepted: Accepted) -> Pdf:
    """Without any repair."""
    return pikepdf.open(io.BytesIO(accepted.normalised), attempt_recovery=False)


def spelled_out(data: bytes) -> bytes:
    """Every object and stream unpacked, so that nothing can hide in one."""
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(
            written,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
        )
    return written.getvalue()


# An ordinary file


def test_an_ordinary_file_is_accepted_with_its_text_pages_and_sizes() -> None:
    accepted = accept(pdfs.plain_pdf("Lease of eight trucks", pages=3))

    assert accepted.pages == 3
    assert accepted.page_texts == tuple(f"Lease of eight trucks, page {number}" for number in (1, 2, 3))
    assert accepted.text == "\n\n".join(accepted.page_texts)
    assert accepted.page_sizes == ((595, 842),) * 3
    assert not accepted.already_signed
    assert accepted.stripped == ()


def test_korean_text_is_read() -> None:
    assert accept(pdfs.korean_pdf("지게차 8대 임대차 계약서")).text == "지게차 8대 임대차 계약서"


def test_the_same_upload_always_gives_the_same_bytes() -> None:
    data = pdfs.plain_pdf(pages=2)

    assert accept(data).normalised == accept(data).normalised


def test_what_was_normalised_once_stays_as_it_is() -> None:
    """A file that was downloaded from Signoff and handed in again is the same document."""
    once = accept(pdfs.with_form("100")).normalised

    assert accept(once).normalised == once


@pytest.mark.parametrize("make", REPAIRED)
def test_what_can_be_repaired_is_sound_afterwards(make: Callable[[], bytes]) -> None:
    accepted = accept(make())

    assert accepted.normalised.startswith(b"%PDF-")
    assert accepted.normalised.endswith(b"%%EOF\n")
    with opened(accepted) as pdf:
        assert len(pdf.pages) == accepted.pages == 1
        assert pdf.trailer["/Size"] > len(pdf.objects)
        assert not pdf.is_encrypted
        for page in pdf.pages:
            assert all(each.is_indirect for each in page.obj.get("/Annots", Array()))
        for field in pdf.Root.get("/AcroForm", Dictionary()).get("/Fields", Array()):
            assert field.is_indirect
            assert all(each.is_indirect for each in field.get("/Kids", Array()))
        assert pdf.get_warnings() == []


@pytest.mark.parametrize("make", REPAIRED)
def test_an_independent_checker_finds_nothing_wrong_with_a_repaired_file(
    make: Callable[[], bytes], tmp_path: Path
) -> None:
    program = parts.require("qpdf")
    path = tmp_path / "normalised.pdf"
    path.write_bytes(accept(make()).normalised)

    found = subprocess.run([program, "--check", path], capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout + found.stderr


def test_the_words_of_a_repaired_file_are_all_there() -> None:
    whole = accept(pdfs.plain_pdf()).text

    for broken in (pdfs.junk_before_the_header, pdfs.junk_after_the_end, pdfs.broken_cross_references):
        assert accept(broken()).text == whole


def test_a_note_that_was_no_object_of_its_own_is_kept() -> None:
    with opened(accept(pdfs.direct_annotation())) as pdf:
        (note,) = pdf.pages[0].obj.Annots
        assert str(note.Contents) == "a note"


def test_what_stands_in_the_place_of_a_list_of_annotations_goes() -> None:
    """No reader shows it, and signing stumbles over it."""
    with opened(accept(pdfs.annotation_instead_of_a_list())) as pdf:
        assert "/Annots" not in pdf.pages[0].obj


def test_a_turned_page_is_measured_as_it_is_shown() -> None:
    assert accept(pdfs.rotated(90)).page_sizes == ((842, 595),)
    assert accept(pdfs.cropped()).page_sizes == ((300, 400),)


# Passwords


def test_a_file_that_opens_without_a_password_is_accepted_whatever_it_forbids() -> None:
    accepted = accept(pdfs.with_owner_password())

    assert accepted.text.startswith("Lease of eight trucks")
    with opened(accepted) as pdf:
        assert not pdf.is_encrypted


def test_a_file_with_a_password_asks_for_it() -> None:
    asked = refused(pdfs.with_user_password())

    assert asked.code == "password"
    assert str(asked) == "The file is protected with a password. Give the password as well, or remove it first."


def test_a_wrong_password_is_said() -> None:
    asked = refused(pdfs.with_user_password("right"), password="wrong")

    assert asked.code == "password"
    assert str(asked) == "The password does not open the file."


@pytest.mark.parametrize("password", ["open sesame", "비밀번호", "boss"])
def test_the_right_password_opens_the_file_and_is_not_needed_any_more(password: str) -> None:
    data = pdfs.with_user_password("open sesame" if password == "boss" else password)

    accepted = accept(data, password=password)

    assert accepted.text.startswith("Lease of eight trucks")
    assert accept(accepted.normalised).text == accepted.text


def test_a_password_for_a_file_that_has_none_does_no_harm() -> None:
    assert accept(pdfs.plain_pdf(), password="whatever").pages == 1


# What acts by itself


@pytest.mark.parametrize(("make", "named"), STRIPPED)
def test_what_acts_by_itself_is_taken_out_and_named(make: Callable[[], bytes], named: tuple[str, ...]) -> None:
    data = make()
    accepted = accept(data)

    assert accepted.stripped == named
    before, after = spelled_out(data), spelled_out(accepted.normalised)
    present = [each for each in DANGEROUS if each in before]
    assert present
    assert [each for each in present if each in after] == []


@pytest.mark.parametrize("make", [make for make, _ in STRIPPED])
def test_what_remains_is_the_same_page(make: Callable[[], bytes]) -> None:
    data = make()
    with pypdfium2.PdfDocument(data) as pdf:
        before = pdf[0].get_textpage().get_text_bounded()

    assert accept(data).page_texts[0] == before


def test_a_link_to_a_page_or_to_the_web_stays() -> None:
    def add(pdf: Pdf) -> None:
        web = Dictionary(S=Name.URI, URI=String("https://example.com"))
        inside = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]))
        pdf.pages[0].obj.Annots = Array(
            [
                Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([9, 9, 99, 99]), A=action)
                for action in (web, inside)
            ]
        )
        pdf.Root.OpenAction = Array([pdf.pages[0].obj, Name.Fit])

    accepted = accept(pdfs.plain_pdf(change=add))

    assert accepted.stripped == ()
    with opened(accepted) as pdf:
        assert [str(each.A.S) for each in pdf.pages[0].obj.Annots] == ["/URI", "/GoTo"]
        assert "/OpenAction" in pdf.Root


@pytest.mark.parametrize(
    "action", ["GoToR", "GoToE", "ImportData", "ResetForm", "Hide", "SetOCGState", "Movie", "Sound"]
)
def test_every_other_action_goes_from_its_link(action: str) -> None:
    def add(pdf: Pdf) -> None:
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([9, 9, 99, 99]))
        link.A = Dictionary(S=Name(f"/{action}"), F=String("//server/share/file"))
        pdf.pages[0].obj.Annots = Array([link])

    accepted = accept(pdfs.plain_pdf(change=add))

    assert len(accepted.stripped) == 1
    assert b"//server/share" not in spelled_out(accepted.normalised)
    with opened(accepted) as pdf:
        assert "/A" not in pdf.pages[0].obj.Annots[0]


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "FILE://server/share",
        r"\\server\share",
        "//server/share",
        "javascript:alert(1)",
        "smb://server",
        " javascript:alert(1)",
        "ms-word:ofe|u|https://example.com/x",
        "파일:///x",
    ],
)
def test_a_link_that_leaves_the_web_goes(address: str) -> None:
    accepted = accept(linked(address))

    assert accepted.stripped == ("links into other files",)
    with opened(accepted) as pdf:
        assert "/A" not in pdf.pages[0].obj.Annots[0]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/a:b",
        "HTTP://example.com",
        "mailto:minjun.kim@example.kr",
        "tel:+82-2-000-0000",
        "terms/general.html",
        "../a?b=c:d",
        "#part-2",
        "www.example.com",
        "https://example.kr/계약",
    ],
)
def test_a_link_within_the_web_stays(address: str) -> None:
    accepted = accept(linked(address))

    assert accepted.stripped == ()
    with opened(accepted) as pdf:
        assert str(pdf.pages[0].obj.Annots[0].A.URI) == address


def linked(address: str) -> bytes:
    def add(pdf: Pdf) -> None:
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([9, 9, 99, 99]))
        link.A = Dictionary(S=Name.URI, URI=String(address))
        pdf.pages[0].obj.Annots = Array([link])

    return pdfs.plain_pdf(change=add)


@pytest.mark.parametrize("kind", [b"/Evil", b"/StructElem/P 3 0 R/K 0", b"/Font"])
def test_a_script_that_calls_itself_something_else_goes(kind: bytes) -> None:
    script = b"<</Type%b/S/JavaScript/JS(app.alert\\(1\\))>>" % kind

    accepted = accept(pdfs.one_page(pdfs.PAGE, script, catalog=b"/OpenAction 5 0 R"))

    assert "scripts" in accepted.stripped
    assert b"app.alert" not in spelled_out(accepted.normalised)


def test_an_action_behind_a_harmless_one_goes_alone() -> None:
    def add(pdf: Pdf) -> None:
        harmless = Dictionary(S=Name.URI, URI=String("https://example.com"))
        harmless.Next = Array([pdfs.script(), Dictionary(S=Name.URI, URI=String("https://example.org"))])
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([9, 9, 99, 99]), A=harmless)
        pdf.pages[0].obj.Annots = Array([link])

    with opened(accept(pdfs.plain_pdf(change=add))) as pdf:
        action = pdf.pages[0].obj.Annots[0].A
        assert str(action.URI) == "https://example.com"
        assert [str(each.URI) for each in action.Next] == ["https://example.org"]


def test_fonts_and_images_that_are_only_called_like_actions_stay() -> None:
    data = pdfs.with_names_that_only_sound_active()
    accepted = accept(data)

    assert accepted.stripped == ()
    assert accepted.text == "Lease of trucks"
    with opened(accepted) as pdf:
        resources = pdf.pages[0].obj.Resources
        assert set(resources.Font.keys()) == {"/AA", "/JS", "/A"}
        assert resources.ExtGState["/AA"].SMask.S == "/Alpha"
        assert "/ca" in resources.ExtGState["/EF"]
        assert pdf.Root.StructTreeRoot.K.S == "/Sound"


def test_usage_rights_for_another_program_are_no_signature() -> None:
    accepted = accept(pdfs.with_usage_rights())

    assert not accepted.already_signed
    assert accepted.stripped == ("usage rights for another program",)


# Filled-in forms


def test_how_a_filled_in_field_looks_is_written_into_the_file() -> None:
    with opened(accept(pdfs.with_form("EUR 84,600", look=False))) as pdf:
        assert "/NeedAppearances" not in pdf.Root.AcroForm
        look = pdf.pages[0].obj.Annots[0].AP.N
        assert b"EUR 84,600" in look.read_bytes()


def test_a_look_that_is_there_stays_as_it_is() -> None:
    with opened(accept(pdfs.with_form("EUR 84,600"))) as pdf:
        assert pdf.pages[0].obj.Annots[0].AP.N.read_bytes() == b"0.9 g 0 0 200 20 re f"


def test_a_value_whose_look_cannot_be_made_is_refused_instead_of_shown_as_question_marks() -> None:
    asked = refused(pdfs.with_form("팔만 유로", look=False))

    assert asked.code == "cannot_sign"
    assert asked.values == {"field": "Amount"}


# Already signed


def test_a_signed_file_is_never_rewritten() -> None:
    data = pdfs.signed_elsewhere()

    accepted = accept(data)

    assert accepted.already_signed
    assert hashlib.sha256(accepted.normalised).digest() == hashlib.sha256(data).digest()
    assert accepted.text.startswith("Lease of eight trucks")


@pytest.mark.parametrize("allowing", [2, 3])
def test_a_certification_that_allows_signatures_is_accepted(allowing: int) -> None:
    assert accept(pdfs.signed_elsewhere(allowing=allowing)).already_signed


def test_a_certification_that_allows_nothing_is_refused() -> None:
    asked = refused(pdfs.signed_elsewhere(allowing=1))

    assert asked.code == "cannot_sign"
    assert "allows no further signature" in str(asked)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"junk\n" + data,
        lambda data: data + b"\0" * 3000,
        lambda data: data[: data.rindex(b"startxref")] + b"startxref\n7\n%%EOF\n",
    ],
)
def test_a_signed_file_that_would_need_a_repair_is_refused(damage: Callable[[bytes], bytes]) -> None:
    asked = refused(damage(pdfs.signed_elsewhere()))

    assert asked.code == "cannot_sign"
    assert "signed and damaged" in str(asked)


@pytest.mark.parametrize("make", [pdfs.with_javascript, pdfs.with_triggers, pdfs.with_video, pdfs.with_static_xfa])
def test_a_signed_file_that_acts_by_itself_is_refused_by_name(make: Callable[[], bytes]) -> None:
    asked = refused(pdfs.signed_elsewhere(make()))

    assert asked.code == "cannot_sign"
    assert "which cannot be taken out" in str(asked)


def test_a_signed_file_may_carry_attachments() -> None:
    accepted = accept(pdfs.signed_elsewhere(pdfs.with_attachment()))

    assert accepted.already_signed
    assert accepted.stripped == ()


def test_a_signed_file_with_direct_annotations_is_refused() -> None:
    """A further signature on it would be invalid."""
    asked = refused(pdfs.signed_elsewhere(pdfs.direct_annotation()))

    assert asked.code == "cannot_sign"


# What is refused


@pytest.mark.parametrize(
    "data", [b"Hello", b"PK\x03\x04 a spreadsheet", b"\x89PNG\r\n", b"\0" * 2000 + pdfs.plain_pdf()]
)
def test_another_kind_of_file_is_not_a_pdf(data: bytes) -> None:
    asked = refused(data)

    assert asked.code == "not_pdf"
    assert str(asked) == "The file is not a PDF."


def test_an_empty_file_is_said_to_be_empty() -> None:
    assert str(refused(b"")) == "The file is empty."


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (pdfs.portfolio, "cannot_sign"),
        (pdfs.dynamic_xfa, "cannot_sign"),
        (pdfs.content_in_another_file, "cannot_sign"),
        (pdfs.without_pages, "no_pages"),
        (pdfs.missing_page, "page_lost"),
        (pdfs.page_count_too_small, "page_lost"),
        (pdfs.page_tree_in_a_circle, "damaged"),
        (pdfs.deep_page_tree, "damaged"),
        (pdfs.deep_direct_objects, "damaged"),
    ],
)
def test_what_cannot_be_signed_safely_is_refused_with_a_sentence(make: Callable[[], bytes], code: str) -> None:
    asked = refused(make())

    assert asked.code == code
    assert str(asked) == asked.sentence % asked.values
    assert str(asked).endswith(".")


def test_a_broken_download_is_repaired_or_refused_but_never_passes_with_fewer_pages() -> None:
    data = pdfs.plain_pdf(pages=40)

    def outcome(share: int) -> int | str:
        try:
            return accept(data[: len(data) * share // 40]).pages
        except IntakeRefused as asked:
            return asked.code

    assert {outcome(share) for share in range(1, 40)} <= {40, "damaged", "page_lost", "no_pages", "not_pdf"}


def test_too_many_pages_are_counted_in_the_refusal() -> None:
    asked = refused(pdfs.many_pages(2001))

    assert asked.code == "too_many_pages"
    assert str(asked) == "The file has 2001 pages; at most 2000 are accepted."


def test_exactly_as_many_pages_as_allowed_are_accepted() -> None:
    assert accept(pdfs.many_pages(30), limits=IntakeLimits(pages=30)).pages == 30
    assert refused(pdfs.many_pages(31), IntakeLimits(pages=30)).code == "too_many_pages"


def test_a_file_over_the_limit_is_refused_up_front_with_the_limit() -> None:
    data = pdfs.plain_pdf()
    limits = IntakeLimits(file_bytes=len(data) - 1)

    asked = refused(data, limits)
    assert asked.code == "too_large"
    assert accept(data, limits=IntakeLimits(file_bytes=len(data))).pages == 1
    assert str(refused(b"%PDF-" + bytes(100_000_001))) == "The file is larger than 100 MB."


def test_a_large_file_within_the_limit_is_accepted() -> None:
    def add(pdf: Pdf) -> None:
        pdf.pages[0].obj.Resources.XObject = Dictionary(X=pdf.make_stream(os.urandom(60_000_000)))

    data = pdfs.plain_pdf(change=add)

    assert len(data) > 60_000_000
    assert accept(data).pages == 1


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_damage_is_repaired_or_refused_and_the_result_is_sound(data: st.DataObject) -> None:
    """Bytes changed, taken out and doubled anywhere; nothing comes out but a sound file or a refusal."""
    written = bytearray(data.draw(st.sampled_from(SOUND)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(written) - 1))
        end = at + data.draw(st.integers(0, 40))
        match data.draw(st.sampled_from(["change", "remove", "double"])):
            case "change":
                written[at] = data.draw(st.integers(0, 255))
            case "remove":
                del written[at:end]
            case _:
                written[at:at] = written[at:end]
    try:
        accepted = accept(bytes(written))
    except IntakeRefused as asked:
        assert str(asked).endswith(".")  # noqa: PT017  # either is right
        return
    with opened(accepted) as pdf:
        assert len(pdf.pages) == accepted.pages == len(accepted.page_texts)
    assert "\0" not in accepted.text


SOUND = [
    make()
    for make in (
        pdfs.plain_pdf,
        pdfs.korean_pdf,
        pdfs.with_object_streams,
        pdfs.with_form,
        pdfs.hybrid_cross_references,
        pdfs.with_owner_password,
        pdfs.with_triggers,
        pdfs.with_attachment,
    )
]


# Text


def test_nul_and_other_controls_never_reach_the_text() -> None:
    accepted = accept(pdfs.with_nul_in_its_text())

    assert accepted.text == "BB"


def test_text_that_is_too_long_is_cut_and_every_page_still_has_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from documents import text

    monkeypatch.setattr(text, "MOST_LETTERS", 30)
    texts, sizes = text.read_pages(pdfs.plain_pdf("abcdefghij", pages=4), 4)

    assert [len(each) for each in texts] == [18, 12, 0, 0]
    assert len(sizes) == 4


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n"),
        ("agree\x02ment", "agreement"),
        ("a\0b\x04\x0c\x1f\x7fc", "abc"),
        ("half \ud800 a pair", "half  a pair"),
        ("\ufffe\uffff", ""),
        ("가\t나", "가\t나"),
    ],
)
def test_text_is_letters_only(raw: str, clean: str) -> None:
    from documents.text import cleaned

    assert cleaned(raw) == clean


# Real files


@pytest.mark.parametrize("path", corpus.files("contracts"), ids=lambda path: path.name)
def test_a_real_contract_is_accepted_or_refused_with_a_reason(path: Path) -> None:
    data = path.read_bytes()
    if path.name == "libreoffice-writer-password.pdf":
        assert refused(data).code == "password"
        accepted = accept(data, password="openpassword")
    else:
        accepted = accept(data)
        with pikepdf.open(io.BytesIO(data)) as before:
            assert len(before.pages) == accepted.pages

    with opened(accepted) as pdf:
        assert len(pdf.pages) == accepted.pages
        assert pdf.get_warnings() == []
    assert len(accepted.page_texts) == len(accepted.page_sizes) == accepted.pages


def test_all_seventeen_contracts_were_there() -> None:
    assert len(corpus.require("contracts")) == 17
