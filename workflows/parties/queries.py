"""Find people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from workflows.errors import NotFound
from workflows.parties.model import ApiToken, Kind, Membership, Organisation, Person, WebSession
from workflows.parties.operations import sha256_of_secret
from workflows.parties.rules import Actor, has_words, why_not_keep
from workflows.writes import only_reads


def people(session: Session, ids: Iterable[UUID]) -> dict[UUID, Person]:
    wanted = set(ids)
    return (
        {person.id: person for person in session.exec(select(Person).where(col(Person.id).in_(wanted)))}
        if wanted
        else {}
    )


def by_emails(session: Session, emails: Sequence[str]) -> list[Person]:
    """Those of the addresses who are known and active, in the order of the addresses."""
    if len(emails) == 1:
        return list(session.exec(_BY_EMAIL, params={"email": emails[0]}))
    found = {person.email: person for person in session.exec(_BY_EMAILS, params={"emails": list(emails)})}
    return [found[email] for email in emails if email in found]


# Made once, as they are part of most decisions. One address does without the list, which is put together each time.
_ACTIVE = select(Person).where(col(Person.active)).execution_options(**only_reads("person"))
_BY_EMAIL = _ACTIVE.where(Person.email == bindparam("email"))
_BY_EMAILS = _ACTIVE.where(col(Person.email).in_(bindparam("emails", expanding=True)))


def by_email(session: Session, email: str) -> Person | None:
    return session.exec(select(Person).where(Person.email == email)).first()


def members(session: Session, kind: Kind, name: str, *, beside: UUID) -> list[Person]:
    """Active people in a role or group of the organisation that ``beside`` belongs to, in the order of their names."""
    theirs = select(Person.organisation_id).where(Person.id == beside).scalar_subquery()
    return list(
        session.exec(
            select(Person)
            .join(Membership, col(Membership.person_id) == col(Person.id))
            .where(Membership.kind == kind, Membership.name == name)
            .where(col(Person.active), Person.organisation_id == theirs)
            .order_by(col(Person.name))
        )
    )


def organisation_of(session: Session, person: Person) -> Organisation | None:
    return session.get(Organisation, person.organisation_id) if person.organisation_id else None


def everybody(session: Session) -> list[Person]:
    return list(session.exec(select(Person).where(col(Person.organisation_id).is_not(None)).order_by(col(Person.name))))


def colleagues(session: Session, actor: Actor, *, q: str = "") -> list[Person]:
    """People of the actor's own organisation, in the order of their names; those who have left come last.

    ``q``: words that all stand in their name, address, position, roles or groups.
    """
    if actor.organisation_id is None:
        return []
    found = list(
        session.exec(
            select(Person)
            .where(Person.organisation_id == actor.organisation_id)
            .order_by(col(Person.active).desc(), col(Person.name), col(Person.id))
        )
    )
    if not q.strip():
        return found
    in_what = memberships(session, [each.id for each in found])
    return [
        each
        for each in found
        if has_words(q, [each.name, each.email, each.title, *(one.name for one in in_what.get(each.id, ()))])
    ]


def colleague(session: Session, actor: Actor, person_id: UUID) -> Person:
    """Somebody whom the actor administers.

    Raises:
        NotFound: there is nobody such.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound("There is no such person.")
    if sentence := why_not_keep(actor, person):
        raise NotFound(sentence)
    return person


def memberships(session: Session, ids: Iterable[UUID]) -> dict[UUID, list[Membership]]:
    """The roles, then the groups, that these people are in."""
    found: dict[UUID, list[Membership]] = {}
    rows = select(Membership).where(col(Membership.person_id).in_(set(ids)))
    for each in session.exec(rows.order_by(col(Membership.kind).desc(), col(Membership.name))):
        found.setdefault(each.person_id, []).append(each)
    return found


def tokens_of(session: Session, person_id: UUID) -> list[ApiToken]:
    """Every token that was made for somebody, the newest first; also those that are good no longer."""
    return list(
        session.exec(
            select(ApiToken)
            .where(ApiToken.person_id == person_id)
            .order_by(col(ApiToken.created_at).desc(), col(ApiToken.id).desc())
        )
    )


def web_session(session: Session, token: str, *, now: datetime) -> tuple[WebSession, Person] | None:
    """The browser session and person behind a cookie, where it still holds."""
    found = session.get(WebSession, sha256_of_secret(token))
    if found is None or found.expires_at <= now:
        return None
    person = session.get(Person, found.person_id)
    return (found, person) if person is not None and person.active else None
