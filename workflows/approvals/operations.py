"""Open rounds, decide, and carry a round on to whoever comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from workflows.approvals import route as routes
from workflows.approvals.links import ask, kill_links, refusal, tell_administrators
from workflows.approvals.model import (
    Decision,
    Link,
    Participant,
    Round,
    RoundState,
    RouteVersion,
    Stage,
    StageKind,
    StageState,
    Task,
    TaskState,
    Verdict,
)
from workflows.approvals.publishing import branch_of, parsed, route_of
from workflows.approvals.route import ParallelPlan, StagePlan
from workflows.approvals.rules import (
    Approved,
    AwaitDecisions,
    OpenStages,
    Outcome,
    Rejected,
    Votes,
    next_signer,
    next_step,
    outcome,
    panel,
    thresholds,
    why_not_decide,
    why_not_send_link_again,
)
from workflows.audit.operations import record
from workflows.business_time import due_after
from workflows.columns import to_millisecond
from workflows.database import Work, add_missing, insert_now
from workflows.errors import NotFound, Refused
from workflows.outbox import wake
from workflows.parties.model import Kind, Person
from workflows.parties.queries import by_emails, members
from workflows.parties.rules import Actor, who

SIGNATURES = "signatures"
"""Name of the stage that a document's own signers form where its route has no signature stage."""

React = Callable[[Work, Round, datetime], None]
_reactions: dict[str, React] = {}


def on_change(process: str, react: React) -> None:
    """Have ``react`` called, in the same transaction, whenever a round of ``process`` has changed its state."""
    _reactions[process] = react


@dataclass(frozen=True)
class Submission:
    """A version of a document that is to travel a route.

    ``facts``: what conditions are answered from. ``card``: what inboxes and mails say of it. ``signers``: people who
    sign it, in their order, unless the route names its own.
    """

    process: str
    subject_id: UUID
    label: str
    version_number: int
    version_sha256: str
    facts: Mapping[str, object]
    card: dict[str, Any]
    signers: Sequence[Person]
    link_days: int


def open_round(
    session: Work, submission: Submission, *, route: RouteVersion, submitter: Person, now: datetime
) -> Round:
    """Begin a round: its stages, its signers, and those asked first."""
    plan = parsed(route.source)
    if sentence := routes.why_not_comparable(plan, submission.facts):
        raise Refused(sentence[0], field="currency", **sentence[1])
    before = session.exec(
        select(Round.number)
        .where(Round.process == submission.process, Round.subject_id == submission.subject_id)
        .order_by(col(Round.number).desc())
        .limit(1)
    ).first()
    round = Round(
        process=submission.process,
        subject_id=submission.subject_id,
        number=(before or 0) + 1,
        route_id=route.id,
        route_name=route.name,
        route_version=route.version,
        submitter_id=submitter.id,
        version_number=submission.version_number,
        version_sha256=submission.version_sha256,
        facts=_plain(submission.facts),
        card={
            **submission.card,
            "label": submission.label,
            "link_days": submission.link_days,
            "sender": {
                "name": submitter.name,
                "email": submitter.email,
                "locale": submitter.locale,
                "timezone": submitter.timezone,
            },
        },
        opened_at=now,
    )
    session.add(round)
    session.flush()
    going = {each.name for each in routes.planned(plan, submission.facts)}
    stages: list[Stage] = []
    signature: StagePlan | None = None
    for position, each in enumerate(plan.stages):
        branches = each.branches if isinstance(each, ParallelPlan) else (each,)
        kept = (
            {branch.name for branch in routes.planned_branches(each, submission.facts)} if each.name in going else set()
        )
        for branch in branches:
            kind = StageKind(branch.kind)
            signature = branch if kind is StageKind.SIGNATURE and branch.name in kept else signature
            stages.append(
                Stage(
                    round_id=round.id,
                    position=position,
                    parallel=each.name if isinstance(each, ParallelPlan) else None,
                    name=branch.name,
                    kind=kind,
                    state=StageState.WAITING if branch.name in kept else StageState.SKIPPED,
                )
            )
    if signature is None and submission.signers:
        stages.append(Stage(round_id=round.id, position=len(plan.stages), name=SIGNATURES, kind=StageKind.SIGNATURE))
    session.add_all(stages)
    session.flush()

    invited = {submitter.id}
    for stage in stages:
        if stage.state is StageState.SKIPPED:
            continue
        asked = branch_of(plan, stage.name)
        if stage.kind is StageKind.APPROVAL and asked is not None:
            invited.update(person.id for person in resolve(session, asked.approvers, submitter.id))
        if stage.kind is StageKind.SIGNATURE:
            signers = (
                resolve(session, asked.approvers, submitter.id)
                if asked is not None and asked.approvers
                else submission.signers
            )
            if not signers:
                raise Refused("The route asks for signatures, and no signer is named.", field="signers")
            invited.update(signer.id for signer in signers)
            session.add_all(
                Task(
                    round_id=round.id,
                    stage_id=stage.id,
                    person_id=signer.id,
                    name=signer.name,
                    email=signer.email,
                    kind=StageKind.SIGNATURE,
                    ordinal=turn,
                    state=TaskState.WAITING,
                )
                for turn, signer in enumerate(signers, 1)
            )
    invite(session, round.process, round.subject_id, invited)
    session.flush()
    advance(session, round, now=now)
    return round


def invite(session: Work, process: str, subject_id: UUID, persons: Iterable[UUID]) -> None:
    """Let these people see the document."""
    add_missing(
        session,
        Participant,
        [{"process": process, "subject_id": subject_id, "person_id": each} for each in set(persons)],
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
    link: Link | None = None,
) -> Decided:
    """Record what somebody decided on the bytes they saw, and open what comes next, all in this transaction.

    Raises:
        NotFound: there is no such task, or the actor is not on its document's route.
        Forbidden: it is somebody else's.
        Conflict: it was decided, ended, or the document has changed.
        Refused: the comment is missing or too long.
    """
    with session.no_autoflush:  # one flush where the next tasks are asked, one at the end
        round, stages, tasks = lock_journey(session, task_id)
        task = next(each for each in tasks if each.id == task_id)
        comment = comment.strip()
        if again := first_answer(session, round, task, verdict, by):
            return again
        if why := why_not_decide(by, round, task, verdict, seen=seen, comment=comment):
            if why.kind == "forbidden" and not may_know(session, round, tasks, by):
                raise NotFound("There is no such task.")
            raise refusal(why)
        stage = next(each for each in stages if each.id == task.stage_id)
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
        )
        if verdict is Verdict.SEND_BACK:
            end_round(session, round, RoundState.SENT_BACK, stages=stages, tasks=tasks, now=now)
        else:
            _settle(session, round, stage, tasks, now=now)
            _carry_on(session, round, stages, tasks, now=now)
        wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
        return Decided(task, decision, round)


def _is_open(task: Task) -> bool:
    return task.state is TaskState.OPEN


def _for_whom(task: Task) -> dict[str, Any]:
    """How an entry of the history says that somebody decided in another's place."""
    return {"instead_of": task.instead_of_name} if task.instead_of_name else {}


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
    round = session.exec(_ROUND_OF_TASK, params={"task": task_id}).first()
    if round is None:
        raise NotFound("There is no such task.")
    return round


# Made once: to put a statement together takes as long as to carry it out.
_ROUND_OF_TASK = (
    select(Round)
    .where(Round.id == select(Task.round_id).where(Task.id == bindparam("task")).scalar_subquery())
    .with_for_update()
    .execution_options(populate_existing=True)
)
_JOURNEY = (
    select(Stage, Task)
    .outerjoin(Task, col(Task.stage_id) == col(Stage.id))
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
    insert_now(session, [decision])
    task.state, task.verdict, task.closed_at, task.closed_because = TaskState.DECIDED, verdict, now, "decided"
    return decision


def advance(session: Work, round: Round, *, now: datetime) -> None:
    """Make sure that whoever comes next has been asked. Safe to repeat: the flow calls it too."""
    if round.state is RoundState.OPEN:
        _carry_on(session, round, stages_of(session, round.id), tasks_of(session, round.id), now=now)


def _carry_on(session: Work, round: Round, stages: Sequence[Stage], tasks: list[Task], *, now: datetime) -> None:
    while round.state is RoundState.OPEN:
        match next_step(stages):
            case OpenStages(closed):
                for stage in closed:
                    _open(session, round, stage, tasks, now=now)
            case AwaitDecisions(pending):
                if not any(
                    stage.state is StageState.BLOCKED and _open(session, round, stage, tasks, now=now)
                    for stage in pending
                ):
                    return
            case Rejected():
                end_round(session, round, RoundState.REJECTED, stages=stages, tasks=tasks, now=now)
            case Approved():
                change_state(session, round, RoundState.APPROVED, now=now)


def _settle(session: Work, round: Round, stage: Stage, tasks: Sequence[Task], *, now: datetime) -> None:
    """Count a stage's votes and close it when they suffice."""
    mine = [task for task in tasks if task.stage_id == stage.id]
    votes = Votes(
        approvals=sum(task.verdict is Verdict.APPROVE for task in mine),
        rejections=sum(task.verdict is Verdict.REJECT for task in mine),
    )
    result = outcome(stage.approve, stage.reject, votes)
    if result is Outcome.PENDING:
        return
    stage.state = StageState.APPROVED if result is Outcome.APPROVED else StageState.REJECTED
    stage.closed_at = now
    void(session, [task for task in mine if task.state is TaskState.OPEN], "quorum", now=now)


def _open(session: Work, round: Round, stage: Stage, tasks: list[Task], *, now: datetime) -> bool:
    """Ask a stage's people; block it where they are too few. True when somebody was asked."""
    route = route_of(session, round.route_id)
    plan = branch_of(route, stage.name)
    assert plan is not None, "approval stages come from the route"
    asked = {person.id: person for person in resolve(session, plan.approvers, round.submitter_id)}
    substitutes = (
        {person.id: person for person in resolve(session, plan.fallback, round.submitter_id)} if plan.fallback else {}
    )
    excluded = {round.submitter_id} if "submitter" in route.separation.exclude else set()
    if route.separation.distinct_across_stages:
        decided = [task for task in tasks if task.verdict is not None and task.stage_id != stage.id]
        excluded |= {each for task in decided for each in (task.person_id, task.instead_of_id) if each}
    chosen = panel(tuple(asked), tuple(substitutes), excluded=frozenset(excluded), approve=plan.quorum.approve)
    if not chosen.enough:
        if stage.state is not StageState.BLOCKED:
            stage.state = StageState.BLOCKED
            record(session, "nobody_to_ask", round.process, round.subject_id, now=now, stage=stage.name)
            tell_administrators(session, round, stage, now=now)
        return False

    stage.state, stage.opened_at = StageState.OPEN, now
    stage.approve, stage.reject = thresholds(len(chosen.people), plan.quorum.approve, plan.quorum.reject)
    if plan.due is not None:
        due = due_after(now, plan.due, route.calendar)
        stage.due_at, stage.due = due.at, due.as_data()
    everybody = substitutes | asked
    invite(session, round.process, round.subject_id, chosen.people)
    approved_before = _who_approved_before(session, round, chosen.people)
    asked_now = [
        Task(
            round_id=round.id,
            stage_id=stage.id,
            person_id=each,
            name=everybody[each].name,
            email=everybody[each].email,
            kind=StageKind.APPROVAL,
            asked_at=now,
        )
        for each in chosen.people
    ]
    insert_now(session, asked_now)
    tasks += asked_now
    for task in asked_now:
        ask(session, round, stage, task, everybody[task.person_id], now=now, changed=task.person_id in approved_before)
    record(
        session,
        "asked",
        round.process,
        round.subject_id,
        now=now,
        stage=stage.name,
        people=[everybody[each].name for each in chosen.people],
    )
    return True


def send_link_again(session: Work, task_id: UUID, *, by: Actor, now: datetime) -> None:
    """A fresh link for an open task; the ones before lead nowhere from now on.

    Raises:
        Forbidden: to all but the document's owner and their administrators.
        Conflict: the task is not open.
    """
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    submitter = session.get_one(Person, round.submitter_id)
    administrator = by.administers and by.organisation_id == submitter.organisation_id
    if why := why_not_send_link_again(by, round, task, administrator=administrator):
        if why.kind == "forbidden" and not may_know(session, round, tasks, by):
            raise NotFound("There is no such task.")
        raise refusal(why)
    kill_links(session, [task.id], now=now)
    stage, person = session.get_one(Stage, task.stage_id), session.get_one(Person, task.person_id)
    ask(session, round, stage, task, person, now=now, resent=True)
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


def ask_next_signer(session: Work, round: Round, *, now: datetime) -> Task | None:
    """Ask the signer whose turn it is; None while somebody is asked already, or all have signed."""
    stages, tasks = stages_of(session, round.id), tasks_of(session, round.id)
    stage = next(
        (each for each in stages if each.kind is StageKind.SIGNATURE and each.state is not StageState.SKIPPED), None
    )
    if stage is None or round.state is not RoundState.APPROVED:
        return None
    task = next_signer([each for each in tasks if each.stage_id == stage.id])
    if task is None:
        return None
    if stage.state is StageState.WAITING:
        stage.state, stage.opened_at = StageState.OPEN, now
    person = session.get_one(Person, task.person_id)
    task.state, task.asked_at = TaskState.OPEN, now
    ask(session, round, stage, task, person, now=now)
    record(session, "asked", round.process, round.subject_id, now=now, stage=stage.name, people=[task.name])
    return task


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


def resolve(session: Session, approvers: routes.Approvers | None, submitter_id: UUID) -> list[Person]:
    """The active people whom a route's words mean now."""
    match approvers:
        case None:
            return []
        case routes.People(emails=emails):
            return by_emails(session, emails)
        case routes.Role(name=name):
            return members(session, Kind.ROLE, name)
        case routes.Group(name=name):
            return members(session, Kind.GROUP, name)
        case routes.ManagerOf():
            submitter = session.get_one(Person, submitter_id)
            manager = session.get(Person, submitter.manager_id) if submitter.manager_id else None
            return [manager] if manager is not None and manager.active else []
        case _:
            raise NotImplementedError(f"{approvers} are refused on publishing")


def stages_of(session: Session, round_id: UUID) -> Sequence[Stage]:
    return session.exec(
        select(Stage).where(Stage.round_id == round_id).order_by(col(Stage.position), col(Stage.id))
    ).all()


def tasks_of(session: Session, round_id: UUID) -> list[Task]:
    fresh = select(Task).where(Task.round_id == round_id).order_by(col(Task.ordinal), col(Task.id))
    return list(session.exec(fresh.execution_options(populate_existing=True)).all())


def _plain(value: Any) -> Any:
    """Facts as JSON: decimals and dates as text."""
    match value:
        case Mapping():
            return {key: _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case str() | int() | bool() | None:
            return value
        case _:
            return str(value)
