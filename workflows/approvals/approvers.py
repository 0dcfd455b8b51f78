"""Whom a route's words mean, now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from workflows.approvals.plan import (
    Approvers,
    AtField,
    Authority,
    Group,
    ManagerOf,
    OneKind,
    People,
    Role,
    kinds_of,
)
from workflows.approvals.rates import Rates
from workflows.approvals.rules import Limit, address_in, holder_of_authority
from workflows.parties.model import Kind, Person
from workflows.parties.queries import by_emails, members, people


@dataclass(frozen=True)
class Asking:
    """For which document, and after whom, somebody is asked.

    ``facts``: as ``route.comparable`` gives them. ``approved``: who approved in the stage before. ``undecided``: those
    for whom an escalation asks others.
    """

    submitter_id: UUID
    facts: Mapping[str, object]
    document: str = "contract"
    currency: str | None = None
    """The route's."""
    rates: Rates | None = None
    approved: Sequence[UUID] = ()
    undecided: Sequence[UUID] = ()


def resolve(session: Session, approvers: Approvers | None, asking: Asking) -> list[Person]:
    """The active people meant, each once, in the order of the route's words.

    Raises:
        Refused: a limit of authority is in a currency without a rate.
    """
    found: dict[UUID, Person] = {}
    for kind in kinds_of(approvers):
        for person in _meant(session, kind, asking):
            found.setdefault(person.id, person)
    return list(found.values())


def _meant(session: Session, kind: OneKind, asking: Asking) -> list[Person]:
    match kind:
        case People(emails):
            return by_emails(session, emails)
        case Role(name):
            return members(session, Kind.ROLE, name, beside=asking.submitter_id)
        case Group(name):
            return members(session, Kind.GROUP, name, beside=asking.submitter_id)
        case ManagerOf("submitter"):
            return _managers(session, [asking.submitter_id])
        case ManagerOf("approver"):
            return _managers(session, asking.approved)
        case ManagerOf():
            return _managers(session, asking.undecided)
        case AtField(path):
            address = address_in(asking.facts, asking.document, path)
            return by_emails(session, [address]) if address else []
        case Authority(among):
            return _with_authority(_meant(session, among, asking), asking)


def _managers(session: Session, of: Iterable[UUID]) -> list[Person]:
    managed = people(session, of)
    wanted = [managed[each].manager_id for each in of if each in managed]
    managers = people(session, [each for each in wanted if each])
    return [managers[each] for each in wanted if each in managers and managers[each].active]


def _with_authority(candidates: Sequence[Person], asking: Asking) -> list[Person]:
    amount = asking.facts.get("amount")
    if amount in (None, "") or asking.currency is None:
        return []
    limits = [(person.id, limit_of(person)) for person in candidates]
    holder = holder_of_authority(limits, amount=Decimal(str(amount)), currency=asking.currency, rates=asking.rates)
    return [person for person in candidates if person.id == holder]


def limit_of(person: Person) -> Limit | None:
    """Up to which amount somebody may approve; None: they have no authority of their own."""
    return Limit(person.authority_limit, person.authority_currency) if person.authority_currency else None
