"""Whether what a mail asks for is still open: all that the dispatcher needs to know of approvals."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, select

from workflows.approvals.model import Task, TaskState
from workflows.outbox import OutgoingMail


def mail_still_wanted(session: Session, mail: OutgoingMail) -> bool:
    """Whether the task that a mail asks for is open, and the code in it good; other mails are always wanted."""
    if mail.kind == "code":
        return datetime.now(UTC) < datetime.fromisoformat(mail.payload["code_until"])
    if mail.task_id is None:
        return True
    state = session.exec(select(Task.state).where(Task.id == mail.task_id)).first()
    return state is TaskState.OPEN
