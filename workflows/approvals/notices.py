"""What people are told of tasks that went to somebody else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlmodel import Session

from workflows.approvals.letters import letter, page_of
from workflows.approvals.links import act_link
from workflows.approvals.model import Round, Stage, Task
from workflows.database import Work
from workflows.outbox import post
from workflows.parties.model import Person

How = Literal["substitute", "delegated", "reassigned", "returned", "left"]


def handing(
    how: How | Literal["review", "prepare", "sent_back", "escalated"],
    *,
    by_name: str = "",
    for_name: str = "",
    away_until: date | None = None,
    words: str = "",
) -> dict[str, Any]:
    """What the mail to whoever is asked now says of how it came to them, and the mail to the sender.

    ``by_name``: who handed it on, or asks; ``for_name``: for whom they act, or who was asked before; ``away_until``: of
    a substitute. ``prepare``: somebody gives their opinion, and whoever handed it to them decides then.
    ``sent_back``: somebody after them sent the document back to them. ``escalated``: those in ``for_name`` have not
    decided in time. ``left``: whoever was asked before is no longer here.
    """
    return {
        "how": how,
        "by_name": by_name,
        "for_name": for_name,
        "away_until": away_until.isoformat() if away_until else None,
        "comment": words,
    }


def tell_sender(
    session: Work,
    round: Round,
    stage: Stage,
    task: Task,
    how: How,
    *,
    of_name: str,
    by: UUID | None,
    by_name: str = "",
    away_until: date | None = None,
    now: datetime,
) -> None:
    """Whoever sent the document hears that somebody else decides now. Not where they did it, or decide, themselves."""
    if round.submitter_id in (by, task.person_id):
        return
    sender = session.get_one(Person, round.submitter_id)
    post(
        session,
        letter(
            round,
            "handed_over",
            sender,
            {
                **handing(how, by_name=by_name, for_name=of_name, away_until=away_until),
                "stage": stage.name,
                "due_at": stage.due_at.isoformat() if stage.due_at else None,
                "person_name": task.name,
                "page": page_of(round, sender),
            },
        ),
        now=now,
    )


def tell_of_return(
    session: Work, round: Round, target: str, *, by: UUID, by_name: str, words: str, now: datetime
) -> None:
    """Whoever sent the document hears that it is decided anew from a stage or group of stages on, unless they sent it
    back themselves."""
    if round.submitter_id == by:
        return
    sender = session.get_one(Person, round.submitter_id)
    values = {"how": "stage", "by_name": by_name, "comment": words, "stage": target, "page": page_of(round, sender)}
    post(session, letter(round, "sent_back", sender, values), now=now)


def tell_of_opinion(session: Work, round: Round, task: Task, review: Task, *, now: datetime) -> None:
    """Whoever asked for an opinion gets it, with a link to their task where they have no account."""
    person = session.get_one(Person, task.person_id)
    page = page_of(round, person)
    link, until = act_link(session, round, task, now=now) if page is None else (None, None)
    post(
        session,
        letter(
            round,
            "opinion",
            person,
            {
                "by_name": review.name,
                "comment": review.opinion,
                "stage": _stage_name(session, task),
                "page": page,
                "link_until": until.isoformat() if until else None,
            },
            reply_to=(review.name, review.email),
            link=link,
            task_id=task.id,
        ),
        now=now,
    )


def _stage_name(session: Session, task: Task) -> str:
    return session.get_one(Stage, task.stage_id).name
