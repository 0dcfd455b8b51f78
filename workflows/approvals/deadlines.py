"""When people are reminded, and what follows where nobody decides in time. Pure.

Each reminder and each escalation happens once. What has happened is kept with its task or stage and handed in again, so
that it makes no difference how often, or how late, somebody looks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from workflows.approvals.plan import Escalation, Quorum, Reminder, StagePlan
from workflows.approvals.rules import Outcome, Votes, Why, needed_of, outcome, thresholds
from workflows.business_time import Calendar, Due, DueDate, before, due_after, next_open

QUIET = timedelta(hours=12)
"""Between two reminders of the same task."""
IN_TIME = timedelta(minutes=15)
"""A reminder that leaves this much after its time is as good; a later one is made up for while the office is open."""
IN_FLIGHT = timedelta(seconds=30)
"""So long after its due time a stage is ended: a decision that came in before may still wait for its lock."""


@dataclass(frozen=True)
class Asked:
    """An open task. Its reminders up to ``settled_until`` were sent, the last one at ``reminded_at``."""

    task: UUID
    asked_at: datetime
    settled_until: datetime | None = None
    reminded_at: datetime | None = None
    due_at: datetime | None = None
    """Its own due time; None: its stage's."""


@dataclass(frozen=True)
class Remind:
    """Send one mail now, and keep ``settled_until`` with the task."""

    task: UUID
    settled_until: datetime


def reminders_due(
    plan: StagePlan, asked: Iterable[Asked], *, due_at: datetime | None, now: datetime, calendar: Calendar
) -> tuple[Remind, ...]:
    """Who is to be reminded now. Reminders that have come due since the last one become one mail.

    What was missed, while nothing ran or within ``QUIET``, is made up for in business hours only.
    """
    is_open = next_open(now, calendar) == now
    made: list[Remind] = []
    for each in asked:
        if each.reminded_at is not None and now - each.reminded_at < QUIET:
            continue
        since = each.settled_until or each.asked_at
        owed = [
            at for at in reminder_times(plan, each.asked_at, each.due_at or due_at, calendar, until=now) if at > since
        ]
        if owed and (is_open or now - owed[-1] <= IN_TIME):
            made.append(Remind(each.task, owed[-1]))
    return tuple(made)


def reminder_times(
    plan: StagePlan, asked_at: datetime, due_at: datetime | None, calendar: Calendar, *, until: datetime
) -> tuple[datetime, ...]:
    """When somebody asked at this instant is reminded, in order; all of it in business hours."""
    found = {
        at for each in plan.remind for at in _times(each, asked_at, due_at, calendar, until) if asked_at < at <= until
    }
    return tuple(sorted(found))


def _times(
    reminder: Reminder, asked_at: datetime, due_at: datetime | None, calendar: Calendar, until: datetime
) -> Iterator[datetime]:
    if reminder.when == "every":
        at = asked_at
        while (at := due_after(at, reminder.time, calendar).at) <= until:
            yield at
    elif due_at is not None and reminder.when == "before":
        yield before(due_at, reminder.time, calendar)
    elif due_at is not None:
        yield due_after(due_at, reminder.time, calendar).at


@dataclass(frozen=True)
class StageTimes:
    """``escalated_at``, ``expired_at``: when that was done, so that it is done once."""

    opened_at: datetime
    due_at: datetime | None = None
    escalated_at: datetime | None = None
    expired_at: datetime | None = None


@dataclass(frozen=True)
class Escalate:
    escalation: Escalation


@dataclass(frozen=True)
class Expire:
    """``incident``: administrators are to see to it. ``reject``: the stage is rejected, by nobody."""

    how: Literal["incident", "reject"]


def escalations_due(
    plan: StagePlan, times: StageTimes, *, now: datetime, calendar: Calendar
) -> tuple[Escalate | Expire, ...]:
    """What is to be done now about an open stage that waits too long."""
    made: list[Escalate | Expire] = []
    at = escalation_time(plan, times.opened_at, times.due_at, calendar)
    if plan.escalate is not None and at is not None and at <= now and times.escalated_at is None:
        made.append(Escalate(plan.escalate))
    at = expiry_time(plan, times.due_at)
    if at is not None and at <= now and times.expired_at is None:
        made.append(Expire("reject" if plan.on_expiry == "reject" else "incident"))
    return tuple(made)


def escalation_time(
    plan: StagePlan, opened_at: datetime, due_at: datetime | None, calendar: Calendar
) -> datetime | None:
    match plan.escalate:
        case None:
            return None
        case Escalation(after="due"):
            return due_at
        case Escalation(after=Due() as allowed):
            return due_after(opened_at, allowed, calendar).at
        case _:
            return None


def expiry_time(plan: StagePlan, due_at: datetime | None) -> datetime | None:
    """When what follows from an expiry is done. Decisions are refused from the due time on, whether it was or not."""
    return due_at + IN_FLIGHT if due_at is not None and plan.on_expiry in ("incident", "reject") else None


def has_expired(plan: StagePlan, due_at: datetime | None, *, at: datetime) -> bool:
    """Whether nobody decides any more at this instant, which is the server's: at the due time it is too late."""
    return plan.on_expiry in ("incident", "reject") and due_at is not None and due_at <= at


def why_expired(plan: StagePlan, due_at: datetime | None, *, at: datetime) -> Why | None:
    """Why a decision that comes at this instant does not count any more; None where it does."""
    if has_expired(plan, due_at, at=at):
        return Why("The time for this ran out on %(at)s. Nothing was recorded.", "conflict", {"at": due_at})
    return None


def next_look(
    plan: StagePlan, times: StageTimes, asked: Iterable[Asked], *, now: datetime, calendar: Calendar
) -> datetime | None:
    """When ``reminders_due`` or ``escalations_due`` next have something to say; now, where they have already; None:
    never again.

    Until then a stage that waits needs no look at all.
    """
    coming: list[datetime | None] = []
    if times.escalated_at is None:
        coming.append(escalation_time(plan, times.opened_at, times.due_at, calendar))
    if times.expired_at is None:
        coming.append(expiry_time(plan, times.due_at))
    coming += [_reminded_next(plan, each, times.due_at, calendar, now=now) for each in asked]
    return min((max(at, now) for at in coming if at is not None), default=None)


def _reminded_next(
    plan: StagePlan, asked: Asked, due_at: datetime | None, calendar: Calendar, *, now: datetime
) -> datetime | None:
    planned = _next_reminder(plan, asked, due_at, calendar)
    if planned is None:
        return None
    quiet_until = asked.reminded_at + QUIET if asked.reminded_at else planned
    at = max(planned, quiet_until, now)
    return at if at - planned <= IN_TIME else next_open(at, calendar)


def _next_reminder(plan: StagePlan, asked: Asked, due_at: datetime | None, calendar: Calendar) -> datetime | None:
    since = asked.settled_until or asked.asked_at
    ahead = [
        next((at for at in _times(each, asked.asked_at, asked.due_at or due_at, calendar, _FAR) if at > since), None)
        for each in plan.remind
    ]
    return min((at for at in ahead if at is not None), default=None)


_FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Escalated:
    """Whom an escalation asks, whose tasks it takes away, and the quorum from then on."""

    ask: tuple[UUID, ...]
    release: tuple[UUID, ...]
    approve: int
    reject: int


def escalated(
    escalation: Escalation,
    to: Sequence[UUID],
    *,
    seats: Sequence[UUID],
    decided: Collection[UUID],
    votes: Votes,
    excluded: frozenset[UUID],
    quorum: Quorum,
    approve: int,
) -> Escalated | None:
    """What an escalation to these people changes; None where nobody is left to ask, which is for administrators.

    ``seats``: who is asked so far; ``decided``: those of them who have decided; ``approve``: approvals needed so far.
    In addition, the same number of approvals carries the stage. Instead of the undecided, the quorum is reckoned anew
    from whoever has decided and whoever is asked now, but never so that the stage ends by it: they are to decide. Where
    that would be, for want of people, the undecided stay.
    """
    ask = tuple(dict.fromkeys(each for each in to if each not in excluded and each not in seats))
    if not ask:
        return None
    if escalation.mode == "replace":
        panel = len(decided) + len(ask)
        needed = max(needed_of(panel, quorum.approve), min(votes.approvals + 1, panel))
        _, reject = thresholds(panel, needed, None)
        if needed <= panel and quorum.reject is not None:
            reject = min(reject, thresholds(panel, needed, quorum.reject)[1])
        if needed <= panel and outcome(needed, reject, votes) is Outcome.PENDING:
            return Escalated(ask, tuple(each for each in seats if each not in decided), needed, reject)
    return Escalated(ask, (), *thresholds(len(seats) + len(ask), approve, quorum.reject))


def put_off(due_at: datetime, by: Due, calendar: Calendar, *, now: datetime) -> DueDate:
    """The due time, this much later; where it is over, this much from now."""
    return due_after(max(due_at, now), by, calendar)


def why_not_extend(
    plan: StagePlan,
    *,
    may: bool,
    first_due_at: datetime | None,
    due_at: datetime | None,
    by: Due,
    calendar: Calendar,
    now: datetime,
) -> Why | None:
    """Why a stage's due time may not be put off by this much; None where it may.

    ``may``: whoever asks is its submitter, or administers the submitter's organisation. ``first_due_at``: as it was
    before it was ever put off. The route's limit counts from there; from now, where the time is over, since a stage
    that nobody looked after for long could not go on otherwise.
    """
    if not may:
        return Why("Only whoever sent the document, or an administrator, may put the due time off.", "forbidden", {})
    if due_at is None or first_due_at is None:
        return Why("This stage has no due time.", "conflict", {})
    if plan.extend is None:
        return Why("The route does not let the due time of “%(stage)s” be put off.", "refused", {"stage": plan.name})
    if due_at <= now:
        latest = due_after(now, plan.extend, calendar).at
    else:  # never earlier than it is already
        latest = max(due_at, due_after(first_due_at, plan.extend, calendar).at)
    if put_off(due_at, by, calendar, now=now).at > latest:
        return Why(
            "The route lets the due time of “%(stage)s” be put off until %(at)s at the latest.",
            "refused",
            {"stage": plan.name, "at": latest},
        )
    return None
