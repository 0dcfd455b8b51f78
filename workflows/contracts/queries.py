"""What people may see of contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.contracts.model import Contract, ContractState
from workflows.errors import Refused
from workflows.papers.queries import Page, asked_of, literally, page_of, visible_to
from workflows.parties.rules import Actor

UNDER_WAY = (
    ContractState.IN_REVIEW,
    ContractState.RETURNED,
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
    return page_of(
        session,
        Contract,
        actor,
        asked_for(actor, state=state, party=party, expires_before=expires_before, today=today),
        q=q,
        filtered=bool(state or party.strip() or expires_before),
        cursor=cursor,
        limit=limit,
    )


def asked_for(
    actor: Actor, *, state: str = "", party: str = "", expires_before: date | None = None, today: date
) -> SelectOfScalar[Contract]:
    """Those of the contracts the actor may see; the arguments as of ``listed``."""
    wanted = visible_to(Contract, actor)
    if state:
        wanted = wanted.where(_in_state(state, actor, today))
    if party.strip():
        wanted = wanted.where(col(Contract.counterparty).ilike(literally(party.strip()), escape="\\"))
    if expires_before is not None:
        wanted = wanted.where(
            Contract.state == ContractState.IN_FORCE,
            or_(col(Contract.ends_on) < expires_before, col(Contract.cancel_by) < expires_before),
        )
    return wanted


def _in_state(state: str, actor: Actor, today: date) -> ColumnElement[bool]:
    asked = asked_of(Contract, actor)
    match state:
        case "needs_me":
            returned = and_(col(Contract.owner_id) == actor.id, col(Contract.state) == ContractState.RETURNED)
            return or_(col(Contract.id).in_(asked), returned)
        case "waiting":
            return and_(
                col(Contract.state).in_([each for each in UNDER_WAY if each is not ContractState.RETURNED]),
                col(Contract.id).not_in(asked),
            )
        case "expiring":
            return expiring_by(today + SOON, today)
        case "rejected":
            return col(Contract.state).in_(ENDED)
        case _ if state in set(ContractState):
            return col(Contract.state) == ContractState(state)
        case _:
            raise Refused("There is no state “%(state)s”.", field="state", state=state[:40])


def expiring_by(day: date, today: date) -> ColumnElement[bool]:
    """In force, and its end or its last day to cancel lies between today and ``day``."""
    return and_(
        col(Contract.state) == ContractState.IN_FORCE,
        or_(col(Contract.ends_on).between(today, day), col(Contract.cancel_by).between(today, day)),
    )


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
    return session.exec(
        visible_to(Contract, actor)
        .where(_in_state("waiting", actor, today))
        .order_by(col(Contract.id).desc())
        .limit(limit)
    ).all()


def returned(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Contract]:
    """Sent back to the actor, who is to hand in a new version."""
    return session.exec(
        select(Contract)
        .where(Contract.owner_id == actor.id, Contract.state == ContractState.RETURNED)
        .order_by(col(Contract.id))
        .limit(limit)
    ).all()
