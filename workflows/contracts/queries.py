"""What people may see of contracts. Every query starts from ``visible_to``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.approvals.model import Participant, Round, Task, TaskState
from workflows.contracts.model import PROCESS, Contract, ContractState, Version
from workflows.discussions.rules import Subject
from workflows.errors import NotFound, Refused
from workflows.parties.rules import Actor
from workflows.search.queries import find

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


def may_see(actor: Actor) -> ColumnElement[bool]:
    """Their own, those on whose route they are, and with the role for it all of their organisation."""
    mine = or_(
        col(Contract.owner_id) == actor.id,
        col(Contract.id).in_(
            select(Participant.subject_id).where(Participant.process == PROCESS, Participant.person_id == actor.id)
        ),
    )
    return or_(mine, col(Contract.organisation_id) == actor.organisation_id) if actor.reads_all else mine


def visible_to(actor: Actor) -> SelectOfScalar[Contract]:
    return select(Contract).where(may_see(actor))


def one(session: Session, contract_id: UUID, actor: Actor) -> Contract:
    """Raises NotFound also where the actor may not know that it exists."""
    contract = session.exec(visible_to(actor).where(Contract.id == contract_id)).first()
    if contract is None:
        raise NotFound("There is no such contract.")
    return contract


def subject_of(contract: Contract) -> Subject:
    """The contract as something that people talk about."""
    return Subject(PROCESS, contract.id, contract.organisation_id)


def is_visible(session: Session, contract_id: UUID, actor: Actor) -> bool:
    return session.exec(visible_to(actor).where(Contract.id == contract_id)).first() is not None


def versions(session: Session, contract: Contract) -> Sequence[Version]:
    """Newest first."""
    return session.exec(
        select(Version).where(Version.contract_id == contract.id).order_by(col(Version.number).desc())
    ).all()


def version(session: Session, contract_id: UUID, number: int) -> Version:
    found = session.exec(select(Version).where(Version.contract_id == contract_id, Version.number == number)).first()
    if found is None:
        raise NotFound("There is no such version.")
    return found


@dataclass(frozen=True)
class Page:
    contracts: Sequence[Contract]
    next_cursor: str | None
    count: str | None = None
    """Of a search: "37" or "1,000+"."""
    cut_short: bool = False
    """Not all candidates of a search were read."""


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
) -> Page:
    """One page of the contracts the actor may see, newest first, or by rank where ``q`` asks for words.

    ``state``: a contract state, or one of ``FILTERS``. ``expires_before``: ends, or must be cancelled, before that day.
    """
    wanted = visible_to(actor)
    if state:
        wanted = wanted.where(_in_state(state, actor, today))
    if party.strip():
        wanted = wanted.where(col(Contract.counterparty).ilike(f"%{_literal(party.strip())}%", escape="\\"))
    if expires_before is not None:
        wanted = wanted.where(
            Contract.state == ContractState.IN_FORCE,
            or_(col(Contract.ends_on) < expires_before, col(Contract.cancel_by) < expires_before),
        )
    if q.strip():
        return _searched(
            session,
            actor,
            q,
            wanted,
            filtered=bool(state or party.strip() or expires_before),
            cursor=cursor,
            limit=limit,
        )
    if cursor:
        wanted = wanted.where(col(Contract.id) < _uuid(cursor))
    rows = session.exec(wanted.order_by(col(Contract.id).desc()).limit(limit + 1)).all()
    return Page(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def _searched(
    session: Session, actor: Actor, q: str, wanted: SelectOfScalar[Contract], *, filtered: bool, cursor: str, limit: int
) -> Page:
    first = _position(cursor)
    # rights are a condition of the search itself; other filters are joined afterwards, on at most 1,000 hits
    most = 1000 if filtered else limit
    found = find(session, q, seen_by=principals(actor), kind=PROCESS, first=0 if filtered else first, page=most)
    ids = [UUID(each) for each in found.object_ids]
    rows = {row.id: row for row in session.exec(wanted.where(col(Contract.id).in_(ids)))} if ids else {}
    ranked = [rows[each] for each in ids if each in rows]
    if filtered:
        shown, more, count = ranked[first : first + limit], len(ranked) > first + limit, str(len(ranked))
    else:
        shown, more, count = ranked, found.more, found.count
    return Page(shown, f"r{first + limit}" if more else None, count, found.cut_short or (filtered and found.more))


def principals(actor: Actor) -> list[str]:
    """The marks under which the search index lets this person see an entry."""
    mine = [f"p{actor.id.hex}"]
    return [*mine, f"o{actor.organisation_id.hex}"] if actor.reads_all and actor.organisation_id else mine


def _in_state(state: str, actor: Actor, today: date) -> ColumnElement[bool]:
    asked = (
        select(Round.subject_id)
        .join(Task, col(Task.round_id) == col(Round.id))
        .where(Round.process == PROCESS, Task.person_id == actor.id, Task.state == TaskState.OPEN)
    )
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
        visible_to(actor)
        .where(expiring_by(today + SOON, today))
        .order_by(soonest.is_(None), soonest, col(Contract.ends_on))
        .limit(limit)
    ).all()


def waiting(session: Session, actor: Actor, *, today: date, limit: int = 50) -> Sequence[Contract]:
    """Under way, and somebody else's turn."""
    return session.exec(
        visible_to(actor).where(_in_state("waiting", actor, today)).order_by(col(Contract.id).desc()).limit(limit)
    ).all()


def returned(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[Contract]:
    """Sent back to the actor, who is to hand in a new version."""
    return session.exec(
        select(Contract)
        .where(Contract.owner_id == actor.id, Contract.state == ContractState.RETURNED)
        .order_by(col(Contract.id))
        .limit(limit)
    ).all()


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _uuid(cursor: str) -> UUID:
    try:
        return UUID(cursor)
    except ValueError:
        raise Refused("This cursor is not one of ours.", field="cursor") from None


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor[:1] != "r" or not cursor[1:].isdigit() or int(cursor[1:]) > 1000:
        raise Refused("This cursor is not one of ours.", field="cursor")
    return int(cursor[1:])
