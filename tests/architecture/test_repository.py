"""What may not be written into any file of the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# In pieces, so that this file may be searched, too.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("static", "crates", "io"),
        ("index", "crates", "io"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("ghcr", "io"),
        ("docker", "io"),
    )
]


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def test_no_file_names_a_registrys_host() -> None:
    """Where packages come from is a matter of the machine's own settings."""
    found = [
        (str(path.relative_to(ROOT)), host)
        for path in tracked()
        if path.is_file()
        for text in [path.read_bytes()]
        for host in REGISTRIES
        if host.encode() in text
    ]
    assert not found


def test_every_locked_package_has_a_hash() -> None:
    blocks = (ROOT / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in blocks if line[:1].isalnum()]
    assert len(packages) > 100
    assert [line for line in packages if "--hash=sha256:" not in line] == []
