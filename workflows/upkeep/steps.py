"""The scheduled steps, each subject in its own transaction. The flows call them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import or_
from sqlmodel import Session, col, select

from workflows.approvals.chasing import chase, stages_due
from workflows.approvals.digest import give_digest, people_due
from workflows.approvals.leaving import hand_on_tasks
from workflows.approvals.substitutes import seat_substitutes
from workflows.business_time import Calendar, knows_country
from workflows.contracts.model import Contract, ContractState, ExpiryAlert
from workflows.contracts.rules import Warning, warnings_due
from workflows.contracts.steps import desk
from workflows.contracts.term import expire, give_warning
from workflows.parties.model import Person
from workflows.runtime import Runtime
from workflows.signatures.archive import renew_archives
from workflows.upkeep.operations import (
    ask_where_nobody_could_be,
    report_failed_mails,
    start_again_what_was_lost,
    tidy,
)

log = logging.getLogger(__name__)


def warn_and_expire(runtime: Runtime, *, now: datetime) -> int:
    """Give every warning that is due, each in its own transaction, and expire what has ended; how many were given."""
    farthest = max(runtime.settings.expiry_alert_days, default=0)
    horizon = now.date() + timedelta(days=farthest + 1)
    with runtime.reading() as session:
        near = or_(col(Contract.ends_on) <= horizon, col(Contract.cancel_by) <= horizon)
        ids = session.exec(select(Contract.id).where(Contract.state == ContractState.IN_FORCE, near)).all()
    given = 0
    for contract_id in ids:
        with runtime.transaction() as session:
            contract = session.exec(select(Contract).where(Contract.id == contract_id).with_for_update()).one()
            owner = session.get_one(Person, contract.owner_id)
            today = now.astimezone(ZoneInfo(owner.timezone)).date()
            if contract.state is ContractState.IN_FORCE:
                for warning in warnings_due(
                    contract, today=today, distances=runtime.settings.expiry_alert_days, given=_given(session, contract)
                ):
                    give_warning(session, contract, warning, today=today, now=now)
                    given += 1
            expire(session, contract_id, today=today, now=now)
    return given


def _given(session: Session, contract: Contract) -> frozenset[Warning]:
    rows = session.exec(select(ExpiryAlert).where(ExpiryAlert.contract_id == contract.id)).all()
    return frozenset(Warning(row.what, row.day, row.days_before) for row in rows)


def sweep(runtime: Runtime) -> list[str]:
    """Make up for crashes: runs and mails that are owed, stages without anybody, people who are away or
    have left, the history's anchor.

    Returns the labels of the subjects whose flow was started again.
    """
    now = datetime.now(UTC)
    with runtime.transaction() as session:
        lost = start_again_what_was_lost(session, now=now)
    for step in (hand_on_tasks, ask_where_nobody_could_be, seat_substitutes, report_failed_mails, tidy):
        with runtime.transaction() as session:
            step(session, now=now)
    runtime.dispatcher.sweep()
    return lost


def keep_deadlines(runtime: Runtime, *, now: datetime) -> int:
    """Remind, ask others and end what ran out of time, each stage in its own transaction; of how many stages."""
    with runtime.reading() as session:
        due = stages_due(session, now=now)
    done = 0
    for stage_id in due:
        try:
            with runtime.transaction() as session:
                done += chase(session, stage_id, now=now)
        except Exception:  # one stage that cannot be dealt with must not stop the others
            log.exception("The deadlines of stage %s could not be kept; it is tried again.", stage_id)
    return done


def give_digests(runtime: Runtime, *, now: datetime) -> int:
    """Mail everybody who wants it what waits for them, once a day, each in its own transaction; how many mails."""
    settings = runtime.settings
    office = Calendar(settings.country, settings.timezone) if knows_country(settings.country) else None
    with runtime.reading() as session:
        due = people_due(session, now=now, office=office)
    given = 0
    for person_id in due:
        with runtime.transaction() as session:
            given += give_digest(session, person_id, now=now, office=office)
    return given


def keep_archives_valid(runtime: Runtime, *, now: datetime) -> int:
    """Time stamp sealed files again before the certificate behind their last time stamp ends; how many were."""
    return renew_archives(desk(runtime), margin=timedelta(days=runtime.settings.archive_days), now=now)
