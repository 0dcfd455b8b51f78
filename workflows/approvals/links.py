"""Ask people by mail, with a secret link each; what links lead to, and when they die."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from workflows.approvals.letters import letter, page_of, sender_of
from workflows.approvals.model import Link, Purpose, Round, Stage, StageKind, Task, TaskState
from workflows.approvals.rules import Why, due_of, why_not_follow
from workflows.database import Work, insert_values, table_of, write
from workflows.errors import Conflict, Forbidden, Gone, NotFound, Refused
from workflows.outbox import post
from workflows.parties.model import ADMINISTRATOR, Kind, Person
from workflows.parties.operations import sha256_of_secret
from workflows.parties.queries import members


def ask(
    session: Work,
    round: Round,
    stage: Stage,
    task: Task,
    person: Person,
    *,
    now: datetime,
    changed: bool = False,
    resent: bool = False,
    handing: Mapping[str, Any] | None = None,
) -> None:
    """Make a fresh link to the task and mail it to its person, and to nobody else.

    ``handing``: how it came to them, where others were asked before; see ``notices.handing``.
    """
    token, until = act_link(session, round, task, now=now)
    due_at, due = due_of(stage, task)
    post(
        session,
        letter(
            round,
            _kind_of_mail(task),
            person,
            {
                "stage": stage.name,
                "due_at": due_at.isoformat() if due_at else None,
                "due": due,
                "link_until": until.isoformat(),
                "changed": changed,
                "resent": resent,
                "by_name": task.handed_from_name,
                "for_name": task.instead_of_name,
                "comment": task.words,
                **(handing or {}),
            },
            reply_to=sender_of(round),
            link=token,
            task_id=task.id,
        ),
        now=now,
    )


def _kind_of_mail(task: Task) -> str:
    if task.review_of_id is not None:
        return "review"
    return "task" if task.kind is StageKind.APPROVAL else "signature"


def act_link(session: Work, round: Round, task: Task, *, now: datetime) -> tuple[str, datetime]:
    """The secret of a fresh link to a task, beside those that are there, and until when it works."""
    until = now + timedelta(days=int(round.card["link_days"]))
    return _link(session, task, Purpose.ACT, now=now, until=until), until


def reading_link(session: Work, task: Task, *, now: datetime, until: datetime) -> str:
    """The secret of a link by which a signer without an account reads what they signed; it decides nothing."""
    return _link(session, task, Purpose.READ, now=now, until=until)


def _link(session: Work, task: Task, purpose: Purpose, *, now: datetime, until: datetime) -> str:
    token = secrets.token_urlsafe(32)
    insert_values(
        session,
        Link,
        token_sha256=sha256_of_secret(token),
        task_id=task.id,
        purpose=purpose,
        created_at=now,
        expires_at=until,
    )
    return token


def kill_links(session: Work, task_ids: Sequence[UUID], *, now: datetime) -> None:
    for each in task_ids:
        write(session, _KILL, {"task": each, "now": now})


_KILL = (
    update(table_of(Link))
    .where(col(Link.task_id) == bindparam("task"), col(Link.dead_at).is_(None), col(Link.purpose) == Purpose.ACT)
    .values(dead_at=bindparam("now"))
)


def follow(session: Session, token: str) -> tuple[Link, Task, Round]:
    """What a link leads to, dead or alive. Changes nothing.

    Raises:
        NotFound: where no such link was ever sent.
    """
    found = session.exec(
        select(Link, Task, Round)
        .join(Task, col(Task.id) == col(Link.task_id))
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Link.token_sha256 == sha256_of_secret(token))
    ).first()
    if found is None:
        raise NotFound(
            "This link leads nowhere. Some mail programs break long links over two lines: open it in the mail again."
        )
    return found[0], found[1], found[2]


def insist_on_live(link: Link, round: Round, task: Task, *, now: datetime) -> None:
    """Refuse a link that ran out or was replaced by a newer one while its task is still open."""
    if task.state is TaskState.OPEN and (why := why_not_follow(link, now=now)):
        raise refusal(why)


def refusal(why: Why) -> Refused:
    kinds: dict[str, type[Refused]] = {"forbidden": Forbidden, "conflict": Conflict, "gone": Gone, "refused": Refused}
    return kinds[why.kind](why.sentence, **why.values)


def tell_administrators(session: Work, round: Round, stage: Stage, *, left_by: str = "", now: datetime) -> None:
    """Nobody can be asked in this stage: those who can change that hear of it.

    ``left_by``: who was asked, and is no longer here.
    """
    for administrator in administrators_of(session, round):
        values = {"stage": stage.name, "for_name": left_by, "page": page_of(round, administrator)}
        post(session, letter(round, "incident", administrator, values, reply_to=sender_of(round)), now=now)


def administrators_of(session: Session, round: Round) -> list[Person]:
    """Administrators of the organisation that handed the document in."""
    return members(session, Kind.ROLE, ADMINISTRATOR, beside=round.submitter_id)
