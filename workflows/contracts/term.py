"""From the seal to the end: bring into force, warn ahead of the end, expire."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from workflows.approvals.links import reading_link
from workflows.approvals.model import Round, Verdict
from workflows.approvals.operations import tasks_of
from workflows.audit.operations import record
from workflows.contracts.model import PROCESS, Contract, ContractState, ExpiryAlert
from workflows.contracts.operations import index, set_state
from workflows.contracts.rules import Warning
from workflows.database import Work
from workflows.papers.operations import locked, newest_round, tell
from workflows.parties.model import Person
from workflows.parties.operations import acquaintance
from workflows.parties.queries import people

READING_DAYS = 90
"""How long a signer without an account can fetch the sealed file."""


def bring_into_force(session: Work, contract_id: UUID, round: Round, *, now: datetime) -> None:
    """The sealed file is kept: tell everyone concerned. Safe to repeat."""
    _, contract = locked(session, Contract, contract_id, visible=True)
    if contract.state in (ContractState.IN_FORCE, ContractState.EXPIRED):
        return
    set_state(session, contract, ContractState.IN_FORCE, now=now)
    contract.sealed_at = now
    record(
        session,
        "in_force",
        PROCESS,
        contract.id,
        now=now,
        starts_on=_iso(contract.starts_on),
        ends_on=_iso(contract.ends_on),
        cancel_by=_iso(contract.cancel_by),
    )
    signed = {task.person_id: task for task in tasks_of(session, round.id) if task.verdict is Verdict.SIGN}
    until = now + timedelta(days=READING_DAYS)
    for person in people(session, {contract.owner_id, *signed}).values():
        without_account = person.id in signed and person.password_hash is None
        tell(
            session,
            contract,
            round,
            person,
            "in_force",
            now=now,
            link=reading_link(session, signed[person.id], now=now, until=until) if without_account else None,
            link_until=until.isoformat() if without_account else None,
            starts_on=_iso(contract.starts_on),
            ends_on=_iso(contract.ends_on),
        )
    index(session, contract)


def give_warning(session: Work, contract: Contract, warning: Warning, *, today: date, now: datetime) -> None:
    """Mail the owner and the counterparty's contact that an end comes near; remember that it was done."""
    session.add(
        ExpiryAlert(
            contract_id=contract.id, what=warning.what, day=warning.day, days_before=warning.days_before, given_at=now
        )
    )
    values: dict[str, Any] = {
        "what": warning.what,
        "day": warning.day.isoformat(),
        "days_left": (warning.day - today).days,
        "ends_on": _iso(contract.ends_on),
        "notice_days": contract.notice_days,
    }
    for person in _those_warned(session, contract, now=now):
        tell(session, contract, _round(session, contract), person, "expiry", now=now, **values)
    record(session, "warned", PROCESS, contract.id, now=now, **values)


def expire(session: Work, contract_id: UUID, *, today: date, now: datetime) -> None:
    """The day after its last day a contract is no longer in force. Safe to repeat."""
    _, contract = locked(session, Contract, contract_id, visible=True)
    if contract.state is not ContractState.IN_FORCE or contract.ends_on is None or contract.ends_on >= today:
        return
    set_state(session, contract, ContractState.EXPIRED, now=now)
    record(session, "expired", PROCESS, contract.id, now=now, ends_on=_iso(contract.ends_on))
    for person in _those_warned(session, contract, now=now):
        tell(
            session,
            contract,
            _round(session, contract),
            person,
            "expired",
            now=now,
            ends_on=_iso(contract.ends_on),
        )
    index(session, contract)


def _those_warned(session: Work, contract: Contract, *, now: datetime) -> list[Person]:
    owner = session.get_one(Person, contract.owner_id)
    if not contract.contact_email:
        return [owner]
    name = contract.contact_name or contract.counterparty or contract.contact_email
    return [
        owner,
        acquaintance(
            session, name=name, email=contract.contact_email, locale=owner.locale, timezone=owner.timezone, now=now
        ),
    ]


def _round(session: Work, contract: Contract) -> Round:
    round = newest_round(session, contract)
    assert round is not None, "every contract has travelled at least one round"
    return round


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
