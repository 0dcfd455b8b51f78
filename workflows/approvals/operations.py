"""Publish routes; open rounds, decide, and carry a round on to whoever comes next."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from workflows.approvals import route as routes
from workflows.approvals.model import (
    Decision,
    Link,
    Participant,
    Purpose,
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
from workflows.approvals.route import ParallelPlan, Route, StagePlan
from workflows.approvals.rules import (
    Approved,
    AwaitDecisions,
    OpenStages,
    Outcome,
    Rejected,
    Votes,
    Why,
    next_signer,
    next_step,
    outcome,
    panel,
    thresholds,
    why_not_decide,
    why_not_follow,
)
from workflows.audit.operations import record
from workflows.business_time import due_after
from workflows.columns import to_millisecond
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, Gone, NotFound, Refused
from workflows.outbox import Letter, Recipient, post, wake
from workflows.parties.model import ADMINISTRATOR, Kind, Person
from workflows.parties.operations import sha256_of_secret
from workflows.parties.queries import by_emails, members, people
from workflows.parties.rules import Actor, shown

SIGNATURES = "signatures"
"""Name of the stage that a document's own signers form where its route has no signature stage."""

React = Callable[[Work, Round, datetime], None]
_reactions: dict[str, React] = {}


def on_change(process: str, react: React) -> None:
    """Have ``react`` called, in the same transaction, whenever a round of ``process`` has changed its state."""
    _reactions[process] = react


@lru_cache(256)
def parsed(source: str) -> Route:
    return routes.parse(source)


def publish(session: Work, source: str, *, name: str | None, by: Actor | None, now: datetime) -> RouteVersion:
    """Publish a route as the next version of its name. The same text again gives the version that is there.

    Raises:
        RouteRefused: with every finding, where the text is no sound route.
        Refused: where its name is not ``name``, or it asks people whom nobody has registered.
    """
    route = routes.parse(source)
    if failures := routes.golden_failures(route):
        raise routes.RouteRefused(failures)
    if name is not None and route.name != name:
        raise Refused("The route calls itself %(own)s, the address %(name)s.", field="name", own=route.name, name=name)
    _insist_on_known_people(session, route)
    latest = session.exec(
        select(RouteVersion)
        .where(RouteVersion.name == route.name)
        .order_by(col(RouteVersion.version).desc())
        .limit(1)
        .with_for_update()
    ).first()
    sha256 = routes.sha256_of(source)
    if latest is not None and latest.sha256 == sha256:
        return latest
    if latest is not None:
        latest.current = False
    published = RouteVersion(
        name=route.name,
        version=latest.version + 1 if latest else 1,
        document=route.document,
        priority=route.priority,
        source=source,
        sha256=sha256,
        published_at=now,
        published_by=by.id if by else None,
        published_by_name=by.name if by else "",
    )
    session.add(published)
    session.flush()
    record(
        session,
        "route_published",
        "route",
        published.id,
        now=now,
        **_who(by),
        name=route.name,
        version=published.version,
        sha256=sha256,
    )
    return published


def _insist_on_known_people(session: Session, route: Route) -> None:
    named = sorted(
        {
            email
            for plan in _plans(route)
            for each in (plan.approvers, plan.fallback)
            if isinstance(each, routes.People)
            for email in each.emails
        }
    )
    known = {person.email for person in by_emails(session, named)}
    if missing := [email for email in named if email not in known]:
        raise Refused("Nobody is registered with the address %(email)s.", field="approvers", email=missing[0])


def choose_route(
    session: Session, document: str, facts: Mapping[str, object], *, name: str | None = None
) -> RouteVersion:
    """The route named, or the first by priority whose ``when`` holds for the document's facts.

    Raises:
        Refused: where there is no such route.
    """
    current = session.exec(
        select(RouteVersion)
        .where(RouteVersion.document == document, col(RouteVersion.current))
        .order_by(col(RouteVersion.priority).desc(), col(RouteVersion.name))
    ).all()
    for each in current:
        if name is not None and each.name == name:
            return each
        if name is None and routes.applies(parsed(each.source), facts):
            return each
    if name is not None:
        raise Refused("There is no route “%(name)s” for this kind of document.", field="route", name=shown(name)[:80])
    raise Refused("No route fits this document. An administrator has to publish one.", field="route")


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
        card={**submission.card, "label": submission.label, "link_days": submission.link_days},
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
            invited.update(person.id for person in resolve(session, asked.approvers, submitter))
        if stage.kind is StageKind.SIGNATURE:
            signers = (
                resolve(session, asked.approvers, submitter)
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
    there = set(
        session.exec(
            select(Participant.person_id).where(Participant.process == process, Participant.subject_id == subject_id)
        ).all()
    )
    session.add_all(
        Participant(process=process, subject_id=subject_id, person_id=each) for each in set(persons) - there
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
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    comment = comment.strip()
    if again := first_answer(session, round, task, verdict, by):
        return again
    if why := why_not_decide(by, round, task, verdict, seen=seen, comment=comment):
        if why.kind == "forbidden" and not _may_know(session, round, tasks, by):
            raise NotFound("There is no such task.")
        raise refusal(why)
    stages = stages_of(session, round.id)
    stage = next(each for each in stages if each.id == task.stage_id)
    decision = conclude(session, round, task, verdict, seen=seen, by=by, comment=comment, now=now)
    kill_links(session, [task.id], now=now)
    record(
        session,
        _RECORDED[verdict],
        round.process,
        round.subject_id,
        now=now,
        **_who(by),
        stage=stage.name,
        task=str(task.id),
        version=round.version_number,
        version_sha256=seen,
        via=by.via,
        comment=comment,
    )
    if verdict is Verdict.SEND_BACK:
        end_round(session, round, RoundState.SENT_BACK, stages=stages, tasks=tasks, now=now)
    else:
        _settle(session, round, stage, tasks, now=now)
        _carry_on(session, round, stages, tasks, now=now)
    wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
    return Decided(task, decision, round)


_RECORDED = {
    Verdict.APPROVE: "approved",
    Verdict.REJECT: "rejected",
    Verdict.SEND_BACK: "sent_back",
    Verdict.SIGN: "signed",
    Verdict.DECLINE: "declined",
}


def lock_round(session: Work, task_id: UUID) -> tuple[Round, list[Task]]:
    """The round of a task, locked, and its tasks as they are once the lock is held."""
    of_task = select(Task.round_id).where(Task.id == task_id).scalar_subquery()
    round = session.exec(
        select(Round).where(Round.id == of_task).with_for_update().execution_options(populate_existing=True)
    ).first()
    if round is None:
        raise NotFound("There is no such task.")
    return round, tasks_of(session, round.id)


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
    )
    session.add(decision)
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
    route = parsed(session.get_one(RouteVersion, round.route_id).source)
    plan = branch_of(route, stage.name)
    assert plan is not None, "approval stages come from the route"
    submitter = session.get_one(Person, round.submitter_id)
    asked = {person.id: person for person in resolve(session, plan.approvers, submitter)}
    substitutes = {person.id: person for person in resolve(session, plan.fallback, submitter)} if plan.fallback else {}
    excluded = {submitter.id} if "submitter" in route.separation.exclude else set()
    if route.separation.distinct_across_stages:
        excluded |= {task.person_id for task in tasks if task.verdict is Verdict.APPROVE and task.stage_id != stage.id}
    chosen = panel(tuple(asked), tuple(substitutes), excluded=frozenset(excluded), approve=plan.quorum.approve)
    if not chosen.enough:
        if stage.state is not StageState.BLOCKED:
            stage.state = StageState.BLOCKED
            record(session, "nobody_to_ask", round.process, round.subject_id, now=now, stage=stage.name)
            _tell_administrators(session, round, stage, now=now)
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
    session.add_all(asked_now)
    session.flush()  # links refer to tasks
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
) -> None:
    """Make a fresh link to the task and mail it to its person, and to nobody else."""
    token = secrets.token_urlsafe(32)
    until = now + timedelta(days=int(round.card["link_days"]))
    session.add(Link(token_sha256=sha256_of_secret(token), task_id=task.id, created_at=now, expires_at=until))
    submitter = session.get_one(Person, round.submitter_id)
    post(
        session,
        Letter(
            kind="task" if task.kind is StageKind.APPROVAL else "signature",
            to=recipient(person),
            process=round.process,
            subject_id=round.subject_id,
            sender_name=round.card.get("organisation", ""),
            reply_to=(submitter.name, submitter.email),
            payload={
                **mail_values(round, submitter),
                "stage": stage.name,
                "due_at": stage.due_at.isoformat() if stage.due_at else None,
                "due": stage.due,
                "link_until": until.isoformat(),
                "changed": changed,
                "resent": resent,
            },
            link=token,
            task_id=task.id,
        ),
        now=now,
    )


def reading_link(session: Work, task: Task, *, now: datetime, days: int) -> str:
    """The secret of a link by which a signer without an account reads what they signed; it decides nothing."""
    token = secrets.token_urlsafe(32)
    session.add(
        Link(
            token_sha256=sha256_of_secret(token),
            task_id=task.id,
            purpose=Purpose.READ,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    return token


def send_link_again(session: Work, task_id: UUID, *, by: Actor, now: datetime) -> None:
    """A fresh link for an open task; the ones before lead nowhere from now on."""
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    if task.state is not TaskState.OPEN:
        raise Conflict("This task is not open, so there is no link to send.")
    kill_links(session, [task.id], now=now)
    stage, person = session.get_one(Stage, task.stage_id), session.get_one(Person, task.person_id)
    ask(session, round, stage, task, person, now=now, resent=True)
    record(
        session,
        "link_sent_again",
        round.process,
        round.subject_id,
        now=now,
        **_who(by),
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


def kill_links(session: Work, task_ids: Sequence[UUID], *, now: datetime) -> None:
    if task_ids:
        session.flush()
        session.execute(
            update(Link)
            .where(col(Link.task_id).in_(task_ids), col(Link.dead_at).is_(None), col(Link.purpose) == Purpose.ACT)
            .values(dead_at=now)
            .execution_options(synchronize_session=False)
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


def _may_know(session: Session, round: Round, tasks: Sequence[Task], by: Actor) -> bool:
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


def _tell_administrators(session: Work, round: Round, stage: Stage, *, now: datetime) -> None:
    submitter = session.get_one(Person, round.submitter_id)
    for administrator in members(session, Kind.ROLE, ADMINISTRATOR):
        if administrator.organisation_id == submitter.organisation_id:
            post(
                session,
                Letter(
                    kind="incident",
                    to=recipient(administrator),
                    process=round.process,
                    subject_id=round.subject_id,
                    sender_name=round.card.get("organisation", ""),
                    reply_to=(submitter.name, submitter.email),
                    payload={**mail_values(round, submitter), "stage": stage.name},
                ),
                now=now,
            )


def mail_values(round: Round, submitter: Person) -> dict[str, Any]:
    """What every mail about a document says of it."""
    card = round.card
    return {
        "organisation": card.get("organisation", ""),
        "address": card.get("address", ""),
        "sender_name": submitter.name,
        "sender_email": submitter.email,
        "title": card.get("title", ""),
        "number": card.get("number", card["label"]),
        "counterparty": card.get("counterparty", ""),
        "amount": card.get("amount"),
        "currency": card.get("currency"),
        "note": card.get("note"),
        "version": round.version_number,
    }


def recipient(person: Person) -> Recipient:
    return Recipient(person.name, person.email, person.locale, person.timezone)


def resolve(session: Session, approvers: routes.Approvers | None, submitter: Person) -> list[Person]:
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
            manager = (
                people(session, [submitter.manager_id]).get(submitter.manager_id) if submitter.manager_id else None
            )
            return [manager] if manager is not None and manager.active else []
        case _:
            raise NotImplementedError(f"{approvers} are refused on publishing")


def branch_of(route: Route, name: str) -> StagePlan | None:
    return next((plan for plan in _plans(route) if plan.name == name), None)


def _plans(route: Route) -> list[StagePlan]:
    return [
        branch for each in route.stages for branch in (each.branches if isinstance(each, ParallelPlan) else (each,))
    ]


def stages_of(session: Session, round_id: UUID) -> Sequence[Stage]:
    return session.exec(
        select(Stage).where(Stage.round_id == round_id).order_by(col(Stage.position), col(Stage.id))
    ).all()


def tasks_of(session: Session, round_id: UUID) -> list[Task]:
    fresh = select(Task).where(Task.round_id == round_id).order_by(col(Task.ordinal), col(Task.id))
    return list(session.exec(fresh.execution_options(populate_existing=True)).all())


def _who(by: Actor | None) -> dict[str, Any]:
    return {"actor": by.name, "actor_id": by.id} if by else {}


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
