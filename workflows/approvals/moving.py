"""Have a running round go on by another version of its route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals import route as routes
from workflows.approvals.approvers import Asking, resolve
from workflows.approvals.differences import Difference, differences
from workflows.approvals.links import refusal
from workflows.approvals.model import Round, RoundState, RouteVersion, Stage, StageKind, StageState, Task, TaskState
from workflows.approvals.operations import advance, close_for_now, invite, stages_of, tasks_of, void
from workflows.approvals.plan import SIGNATURES, Route, StagePlan
from workflows.approvals.publishing import parsed
from workflows.approvals.rates import Rates, rates_of
from workflows.approvals.rerouting import Destiny, Fate, destinies, signature_plan, why_not_move
from workflows.approvals.signers import tasks_of_signers
from workflows.approvals.timing import look_again
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Forbidden, NotFound, Refused
from workflows.outbox import wake
from workflows.parties.model import Person
from workflows.parties.queries import by_emails
from workflows.parties.rules import Actor, who, why_not_administer

MOVED = "moved"
"""Why tasks are closed that the new version does not ask for."""
MOST_LISTED = 500


@dataclass(frozen=True)
class Moving:
    """What moving a round to a version does. ``signers``: who signs from then on, None where that stays."""

    round: Round
    old: RouteVersion
    new: RouteVersion
    difference: Difference
    stages: Sequence[Destiny]
    signature: StagePlan | None
    signers: Sequence[Person] | None


def what_moving_does(session: Session, round_id: UUID, version: int, *, by: Actor) -> Moving:
    """Changes nothing.

    Raises:
        as ``move_round`` does.
    """
    round = session.get(Round, round_id)
    return _moving(session, _insist_on_administering(session, round, by), version)[0]


def move_round(session: Work, round_id: UUID, version: int, *, by: Actor, now: datetime) -> Moving:
    """Have a round go on by another version of its route.

    What was decided stays. What comes next is planned anew from the new version, with the facts of the submission. A
    stage whose people are being asked goes on where the new version asks the same; else it is asked anew, or ended.

    Raises:
        NotFound: the round is another organisation's, or its route has no such version.
        Forbidden: to all but administrators.
        Conflict: the round goes by that version already, or nothing is left to be approved.
        Refused: the version asks nobody about this document, or cannot be answered from its facts.
    """
    locked = select(Round).where(Round.id == round_id).with_for_update().execution_options(populate_existing=True)
    round = _insist_on_administering(session, session.exec(locked).first(), by)
    moving, facts, rates = _moving(session, round, version)
    plan = parsed(moving.new.source)
    tasks = tasks_of(session, round.id)
    asking = Asking(round.submitter_id, facts, plan.document, plan.currency, rates)
    stages = stages_of(session, round.id)
    _place(session, round, moving.stages, tasks, now=now)
    _place_signers(session, moving, stages, tasks, now=now)
    for destiny in moving.stages:
        if destiny.fate in (Fate.PLANNED, Fate.ASKED_AGAIN) and destiny.plan is not None:
            meant = resolve(session, destiny.plan.approvers, asking)
            invite(session, round.process, round.subject_id, [person.id for person in meant])
    round.route_id, round.route_version = moving.new.id, moving.new.version
    for destiny in moving.stages:  # whoever goes on being asked is reminded as the new version says
        if destiny.fate is Fate.KEPT and destiny.stage is not None and destiny.plan is not None:
            look_again(session, destiny.stage, destiny.plan, tasks, plan.calendar, now=now)
    session.flush()
    record(
        session,
        "moved",
        round.process,
        round.subject_id,
        now=now,
        **who(by),
        route=round.route_name,
        from_version=moving.old.version,
        from_sha256=moving.old.sha256,
        to_version=moving.new.version,
        to_sha256=moving.new.sha256,
        stages={each.name: each.fate.value for each in moving.stages},
    )
    advance(session, round, now=now)
    wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
    return moving


def rounds_under_way(session: Session, name: str, *, by: Actor) -> Sequence[Round]:
    """Rounds of the actor's organisation on any version of a route, the oldest first; at most ``MOST_LISTED``."""
    return session.exec(
        select(Round)
        .join(Person, col(Person.id) == col(Round.submitter_id))
        .where(
            Round.route_name == name,
            col(Round.state).in_((RoundState.OPEN, RoundState.APPROVED)),
            Person.organisation_id == by.organisation_id,
        )
        .order_by(col(Round.opened_at), col(Round.id))
        .limit(MOST_LISTED)
    ).all()


def _insist_on_administering(session: Session, round: Round | None, by: Actor) -> Round:
    submitter = session.get_one(Person, round.submitter_id) if round else None
    if round is None or submitter is None or submitter.organisation_id != by.organisation_id:
        raise NotFound("There is no such round.")
    if sentence := why_not_administer(by):
        raise Forbidden(sentence)
    return round


def _moving(session: Session, round: Round, version: int) -> tuple[Moving, Mapping[str, object], Rates | None]:
    """With the facts as the new version compares them, and the rates of the submission."""
    new = session.exec(
        select(RouteVersion).where(RouteVersion.name == round.route_name, RouteVersion.version == version)
    ).first()
    if new is None:
        raise NotFound("The route “%(name)s” has no version %(version)s.", name=round.route_name, version=version)
    old = session.get_one(RouteVersion, round.route_id)
    before, after = parsed(old.source), parsed(new.source)
    rates = rates_of(round.rates) if round.rates else None
    going = routes.going_through(after, round.facts, rates)
    facts = routes.comparable(after, round.facts, rates)
    stages = stages_of(session, round.id)
    if why := why_not_move(round, before, after, stages, going, version=version):
        raise refusal(why)
    moving = Moving(
        round=round,
        old=old,
        new=new,
        difference=differences(before, after),
        stages=destinies(stages, before, after, going),
        signature=signature_plan(after, going),
        signers=_signers(session, round, before, after, facts, rates),
    )
    return moving, facts, rates


def _signers(
    session: Session, round: Round, old: Route, new: Route, facts: Mapping[str, object], rates: Rates | None
) -> Sequence[Person] | None:
    """Who is to sign by the new version; None where it says the same of that as the old one."""
    before = signature_plan(old, routes.going_through(old, round.facts, rates))
    after = signature_plan(new, routes.going_through(new, round.facts, rates))
    named = after.approvers if after else None
    if (before.approvers if before else None) == named:
        return None
    if named is None:
        return by_emails(session, [str(each["email"]) for each in round.card.get("signers") or ()])
    signers = resolve(session, named, Asking(round.submitter_id, facts, new.document, new.currency, rates))
    if not signers:
        raise Refused("The route asks for signatures, and no signer is named.", field="signers")
    return signers


def _place(session: Work, round: Round, destined: Sequence[Destiny], tasks: Sequence[Task], *, now: datetime) -> None:
    for each in destined:
        if each.fate is Fate.DROPPED and each.stage is not None:
            _drop(session, each.stage, tasks)
    session.flush()  # before others take the names of those that are gone
    for each in destined:
        if each.fate is Fate.DROPPED:
            continue
        stage = each.stage or Stage(round_id=round.id, position=each.position, name=each.name, kind=StageKind.APPROVAL)
        stage.position, stage.parallel = each.position, each.parallel
        match each.fate:
            case Fate.ENDED:
                _end_asking(session, stage, tasks, now=now)
                stage.state, stage.closed_at, stage.look_at = StageState.VOID, now, None
            case Fate.ASKED_AGAIN:
                _end_asking(session, stage, tasks, now=now)
                close_for_now(stage)
            case Fate.PLANNED:
                close_for_now(stage)
            case Fate.SKIPPED:
                stage.state = StageState.SKIPPED
            case _:
                pass
        session.add(stage)


def _drop(session: Work, stage: Stage, tasks: Sequence[Task]) -> None:
    if any(task.stage_id == stage.id for task in tasks):
        stage.state = StageState.SKIPPED if stage.kind is StageKind.SIGNATURE else StageState.VOID
    else:
        session.delete(stage)


def _end_asking(session: Work, stage: Stage, tasks: Sequence[Task], *, now: datetime) -> None:
    """Nobody can decide any more, and what was decided so far counts no longer; the decisions stay on record."""
    mine = [task for task in tasks if task.stage_id == stage.id]
    void(session, [task for task in mine if task.state is TaskState.OPEN], MOVED, now=now)
    for task in mine:
        if task.state is TaskState.DECIDED:
            task.state, task.verdict, task.closed_because = TaskState.VOID, None, MOVED


def _place_signers(
    session: Work, moving: Moving, stages: Sequence[Stage], tasks: Sequence[Task], *, now: datetime
) -> None:
    """Signatures come last, by those whom the new version names, or by the document's own signers."""
    round = moving.round
    mine = [stage for stage in stages if stage.kind is StageKind.SIGNATURE]
    stage = next((each for each in mine if each.state is not StageState.SKIPPED), None)
    for each in mine:
        if each is not stage:
            _drop(session, each, tasks)
    waiting = [task for task in tasks if task.kind is StageKind.SIGNATURE and task.state is TaskState.WAITING]
    if moving.signers is not None:
        void(session, waiting, MOVED, now=now)
        waiting = []
    session.flush()
    if stage is not None and not moving.signers and not waiting:
        _drop(session, stage, tasks)
        return
    if stage is None and not moving.signers:
        return
    name = moving.signature.name if moving.signature else SIGNATURES
    stage = stage or Stage(round_id=round.id, position=0, name=name, kind=StageKind.SIGNATURE)
    stage.name, stage.position = name, max((each.position for each in moving.stages), default=0) + 1
    session.add(stage)
    session.flush()
    session.add_all(tasks_of_signers(stage, moving.signers or ()))
    invite(session, round.process, round.subject_id, [signer.id for signer in moving.signers or ()])
