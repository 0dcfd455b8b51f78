"""Open rounds, decide, and carry a round on to whoever comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from workflows.approvals.links import ask, kill_links, refusal, tell_administrators
from workflows.approvals.model import (
    Decision,
    Participant,
    Round,
    RoundState,
    Stage,
    StageKind,
    StageState,
    Task,
    TaskState,
    Verdict,
)
from workflows.approvals.notices import handing, tell_of_return, tell_sender
from workflows.approvals.panels import chosen_for
from workflows.approvals.plan import SUBMITTER
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import (
    Approved,
    AwaitDecisions,
    OpenStages,
    Outcome,
    Rejected,
    Why,
    next_step,
    outcome,
    reopened,
    thresholds,
    votes_in,
    why_not_decide,
    why_not_send_back,
)
from workflows.approvals.timing import start_clock, why_ran_out
from workflows.audit.model import AuditChain
from workflows.audit.operations import hold, record
from workflows.columns import to_millisecond
from workflows.database import Work, add_missing, insert_rows
from workflows.errors import NotFound
from workflows.outbox import wake
from workflows.parties.model import Person
from workflows.parties.rules import Actor, who

React = Callable[[Work, Round, datetime], None]
_reactions: dict[str, React] = {}
Welcome = Callable[[Work, UUID], None]
_on_invited: dict[str, Welcome] = {}


def on_change(process: str, react: React) -> None:
    """Have ``react`` called, in the same transaction, whenever a round of ``process`` has changed its state."""
    _reactions[process] = react


def on_invited(process: str, react: Welcome) -> None:
    """Have ``react`` called, in the same transaction, with a document that more people may see from now on."""
    _on_invited[process] = react


def invite(session: Work, process: str, subject_id: UUID, persons: Iterable[UUID]) -> None:
    """Let these people see the document, and find it."""
    wanted = set(persons)
    there = set(session.exec(_PARTICIPANTS, params={"process": process, "subject": subject_id, "people": list(wanted)}))
    if fresh := wanted - there:
        let_in(session, process, subject_id, fresh)
        session.flush()
        if react := _on_invited.get(process):
            react(session, subject_id)


def let_in(session: Work, process: str, subject_id: UUID, persons: Iterable[UUID]) -> None:
    """Let these people see a document that is not to be found yet."""
    rows = [{"process": process, "subject_id": subject_id, "person_id": each} for each in persons]
    add_missing(session, Participant, rows)


_PARTICIPANTS = select(Participant.person_id).where(
    col(Participant.process) == bindparam("process"),
    col(Participant.subject_id) == bindparam("subject"),
    col(Participant.person_id).in_(bindparam("people", expanding=True)),
)


@dataclass(frozen=True)
class Decided:
    task: Task
    decision: Decision
    round: Round
    again: bool = False
    """The same was decided before; this is the first answer again."""


def decide(
    session: Work,
    task_id: UUID,
    verdict: Verdict,
    *,
    seen: str,
    by: Actor,
    now: datetime,
    comment: str = "",
    send_back_to: str = SUBMITTER,
) -> Decided:
    """Record what somebody decided on the bytes they saw, and open what comes next, all in this transaction.

    ``send_back_to``: of that verdict, whoever sent the document, or a stage before: it is then asked anew, and so is
    what follows it.

    Raises:
        NotFound: there is no such task, or the actor is not on its document's route.
        Forbidden: it is somebody else's.
        Conflict: it was decided, ended or ran out of time, or the document has changed.
        Refused: the comment is missing or too long, or the document does not go back to there.
    """
    with session.no_autoflush:  # what changes goes to the database with the commit, all at once
        round, stages, tasks = lock_journey(session, task_id)
        task = next(each for each in tasks if each.id == task_id)
        comment = comment.strip()
        if answered := first_answer(session, round, task, verdict, by):
            return answered
        stage = next(each for each in stages if each.id == task.stage_id)
        ran_out = why_ran_out(session, round, stage, task, at=now)
        if why := why_not_decide(by, round, task, verdict, seen=seen, comment=comment, tasks=tasks, ran_out=ran_out):
            if why.kind == "forbidden" and not may_know(session, round, tasks, by):
                raise NotFound("There is no such task.")
            raise refusal(why)
        back: dict[str, Any] = {"send_back_to": send_back_to} if verdict is Verdict.SEND_BACK else {}
        if back and (why := _why_not_back(session, round, stage, stages, send_back_to)):
            raise refusal(why)
        again = reopened(stages, send_back_to) if back and send_back_to != SUBMITTER else ()
        if again:
            back["again"] = [each.name for each in again]
        decision = conclude(session, round, task, verdict, seen=seen, by=by, comment=comment, now=now)
        kill_links(session, [task.id], now=now)
        void(session, [each for each in tasks if each.review_of_id == task.id and _is_open(each)], "settled", now=now)
        record(
            session,
            _RECORDED[verdict],
            round.process,
            round.subject_id,
            now=now,
            **who(by),
            stage=stage.name,
            task=str(task.id),
            version=round.version_number,
            version_sha256=seen,
            via=by.via,
            comment=comment,
            **_for_whom(task),
            **back,
        )
        if back and not again:
            end_round(session, round, RoundState.SENT_BACK, stages=stages, tasks=tasks, now=now)
        elif back:
            _ask_anew(session, again, tasks, now=now)
            tell_of_return(session, round, send_back_to, by=by.id, by_name=by.name, words=comment, now=now)
            told = handing("sent_back", by_name=by.name, words=comment)
            _carry_on(session, round, stages, tasks, told=told, now=now)
        else:
            _settle(session, stage, tasks, now=now)
            _carry_on(session, round, stages, tasks, now=now)
        wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
        return Decided(task, decision, round)


def _is_open(task: Task) -> bool:
    return task.state is TaskState.OPEN


def _why_not_back(session: Session, round: Round, stage: Stage, stages: Sequence[Stage], target: str) -> Why | None:
    plan = branch_of(route_of(session, round.route_id), stage.name)
    assert plan is not None, "approval stages come from the route"
    return why_not_send_back(plan, stages, target)


def _ask_anew(session: Work, stages: Sequence[Stage], tasks: Sequence[Task], *, now: datetime) -> None:
    """As if these stages had not been opened yet. What was decided in them stays on record, and counts no longer."""
    again = {stage.id for stage in stages}
    left = [task for task in tasks if task.stage_id in again and task.state is TaskState.OPEN]
    void(session, left, "sent_back", now=now)
    for stage in stages:
        close_for_now(stage)


def close_for_now(stage: Stage) -> None:
    """As it was before it was opened; its next opening counts anew."""
    stage.state = StageState.WAITING
    stage.opening += 1 if stage.opening else 0
    stage.approve = stage.reject = 0
    stage.opened_at = stage.closed_at = stage.due_at = stage.first_due_at = None
    stage.escalated_at = stage.expired_at = stage.look_at = None
    stage.due = stage.kept = None
    stage.veto, stage.counted = [], []


def _for_whom(task: Task) -> dict[str, Any]:
    """How an entry of the history says that somebody decided in another's place."""
    return {"instead_of": task.instead_of_name, "seat": str(task.instead_of_id)} if task.instead_of_id else {}


_RECORDED = {
    Verdict.APPROVE: "approved",
    Verdict.REJECT: "rejected",
    Verdict.SEND_BACK: "sent_back",
    Verdict.SIGN: "signed",
    Verdict.DECLINE: "declined",
}


def lock_round(session: Work, task_id: UUID) -> tuple[Round, list[Task]]:
    """The round of a task, locked, and its tasks as they are once the lock is held."""
    round = _locked(session, task_id)
    return round, tasks_of(session, round.id)


def lock_journey(session: Work, task_id: UUID) -> tuple[Round, list[Stage], list[Task]]:
    """The round of a task, locked, its stages and its tasks as they are once the lock is held."""
    round = _locked(session, task_id)
    rows = session.exec(_JOURNEY, params={"round": round.id}).all()
    tasks = list(filter(None, (task for _, task in rows)))  # a stage that has not opened has none
    return round, list({stage.id: stage for stage, _ in rows}.values()), tasks


def _locked(session: Work, task_id: UUID) -> Round:
    """With the end of its document's history, to which all that follows is going to be added; it began before the
    round did."""
    found = session.exec(_ROUND_OF_TASK, params={"task": task_id}).first()
    if found is None:
        raise NotFound("There is no such task.")
    round, chain = found
    hold(session, chain)
    return round


# Made once: to put a statement together takes as long as to carry it out.
_ROUND_OF_TASK = (
    select(Round, AuditChain)
    .join(
        AuditChain,
        (col(AuditChain.process) == col(Round.process)) & (col(AuditChain.subject_id) == col(Round.subject_id)),
    )
    .where(Round.id == select(Task.round_id).where(Task.id == bindparam("task")).scalar_subquery())
    .with_for_update()
    .execution_options(populate_existing=True)
)
_JOURNEY = (
    select(Stage, Task)
    # by the round as well, which has an index: else all tasks that there are would be looked through
    .outerjoin(Task, (col(Task.round_id) == col(Stage.round_id)) & (col(Task.stage_id) == col(Stage.id)))
    .where(Stage.round_id == bindparam("round"))
    .order_by(col(Stage.position), col(Stage.id), col(Task.ordinal), col(Task.id))
    .execution_options(populate_existing=True)
)


def conclude(
    session: Work, round: Round, task: Task, verdict: Verdict, *, seen: str, by: Actor, comment: str, now: datetime
) -> Decision:
    """Write the decision and close its task."""
    now = to_millisecond(now)  # as it will be read again
    decision = Decision(
        task_id=task.id,
        round_id=round.id,
        person_id=by.id,
        name=by.name,
        verdict=verdict,
        comment=comment,
        at=now,
        version_sha256=seen,
        via=by.via,
        instead_of_id=task.instead_of_id,
        instead_of_name=task.instead_of_name,
    )
    insert_rows(session, [decision])
    task.state, task.verdict, task.closed_at, task.closed_because = TaskState.DECIDED, verdict, now, "decided"
    return decision


def advance(session: Work, round: Round, *, now: datetime) -> None:
    """Make sure that whoever comes next has been asked. Safe to repeat: the flow calls it too."""
    if round.state is RoundState.OPEN:
        _carry_on(session, round, stages_of(session, round.id), tasks_of(session, round.id), now=now)


def _carry_on(
    session: Work,
    round: Round,
    stages: Sequence[Stage],
    tasks: list[Task],
    *,
    told: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """``told``: for those asked first, why they are asked anew."""
    while round.state is RoundState.OPEN:
        match next_step(stages):
            case OpenStages(closed):
                for stage in closed:
                    _open(session, round, stage, stages, tasks, told=told, now=now)
                told = None
            case AwaitDecisions(pending):
                if not any(
                    stage.state is StageState.BLOCKED
                    and _open(session, round, stage, stages, tasks, told=None, now=now)
                    for stage in pending
                ):
                    return
            case Rejected():
                end_round(session, round, RoundState.REJECTED, stages=stages, tasks=tasks, now=now)
            case Approved():
                change_state(session, round, RoundState.APPROVED, now=now)


def _settle(session: Work, stage: Stage, tasks: Sequence[Task], *, now: datetime) -> None:
    """Count a stage's votes and close it when they suffice."""
    result = outcome(stage.approve, stage.reject, votes_in(stage, tasks))
    if result is Outcome.PENDING:
        return
    stage.state = StageState.APPROVED if result is Outcome.APPROVED else StageState.REJECTED
    stage.closed_at, stage.look_at = now, None
    left = [task for task in tasks if task.stage_id == stage.id and task.state is TaskState.OPEN]
    void(session, left, "quorum", now=now)


def _open(
    session: Work,
    round: Round,
    stage: Stage,
    stages: Sequence[Stage],
    tasks: list[Task],
    *,
    told: Mapping[str, Any] | None,
    now: datetime,
) -> bool:
    """Ask a stage's people, less those whose approval counts here already; block it where they are too few.

    True unless it is blocked. ``told``: why they are asked anew, as ``notices.handing`` gives it.
    """
    route = route_of(session, round.route_id)
    plan = branch_of(route, stage.name)
    assert plan is not None, "approval stages come from the route"
    chosen = chosen_for(session, round, plan, stage, stages, tasks, sent_back=told is not None, now=now)
    if not chosen.panel.enough:
        if stage.state is not StageState.BLOCKED:
            stage.state = StageState.BLOCKED
            record(session, "nobody_to_ask", round.process, round.subject_id, now=now, stage=stage.name)
            tell_administrators(session, round, stage, now=now)
        return False

    stage.state, stage.opened_at, stage.opening = StageState.OPEN, now, max(stage.opening, 1)
    stage.approve, stage.reject = thresholds(chosen.panel.size, plan.quorum.approve, plan.quorum.reject)
    stage.counted = [str(each) for each in chosen.panel.counted]
    stage.veto = [str(each.id) for each in chosen.everybody if each.email in plan.quorum.veto]
    quorum = {"approve": stage.approve, "reject": stage.reject, "veto": stage.veto, "counted": stage.counted}
    about: dict[str, Any] = {"stage": stage.name, "opening": stage.opening, **quorum}
    if chosen.panel.counted:
        names = [chosen.people[each].name for each in chosen.panel.counted]
        record(session, "counted", round.process, round.subject_id, now=now, **about, people=names)
        _settle(session, stage, tasks, now=now)
        if stage.state is not StageState.OPEN:
            return True
    start_clock(stage, plan, route.calendar, now=now)
    seats = [(chosen.people[seat.person], chosen.people[seat.instead_of or seat.person]) for seat in chosen.seats]
    known = set(round.let_in)
    if late := [each.id for seat in seats for each in seat if str(each.id) not in known]:
        invite(session, round.process, round.subject_id, late)
    words = told["comment"] if told else ""
    asked_now = [_seat(round, stage, person, owner, words=words, now=now) for person, owner in seats]
    insert_rows(session, asked_now)
    tasks += asked_now
    record(
        session,
        "asked",
        round.process,
        round.subject_id,
        now=now,
        **about,
        people=[person.name for person, _ in seats],
    )
    approved_before = _who_approved_before(session, round, [person.id for person, _ in seats])
    for task, (person, owner) in zip(asked_now, seats, strict=True):
        changed = person.id in approved_before
        if until := chosen.away_until.get(owner.id):
            away = handing("substitute", for_name=owner.name, away_until=until)
            ask(session, round, stage, task, person, now=now, changed=changed, handing=away)
            tell_of_substitute(session, round, stage, task, until=until, now=now)
        else:
            ask(session, round, stage, task, person, now=now, changed=changed, handing=told)
    return True


def _seat(round: Round, stage: Stage, person: Person, owner: Person, *, words: str, now: datetime) -> Task:
    """A task on its stage. ``owner``: whose seat it is."""
    acting = owner.id != person.id
    return Task(
        round_id=round.id,
        stage_id=stage.id,
        person_id=person.id,
        name=person.name,
        email=person.email,
        kind=StageKind.APPROVAL,
        opening=stage.opening,
        asked_at=now,
        instead_of_id=owner.id if acting else None,
        instead_of_name=owner.name if acting else "",
        words=words,
    )


def tell_of_substitute(session: Work, round: Round, stage: Stage, task: Task, *, until: date, now: datetime) -> None:
    """Somebody is asked in another's seat: the history and the document's sender hear of it."""
    record(
        session,
        "substituted",
        round.process,
        round.subject_id,
        now=now,
        stage=stage.name,
        task=str(task.id),
        to=task.name,
        of=task.instead_of_name,
        day=until.isoformat(),
    )
    tell_sender(
        session, round, stage, task, "substitute", of_name=task.instead_of_name, by=None, away_until=until, now=now
    )


def change_state(session: Work, round: Round, state: RoundState, *, now: datetime) -> None:
    round.state = state
    if state not in (RoundState.OPEN, RoundState.APPROVED):
        round.closed_at = now
    if react := _reactions.get(round.process):
        react(session, round, now)


def end_round(
    session: Work,
    round: Round,
    state: RoundState,
    *,
    now: datetime,
    stages: Sequence[Stage] | None = None,
    tasks: Sequence[Task] | None = None,
) -> list[Task]:
    """Close a round before its end: nobody can act on its tasks any more. Those who were still asked are returned."""
    stages = stages_of(session, round.id) if stages is None else stages
    tasks = tasks_of(session, round.id) if tasks is None else tasks
    for stage in stages:
        if stage.state in (StageState.OPEN, StageState.WAITING, StageState.BLOCKED):
            stage.state = StageState.VOID
            stage.closed_at = now
    open_ones = [task for task in tasks if task.state is TaskState.OPEN]
    void(session, [task for task in tasks if task.state in (TaskState.OPEN, TaskState.WAITING)], state.value, now=now)
    change_state(session, round, state, now=now)
    return open_ones


def void(session: Work, tasks: Sequence[Task], because: str, *, now: datetime) -> None:
    for task in tasks:
        task.state, task.closed_at, task.closed_because = TaskState.VOID, now, because
    kill_links(session, [task.id for task in tasks], now=now)


def may_know(session: Session, round: Round, tasks: Sequence[Task], by: Actor) -> bool:
    """Colleagues of the submitter, and whoever is on the route, may learn that a task exists."""
    submitter = session.get_one(Person, round.submitter_id)
    return by.organisation_id == submitter.organisation_id or any(task.person_id == by.id for task in tasks)


def first_answer(session: Work, round: Round, task: Task, verdict: Verdict, by: Actor) -> Decided | None:
    if task.state is not TaskState.DECIDED or task.verdict is not verdict or task.person_id != by.id:
        return None
    decision = session.exec(select(Decision).where(Decision.task_id == task.id)).one()
    return Decided(task, decision, round, again=True)


def _who_approved_before(session: Session, round: Round, persons: Sequence[UUID]) -> set[UUID]:
    if round.number == 1:
        return set()
    earlier = select(Round.id).where(
        Round.process == round.process, Round.subject_id == round.subject_id, col(Round.number) < round.number
    )
    return set(
        session.exec(
            select(Decision.person_id).where(
                col(Decision.round_id).in_(earlier),
                col(Decision.person_id).in_(persons),
                Decision.verdict == Verdict.APPROVE,
            )
        ).all()
    )


def stages_of(session: Session, round_id: UUID) -> Sequence[Stage]:
    return session.exec(
        select(Stage).where(Stage.round_id == round_id).order_by(col(Stage.position), col(Stage.id))
    ).all()


def tasks_of(session: Session, round_id: UUID) -> list[Task]:
    fresh = select(Task).where(Task.round_id == round_id).order_by(col(Task.ordinal), col(Task.id))
    return list(session.exec(fresh.execution_options(populate_existing=True)).all())
