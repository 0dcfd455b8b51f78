"""What administrators change about the people of their organisation. Each change stands in that person's history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, delete, select

from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.parties.model import ADMINISTRATOR, PROCESS, Kind, Membership, Organisation, Person, WebSession
from workflows.parties.operations import join, leave, withdraw_token
from workflows.parties.queries import by_email, members, tokens_of
from workflows.parties.rules import (
    Actor,
    TokenState,
    checked_locale,
    checked_membership,
    checked_name,
    checked_timezone,
    normalised_email,
    shown,
    token_state,
    who,
    why_not_give_up_administrator,
    why_not_keep,
    why_not_manage,
)


def change_person(
    session: Work,
    person_id: UUID,
    *,
    name: str,
    title: str,
    manager: str | None,
    locale: str,
    timezone: str,
    roles: Iterable[str],
    groups: Iterable[str],
    by: Actor,
    now: datetime,
) -> Person:
    """Make somebody what is said here. Their address stays: it is how they are known.

    ``manager``: an address, or None. Rounds that are under way keep asking whom they ask.

    Raises:
        NotFound: nobody whom ``by`` administers.
        Refused: a name, manager, language, zone, role or group that will not do, or no administrator would be left.
    """
    person = _locked(session, person_id, by)
    before = _as_data(session, person)
    wanted = {
        Kind.ROLE: {checked_membership(Kind.ROLE, each) for each in roles},
        Kind.GROUP: {checked_membership(Kind.GROUP, each) for each in groups},
    }
    if person.active and ADMINISTRATOR in before["roles"] and ADMINISTRATOR not in wanted[Kind.ROLE]:
        _insist_on_another_administrator(session, person, field="roles")

    person.name, person.title = checked_name(name), shown(title)
    person.locale, person.timezone = checked_locale(locale), checked_timezone(timezone)
    person.manager_id = _manager(session, person, manager) if manager else None
    for kind, names in wanted.items():
        for each in set(before[f"{kind.value}s"]) - names:
            leave(session, person, kind, each)
        for each in sorted(names):
            join(session, person, kind, each)
    session.flush()

    after = _as_data(session, person)
    if changed := {what: [before[what], after[what]] for what in after if before[what] != after[what]}:
        _record(session, "person_changed", person, by, now, changed=changed)
    return person


def grant_authority(
    session: Work, person_id: UUID, limit: Decimal | None, currency: str | None, *, by: Actor, now: datetime
) -> Person:
    """Up to which amount somebody may approve where a route goes by authority. What is under way goes on as it is.

    ``limit``: None, with a currency, is any amount; without a currency they have no authority of their own.

    Raises:
        NotFound: nobody whom ``by`` administers.
    """
    person = _locked(session, person_id, by)
    before = _authority(person)
    person.authority_limit, person.authority_currency = limit if currency else None, currency
    if (after := _authority(person)) != before:
        _record(session, "authority_changed", person, by, now, changed={"authority": [before, after]})
    return person


def _authority(person: Person) -> dict[str, str | None] | None:
    if person.authority_currency is None:
        return None
    limit = None if person.authority_limit is None else f"{person.authority_limit:f}"
    return {"limit": limit, "currency": person.authority_currency}


def sign_off(session: Work, person_id: UUID, *, by: Actor, now: datetime) -> Person:
    """Somebody has left: they are signed out, their tokens are withdrawn, and nobody asks them any more.

    Half of what happens when people leave, for ``approvals.leaving.see_off`` alone: it also moves what they are asked.
    Repeating it changes nothing.

    Raises:
        NotFound: nobody whom ``by`` administers.
        Refused: no administrator would be left.
    """
    person = _locked(session, person_id, by)
    if not person.active:
        return person
    if ADMINISTRATOR in _names(session, person, Kind.ROLE):
        _insist_on_another_administrator(session, person)
    person.active = False
    session.exec(delete(WebSession).where(col(WebSession.person_id) == person.id))
    for token in tokens_of(session, person.id):
        if token_state(token, now=now) is TokenState.GOOD:
            withdraw_token(session, token.id, by=by, now=now)
    _record(session, "person_left", person, by, now)
    return person


def welcome_back(session: Work, person_id: UUID, *, by: Actor, now: datetime) -> Person:
    """Somebody who had left is here again, in the roles and groups of before. Repeating it changes nothing."""
    person = _locked(session, person_id, by)
    if not person.active:
        person.active = True
        _record(session, "person_returned", person, by, now)
    return person


def _locked(session: Work, person_id: UUID, by: Actor) -> Person:
    """The person, locked; and before them their organisation, so that two administrators cannot remove each other."""
    session.exec(
        select(Organisation).where(Organisation.id == by.organisation_id).with_for_update(key_share=True)
    ).first()
    # not against those who refer to the person, such as a decision that asks them next: it may hold what waits for it
    person = session.get(Person, person_id, with_for_update={"key_share": True}, populate_existing=True)
    if person is None:
        raise NotFound("There is no such person.")
    if sentence := why_not_keep(by, person):
        raise NotFound(sentence)
    return person


def _insist_on_another_administrator(session: Session, person: Person, *, field: str | None = None) -> None:
    others = [
        each.id
        for each in members(session, Kind.ROLE, ADMINISTRATOR, beside=person.id)
        if each.id != person.id and each.password_hash is not None
    ]
    if sentence := why_not_give_up_administrator(others):
        raise Refused(sentence, field=field, name=person.name)


def _manager(session: Session, person: Person, email: str) -> UUID:
    found = by_email(session, normalised_email(email, field="manager"))
    if found is None or found.organisation_id != person.organisation_id:
        raise Refused(
            "Nobody of your organisation has the address %(email)s.", field="manager", email=normalised_email(email)
        )
    if found.id == person.manager_id:
        return found.id
    if sentence := why_not_manage(found, person):
        raise Refused(sentence, field="manager", name=found.name)
    return found.id


def _names(session: Session, person: Person, kind: Kind) -> list[str]:
    return sorted(
        session.exec(select(Membership.name).where(Membership.person_id == person.id, Membership.kind == kind))
    )


def _as_data(session: Session, person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "title": person.title,
        "manager": str(person.manager_id) if person.manager_id else None,
        "locale": person.locale,
        "timezone": person.timezone,
        "roles": _names(session, person, Kind.ROLE),
        "groups": _names(session, person, Kind.GROUP),
    }


def _record(session: Work, action: str, person: Person, by: Actor, now: datetime, **data: Any) -> None:
    record(
        session,
        action,
        PROCESS,
        person.id,
        now=now,
        **who(by),
        via=by.via,
        name=person.name,
        **data,
    )
