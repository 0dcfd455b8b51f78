"""A real signing authority, made once a session: its root key alone takes a second."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from signing.authority import Authority
from signing.pdf_signer import PdfSigner

PASSPHRASE = "a passphrase of tests"
ORGANISATION = "하늘물류 Haneul Logistics"


@cache
def authority() -> Authority:
    return made(ORGANISATION)


@cache
def stranger() -> Authority:
    """Another house, whose root nobody here trusts."""
    return made("Nordwerk Maschinen GmbH", country="DE")


@cache
def signer() -> PdfSigner:
    return PdfSigner(authority())


def made(organisation: str, *, country: str = "KR", folder: Path | None = None) -> Authority:
    return Authority.open(
        folder or Path(mkdtemp(prefix="signoff-authority-")) / "keys",
        passphrase=PASSPHRASE,
        organisation=organisation,
        country=country,
        publish_url="https://contracts.example.kr/authority",
    )
