"""Questions about people. Pure; a permission answers with the sentence of its refusal, or None."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from workflows.business_time import timezones
from workflows.errors import Refused
from workflows.parties.model import ADMINISTRATOR, READER, ApiToken, Kind, Person

LOCALES = ("en", "ko")
LONGEST_NAME = 120
LONGEST_MEMBERSHIP = 80

_ATOM = r"[^\s@<>(),;:\\\"\[\]]"  # RFC 5321's atoms, and letters of any script (RFC 6531)
_LABEL = r"[^\s@<>(),;:\\\"\[\]._-](?:[^\s@<>(),;:\\\"\[\]._]{0,61}[^\s@<>(),;:\\\"\[\]._-])?"
_EMAIL = re.compile(rf"{_ATOM}{{1,64}}@(?:{_LABEL}\.)*{_LABEL}")
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Scope(StrEnum):
    """What a program may do with its token."""

    CONTRACTS_READ = "contracts:read"
    CONTRACTS_WRITE = "contracts:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    INVENTORY_READ = "inventory:read"
    INVENTORY_WRITE = "inventory:write"
    INVOICES_READ = "invoices:read"
    INVOICES_WRITE = "invoices:write"
    TASKS_READ = "tasks:read"
    TASKS_DECIDE = "tasks:decide"
    ROUTES_WRITE = "routes:write"
    BOARDS_READ = "boards:read"
    VERIFY = "verify"


@dataclass(frozen=True)
class Actor:
    """Somebody who acts, with all that permissions ask for.

    ``via``: "page", "api", "link", "link_and_code" or "command".
    """

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


def who(actor: Actor | None) -> dict[str, Any]:
    """How an entry of the history names whoever acted; nothing where the clock did."""
    return {"actor": actor.name, "actor_id": actor.id} if actor else {}


def why_not_administer(actor: Actor) -> str | None:
    return None if actor.administers else "Only administrators may do this."


def why_not_scope(actor: Actor, scope: Scope) -> str | None:
    return None if scope in actor.scopes else "This token does not allow it: the scope %(scope)s is missing."


def why_not_keep(by: Actor, person: Person) -> str | None:
    """Why ``by`` may not see and change what is kept of ``person``; None where they may.

    Of people elsewhere not even administrators may know, so the sentence is that of a person who is not there.
    """
    same = person.organisation_id is not None and by.organisation_id == person.organisation_id
    return None if by.administers and same else "There is no such person."


def why_not_give_up_administrator(others: Collection[UUID]) -> str | None:
    """Why an administrator cannot stop being one. ``others``: who else of the organisation could act as one."""
    return None if others else "%(name)s is the last administrator. Make somebody else an administrator first."


def why_not_manage(manager: Person, person: Person) -> str | None:
    if manager.id == person.id:
        return "Nobody is their own manager."
    return None if manager.active else "%(name)s is no longer here."


def why_not_withdraw_token(by: Actor, owner: Person) -> str | None:
    if by.id == owner.id or why_not_keep(by, owner) is None:
        return None
    return "There is no such token."


class TokenState(StrEnum):
    GOOD = "good"
    RUN_OUT = "run_out"
    WITHDRAWN = "withdrawn"


def token_state(token: ApiToken, *, now: datetime) -> TokenState:
    if token.revoked_at is not None:
        return TokenState.WITHDRAWN
    if token.expires_at is not None and token.expires_at <= now:
        return TokenState.RUN_OUT
    return TokenState.GOOD


def normalised_email(address: str, *, field: str = "email") -> str:
    """One spelling for one mailbox: case and width away, no space around.

    Raises:
        Refused: at ``field``, where it is no address.
    """
    address = unicodedata.normalize("NFKC", address).strip().lower()
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise Refused("“%(address)s” is not an e-mail address.", field=field, address=shown(address)[:80])
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


def checked_membership(kind: Kind, name: str) -> str:
    """The name of a role or group.

    Raises:
        Refused: as ``checked_name`` does, at the field of the roles or the groups.
    """
    name = shown(name)
    if not name or len(name) > LONGEST_MEMBERSHIP:
        raise Refused(
            "A role or group has a name of at most %(most)s letters.", field=f"{kind.value}s", most=LONGEST_MEMBERSHIP
        )
    return name


def has_words(q: str, texts: Iterable[str]) -> bool:
    """Whether every word of ``q`` stands somewhere in the texts, whatever its case and width."""
    there = "\n".join(_folded(text) for text in texts)
    return all(word in there for word in _folded(q).split())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def shown(text: str) -> str:
    """One line of text as it may be shown: composed, without control and direction characters, spaces folded."""
    return " ".join(_UNSEEN.sub(" ", unicodedata.normalize("NFC", text)).split())


def checked_locale(locale: str) -> str:
    if locale not in LOCALES:
        raise Refused("Signoff speaks English (en) and Korean (ko).", field="locale")
    return locale


def checked_timezone(zone: str) -> str:
    if zone not in timezones():
        raise Refused("“%(zone)s” is not a time zone, such as Asia/Seoul.", field="timezone", zone=shown(zone)[:60])
    return zone


def why_not_password(password: str) -> str | None:
    """Length alone (NIST SP 800-63B, 5.1.1.2): rules about characters make passwords worse."""
    if len(password) < 12:
        return "A password needs at least 12 characters."
    if len(password) > 200:
        return "A password may have at most 200 characters."
    return None
