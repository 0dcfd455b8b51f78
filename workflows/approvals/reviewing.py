"""Opinions: an approver asks somebody in addition, who says what they think and has no vote.

What is said is for the approver. The document's history tells that it was said, and carries its hash: the counterparty
reads that history, too.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal
from uuid import UUID

from workflows.approvals.links import ask, kill_links, refusal
from workflows.approvals.model import Task, TaskState
from workflows.approvals.notices import handing, tell_of_opinion
from workflows.approvals.operations import invite
from workflows.approvals.panels import seated_in
from workflows.approvals.seats import (
    Place,
    about,
    another_task,
    checked_words,
    colleague,
    insist_own,
    place_of,
)
from workflows.approvals.standing_in import Candidate, why_not_ask_reviewer, why_not_give_opinion
from workflows.audit.operations import record
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.parties.model import Person
from workflows.parties.rules import Actor


def ask_reviewer(session: Work, task_id: UUID, *, whom: str, question: str = "", by: Actor, now: datetime) -> Task:
    """Ask a colleague for their opinion, beside one's own decision; the task that they have now. Twice is as once.

    ``whom``: their address. ``question``: for them alone.

    Raises:
        NotFound: there is no such task, or the actor may not know of it.
        Forbidden: it is somebody else's, or they belong to no organisation.
        Refused: nobody has that address, or they are asked here already.
        Conflict: it is not open.
    """
    at = place_of(session, task_id)
    insist_own(session, at, by)
    person = colleague(session, whom, by.organisation_id, field="whom")
    return _asked(session, at, person, "review", words=checked_words(question), by=by, now=now)


def have_prepared(session: Work, at: Place, person: Person, *, words: str, by: Actor, now: datetime) -> Task:
    """Hand a task to somebody who says what they think; it then comes back to whose it is."""
    made = _asked(session, at, person, "prepare", words=words, by=by, now=now)
    at.task.handed_to_name = person.name
    return made


def _asked(
    session: Work, at: Place, person: Person, how: Literal["review", "prepare"], *, words: str, by: Actor, now: datetime
) -> Task:
    task, round = at.task, at.round
    asked = [each for each in at.tasks if each.review_of_id == task.id]
    if again := next((each for each in at.reviews if each.person_id == person.id), None):
        return again
    who = Candidate(person.id, person.name, person.active, asked=person.id in seated_in(at.stage, at.tasks))
    if why := why_not_ask_reviewer(by, round, task, who, reviewers=len(asked)):
        raise refusal(why)
    asks = (task.person_id, task.name)
    made = another_task(session, at, person, review_of_id=task.id, handed_from=asks, words=words, now=now)
    invite(session, round.process, round.subject_id, [person.id])
    told = handing(how, by_name=by.name, words=words)
    ask(session, round, at.stage, made, person, now=now, handing=told)
    record(session, "review_asked", round.process, round.subject_id, now=now, **about(at, made, by), to=made.name)
    return made


def give_opinion(session: Work, task_id: UUID, *, text: str, seen: str, by: Actor, now: datetime) -> Task:
    """Say what one thinks of the bytes that one saw; whoever asked is told. The same twice is as once.

    Raises:
        NotFound, Forbidden: as for ``ask_reviewer``.
        Refused: nothing is said, or too much, or a decision is asked for.
        Conflict: it is no longer asked for, or the document has changed.
    """
    at = place_of(session, task_id)
    insist_own(session, at, by)
    task, round = at.task, at.round
    text = text.strip()
    if task.closed_because == "opinion" and task.opinion == text:
        return task
    if why := why_not_give_opinion(by, round, task, text, seen=seen):
        raise refusal(why)
    task.state, task.closed_at, task.closed_because = TaskState.DECIDED, to_millisecond(now), "opinion"
    task.opinion = text
    kill_links(session, [task.id], now=now)
    parent = next(each for each in at.tasks if each.id == task.review_of_id)
    parent.handed_to_name = ""
    entry = {
        **about(at, task, by),
        "to": parent.name,
        "version": round.version_number,
        "version_sha256": seen,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    record(session, "opinion_given", round.process, round.subject_id, now=now, **entry)
    tell_of_opinion(session, round, parent, task, now=now)
    return task
