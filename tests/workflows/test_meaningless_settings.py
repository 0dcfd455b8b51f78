"""Settings that mean nothing: a sentence with their name, and never their value."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli import main

SECRET = "smtp-password-of-the-house"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGNOFF_PORT", "eighty", "SIGNOFF_PORT: Input should be a valid integer"),
        ("SIGNOFF_MAIL_URL", f"user:{SECRET}@mail.example", "SIGNOFF_MAIL_URL: It begins with embedded:, smtp:// or"),
        ("SIGNOFF_PAYMENT_URL", f"https://user:{SECRET}@erp.example", "SIGNOFF_PAYMENT_URL is an https address"),
        ("SIGNOFF_PAYMENT_URL", "https://erp.example/pay", "SIGNOFF_PAYMENT_SECRET needs at least 16 characters."),
        ("SIGNOFF_RELEASE_SEPARATION", "nobody", "SIGNOFF_RELEASE_SEPARATION: Input should be 'sole-approver'"),
    ],
)
def test_nothing_is_started_with_a_setting_that_means_nothing(
    name: str,
    value: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SIGNOFF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["signoff", "serve"])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert left.value.code == 1
    assert told.startswith(said)
    assert SECRET not in told
    assert not (tmp_path / "home").exists()
