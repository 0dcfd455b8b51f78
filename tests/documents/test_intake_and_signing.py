"""What intake accepts can be signed, and the signatures hold; nothing is ever "signed" and invalid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from documents.intake import accept
from signing.verification import verify
from tests.documents.test_intake import REPAIRED, STRIPPED
from tests.signing.builders import MINJUN, anchors, sealed
from tests.support import corpus, pdfs

ALL = [*REPAIRED, *(make for make, _ in STRIPPED), pdfs.with_names_that_only_sound_active, pdfs.huge_image]


@pytest.mark.parametrize("make", ALL)
def test_whatever_is_accepted_is_sealed_and_valid(make: Callable[[], bytes]) -> None:
    report = verify(sealed(accept(make()).normalised, slots=[MINJUN]), anchors())

    assert report.verdict == "sealed", report.sentence
    assert all(each.intact and each.valid and each.trusted for each in report.signatures)


@pytest.mark.parametrize("allowing", [None, 2, 3])
def test_a_file_that_came_signed_is_sealed_and_keeps_its_signature(allowing: int | None) -> None:
    accepted = accept(pdfs.signed_elsewhere(allowing=allowing))

    report = verify(sealed(accepted.normalised, slots=[MINJUN]), anchors())

    (theirs,) = [each for each in report.signatures if each.field == "Nordwerk"]
    assert theirs.intact
    assert theirs.valid
    ours = [each for each in report.signatures if each.field != "Nordwerk"]
    assert ours
    assert all(each.intact and each.valid and each.trusted for each in ours)


@pytest.mark.parametrize("path", corpus.files("contracts"), ids=lambda path: path.name)
def test_a_real_contract_is_sealed_and_valid(path: Path) -> None:
    password = "openpassword" if path.name == "libreoffice-writer-password.pdf" else None
    accepted = accept(path.read_bytes(), password=password)

    report = verify(sealed(accepted.normalised, slots=[MINJUN]), anchors())

    assert report.verdict == "sealed", report.sentence
