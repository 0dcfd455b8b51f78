"""What the clock does: warn, expire, sweep up after crashes, anchor the history."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import literal_column
from sqlmodel import col, delete, select

from workflows.approvals.codes import forget_devices
from workflows.approvals.model import Round, RoundState, Stage, StageState
from workflows.approvals.operations import advance
from workflows.audit.operations import anchor, record
from workflows.database import Work
from workflows.leases import holders
from workflows.outbox import MailState, OutgoingMail, RunOwed
from workflows.parties.model import Attempts, WebSession

log = logging.getLogger(__name__)

OVERDUE = timedelta(seconds=45)  # a flow run takes seconds; one that took longer has died or waits for its server


def start_again_what_was_lost(session: Work, *, now: datetime) -> list[str]:
    """Owe a new run for every subject whose last one has not ended in good time; their labels.

    Its worker was killed, or the run was lost between the launch and its first line. Whoever holds the subject's lease
    is still at it, however long that takes. Runs are safe to repeat, and the lease keeps two from meeting.
    """
    lost = session.exec(
        select(RunOwed)
        .where(
            col(RunOwed.finished) < col(RunOwed.sequence),  # what follows from the others, and has an index
            col(RunOwed.finished) < col(RunOwed.launched),
            col(RunOwed.launched) == col(RunOwed.sequence),
            col(RunOwed.launched_at) < now - OVERDUE,
        )
        .with_for_update(skip_locked=True)
        .limit(100)
    ).all()
    at_work = {
        (process, subject_id)
        for process in {run.process for run in lost}
        for subject_id in holders(session, process, [run.subject_id for run in lost if run.process == process])
    }
    lost = [run for run in lost if (run.process, run.subject_id) not in at_work]
    for run in lost:
        run.sequence += 1
        run.not_before = now
        session.owes = True
    return [run.label for run in lost]


def ask_where_nobody_could_be(session: Work, *, now: datetime) -> int:
    """Try blocked stages again: somebody may have been named since. How many rounds were looked at."""
    blocked = session.exec(
        select(Round)
        .join(Stage, col(Stage.round_id) == col(Round.id))
        .where(_IS_BLOCKED, Round.state == RoundState.OPEN)
        .with_for_update(skip_locked=True)
        .limit(50)
    ).all()
    for round in blocked:
        advance(session, round, now=now)
    return len(blocked)


_IS_BLOCKED = col(Stage.state) == literal_column(f"'{StageState.BLOCKED.value}'")
"""With the word itself, so that the index of blocked stages answers: it is asked every minute."""


def report_failed_mails(session: Work, *, now: datetime) -> int:
    """Write mails that could not be delivered into their document's history."""
    failed = session.exec(
        select(OutgoingMail)
        .where(OutgoingMail.state == MailState.FAILED, col(OutgoingMail.reported).is_(False))
        .with_for_update(skip_locked=True)
        .limit(100)
    ).all()
    for mail in failed:
        mail.reported = True
        record(
            session,
            "mail_failed",
            mail.process,
            mail.subject_id,
            now=now,
            kind=mail.kind,
            to_name=mail.to_name,
            to_email=mail.to_email,
            failure=mail.failure,
        )
    return len(failed)


def tidy(session: Work, *, now: datetime) -> None:
    """Forget browser sessions that ran out, tries that no longer count and devices long unseen; anchor the history."""
    session.exec(delete(WebSession).where(col(WebSession.expires_at) < now))
    session.exec(delete(Attempts).where(col(Attempts.since) < now - timedelta(days=1)))
    forget_devices(session, now=now)
    anchor(session, now=now)
