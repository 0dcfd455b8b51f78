"""Try a route out: who would be asked, and when, if everybody took the time they are given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast
from uuid import UUID

from sqlmodel import Session

from workflows.approvals import route as routes
from workflows.approvals.approvers import Asking, resolve
from workflows.approvals.deadlines import escalation_time, reminder_times
from workflows.approvals.exchange import rates_of_submission
from workflows.approvals.plan import SIGNATURES, Approvers, Band, MatchOutcome, OnExpiry, ParallelPlan, Route, StagePlan
from workflows.approvals.rates import Rates
from workflows.approvals.rules import excluded_from, panel, thresholds
from workflows.business_time import DueDate, due_after
from workflows.errors import Refused
from workflows.parties.model import Person


@dataclass(frozen=True)
class DryEscalation:
    at: datetime
    mode: Literal["add", "replace"]
    people: tuple[Person, ...]


@dataclass(frozen=True)
class DryStage:
    """``counted``: on the panel, but not asked again, since they approved before. ``vetoes``: whose no is enough."""

    name: str
    parallel: str | None
    kind: Literal["approval", "signature"]
    people: tuple[Person, ...] = ()
    approve: int = 0
    reject: int = 0
    due: DueDate | None = None
    skipped: bool = False
    blocked: bool = False
    counted: tuple[Person, ...] = ()
    vetoes: tuple[Person, ...] = ()
    order: Literal["sequential", "parallel"] | None = None
    reminders: tuple[datetime, ...] = ()
    escalation: DryEscalation | None = None
    on_expiry: OnExpiry | None = None

    @property
    def size(self) -> int:
        return len(self.people) + len(self.counted)


@dataclass(frozen=True)
class DryRun:
    """``amount``: in ``currency``, the route's, where the route compares amounts; else as it was given."""

    stages: tuple[DryStage, ...]
    amount: Decimal | None
    currency: str | None
    band: Band | None


def dry_run(
    session: Session,
    route: Route,
    *,
    amount: Decimal | None,
    currency: str | None,
    fields: Mapping[str, Any],
    submitter: Person,
    now: datetime,
    rates: Rates | None = None,
    match: MatchOutcome | None = None,
) -> DryRun:
    """The route's stages in order. Each begins when the one before would be due; one without a due time takes none.

    ``rates``: instead of those that are kept. ``match``: how it came out that it was held against orders.

    Raises:
        Refused: a condition cannot be answered from what is given, an amount cannot be compared, or no stage applies.
    """
    given: dict[str, object] = {
        "amount": amount,
        "currency": currency,
        route.document: dict(fields),
        "submitter": {"email": submitter.email},
        "match": match,
    }
    rates = rates or rates_of_submission(session, route, given, submitter, now=now)
    going = routes.going_through(route, given, rates)
    if refused := routes.why_asks_nobody(route, going, given):
        raise Refused(refused[0], field="route", **refused[1])
    facts = routes.comparable(route, given, rates)
    trial = _Trial(session, route, facts, submitter, opens=now, rates=rates)
    stages = [stage for each in routes.arranged(route, given) for stage in trial.position(each, going)]
    if route.document == "contract" and not any(stage.kind == "signature" for stage in stages):
        stages.append(DryStage(SIGNATURES, None, "signature", order="sequential"))
    return DryRun(
        stages=tuple(stages),
        amount=cast(Decimal | None, facts["amount"]),
        currency=currency if facts is given else route.currency,
        band=routes.band_of(route, facts),
    )


class _Trial:
    """Goes through the positions of a route, one after the other, as if everybody approved at the last moment."""

    def __init__(
        self,
        session: Session,
        route: Route,
        facts: Mapping[str, object],
        submitter: Person,
        *,
        opens: datetime,
        rates: Rates | None,
    ) -> None:
        self.session = session
        self.route = route
        self.submitter = submitter
        self.asking = Asking(submitter.id, facts, route.document, route.currency, rates)
        self.opens = opens
        self.decided: frozenset[UUID] = frozenset()
        self.beside: frozenset[UUID] = frozenset()
        """Who is asked in another branch of the same group."""

    def position(self, each: StagePlan | ParallelPlan, going: Collection[str]) -> list[DryStage]:
        group = each.name if isinstance(each, ParallelPlan) else None
        branches = each.branches if isinstance(each, ParallelPlan) else (each,)
        made: list[DryStage] = []
        for branch in branches:
            on = each.name in going and branch.name in going
            made.append(self.stage(branch, group) if on else DryStage(branch.name, group, branch.kind, skipped=True))
            self.beside |= {person.id for person in made[-1].people}
        self.beside = frozenset()
        self.opens = max([stage.due.at for stage in made if stage.due], default=self.opens)
        if asked := tuple(person.id for stage in made for person in (*stage.people, *stage.counted)):
            self.decided |= set(asked)
            self.asking = replace(self.asking, approved=asked)
        return made

    def stage(self, plan: StagePlan, group: str | None) -> DryStage:
        asked = self.people(plan.approvers)
        if plan.kind == "signature":
            everybody = tuple(asked.values())
            signing = DryStage(plan.name, group, plan.kind, everybody, len(everybody), 1, order=plan.order)
            return self.timed(plan, signing)
        everybody_known = self.people(plan.fallback) | asked
        skips = self.route.repeated_in(plan) == "skip"
        chosen = panel(
            tuple(asked),
            tuple(everybody_known),
            excluded=self.excluded,
            approve=plan.quorum.approve,
            approved_before=self.decided if skips else frozenset(),
        )
        people = tuple(everybody_known[each] for each in chosen.people)
        if not chosen.enough:
            return DryStage(plan.name, group, plan.kind, people, blocked=True)
        approve, reject = thresholds(chosen.size, plan.quorum.approve, plan.quorum.reject)
        counted = tuple(everybody_known[each] for each in chosen.counted)
        vetoes = tuple(each for each in (*people, *counted) if each.email in plan.quorum.veto)
        made = DryStage(plan.name, group, plan.kind, people, approve, reject, counted=counted, vetoes=vetoes)
        return self.timed(plan, made)

    @property
    def excluded(self) -> frozenset[UUID]:
        return excluded_from(self.route.separation, submitter=self.submitter.id, decided=self.decided | self.beside)

    def people(self, approvers: Approvers | None) -> dict[UUID, Person]:
        return {person.id: person for person in resolve(self.session, approvers, self.asking)}

    def timed(self, plan: StagePlan, stage: DryStage) -> DryStage:
        """With its due time, and what happens until then and at it while nobody decides."""
        calendar = self.route.calendar
        due = due_after(self.opens, plan.due, calendar) if plan.due is not None else None
        due_at = due.at if due else None
        reminders = reminder_times(plan, self.opens, due_at, calendar, until=due_at) if due_at else ()
        escalation = None
        if plan.escalate and (at := escalation_time(plan, self.opens, due_at, calendar)):
            undecided = replace(self.asking, undecided=tuple(person.id for person in stage.people))
            there = {person.id for person in stage.people}
            asked = tuple(
                person
                for person in resolve(self.session, plan.escalate.to, undecided)
                if person.id not in self.excluded | there
            )
            escalation = DryEscalation(at, plan.escalate.mode, asked)
        return replace(stage, due=due, reminders=reminders, escalation=escalation, on_expiry=plan.on_expiry)
