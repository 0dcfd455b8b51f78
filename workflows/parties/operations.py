"""Register people, let them in, and let programs act for them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, select, update

from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Conflict, NotFound, Refused, SignIn, TooMany
from workflows.parties.model import PROCESS, ApiToken, Attempts, Kind, Membership, Organisation, Person, WebSession
from workflows.parties.rules import (
    Actor,
    Scope,
    TokenState,
    checked_locale,
    checked_membership,
    checked_name,
    checked_timezone,
    normalised_email,
    shown,
    token_state,
    who,
    why_not_password,
    why_not_withdraw_token,
)

USE_NOTED_EVERY = timedelta(hours=1)  # a write for each request would make reading as dear as writing

_hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106, section 4
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe())


def sha256_of_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def found_organisation(session: Work, name: str, *, now: datetime) -> Organisation:
    """The organisation of that name, made where there is none."""
    name = checked_name(name)
    organisation = session.exec(select(Organisation).where(Organisation.name == name)).first()
    if organisation is None:
        organisation = Organisation(name=name, created_at=now)
        session.add(organisation)
        session.flush()
    return organisation


def register(
    session: Work,
    *,
    name: str,
    email: str,
    now: datetime,
    organisation: Organisation | None = None,
    password: str | None = None,
    title: str = "",
    locale: str = "en",
    timezone: str = "UTC",
    manager: str | None = None,
    roles: Iterable[str] = (),
    groups: Iterable[str] = (),
) -> Person:
    """Somebody new, or the outsider of that address who now gets an account.

    Raises:
        Refused: for a name, address, password, locale or zone that will not do.
        Conflict: where the address already belongs to an account.
    """
    email = normalised_email(email)
    if password is not None and (sentence := why_not_password(password)):
        raise Refused(sentence, field="password")
    person = session.exec(select(Person).where(Person.email == email)).first()
    if person is not None and person.organisation_id is not None:
        raise Conflict("%(email)s already belongs to somebody.", field="email", email=email)
    person = person or Person(name=name, email=email, created_at=now)
    person.name = checked_name(name)
    person.title = shown(title)
    person.organisation_id = organisation.id if organisation else None
    person.locale, person.timezone = checked_locale(locale), checked_timezone(timezone)
    person.password_hash = _hasher.hash(password) if password is not None else None
    person.manager_id = _by_email(session, manager).id if manager else None
    session.add(person)
    session.flush()
    for kind, names in ((Kind.ROLE, roles), (Kind.GROUP, groups)):
        for each in names:
            join(session, person, kind, each)
    return person


def acquaintance(session: Work, *, name: str, email: str, locale: str, timezone: str, now: datetime) -> Person:
    """Whoever has that address: known already, or from now on somebody outside who acts by links alone."""
    email = normalised_email(email)
    known = session.exec(select(Person).where(Person.email == email)).first()
    if known is not None:
        return known
    person = Person(name=checked_name(name), email=email, locale=locale, timezone=timezone, created_at=now)
    session.add(person)
    session.flush()
    return person


def join(session: Work, person: Person, kind: Kind, name: str) -> None:
    """Put somebody in a role or group; nothing happens where they are in it."""
    name = checked_membership(kind, name)
    there = select(Membership).where(
        Membership.kind == kind, Membership.name == name, Membership.person_id == person.id
    )
    if session.exec(there).first() is None:
        session.add(Membership(kind=kind, name=name, person_id=person.id))


def leave(session: Work, person: Person, kind: Kind, name: str) -> None:
    session.exec(
        delete(Membership).where(
            col(Membership.kind) == kind, col(Membership.name) == name, col(Membership.person_id) == person.id
        )
    )


def set_password(session: Work, person_id: UUID, password: str) -> None:
    """A new password; every browser that is signed in for this person is signed out."""
    if sentence := why_not_password(password):
        raise Refused(sentence, field="password")
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound("There is no such person.")
    person.password_hash = _hasher.hash(password)
    session.exec(delete(WebSession).where(col(WebSession.person_id) == person_id))


def set_reading(session: Work, person_id: UUID, *, locale: str, timezone: str) -> None:
    """The language and zone in which somebody reads pages and mails."""
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound("There is no such person.")
    person.locale, person.timezone = checked_locale(locale), checked_timezone(timezone)


@dataclass(frozen=True)
class SignedIn:
    token: str
    """For the cookie; nobody keeps it."""
    person: Person
    expires_at: datetime


def count_try(session: Work, key: str, *, now: datetime, most: int, window: timedelta) -> int:
    """Count one more try at ``key``; tries left. To be committed even when the try fails.

    Raises:
        TooMany: with the seconds to wait.
    """
    attempts = session.get(Attempts, key, with_for_update=True)
    if attempts is None or attempts.since + window <= now:
        if attempts is None:
            attempts = Attempts(key=key, since=now)
            session.add(attempts)
        attempts.count, attempts.since = 0, now
    if attempts.count >= most:
        wait = int((attempts.since + window - now).total_seconds()) + 1
        raise TooMany(
            "Too many tries. Try again in %(minutes)s minutes.", retry_after=wait, minutes=max(1, -(-wait // 60))
        )
    attempts.count += 1
    session.flush()
    return most - attempts.count


def forget_tries(session: Work, key: str) -> None:
    session.exec(delete(Attempts).where(col(Attempts.key) == key))


def who_is(session: Session, email: str, password: str) -> Person | None:
    """The person whose address and password these are. Takes as long for an unknown address as for a known one."""
    try:
        address = normalised_email(email)
    except Refused:
        address = ""
    person = session.exec(select(Person).where(Person.email == address)).first()
    known = person.password_hash if person is not None and person.active else None
    try:
        _hasher.verify(known or _NOBODYS_HASH, password)
    except (VerificationError, InvalidHashError):
        return None
    return person if known else None


def sign_in(session: Work, person: Person, *, now: datetime, hours: int) -> SignedIn:
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=hours)
    session.add(
        WebSession(
            token_sha256=sha256_of_secret(token),
            person_id=person.id,
            csrf=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=expires_at,
        )
    )
    return SignedIn(token, person, expires_at)


def sign_out(session: Work, token: str) -> None:
    session.exec(delete(WebSession).where(col(WebSession.token_sha256) == sha256_of_secret(token)))


def make_token(
    session: Work, person: Person, *, name: str, scopes: Iterable[str], now: datetime, days: int | None = None
) -> str:
    """A secret with which a program acts for ``person``; it is shown once and never kept."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in set(Scope)]
    if unknown or not wanted:
        raise Refused("There is no scope “%(scope)s”.", field="scopes", scope=unknown[0] if unknown else "")
    secret = "so_" + secrets.token_urlsafe(32)
    session.add(
        ApiToken(
            token_sha256=sha256_of_secret(secret),
            person_id=person.id,
            name=checked_name(name),
            scopes=wanted,
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
    )
    return secret


def withdraw_token(session: Work, token_id: UUID, *, by: Actor, now: datetime) -> ApiToken:
    """From now on the token stands for nobody. Withdrawing it once more changes nothing.

    Raises:
        NotFound: there is no such token, or ``by`` may not know of it.
    """
    found = session.exec(
        select(ApiToken, Person)
        .join(Person, col(Person.id) == col(ApiToken.person_id))
        .where(ApiToken.id == token_id)
        .with_for_update(of=ApiToken)
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("There is no such token.")
    token, owner = found
    if sentence := why_not_withdraw_token(by, owner):
        raise NotFound(sentence)
    if token.revoked_at is None:
        token.revoked_at = now
        record(
            session,
            "token_withdrawn",
            PROCESS,
            owner.id,
            now=now,
            **who(by),
            via=by.via,
            token=str(token.id),
            name=token.name,
        )
    return token


@dataclass(frozen=True)
class Program:
    """A program that sent a token. ``use_to_note``: whether ``note_use`` is due."""

    token_id: UUID
    actor: Actor
    use_to_note: bool


def program_by_token(session: Session, secret: str, *, now: datetime) -> Program:
    """Whom a bearer token stands for.

    Raises:
        SignIn: where it stands for nobody, or no longer.
    """
    found = session.exec(_HOLDER, params={"sha256": sha256_of_secret(secret)}).all()
    if not found or token_state(found[0][0], now=now) is not TokenState.GOOD:
        raise SignIn("This token is unknown, expired or withdrawn.")
    token, person, _ = found[0]
    noted = token.last_used_at is not None and now < token.last_used_at + USE_NOTED_EVERY
    memberships = filter(None, (membership for _, _, membership in found))
    return Program(token.id, _actor(person, memberships, via="api", scopes=token.scopes), use_to_note=not noted)


_HOLDER = (  # made once: it is part of every call
    select(ApiToken, Person, Membership)
    .join(Person, col(Person.id) == col(ApiToken.person_id))
    .outerjoin(Membership, col(Membership.person_id) == col(Person.id))
    .where(ApiToken.token_sha256 == bindparam("sha256"), col(Person.active))
)


def note_use(session: Work, token_id: UUID, *, now: datetime) -> None:
    session.execute(update(ApiToken).where(col(ApiToken.id) == token_id).values(last_used_at=now))


def actor(session: Session, person: Person, *, via: str, scopes: Iterable[str] | None = None) -> Actor:
    """A person with the roles and groups they have now."""
    return _actor(
        person, session.exec(select(Membership).where(Membership.person_id == person.id)), via=via, scopes=scopes
    )


def _actor(person: Person, memberships: Iterable[Membership], *, via: str, scopes: Iterable[str] | None) -> Actor:
    roles: set[str] = set()
    groups: set[str] = set()
    for membership in memberships:
        (roles if membership.kind is Kind.ROLE else groups).add(membership.name)
    return Actor(
        id=person.id,
        name=person.name,
        email=person.email,
        organisation_id=person.organisation_id,
        roles=frozenset(roles),
        groups=frozenset(groups),
        scopes=frozenset(Scope) if scopes is None else frozenset(scopes),
        via=via,
        locale=person.locale,
        timezone=person.timezone,
    )


def _by_email(session: Session, email: str) -> Person:
    person = session.exec(select(Person).where(Person.email == normalised_email(email))).first()
    if person is None:
        raise NotFound("Nobody is registered with the address %(email)s.", email=email)
    return person


def take_turns(session: Work, organisation_id: UUID) -> None:
    """Have those wait who would keep the same of an organisation at the same moment; others go on."""
    session.exec(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update(key_share=True))
