"""What follows when a mail leaves: the time of whoever it asks, and who has no account, begins.

They cannot know before. Whoever has an account sees the request in the inbox as soon as it is there.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from sqlalchemy import update
from sqlmodel import col, select

from workflows.approvals.model import Link, Round, Stage, Task
from workflows.approvals.wanted import ASKING
from workflows.database import Work
from workflows.outbox import OutgoingMail
from workflows.parties.model import Person
from workflows.parties.operations import sha256_of_secret


def mail_leaves(session: Work, mail: OutgoingMail, at: datetime) -> None:
    """Have the link, and the stage's due time, stand as if its person had been asked at this instant; the mail says so.

    Changes nothing for people with an account, and never brings a due time forward. Safe to repeat.
    """
    if mail.kind not in ASKING or mail.task_id is None or mail.sealed_link is None:
        return
    asked = session.exec(
        select(Task, Stage, Round)
        .join(Stage, col(Stage.id) == col(Task.stage_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .join(Person, col(Person.id) == col(Task.person_id))
        .where(Task.id == mail.task_id, col(Person.password_hash).is_(None))
    ).first()
    if asked is None:
        return
    task, stage, round = asked
    at = max(at, mail.created_at)  # clocks of two machines differ
    until = at + timedelta(days=int(round.card["link_days"]))
    try:
        token = session.vault.decrypt(mail.sealed_link).decode()
    except InvalidToken:  # the mail cannot be written either, and fails by that
        return
    first = task.asked_at == stage.opened_at and not mail.payload.get("resent")
    if first and stage.due_at is not None:
        from workflows.approvals.timing import count_from  # reads routes, for which a dispatcher seldom has a use

        count_from(session, round, stage, task, at=at)
    # the round's lock comes before the link's, as in a decision
    mine = update(Link).where(col(Link.token_sha256) == sha256_of_secret(token), col(Link.dead_at).is_(None))
    session.execute(mine.values(expires_at=until))
    due_at, due = (task.due_at, task.due) if task.due_at else (stage.due_at, stage.due)
    said = {"link_until": until.isoformat(), "due_at": due_at.isoformat() if due_at else None, "due": due}
    mail.payload = {**mail.payload, **said}
