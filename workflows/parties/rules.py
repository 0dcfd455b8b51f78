"""Questions about people. Pure; a permission answers with the sentence of its refusal, or None."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID
from zoneinfo import available_timezones

from workflows.errors import Refused
from workflows.parties.model import ADMINISTRATOR, READER

LOCALES = ("en", "ko")
LONGEST_NAME = 120

_ATOM = r"[^\s@<>(),;:\\\"\[\]]"  # RFC 5321's atoms, and letters of any script (RFC 6531)
_LABEL = r"[^\s@<>(),;:\\\"\[\]._-](?:[^\s@<>(),;:\\\"\[\]._]{0,61}[^\s@<>(),;:\\\"\[\]._-])?"
_EMAIL = re.compile(rf"{_ATOM}{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Scope(StrEnum):
    """What a program may do with its token."""

    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    TASKS_READ = "tasks:read"
    TASKS_DECIDE = "tasks:decide"
    ROUTES_WRITE = "routes:write"
    VERIFY = "verify"


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, with all that permissions ask for. ``via``: "page", "api", "link" or "command"."""

    id: UUID
    name: str
    email: str
    organisation_id: UUID | None
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    scopes: frozenset[str] = field(default_factory=lambda: frozenset(Scope))
    via: str = "page"
    locale: str = "en"
    timezone: str = "UTC"

    @property
    def administers(self) -> bool:
        return ADMINISTRATOR in self.roles

    @property
    def reads_all(self) -> bool:
        """Whether every document of their own organisation is open to them."""
        return self.organisation_id is not None and not self.roles.isdisjoint((ADMINISTRATOR, READER))


def why_not_administer(actor: Actor) -> str | None:
    return None if actor.administers else "Only administrators may do this."


def why_not_scope(actor: Actor, scope: Scope) -> str | None:
    return None if scope in actor.scopes else "This token does not allow it: the scope %(scope)s is missing."


def normalised_email(address: str) -> str:
    """One spelling for one mailbox: case and width away, no space around.

    Raises:
        Refused: where it is no address.
    """
    address = unicodedata.normalize("NFKC", address).strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Refused("“%(address)s” is not an e-mail address.", field="email", address=shown(address)[:80])
    return address


def checked_name(name: str) -> str:
    """A name as its owner writes it, in any script, without what cannot be seen.

    Raises:
        Refused: where nothing is left, or it is longer than a certificate's name may be.
    """
    name = shown(name)
    if not name:
        raise Refused("A name is needed.", field="name")
    if len(name) > LONGEST_NAME:
        raise Refused("The name is longer than %(most)s letters.", field="name", most=LONGEST_NAME)
    return name


def shown(text: str) -> str:
    """One line of text as it may be shown: composed, without control and direction characters, spaces folded."""
    return " ".join(_UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).split())


def checked_locale(locale: str) -> str:
    if locale not in LOCALES:
        raise Refused("Signoff speaks English (en) and Korean (ko).", field="locale")
    return locale


def checked_timezone(zone: str) -> str:
    if zone not in available_timezones():
        raise Refused("“%(zone)s” is not a time zone, such as Asia/Seoul.", field="timezone", zone=shown(zone)[:60])
    return zone


def why_not_password(password: str) -> str | None:
    """Length alone (NIST SP 800-63B, 5.1.1.2): rules about characters make passwords worse."""
    if len(password) < 12:
        return "A password needs at least 12 characters."
    if len(password) > 200:
        return "A password may have at most 200 characters."
    return None
