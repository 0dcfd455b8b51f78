"""Give a task to somebody else: delegate it, have it back, reassign it; put its due time off; send its link again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from workflows.approvals.deadlines import put_off, why_not_extend
from workflows.approvals.links import ask, kill_links, refusal
from workflows.approvals.model import Stage, StageState, Task, TaskState
from workflows.approvals.notices import handing, tell_sender
from workflows.approvals.operations import void
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.reviewing import have_prepared
from workflows.approvals.rules import Why, why_not_send_link_again
from workflows.approvals.seats import (
    Place,
    about,
    administers,
    another_task,
    candidate,
    checked_words,
    colleague,
    hand,
    insist_known,
    insist_own,
    pass_veto,
    place_of,
)
from workflows.approvals.standing_in import why_not_delegate, why_not_reassign, why_not_return
from workflows.approvals.timing import look_again
from workflows.audit.operations import record
from workflows.business_time import due_of
from workflows.database import Work
from workflows.errors import Forbidden, Refused
from workflows.parties.model import Person
from workflows.parties.rules import Actor, shown, who


def delegate(
    session: Work, task_id: UUID, *, to: str, comment: str = "", returns: bool = False, by: Actor, now: datetime
) -> Task:
    """Have a colleague decide in one's place; the task that they have now. Twice is as once.

    ``to``: their address. ``comment``: for them alone. ``returns``: they say what they think, and it comes back: its
    own person decides, and may do so at any time.

    Raises:
        NotFound: there is no such task, or the actor may not know of it.
        Forbidden: it is somebody else's, or they belong to no organisation.
        Refused: nobody has that address, or they may not decide here.
        Conflict: it is not open.
    """
    at = place_of(session, task_id)
    insist_own(session, at, by)
    person = colleague(session, to, by.organisation_id, field="to")
    if again := _handed_before(at, person):
        return again
    words = checked_words(comment)
    if returns:
        return have_prepared(session, at, person, words=words, by=by, now=now)
    task, round = at.task, at.round
    if why := why_not_delegate(by, round, task, candidate(session, at, person)):
        raise refusal(why)
    made = hand(
        session,
        at,
        person,
        because="handed_over",
        instead_of=(task.person_id, task.name),
        handed_from=(task.person_id, task.name),
        words=words,
        told=handing("delegated", by_name=by.name, for_name=task.name, words=words),
        now=now,
    )
    record(session, "delegated", round.process, round.subject_id, now=now, **about(at, made, by), to=made.name)
    tell_sender(session, round, at.stage, made, "delegated", of_name=task.name, by=by.id, by_name=by.name, now=now)
    return made


def _handed_before(at: Place, person: Person) -> Task | None:
    """What a click sent twice made the first time."""
    if not at.task.handed_to_name:
        return None
    mine = (
        each
        for each in at.tasks
        if each.handed_from_id == at.task.person_id and each.stage_id == at.stage.id and each.opening == at.task.opening
    )
    return next((each for each in mine if each.person_id == person.id and each.state is TaskState.OPEN), None)


def take_back(session: Work, task_id: UUID, *, comment: str = "", by: Actor, now: datetime) -> Task:
    """End that somebody acts for another, or is asked for an opinion; the task of whose it was, open again.

    Either of the two may ask for it. ``task_id``: the task of whoever acts, as a substitute or since it was delegated
    to them, or gives an opinion. ``comment``: for the one who has it then.

    Raises:
        NotFound, Forbidden, Conflict: as for ``delegate``.
        Refused: nobody is acting for anybody here, or its owner has left.
    """
    at = place_of(session, task_id)
    task, round = at.task, at.round
    owner_id = task.handed_from_id or task.instead_of_id
    if by.id != owner_id:
        insist_own(session, at, by)
    if owner_id is None:
        raise Refused("Nobody handed this task over: there is nobody to whom it could go back.")
    owner = session.get_one(Person, owner_id)
    words = checked_words(comment)
    if why := why_not_return(by, round, task, candidate(session, at, owner, leaving=True)):
        raise refusal(why)
    void(session, at.reviews, "settled", now=now)
    void(session, [task], "returned", now=now)
    task.handed_to_name = owner.name
    entry = {**about(at, task, by), "to": owner.name, "of": task.name}
    if task.review_of_id is not None:
        parent = next(each for each in at.tasks if each.id == task.review_of_id)
        parent.handed_to_name = ""
        record(session, "review_ended", round.process, round.subject_id, now=now, **entry)
        return parent
    reopened = _reopened(session, at, owner, words=words, now=now)
    if by.id == task.person_id:
        told = handing("returned", by_name=by.name, for_name=task.name, words=words)
        ask(session, round, at.stage, reopened, owner, now=now, handing=told)
        record(session, "handed_back", round.process, round.subject_id, now=now, **entry)
    else:
        ask(session, round, at.stage, reopened, owner, now=now, resent=True)
        record(session, "taken_back", round.process, round.subject_id, now=now, **entry)
    tell_sender(session, round, at.stage, reopened, "returned", of_name=task.name, by=by.id, by_name=by.name, now=now)
    return reopened


def _reopened(session: Work, at: Place, owner: Person, *, words: str, now: datetime) -> Task:
    """The task that somebody had before another acted for them, or one of their own where they were never asked."""
    task = at.task
    had = [
        each
        for each in at.tasks
        if each.stage_id == task.stage_id
        and each.person_id == owner.id
        and each.opening == task.opening
        and each.closed_because == "handed_over"
    ]
    if had:
        again = had[-1]
        again.state, again.closed_at, again.closed_because = TaskState.OPEN, None, ""
        again.handed_to_name, again.asked_at, again.words = "", now, words
        return again
    return another_task(session, at, owner, words=words, now=now)


def reassign(session: Work, task_id: UUID, *, to: str, comment: str = "", by: Actor, now: datetime) -> Task:
    """Give somebody's task to another person for good: it is theirs as if they had been asked from the beginning.

    ``to``: their address. ``comment``: for them alone.

    Raises:
        NotFound: there is no such task, or the actor may not know of it.
        Forbidden: to all but administrators of the organisation that sent the document.
        Refused, Conflict: as for ``delegate``. Signers stay: the file is prepared for them.
    """
    at = place_of(session, task_id)
    task, round = at.task, at.round
    if not administers(session, at, by):
        insist_known(session, at, by)
        raise Forbidden("Only administrators may give a task to somebody else.")
    person = colleague(session, to, by.organisation_id, field="to")
    words = checked_words(comment)
    wanted = candidate(session, at, person, leaving=True)
    if why := why_not_reassign(round, task, wanted, administrator=True, signer_named_by_document=True):
        raise refusal(why)
    made = hand(
        session,
        at,
        person,
        because="reassigned",
        handed_from=_who_asks(task),
        words=words,
        told=handing("reassigned", by_name=by.name, for_name=task.name, words=words),
        now=now,
    )
    entry = {**about(at, made, by), "to": made.name, "of": task.name, **pass_veto(at, person)}
    record(session, "reassigned", round.process, round.subject_id, now=now, **entry)
    tell_sender(session, round, at.stage, made, "reassigned", of_name=task.name, by=by.id, by_name=by.name, now=now)
    return made


def _who_asks(task: Task) -> tuple[UUID, str] | None:
    """For whom an opinion is given, whoever gives it."""
    asks = task.handed_from_id if task.review_of_id is not None else None
    return (asks, task.handed_from_name) if asks else None


def extend(session: Work, task_id: UUID, *, time: str, by: Actor, now: datetime) -> Stage:
    """Put the due time of a task's stage off, within what its route allows; for all who are asked in it.

    ``time``: by how much, such as “2 business days”. A stage whose time had run out goes
    on, and has that much from now.

    Raises:
        NotFound: there is no such task, or the actor may not know of it.
        Forbidden: to all but the document's sender and their administrators.
        Refused: it is no such time, or the route does not allow as much.
        Conflict: nobody is asked in this stage any more, or it has no due time.
    """
    at = place_of(session, task_id)
    round, stage = at.round, at.stage
    may = by.id == round.submitter_id or administers(session, at, by)
    if not may:
        insist_known(session, at, by)
    later = due_of(time.strip())
    if later is None:
        raise Refused(
            "“%(text)s” is not a time such as “2 business days”, “4 business hours” or “14 days”.",
            field="time",
            text=shown(time)[:40],
        )
    route = route_of(session, round.route_id)
    calendar, plan = route.calendar, branch_of(route, stage.name)
    if plan is None:  # the stage that a document's own signers form
        raise refusal(Why("This stage has no due time.", "conflict", {}))
    first = stage.first_due_at or stage.due_at
    why = why_not_extend(plan, may=may, first_due_at=first, due_at=stage.due_at, by=later, calendar=calendar, now=now)
    if why is None and stage.state is not StageState.OPEN:
        why = Why("Nobody is asked in “%(stage)s” just now.", "conflict", {"stage": stage.name})
    if why:
        raise refusal(why)
    assert stage.due_at is not None, "a stage without a due time was refused"
    before, due = stage.due_at, put_off(stage.due_at, later, calendar, now=now)
    stage.first_due_at, stage.due_at, stage.due, stage.expired_at = first, due.at, due.as_data(), None
    for each in at.tasks:
        if each.stage_id == stage.id:
            each.due_at = each.due = None
    look_again(session, stage, plan, at.tasks, calendar, now=now)
    entry = {**about(at, at.task, by), "before": before.isoformat(), "due_at": due.at.isoformat()}
    record(session, "put_off", round.process, round.subject_id, now=now, **entry)
    return stage


def send_link_again(session: Work, task_id: UUID, *, by: Actor, now: datetime) -> None:
    """A fresh link for an open task; the ones before lead nowhere from now on.

    Raises:
        NotFound: there is no such task, or the actor may not know of it.
        Forbidden: to all but the document's sender and their administrators.
        Conflict: the task is not open.
    """
    at = place_of(session, task_id)
    round, task = at.round, at.task
    if why := why_not_send_link_again(by, round, task, administrator=administers(session, at, by)):
        if why.kind == "forbidden":
            insist_known(session, at, by)
        raise refusal(why)
    kill_links(session, [task.id], now=now)
    ask(session, round, at.stage, task, session.get_one(Person, task.person_id), now=now, resent=True)
    record(
        session,
        "link_sent_again",
        round.process,
        round.subject_id,
        now=now,
        **who(by),
        task=str(task.id),
        to=task.name,
    )
