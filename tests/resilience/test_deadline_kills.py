"""`kill -9` while reminders and escalations are given: each is given once all the same, on either database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import col, func, select

from tests.support.office import PASSWORD, Office
from tests.support.servers import wait_until
from workflows.approvals.chasing import stages_due
from workflows.audit.model import AuditEvent
from workflows.outbox import OutgoingMail
from workflows.upkeep.steps import keep_deadlines

pytestmark = pytest.mark.slow

ROUTE = """\
name: timely
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul}
stages:
  - name: legal
    approvers: {people: [ann@haneul.example]}
    due: 2 business days
    remind: [1 business day before]
    escalate: {after: 1 business day, to: {people: [lee@haneul.example]}}
"""
CHASER = """\
import sys
from datetime import datetime
from workflows.composition import compose
from workflows.settings import Settings
from workflows.upkeep.steps import keep_deadlines
runtime = compose(Settings(_env_file=None))
keep_deadlines(runtime, now=datetime.fromisoformat(sys.argv[1]))
"""
NOW = datetime(2026, 5, 25, 23, 59, tzinfo=UTC)
DOCUMENTS = 12


def given(office: Office) -> int:
    with office.reading() as session:
        actions = ("reminded", "escalated")
        return session.exec(
            select(func.count()).select_from(AuditEvent).where(col(AuditEvent.action).in_(actions))
        ).one()


def has_given(office: Office, chaser: subprocess.Popen[bytes], wanted: int) -> bool:
    return chaser.poll() is not None or given(office) >= wanted


@pytest.mark.timeout(300)
def test_a_look_killed_again_and_again_gives_each_reminder_and_escalation_once(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    office.person("dan", password=PASSWORD)
    office.person("ann", password=PASSWORD)
    office.person("lee", password=PASSWORD)
    office.route(ROUTE)
    for number in range(DOCUMENTS):
        office.contract(title=f"Lease {number}")
    environment = {**os.environ, "SIGNOFF_HOME": str(tmp_path / "home"), "SIGNOFF_DATABASE_URL": database_url}
    killed = 0
    for wanted in (1, 6, 13):
        chaser = subprocess.Popen([sys.executable, "-c", CHASER, NOW.isoformat()], env=environment)
        wait_until(partial(has_given, office, chaser, wanted), "a reminder", every=0.002)
        if chaser.poll() is None:
            chaser.kill()
            killed += 1
        chaser.wait()
    assert killed >= 2, "it was killed in the middle of its work"
    assert given(office) < 2 * DOCUMENTS, "and left something to do"

    def all_done() -> bool:
        keep_deadlines(office.runtime, now=NOW)
        with office.reading() as session:
            return not stages_due(session, now=NOW)

    wait_until(all_done, "every stage to be looked at")
    with office.reading() as session:
        events = session.exec(select(AuditEvent.subject_id, AuditEvent.action)).all()
    times = Counter((subject, action) for subject, action in events if action in ("reminded", "escalated"))
    assert len(times) == 2 * DOCUMENTS
    assert set(times.values()) == {1}
    with office.reading() as session:
        mails = session.exec(select(OutgoingMail.subject_id, OutgoingMail.kind, OutgoingMail.to_email)).all()
    asked = Counter(mails)
    assert max(asked.values()) == 1, asked
    kinds = Counter(kind for _, kind, _ in mails)
    assert kinds == {"task": 2 * DOCUMENTS, "reminder": DOCUMENTS, "escalated": DOCUMENTS}
