"""The example of settings names settings that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from workflows.settings import Environment, Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"


def test_every_setting_in_the_example_exists() -> None:
    named = set(re.findall(r"^# (SIGNOFF_\w+)=", EXAMPLE.read_text(), re.MULTILINE))
    known = {f"SIGNOFF_{name.upper()}" for name in Settings.model_fields}
    assert len(named) > 10
    assert named <= known


def test_the_example_is_good_for_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its lines switched on and the secrets filled in."""
    text = re.sub(r"^# (?=[A-Z_]+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^(.+(?:SECRET|PASSPHRASE|KEY|PASSWORD))=$", r"\1=long-and-random-value", text, flags=re.MULTILINE)
    (tmp_path / "filled").write_text(text)
    for name, value in dotenv_values(tmp_path / "filled").items():
        monkeypatch.setenv(name, value or "")
    settings = Settings().insist_on_production_values()
    assert settings.environment is Environment.PRODUCTION
    assert settings.expiry_alert_days == (90, 60, 30, 7)
    assert not settings.embedded_mail
    assert not settings.embedded_prefect
