"""Real PDFs that may lie beside the project: tests make their own inputs, and add these where they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import parts

FOLDER = Path(os.environ.get("SIGNOFF_TEST_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")


def files(folder: str, pattern: str = "*.pdf") -> list[Path]:
    """The files of one folder of the collection, in order; none where it is absent: good for ``parametrize``."""
    return sorted((FOLDER / folder).glob(pattern))


def require(folder: str, pattern: str = "*.pdf") -> list[Path]:
    """The same, but skips the calling test where they are absent; fails it under ``CI=true``."""
    found = files(folder, pattern)
    if found:
        return found
    sentence = f"{parts.ABSENT}the collection of real PDFs (SIGNOFF_TEST_CORPUS names its folder)"
    if parts.in_ci():
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)
