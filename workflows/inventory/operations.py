"""Keep machines as they are said anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from workflows.audit.operations import record
from workflows.columns import as_json, new_id
from workflows.database import Work, in_parts
from workflows.errors import Conflict, Forbidden, NotFound
from workflows.inventory.model import PROCESS, Machine
from workflows.inventory.rules import MachineSaid, checked, serial_key, why_not_keep_machines
from workflows.parties.operations import take_turns
from workflows.parties.rules import Actor, who

NAMED = 100  # serial numbers that the history names; the hash covers all


def keep_machines(session: Work, machines: Sequence[MachineSaid], *, by: Actor, now: datetime) -> int:
    """Put these in the place of what was kept under their serial numbers; how many.

    Raises:
        Forbidden: to all but administrators of an organisation.
        Refused: with what is wrong in the first that cannot be kept.
    """
    if sentence := why_not_keep_machines(by):
        raise Forbidden(sentence)
    assert by.organisation_id is not None
    take_turns(session, by.organisation_id)
    said = {serial_key(machine.serial): checked(machine) for machine in machines}
    kept = _kept(session, by.organisation_id, list(said))
    for key, machine in said.items():
        row = kept.get(key) or Machine(
            id=new_id(), organisation_id=by.organisation_id, serial="", serial_key=key, kept_at=now
        )
        for name, value in asdict(machine).items():
            setattr(row, name, value)
        row.kept_at = now
        session.add(row)
    session.flush()
    text = json.dumps(as_json([asdict(each) for each in said.values()]), sort_keys=True, ensure_ascii=False)
    record(
        session,
        "machines_kept",
        PROCESS,
        by.organisation_id,
        now=now,
        **who(by),
        via=by.via,
        count=len(said),
        numbers=[machine.serial for machine in said.values()][:NAMED],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    return len(said)


def drop_machine(session: Work, serial: str, *, referred: Callable[[UUID], bool], by: Actor, now: datetime) -> None:
    """Keep a machine no longer. ``referred``: whether an invoice refers to it, asked while nobody can match it.

    Raises:
        Forbidden: to all but administrators of an organisation.
        NotFound: there is none.
        Conflict: an invoice refers to it.
    """
    if sentence := why_not_keep_machines(by):
        raise Forbidden(sentence)
    assert by.organisation_id is not None
    machine = _kept(session, by.organisation_id, [serial_key(serial)]).get(serial_key(serial))
    if machine is None:
        raise NotFound("There is no machine %(serial)s.", serial=serial[:80])
    if referred(machine.id):
        raise Conflict("Invoices were matched with %(number)s, so it stays.", number=machine.serial)
    session.delete(machine)
    numbers = [machine.serial]
    record(session, "machine_dropped", PROCESS, by.organisation_id, now=now, **who(by), via=by.via, numbers=numbers)


def _kept(session: Work, organisation_id: UUID, keys: Sequence[str]) -> dict[str, Machine]:
    found: dict[str, Machine] = {}
    for some in in_parts(keys):
        rows = select(Machine).where(Machine.organisation_id == organisation_id, col(Machine.serial_key).in_(some))
        found |= {row.serial_key: row for row in session.exec(rows.order_by(col(Machine.id)).with_for_update())}
    return found
