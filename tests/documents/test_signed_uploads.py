"""Uploads that came signed: they are sealed as they lie and every signature holds, or they are refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from documents.intake import IntakeRefused, accept
from signing.verification import verify
from tests.signing.builders import BOTH, anchors, foreign, prepared, sealed
from tests.support import parts, pdfs
from tests.support.authority import stranger

HELD = [
    pdfs.korean_pdf,
    pdfs.with_object_streams,
    pdfs.rotated,
    pdfs.cropped,
    pdfs.with_form,
    pdfs.with_attachment,
    pdfs.with_attachment_on_the_page,
    pdfs.with_names_that_only_sound_active,
    pdfs.with_usage_rights,
    pdfs.enormous_page,
    pdfs.endless_strip,
]
REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (pdfs.hybrid_cross_references, "makes a further signature invalid"),
    (pdfs.direct_annotation, "makes a further signature invalid"),
    (pdfs.without_stream_length, "signed and damaged"),
    (pdfs.with_disguised_javascript, "holds scripts"),
]


@pytest.mark.parametrize("make", HELD)
def test_a_file_that_came_signed_is_sealed_as_it_lies(make: Callable[[], bytes]) -> None:
    data = pdfs.signed_elsewhere(make())

    accepted = accept(data)
    finished = sealed(accepted.normalised)

    assert accepted.already_signed
    assert finished.startswith(data)
    report = verify(finished, anchors())
    assert report.verdict == "sealed", report.sentence
    assert all(each.intact and each.valid for each in report.signatures)
    assert "Nordwerk" in {each.field for each in report.signatures}


@pytest.mark.parametrize(("make", "why"), REFUSED)
def test_a_signed_file_whose_next_signature_would_not_hold_is_refused(make: Callable[[], bytes], why: str) -> None:
    with pytest.raises(IntakeRefused, match=why) as asked:
        accept(pdfs.signed_elsewhere(make()))

    assert asked.value.code == "cannot_sign"


@pytest.mark.parametrize("make", [make for make, _ in REFUSED])
def test_the_same_file_without_a_signature_is_accepted(make: Callable[[], bytes]) -> None:
    """Nothing forbids to rewrite it then."""
    assert not accept(make()).already_signed


def test_the_visible_signature_of_a_house_that_is_trusted_holds_to_the_end() -> None:
    data = foreign(accept(pdfs.plain_pdf()).normalised)

    report = verify(sealed(accept(data).normalised), anchors(stranger()))

    assert report.verdict == "sealed"
    assert all(each.intact and each.valid and each.trusted for each in report.signatures)
    assert "Signature1" in {each.field for each in report.signatures}


@pytest.mark.parametrize("finish", [prepared, sealed])
def test_our_own_file_comes_back_byte_for_byte(finish: Callable[[bytes], bytes]) -> None:
    """Half-way, with places for signatures still open, and sealed."""
    ours = finish(accept(pdfs.plain_pdf()).normalised)

    again = accept(ours)

    assert again.already_signed
    assert again.normalised == ours
    assert again.pages == 2  # with the approval record


@pytest.mark.parametrize(
    "make", [pdfs.hybrid_cross_references, pdfs.direct_annotation, pdfs.direct_fields, pdfs.junk_before_the_header]
)
def test_poppler_holds_the_signatures_of_a_repaired_file_for_valid(make: Callable[[], bytes], tmp_path: Path) -> None:
    pdfsig = parts.require("pdfsig")
    (tmp_path / "finished.pdf").write_bytes(sealed(accept(make()).normalised))

    told = subprocess.run(
        [pdfsig, "-nocert", "finished.pdf"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout

    assert told.count("Signature is Valid.") == len(BOTH) + 1, told  # the platform's seal as well
    assert "Invalid" not in told
