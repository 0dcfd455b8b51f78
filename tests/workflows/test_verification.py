"""Files of strangers are verified in a child process: good ones as ever, hostile ones within limits."""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import sandbox
from documents.blobs import FolderBlobStore
from documents.intake import ORDINARY, IntakeLimits
from signing.report import Report
from signing.report_parts import packed, unpacked
from signing.verification import verify as verify_here
from tests.signing.builders import anchors, document, prepared, sealed_lease
from tests.support import pdfs
from workflows.errors import NotReady
from workflows.papers.intake import DocumentRefused, take_in
from workflows.signatures import verification
from workflows.signatures.verification import verify

SMALL = IntakeLimits(memory_bytes=600_000_000, seconds=4)
RICH = 8_000_000_000  # bytes: time runs out first

linux = pytest.mark.skipif(sys.platform != "linux", reason="at a limit that only Linux keeps")


def flipped(pdf: bytes) -> bytes:
    changed = bytearray(pdf)
    changed[pdf.index(b"stream") + 20] ^= 1
    return bytes(changed)


def sealed_and_more() -> bytes:
    return sealed_lease() + b"more"


@pytest.mark.parametrize(
    ("make", "verdict"),
    [
        (sealed_lease, "sealed"),
        (lambda: flipped(sealed_lease()), "changed"),
        (sealed_and_more, "changed"),
        (lambda: prepared(document()), "signed"),
        (pdfs.signed_elsewhere, "untrusted"),
        (document, "unsigned"),
        (lambda: b"a note", "unreadable"),
        (lambda: b"", "unreadable"),
    ],
)
def test_the_answer_is_the_one_that_is_found_in_this_process(make: Callable[[], bytes], verdict: str) -> None:
    pdf = make()
    report = verify(pdf, anchors(), limits=ORDINARY)
    here = verify_here(pdf, anchors())
    assert report.verdict == verdict
    assert report == replace(here, checked_at=report.checked_at)
    assert [each.sentence.sentence for each in report.checks] == [each.sentence.sentence for each in here.checks]
    assert report.sentence.values == here.sentence.values


def test_it_is_asked_about_another_time_as_well() -> None:
    in_twelve_years = datetime.now(UTC) + timedelta(days=12 * 366)
    assert verify(sealed_lease(), anchors(), limits=ORDINARY, at=in_twelve_years).verdict != "sealed"


@pytest.mark.parametrize(
    "make",
    [
        pdfs.decompression_bomb,
        pdfs.object_stream_bomb,
        pdfs.cross_reference_bomb,
        pdfs.endless_cross_references,
        pdfs.deep_page_tree,
        pdfs.deep_direct_objects,
        pdfs.page_tree_in_a_circle,
        pdfs.forms_in_forms,
    ],
)
def test_a_hostile_file_is_answered_and_leaves_this_process_as_it_was(make: Callable[[], bytes]) -> None:
    pdf, good = make(), sealed_lease()  # made in this process, which is not what is measured
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = verify(pdf, anchors(), limits=SMALL)
    assert report.verdict in ("unreadable", "unsigned")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # kilobytes on Linux
    assert verify(good, anchors(), limits=ORDINARY).verdict == "sealed"


def test_a_file_that_takes_too_long_is_said_to() -> None:
    limits = IntakeLimits(memory_bytes=RICH, seconds=1)
    report = verify(pdfs.endless_cross_references(), anchors(), limits=limits)
    assert (report.verdict, str(report.sentence)) == (
        "unreadable",
        "This file was not checked: that takes longer than 1 seconds.",
    )


@linux
def test_a_file_that_takes_too_much_memory_is_said_to() -> None:
    report = verify(pdfs.cross_reference_bomb(), anchors(), limits=IntakeLimits(memory_bytes=300_000_000))
    assert (report.verdict, str(report.sentence)) == (
        "unreadable",
        "This file was not checked: that takes more than 300 MB of memory.",
    )


@linux
def test_a_good_file_is_never_called_changed_for_want_of_memory() -> None:
    """Less memory at each try, from plenty down to what does not hold the file itself."""
    with pikepdf.open(io.BytesIO(document())) as pdf:
        pdf.Root.Ballast = pdf.make_stream(bytes(200_000_000))
        large = prepared(pdfs.saved(pdf, compress_streams=False))
    verdicts = {
        verify(large, anchors(), limits=IntakeLimits(memory_bytes=megabytes * 1_000_000)).verdict
        for megabytes in (1500, *range(420, 20, -40))
    }
    assert verdicts == {"signed", "unreadable"}


def test_who_waits_too_long_for_a_place_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    places = sandbox.Places(1)
    monkeypatch.setattr(verification, "_places", places)
    with places.one(0), pytest.raises(NotReady, match="try again in a minute"):
        verify(sealed_lease(), anchors(), limits=IntakeLimits(seconds=0))
    assert verify(sealed_lease(), anchors(), limits=ORDINARY).verdict == "sealed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(member=st.sampled_from(list(json.loads(packed(verify_here(b"", []))))), value=JSON)
def test_an_answer_of_a_child_that_was_taken_over_is_a_report_or_refused(member: str, value: object) -> None:
    told = json.loads(packed(verify_here(b"", []))) | {member: value}
    with suppress(ValueError):
        assert isinstance(unpacked(json.dumps(told).encode()), Report)


def handed_in(pdf: bytes, blobs: FolderBlobStore, limits: IntakeLimits = ORDINARY) -> None:
    take_in(pdf, file_name="lease.pdf", blobs=blobs, limits=limits)


@pytest.fixture
def blobs(tmp_path_factory: pytest.TempPathFactory) -> FolderBlobStore:
    return FolderBlobStore(tmp_path_factory.mktemp("documents"))


@pytest.mark.parametrize("make", [pdfs.plain_pdf, pdfs.with_form, pdfs.with_object_streams, pdfs.with_usage_rights])
def test_a_document_that_comes_signed_is_taken_while_its_signature_holds(
    make: Callable[[], bytes], blobs: FolderBlobStore
) -> None:
    handed_in(pdfs.signed_elsewhere(make()), blobs)


def test_a_document_whose_signature_does_not_hold_is_refused_when_it_is_handed_in(blobs: FolderBlobStore) -> None:
    """Not days later, when everybody has approved it and it is to be signed."""
    with pytest.raises(DocumentRefused, match="the signature in it does not hold") as refused:
        handed_in(pdfs.signed_elsewhere() + b"% more\n", blobs)
    assert refused.value.reason == "cannot_sign"
    assert not list(blobs.root.rglob("*.pdf"))
