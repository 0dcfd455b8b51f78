"""Real documents, as intake takes them in, through their whole signed life."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from documents.intake import IntakeRefused, accept
from signing.verification import verify
from tests.dss.checker import opinions
from tests.signing.builders import anchors, sealed
from tests.support import corpus, parts
from tests.support.authority import authority

# What EU DSS remarks about the documents themselves: annotations that overlap, or that are drawn anew each time.
THEIR_OWN = ("Visual difference is detected", "Elements overlap on page(s)")


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every one that intake takes, sealed."""
    folder = tmp_path_factory.mktemp("sealed")
    made, refused = {}, []
    for path in corpus.require("contracts"):
        try:
            accepted = accept(path.read_bytes())
        except IntakeRefused:
            refused.append(path.name)
            continue
        made[path.name] = folder / path.name
        made[path.name].write_bytes(sealed(accepted.normalised))
    assert refused == ["libreoffice-writer-password.pdf"]
    return made


def test_each_is_sealed(contracts: dict[str, Path]) -> None:
    for name, path in contracts.items():
        report = verify(path.read_bytes(), anchors())
        assert report.verdict == "sealed", f"{name}: {report.checks}"


@pytest.mark.timeout(400)  # it draws every page once for each signature
def test_eu_dss_passes_each(contracts: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(authority().trust_anchor_pem)
    for name, opinion in zip(contracts, opinions(list(contracts.values()), [tmp_path / "root.pem"]), strict=True):
        assert not opinion.error, f"{name}: {opinion.error}"
        assert len(opinion.signatures) == 3
        for one in opinion.signatures:
            assert (one.indication, one.level) == ("TOTAL_PASSED", "PAdES-BASELINE-LTA"), f"{name}: {one}"
        for one in (*opinion.signatures, *opinion.timestamps):
            unexpected = [warning for warning in one.warnings if not warning.startswith(THEIR_OWN)]
            assert not unexpected, f"{name}: {one}"
            assert not one.errors, f"{name}: {one}"


def test_pdfsig_and_qpdf_pass_each(contracts: dict[str, Path]) -> None:
    pdfsig, qpdf = parts.require("pdfsig"), parts.require("qpdf")
    for name, path in contracts.items():
        told = subprocess.run([pdfsig, "-nocert", path], capture_output=True, text=True).stdout
        assert told.count("Signature is Valid.") == 3, f"{name}: {told}"
        checked = subprocess.run([qpdf, "--check", path], capture_output=True, text=True)
        assert checked.returncode == 0, f"{name}: {checked.stdout}{checked.stderr}"
