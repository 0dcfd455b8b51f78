"""Whether what a mail asks for is still open: all that the dispatcher needs to know of approvals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, select

from workflows.approvals.model import Task, TaskState
from workflows.outbox import OutgoingMail


def mail_still_wanted(session: Session, mail: OutgoingMail) -> bool:
    """Whether the task that a mail asks for is open, the code in it good, its list of what waits a day old at most.

    Other mails are always wanted.
    """
    if mail.kind == "code":
        return datetime.now(UTC) < datetime.fromisoformat(mail.payload["code_until"])
    if mail.kind == "digest":
        return datetime.now(UTC) < mail.created_at + timedelta(days=1)
    if mail.task_id is None:
        return True
    state = session.exec(select(Task.state).where(Task.id == mail.task_id)).first()
    return state is TaskState.OPEN
