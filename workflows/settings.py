"""Every knob, with defaults that run the whole engine on one machine.

Environment variables ``SIGNOFF_…`` (or a ``.env`` file) override them; production changes settings only.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEVELOPMENT_SECRET = "development-only: set SIGNOFF_SECRET"  # noqa: S105  (refused in production)
DEVELOPMENT_PASSPHRASE = "development-only: set SIGNOFF_KEY_PASSPHRASE"  # noqa: S105  (refused in production)

SHORTEST_SECRET = 16  # characters


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LinkCodes(StrEnum):
    ABOVE = "above"
    NEW_DEVICES = "new-devices"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SIGNOFF_", env_file=".env", extra="ignore", frozen=True)

    environment: Environment = Environment.DEVELOPMENT
    home: Path = Path("var")
    """All that is written lies below it."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    url: str = ""
    """The address that people see, when a proxy stands in front; derived from host and port otherwise."""

    database_url: str = ""
    documents_url: str = ""
    """``file:FOLDER`` or ``s3://HOST:PORT/BUCKET`` (``s3+http://`` without TLS)."""
    documents_access_key: str = ""
    documents_secret_key: SecretStr = SecretStr("")

    mail_url: str = "embedded:"
    """``embedded:``, ``smtp://USER:PASSWORD@HOST:PORT`` (STARTTLS when offered), ``smtps://…``."""
    mailbox_port: int = Field(0, ge=0, le=65535)
    """Loopback port of the embedded mailbox's SMTP server; 0: the web port plus 25."""
    mail_from: str = "signoff@localhost"

    organisation: str = "Signoff"
    """The name on letterheads, mails and in certificates, until an administrator changes the organisation's own."""
    country: str = "KR"
    timezone: str = "Asia/Seoul"
    locale: str = "en"

    secret: SecretStr = SecretStr(DEVELOPMENT_SECRET)
    """Seals what waits in the outbox (links in mails that have not left yet)."""
    key_passphrase: SecretStr = SecretStr(DEVELOPMENT_PASSPHRASE)
    """Encrypts the private keys of the embedded authority at rest."""
    signing_keys: str = "embedded"
    """``embedded`` or ``pkcs12:FILE`` for the platform's seal."""
    signing_keys_password: SecretStr = SecretStr("")
    timestamp_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """External RFC 3161 authorities for signatures and seals, asked in this order until one stamps; none: our own."""
    trust_anchors: Annotated[tuple[Path, ...], NoDecode] = ()
    """PEM files with the roots of those authorities, and of whoever issued the seal: for asking and for verifying."""
    archive_days: int = Field(365, ge=30, le=730)
    """A sealed file gets a new time stamp this long before the certificate behind its last one ends."""

    link_days: int = Field(14, ge=1, le=365)
    session_hours: int = Field(12, ge=1, le=24 * 90)
    expiry_alert_days: Annotated[tuple[int, ...], NoDecode] = (90, 60, 30, 7)
    sign_in_tries: int = 5
    sign_in_wait_minutes: int = 15
    link_codes: LinkCodes = LinkCodes.ABOVE
    """When a mailed link asks for a one-time code first. ``above``: above the amount that the route names, if it names
    one. ``new-devices``: also in every browser in which its addressee has not entered a code within 180 days, the very
    first one included."""

    intake_memory_bytes: int = 1_500_000_000
    intake_seconds: int = 20
    intake_file_bytes: int = 100_000_000
    intake_pages: int = 2_000

    sendings_outside: bool = True
    """Whether documents may be sent to addresses that belong to nobody of the organisation."""
    sending_file_bytes: int = Field(10_000_000, ge=0)
    """The largest file that a mail carries; of larger ones a link is sent."""

    export_days: int = Field(7, ge=1, le=90)
    """For so long the files of exports are kept that were made in the background."""

    invoice_folder: Path | None = None
    """A folder that is watched: each file in it is handed in as an invoice, and moved to done/ or refused/."""
    invoice_folder_by: str = ""
    """Address of the person who takes care of what comes by the folder."""
    invoices_mailbox_url: SecretStr = SecretStr("")
    """A mailbox that is watched: ``imaps://USER:PASSWORD@HOST:PORT/FOLDER``, ``imap://…`` with STARTTLS. Each invoice
    in a mail is handed in, the mail moved to Done or Refused below its folder."""
    invoices_mailbox_by: str = ""
    """Address of the person who takes care of what comes by the mailbox."""
    invoices_mailbox_address: str = ""
    """The address of that mailbox. Set: suppliers' answers go there, to an address of its own (``+``) for each
    question, and are put beside the invoice. Otherwise they go to whoever asked."""
    invoice_rules: Path | None = None
    """A folder with further sets of rules for invoices (XSLT that writes Schematron's reports), beside those of EN
    16931: `documents.einvoices.official.sets_in` says how they are chosen."""

    release_separation: Literal["sole-approver", "any-approver", "off"] = "sole-approver"
    """Who of those who approved an invoice may not release it for payment."""
    payment_url: str = ""
    """Where released invoices are posted to, one by one; without it they leave in files. https, or http on loopback."""
    payment_secret: SecretStr = SecretStr("")
    """Signs what is posted there; at least 16 characters."""
    payment_private: bool = False
    """Whether that may be an address of a private network, or of this machine."""

    prefect_port: int = Field(0, ge=0, le=65535)
    """Loopback port of the embedded Prefect server; 0: the web port plus 200."""
    prefect_api_url: str = Field("", validation_alias="PREFECT_API_URL")
    """Set: that server is used and none is started."""
    work_pool: str = "signoff"
    poke_port: int = Field(0, ge=0, le=65535)
    """Loopback UDP port on which the warm worker is told to look now; 0: the web port plus 201."""
    dispatcher_port: int = Field(0, ge=0, le=65535)
    """Loopback UDP port on which the dispatcher is told to look now; 0: the worker's plus 1."""
    worker_limit: int = Field(4, ge=1, le=64)
    """Flow runs at a time in one worker."""

    log_level: str = "INFO"

    @field_validator("timestamp_urls", "trust_anchors", mode="before")
    @classmethod
    def _cut(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("mail_url")
    @classmethod
    def _mails(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("embedded", "smtp", "smtps"):
            raise ValueError("It begins with embedded:, smtp:// or smtps://.")
        return value

    @model_validator(mode="after")
    def _pays(self) -> Self:
        if self.payment_url and (sentence := why_not_post(self.payment_url, self.payment_secret.get_secret_value())):
            raise ValueError(sentence)
        return self

    @field_validator("expiry_alert_days", mode="before")
    @classmethod
    def _days(cls, value: object) -> object:
        return tuple(int(part) for part in value.split(",")) if isinstance(value, str) else value

    @cached_property
    def public_url(self) -> str:
        return self.url.rstrip("/") or f"http://{self.host}:{self.port}"

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home.resolve() / 'signoff.db'}"

    @cached_property
    def documents(self) -> str:
        return self.documents_url or f"file:{self.home.resolve() / 'documents'}"

    @property
    def embedded_mail(self) -> bool:
        return self.mail_url.startswith("embedded:")

    @property
    def mailbox_smtp_port(self) -> int:
        return self.mailbox_port or self.port + 25

    @property
    def embedded_prefect(self) -> bool:
        return not self.prefect_api_url

    @property
    def prefect_server_port(self) -> int:
        return self.prefect_port or self.port + 200

    @property
    def prefect_url(self) -> str:
        return self.prefect_api_url or f"http://127.0.0.1:{self.prefect_server_port}/api"

    @property
    def poke_address(self) -> tuple[str, int]:
        return "127.0.0.1", self.poke_port or self.port + 201

    @property
    def dispatcher_address(self) -> tuple[str, int]:
        host, port = self.poke_address
        return host, self.dispatcher_port or port + 1

    def insist_on_production_values(self) -> Self:
        """Refuse to start in production with what everybody knows.

        Raises:
            UnsafeSettings: with a sentence that names each setting to change.
        """
        if self.environment is not Environment.PRODUCTION:
            return self
        unsafe = [
            name
            for name, bad in (
                ("SIGNOFF_SECRET", self.secret.get_secret_value() == DEVELOPMENT_SECRET),
                ("SIGNOFF_KEY_PASSPHRASE", self.key_passphrase.get_secret_value() == DEVELOPMENT_PASSPHRASE),
                ("SIGNOFF_MAIL_URL", self.embedded_mail),
                ("SIGNOFF_URL", urlsplit(self.public_url).scheme != "https"),
            )
            if bad
        ]
        short = [
            name
            for name, value in (("SIGNOFF_SECRET", self.secret), ("SIGNOFF_KEY_PASSPHRASE", self.key_passphrase))
            if name not in unsafe and len(value.get_secret_value()) < SHORTEST_SECRET
        ]
        if unsafe or short:
            raise UnsafeSettings(unsafe, short)
        return self


def why_not_post(url: str, secret: str) -> str | None:
    """What is wrong with the settings of the payment system."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "SIGNOFF_PAYMENT_URL is no address."
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        return "SIGNOFF_PAYMENT_URL is an https address, without a name or a password in it."
    if len(secret) < SHORTEST_SECRET:
        return "SIGNOFF_PAYMENT_SECRET needs at least 16 characters."
    return None


def sentences_of(error: ValidationError) -> list[str]:
    """Of settings that mean nothing: each by the name under which it is set. Values stay out: they may be secrets."""
    told = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        said = each["msg"].removeprefix("Value error, ")
        name = "_".join(str(part) for part in each["loc"][:1]).upper()
        told.append(f"SIGNOFF_{name}: {said}" if name and not name.startswith("PREFECT_") else f"{name} {said}".strip())
    return told


class UnsafeSettings(Exception):
    """Settings that may not stand in production."""

    def __init__(self, defaults: list[str], short: list[str]) -> None:
        sentences = []
        if defaults:
            sentences.append(f"{', '.join(defaults)}: still with a value for development. Set your own.")
        if short:
            sentences.append(f"{', '.join(short)} needs at least 16 characters.")
        if "SIGNOFF_URL" in defaults:
            sentences.append("SIGNOFF_URL must be the https:// address that people see.")
        if "SIGNOFF_MAIL_URL" in defaults:
            sentences.append("SIGNOFF_MAIL_URL must name an SMTP server; the embedded mailbox is for trying out.")
        super().__init__("Signoff does not start in production like this: " + " ".join(sentences))
