"""What people may see of contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, SelectBase, and_, or_, union
from sqlmodel import Session, col, select

from workflows.contracts.model import Contract, ContractState
from workflows.errors import Refused
from workflows.papers.lists import Page, Sought, in_states, named, newest, page_of, with_party
from workflows.papers.queries import asked_of, visible_to
from workflows.parties.rules import Actor

WAITING = (
    ContractState.IN_REVIEW,
    ContractState.APPROVED,
    ContractState.IN_SIGNATURE,
    ContractState.SEALING,
)
ENDED = (ContractState.REJECTED, ContractState.DECLINED, ContractState.WITHDRAWN)
SOON = timedelta(days=90)

FILTERS = ("needs_me", "waiting", "expiring", "in_force", "rejected")


def listed(
    session: Session,
    actor: Actor,
    *,
    q: str = "",
    state: str = "",
    party: str = "",
    expires_before: date | None = None,
    today: date,
    cursor: str = "",
    limit: int = 20,
) -> Page[Contract]:
    """One page of the contracts the actor may see, newest first, or by rank where ``q`` asks for words.

    ``state``: a contract state, or one of ``FILTERS``. ``expires_before``: ends, or must be cancelled, before that day.
    """
    sought = asked_for(actor, state=state, party=party, expires_before=expires_before, today=today)
    return page_of(session, sought, q=with_party(q, party), cursor=cursor, limit=limit)


def asked_for(
    actor: Actor, *, state: str = "", party: str = "", expires_before: date | None = None, today: date
) -> Sought[Contract]:
    """Those of the contracts the actor may see; the arguments as of ``listed``."""
    states, each = tuple(ContractState), list[ColumnElement[bool]]()
    among = _needing(actor) if state == "needs_me" else None
    match state:
        case "" | "needs_me":
            pass
        case "waiting":
            states = WAITING
            each.append(col(Contract.id).not_in(asked_of(Contract, actor)))
        case "expiring":
            states = (ContractState.IN_FORCE,)
            each.append(_ends_between(today, today + SOON))
        case "rejected":
            states = ENDED
        case _ if state in set(ContractState):
            states = (ContractState(state),)
        case _:
            raise Refused("There is no state “%(state)s”.", field="state", state=state[:40])
    if party.strip():
        each.append(named(col(Contract.counterparty), party))
    if expires_before is not None:
        states = tuple(state for state in states if state is ContractState.IN_FORCE)
        each.append(or_(col(Contract.ends_on) < expires_before, col(Contract.cancel_by) < expires_before))
    return Sought(Contract, actor, either=in_states(col(Contract.state), states), each=tuple(each), among=among)


def _needing(actor: Actor) -> SelectBase:
    """Those on which the actor is asked to act, and their own that were sent back."""
    theirs = select(Contract.id).where(Contract.owner_id == actor.id, Contract.state == ContractState.RETURNED)
    return union(asked_of(Contract, actor), theirs)


def expiring_by(day: date, today: date) -> ColumnElement[bool]:
    """In force, and its end or its last day to cancel lies between today and ``day``."""
    return and_(col(Contract.state) == ContractState.IN_FORCE, _ends_between(today, day))


def _ends_between(first: date, last: date) -> ColumnElement[bool]:
    return or_(col(Contract.ends_on).between(first, last), col(Contract.cancel_by).between(first, last))


def expiring(session: Session, actor: Actor, *, today: date, limit: int = 50) -> Sequence[Contract]:
    soonest = col(Contract.cancel_by)
    return session.exec(
        visible_to(Contract, actor)
        .where(expiring_by(today + SOON, today))
        .order_by(soonest.is_(None), soonest, col(Contract.ends_on))
        .limit(limit)
    ).all()


def waiting(session: Session, actor: Actor, *, today: date, limit: int = 50) -> Sequence[Contract]:
    """Under way, and somebody else's turn."""
    return newest(session, asked_for(actor, state="waiting", today=today), limit=limit)


def returned(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Contract]:
    """Sent back to the actor, who is to hand in a new version."""
    return session.exec(
        select(Contract)
        .where(Contract.owner_id == actor.id, Contract.state == ContractState.RETURNED)
        .order_by(col(Contract.id))
        .limit(limit)
    ).all()
