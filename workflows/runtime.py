"""The composition root: settings in, a running engine out. It and ``stores`` alone read schemes and build adapters."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.x509 import load_pem_x509_certificates
from sqlalchemy import Engine
from sqlmodel import Session

from documents.blobs import BlobStore
from documents.intake import IntakeLimits
from signing.authority import Authority
from signing.pdf_signer import PdfSigner
from workflows.database import Work, on_commit, open_engine, reading, transaction
from workflows.dispatcher import Dispatcher, Leaves, Still, open_dispatcher
from workflows.launcher import Launcher
from workflows.outbox import open_vault
from workflows.pokes import poke
from workflows.settings import Settings
from workflows.stores import open_blobs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    engine: Engine
    blobs: BlobStore
    authority: Authority
    signer: PdfSigner
    launcher: Launcher
    dispatcher: Dispatcher
    vault: Fernet

    @contextmanager
    def transaction(self) -> Iterator[Work]:
        with transaction(self.engine, stamp=self.authority.tsa.token, vault=self.vault) as session:
            yield session

    @contextmanager
    def reading(self, *, at_once: bool = False) -> Iterator[Session]:
        with reading(self.engine, at_once=at_once) as session:
            yield session

    @property
    def intake_limits(self) -> IntakeLimits:
        return IntakeLimits(
            memory_bytes=self.settings.intake_memory_bytes,
            seconds=self.settings.intake_seconds,
            file_bytes=self.settings.intake_file_bytes,
            pages=self.settings.intake_pages,
        )


def build(settings: Settings, *, still_wanted: Still, leaves: Leaves) -> Runtime:
    """Everything that the settings name. Opens the key store (made on first use), and no connection yet.

    Raises:
        UnsafeSettings: in production, with values for development.
        ValueError: for an address that means nothing.
    """
    settings.insist_on_production_values()
    engine = open_engine(settings.database)
    authority = open_authority(settings)
    on_commit(engine, partial(poke, settings.dispatcher_address))
    return Runtime(
        settings=settings,
        engine=engine,
        blobs=open_blobs(settings),
        authority=authority,
        signer=open_signer(settings, authority),
        launcher=Launcher(settings.prefect_url, poke=settings.poke_address),
        dispatcher=open_dispatcher(settings, engine, still_wanted=still_wanted, leaves=leaves),
        vault=open_vault(settings.secret.get_secret_value()),
    )


def open_authority(settings: Settings) -> Authority:
    authority = Authority.open(
        settings.home / "keys",
        passphrase=settings.key_passphrase.get_secret_value(),
        organisation=settings.organisation,
        country=settings.country,
        publish_url=f"{settings.public_url}/authority",
    )
    scheme, _, rest = settings.signing_keys.partition(":")
    match scheme:
        case "embedded":
            return authority
        case "pkcs12":
            return authority.with_seal_from_pkcs12(rest, settings.signing_keys_password.get_secret_value())
        case _:
            raise ValueError(f"SIGNOFF_SIGNING_KEYS is embedded or pkcs12:FILE, not {scheme}:…")


def open_signer(settings: Settings, authority: Authority) -> PdfSigner:
    from signing.timestamps import HttpTsa

    anchors = read_trust_anchors(settings.trust_anchors)
    if settings.timestamp_urls and not anchors:
        log.warning(
            "SIGNOFF_TIMESTAMP_URLS without SIGNOFF_TRUST_ANCHORS: any time stamp is taken, and verifying here does "
            "not trust it. Name the PEM files with the roots of these authorities."
        )
    asked = (authority.trust_anchor_pem, *anchors) if anchors else ()
    tsas = [HttpTsa(url, trust_anchors=asked) for url in settings.timestamp_urls]
    return PdfSigner(authority, *tsas, trust_anchors=anchors)


def read_trust_anchors(files: Sequence[Path]) -> tuple[bytes, ...]:
    """Raises ValueError for a file that cannot be read, or holds no certificate."""
    anchors = []
    for file in files:
        try:
            anchors.append(file.read_bytes())
            load_pem_x509_certificates(anchors[-1])
        except OSError as failure:
            raise ValueError(f"SIGNOFF_TRUST_ANCHORS: {file} cannot be read ({failure.strerror}).") from None
        except ValueError:
            raise ValueError(f"SIGNOFF_TRUST_ANCHORS: {file} holds no certificates in PEM.") from None
    return tuple(anchors)
