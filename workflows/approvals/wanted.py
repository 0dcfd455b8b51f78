"""Whether what a mail asks for is still open: all that the dispatcher needs to know of approvals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from workflows.approvals.model import Task, TaskState
from workflows.outbox import MailState, OutgoingMail

ASKING = ("task", "signature")
"""Kinds of mails that ask somebody to decide or to sign."""


def mails_still_wanted(session: Session, mails: Sequence[OutgoingMail]) -> set[UUID]:
    """The ids of those whose task is open, whose code is good, whose list of what waits is a day old at most.

    Of several reminders that could not leave only the newest is wanted. Other mails are always wanted.
    """
    tasks = {mail.task_id for mail in mails if mail.task_id is not None}
    still_open = select(Task.id).where(col(Task.id).in_(tasks), Task.state == TaskState.OPEN)
    waiting = set(session.exec(still_open)) if tasks else set()
    return {mail.id for mail in mails if _is_wanted(session, mail, waiting)}


def _is_wanted(session: Session, mail: OutgoingMail, waiting: Collection[UUID]) -> bool:
    if mail.kind == "code":
        return datetime.now(UTC) < datetime.fromisoformat(mail.payload["code_until"])
    if mail.kind == "digest":
        return datetime.now(UTC) < mail.created_at + timedelta(days=1)
    if mail.task_id is None:
        return True
    return mail.task_id in waiting and (mail.kind != "reminder" or not _outdone(session, mail))


def _outdone(session: Session, reminder: OutgoingMail) -> bool:
    """Whether another mail says the same: a newer reminder, or the request itself where that left only afterwards."""
    newer = and_(col(OutgoingMail.kind) == "reminder", col(OutgoingMail.created_at) > reminder.created_at)
    late = or_(col(OutgoingMail.state) == MailState.QUEUED, col(OutgoingMail.sent_at) > reminder.created_at)
    said = select(OutgoingMail.id).where(
        OutgoingMail.task_id == reminder.task_id, or_(newer, and_(col(OutgoingMail.kind).in_(ASKING), late))
    )
    return session.exec(said.limit(1)).first() is not None
