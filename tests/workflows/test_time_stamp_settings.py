"""External time stamp authorities and their roots, as the settings name them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from signing.pdf_signer import PdfSigner
from signing.verification import verify
from tests.signing.builders import sealed
from tests.signing.houses import house_online, served
from tests.support.authority import authority, stranger
from workflows.runtime import open_signer
from workflows.settings import Settings


def signer(home: Path, urls: str, *anchors: Path) -> PdfSigner:
    given = {"timestamp_urls": urls, "trust_anchors": ",".join(map(str, anchors))}
    return open_signer(Settings(home=home, **given), authority())  # type: ignore[arg-type]  # text, as from outside


def test_the_second_address_stamps_when_the_first_does_not_and_files_verify_with_the_roots_named(
    tmp_path: Path,
) -> None:
    with house_online(tmp_path / "keys") as (house, url), served(lambda *_: None) as dead:
        (tmp_path / "theirs.pem").write_bytes(house.trust_anchor_pem)
        (tmp_path / "other.pem").write_bytes(stranger().trust_anchor_pem)
        made = signer(tmp_path, f"{dead}, {url}/tsa", tmp_path / "other.pem", tmp_path / "theirs.pem")
        report = verify(sealed(by=made), made.trust_anchors)
    assert report.verdict == "sealed"
    assert report.signatures[-1].signer == "Zeit GmbH Time Stamp"


def test_without_addresses_our_own_authority_stamps(tmp_path: Path) -> None:
    made = signer(tmp_path, "")
    assert made.stamps_until() == authority().tsa.good_until()


def test_addresses_without_roots_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        signer(tmp_path, "http://127.0.0.1:9")
    assert "SIGNOFF_TRUST_ANCHORS" in caplog.text


def test_a_file_of_roots_that_is_none_is_named_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"SIGNOFF_TRUST_ANCHORS: .*nowhere\.pem cannot be read"):
        signer(tmp_path, "", tmp_path / "nowhere.pem")
    (tmp_path / "note.pem").write_text("no certificate")
    with pytest.raises(ValueError, match=r"note\.pem holds no certificates in PEM"):
        signer(tmp_path, "", tmp_path / "note.pem")
