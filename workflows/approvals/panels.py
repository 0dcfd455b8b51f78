"""Whom a stage asks, now: its approvers less those whom separation excludes, with substitutes for who is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlmodel import Session

from workflows.approvals import route as routes
from workflows.approvals.absences import seats_of
from workflows.approvals.approvers import Asking, resolve
from workflows.approvals.model import Round, Stage, StageKind, StageState, Task, TaskState, Verdict
from workflows.approvals.plan import Approvers, Route, StagePlan
from workflows.approvals.publishing import route_of
from workflows.approvals.rates import rates_of
from workflows.approvals.rules import Panel, excluded_from, panel, standing_votes
from workflows.approvals.standing_in import Seat
from workflows.errors import Refused
from workflows.parties.model import Person


@dataclass(frozen=True)
class Chosen:
    """``people``: everybody of the panel and in its seats. ``away_until``: of those for whom somebody stands in."""

    panel: Panel
    seats: tuple[Seat, ...]
    people: Mapping[UUID, Person]
    away_until: Mapping[UUID, date]

    @property
    def everybody(self) -> list[Person]:
        """Of the panel, whether they are asked or not."""
        return [self.people[each] for each in (*self.panel.people, *self.panel.counted)]


def chosen_for(
    session: Session,
    round: Round,
    plan: StagePlan,
    stage: Stage,
    stages: Sequence[Stage],
    tasks: Sequence[Task],
    *,
    sent_back: bool,
    now: datetime,
) -> Chosen:
    """Whom the stage asks when it opens at this instant. ``stages``, ``tasks``: all of the round.

    ``sent_back``: the document came back to this very stage, so that no earlier approval counts in it.
    """
    route = route_of(session, round.route_id)
    asking = asking_of(round, route, approved=approvers_before(stage, stages, tasks))
    asked = _meant(session, plan.approvers, asking)
    people = _meant(session, plan.fallback, asking) | asked
    excluded = barred_from(session, round, stage, stages, tasks)
    skips = route.repeated_in(plan) == "skip" and not sent_back
    chosen = panel(
        tuple(asked),
        tuple(people),
        excluded=excluded,
        approve=plan.quorum.approve,
        approved_before=_who_approved(stage, stages, tasks) if skips else frozenset(),
    )
    if not chosen.enough:
        return Chosen(chosen, (), people, {})
    seats, substitutes, away_until = seats_of(
        session,
        round,
        [people[each] for each in chosen.people],
        excluded={*excluded, *chosen.counted},
        now=now,
    )
    return Chosen(chosen, seats, substitutes | people, away_until)


def asking_of(round: Round, route: Route, *, approved: Sequence[UUID] = ()) -> Asking:
    """For which document a round asks. ``approved``: who approved in the stage before.

    Raises:
        Refused: the route compares amounts, and no rate was kept for this one.
    """
    rates = rates_of(round.rates) if round.rates else None
    facts = routes.comparable(route, round.facts, rates)
    return Asking(round.submitter_id, facts, route.document, route.currency, rates, approved)


def _meant(session: Session, approvers: Approvers | None, asking: Asking) -> dict[UUID, Person]:
    """Nobody, where it takes a rate that was not kept: then the fallback is asked, or administrators hear of it."""
    try:
        return {person.id: person for person in resolve(session, approvers, asking)}
    except Refused:
        return {}


def approvers_before(stage: Stage, stages: Sequence[Stage], tasks: Sequence[Task]) -> tuple[UUID, ...]:
    """Whose seats approved in the nearest position before a stage; a substitute's approval is that of the seat."""
    before = [each for each in stages if each.position < stage.position and each.state is StageState.APPROVED]
    nearest = max((each.position for each in before), default=-1)
    found: list[UUID] = []
    for each in before:
        if each.position == nearest:
            approved = [task for task in standing_votes(each, tasks) if task.verdict is Verdict.APPROVE]
            found += [task.instead_of_id or task.person_id for task in approved]
            found += [UUID(person) for person in each.counted]
            found += _kept_by(each)
    return tuple(dict.fromkeys(found))


def _kept_by(stage: Stage) -> list[UUID]:
    """Who approved an earlier version, where that approval was left standing."""
    return [UUID(each["id"]) for each in (stage.kept or {}).get("by", ())]


def _who_approved(stage: Stage, stages: Sequence[Stage], tasks: Sequence[Task]) -> frozenset[UUID]:
    """Who has approved this version, themselves, in another stage whose votes stand."""
    others = [each for each in stages if each.id != stage.id]
    return frozenset(
        task.person_id for each in others for task in standing_votes(each, tasks) if task.verdict is Verdict.APPROVE
    )


def seated_in(stage: Stage, tasks: Sequence[Task]) -> set[UUID]:
    """Who votes in a stage, or has somebody vote for them, or whose earlier approval counts here."""
    seated = {UUID(each) for each in stage.counted}
    return seated.union(*(_people(each) for each in standing_votes(stage, tasks)))


def barred_from(
    session: Session, round: Round, stage: Stage, stages: Sequence[Stage], tasks: Sequence[Task]
) -> frozenset[UUID]:
    """Who may not act in a stage, since separation of duties forbids it.

    Whoever is asked in another stage just now counts as whoever decided there: they could decide in both.
    """
    elsewhere = set[UUID]().union(
        *(_people(each) for each in tasks if each.stage_id != stage.id and each.kind is StageKind.APPROVAL),
        *(_kept_by(each) for each in stages if each.id != stage.id),
    )
    separation = route_of(session, round.route_id).separation
    return excluded_from(separation, submitter=round.submitter_id, decided=elsewhere)


def _people(task: Task) -> set[UUID]:
    """Whose vote a task is or was, and who gives it."""
    if task.review_of_id is not None or task.state not in (TaskState.OPEN, TaskState.DECIDED):
        return set()
    return {task.person_id} | ({task.instead_of_id} if task.instead_of_id else set())
