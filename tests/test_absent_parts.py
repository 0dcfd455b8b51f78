"""A part that is absent is named at the end of a run; where nothing may be absent, it is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEST = """
from tests.support import parts

def test_first(): parts.require("qpdf")
def test_second(): parts.require("qpdf")
"""


def run(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_example.py").write_text(TEST)
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_ADDOPTS", "PATH")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "test_example.py"],
        cwd=tmp_path,
        env={**inherited, "PATH": str(tmp_path), "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_absent_part_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 tests were skipped without qpdf (apt-get install qpdf)" in done.stdout.splitlines()


def test_an_absent_part_fails_where_nothing_may_be_skipped(tmp_path: Path) -> None:
    done = run(tmp_path, CI="true")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "2 failed" in done.stdout
