"""The command line: what will not do is a sentence and exit status 1."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from api.cli import main


@pytest.mark.parametrize(
    "words",
    [
        ["routes", "check"],
        ["routes", "publish", "--by", "root@haneul.example"],
        ["rates", "load", "--by", "root@haneul.example"],
    ],
    ids=" ".join,
)
def test_a_file_that_is_no_text_is_refused_with_a_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(b"day,base\xff")
    monkeypatch.setattr(sys, "argv", ["signoff", *words, str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capfd.readouterr().err.strip() == "rates.csv is no text in UTF-8."
