"""Real parts that a test may need beside Python: where they are, and what to install when they are not there.

A test says ``parts.require("pdfsig")`` and gets the path of the program. Where the part is absent, the test is skipped,
and the end of the run names the part and how to get it; with ``CI=true`` in the environment it fails instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ABSENT = "Not installed here: "


@dataclass(frozen=True)
class Part:
    title: str
    install: str
    find: Callable[[], Path | None]
    """The program, or None where it cannot be run."""


def require(name: str) -> Path:
    """The program of this part. Skips the calling test or fixture where it is absent; fails it under ``CI=true``."""
    part = PARTS[name]
    found = part.find()
    if found is not None:
        return found
    sentence = f"{ABSENT}{part.title} ({part.install})"
    if in_ci():
        pytest.fail(f"{sentence}. Under CI=true nothing is skipped.", pytrace=False)
    pytest.skip(sentence)


def present(name: str) -> bool:
    return PARTS[name].find() is not None


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("true", "1")


def _program(*names: str, folders: tuple[str, ...] = ()) -> Callable[[], Path | None]:
    """Looks on PATH first, then in the folders."""

    def find() -> Path | None:
        known = (os.environ.get("PATH", os.defpath), *(str(Path(folder).expanduser()) for folder in folders if folder))
        path = os.pathsep.join(known)
        found = (shutil.which(name, path=path) for name in names)
        return next((Path(each) for each in found if each), None)

    return find


def _from_go(name: str) -> Callable[[], Path | None]:
    """``go install`` puts programs into a folder that often is not on PATH."""

    def find() -> Path | None:
        return _program(name, folders=(os.environ.get("GOBIN", ""), "~/go/bin"))()

    return find


def _postgresql() -> Path | None:
    """The folder with initdb and postgres: distributions keep them off PATH, the newest version wins."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = _program("initdb")()
    candidates = [*versions, *Path("/opt/homebrew/opt").glob("postgresql*/bin"), Path("/usr/pgsql/bin")]
    if on_path is not None:
        candidates.append(on_path.resolve().parent)
    return next((each for each in candidates if (each / "initdb").exists() and (each / "postgres").exists()), None)


def _dss() -> Path | None:
    """The reference validator: compiled classes of ``tests/dss`` with its libraries, and a Java to run them."""
    home = Path(__file__).parent.parent / "dss"
    built = any(home.glob("target/classes/**/*.class")) and any(home.glob("lib/*.jar"))
    return home if built and _program("java")() else None


def _rule_sets() -> Path | None:
    """The folder for ``SIGNOFF_INVOICE_RULES``."""
    sets = Path(__file__).parent.parent / "rulesets" / "sets"
    return sets if len(list(sets.rglob("*.xslt"))) > 3 else None


PARTS = {
    "postgresql": Part("PostgreSQL", "apt-get install postgresql, or SIGNOFF_TEST_POSTGRES_URL", _postgresql),
    "versitygw": Part(
        "VersityGW, an S3 server", "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0", _from_go("versitygw")
    ),
    "mailpit": Part("Mailpit, an SMTP server", "go install github.com/axllent/mailpit@v1.27.11", _from_go("mailpit")),
    "dovecot": Part(
        "Dovecot, an IMAP server",
        "apt-get install dovecot-imapd",
        _program("dovecot", folders=("/usr/sbin", "/usr/local/sbin")),
    ),
    "chromium": Part("Chromium", "apt-get install chromium", _program("chromium", "chromium-browser", "google-chrome")),
    "pdfsig": Part("pdfsig", "apt-get install poppler-utils", _program("pdfsig")),
    "pdftoppm": Part("pdftoppm", "apt-get install poppler-utils", _program("pdftoppm")),
    "pdftotext": Part("pdftotext", "apt-get install poppler-utils", _program("pdftotext")),
    "openssl": Part("OpenSSL", "apt-get install openssl", _program("openssl")),
    "qpdf": Part("qpdf", "apt-get install qpdf", _program("qpdf")),
    "soffice": Part("LibreOffice Calc", "apt-get install libreoffice-calc-nogui", _program("soffice", "libreoffice")),
    "java": Part("Java", "apt-get install default-jre-headless", _program("java")),
    "dss": Part("EU DSS, the reference validator", "see tests/dss/README.md", _dss),
    "rule sets": Part("the rules of XRechnung and Peppol", "see docs/invoice-rules.md", _rule_sets),
}
