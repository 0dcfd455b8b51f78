"""Sealed files are time stamped again before the certificate behind their last time stamp ends. Clocks are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing.authority import Authority
from signing.errors import SigningRefused, TimestampUnavailable
from signing.pdf_signer import PdfSigner
from signing.timestamps import HttpTsa
from signing.verification import verify
from tests.signing.builders import document, sealed
from tests.signing.houses import house_online
from tests.support.authority import PASSPHRASE, made

YEAR = timedelta(days=365.25)


def opened(folder: Path, at: datetime) -> Authority:
    return Authority.open(folder, passphrase=PASSPHRASE, organisation="하늘물류 Haneul Logistics", clock=lambda: at)


def test_a_file_that_is_stamped_again_twice_holds_for_a_quarter_of_a_century(tmp_path: Path) -> None:
    first = made("Haneul", folder=tmp_path / "keys")
    file = sealed(by=PdfSigner(first))
    for _ in range(2):
        before = PdfSigner(first).archive_until(file)
        now = before - timedelta(days=200)
        signer = PdfSigner(opened(tmp_path / "keys", now))
        renewed = signer.renew(file, at=now)
        assert renewed.startswith(file)
        assert signer.archive_until(renewed) == signer.stamps_until() > before
        # It holds beyond the day on which the file of before ends, and up to its own.
        for moment in (before + timedelta(days=1), signer.archive_until(renewed) - timedelta(days=1)):
            assert verify(file, signer.trust_anchors, at=moment).verdict != "sealed"
            assert verify(renewed, signer.trust_anchors, at=moment).verdict == "sealed"
        file = renewed
    assert PdfSigner(first).archive_until(file) - datetime.now(UTC) > 24 * YEAR


def test_the_end_that_is_stored_is_the_one_that_the_report_says() -> None:
    house = made("Haneul")
    signer = PdfSigner(house)
    file = sealed(by=signer)
    assert signer.archive_until(file) == verify(file, signer.trust_anchors).archive_until == house.tsa.good_until()
    with pytest.raises(SigningRefused, match="No time stamp closes"):
        signer.archive_until(document())


def test_a_file_whose_time_stamp_ended_is_not_stamped_again(tmp_path: Path) -> None:
    """It proves nothing any more: a new stamp would only hide that."""
    first = made("Haneul", folder=tmp_path / "keys")
    file = sealed(by=PdfSigner(first))
    late = first.tsa.good_until() + timedelta(days=1)
    with pytest.raises(SigningRefused, match="not sealed any more"):
        PdfSigner(opened(tmp_path / "keys", late)).renew(file, at=late)


def test_the_stamp_of_another_house_is_proven_by_its_list_of_the_day(tmp_path: Path) -> None:
    """Years later, and stamped by ourselves then: the list of the sealing day is long out of date."""
    ours, now = made("Haneul", folder=tmp_path / "keys"), datetime.now(UTC) + 9 * YEAR
    with house_online(tmp_path / "theirs") as (house, url):
        roots = [house.trust_anchor_pem]
        file = sealed(by=PdfSigner(ours, HttpTsa(f"{url}/tsa"), trust_anchors=roots))
        house._clock = lambda: now
        signer = PdfSigner(opened(tmp_path / "keys", now), trust_anchors=roots)
        renewed = signer.renew(file, at=now)
    report = verify(renewed, signer.trust_anchors, at=signer.archive_until(renewed) - timedelta(days=1))
    assert report.verdict == "sealed", report.checks
    assert [one.signer for one in report.signatures if one.kind == "timestamp"] == [
        "Zeit GmbH Time Stamp",
        "Haneul Time Stamp",
    ]


def test_nothing_is_stamped_while_the_list_about_the_last_stamp_cannot_be_had(tmp_path: Path) -> None:
    ours, now = made("Haneul", folder=tmp_path / "keys"), datetime.now(UTC) + 9 * YEAR
    with house_online(tmp_path / "theirs") as (house, url):
        roots = [house.trust_anchor_pem]
        file = sealed(by=PdfSigner(ours, HttpTsa(f"{url}/tsa"), trust_anchors=roots))
    with pytest.raises(TimestampUnavailable, match=url):
        PdfSigner(opened(tmp_path / "keys", now), trust_anchors=roots).renew(file, at=now)
