"""Try a route out: who would be asked, and when, if everybody took the time they are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlmodel import Session

from workflows.approvals import route as routes
from workflows.approvals.operations import SIGNATURES, resolve
from workflows.approvals.route import ParallelPlan, Route, StagePlan
from workflows.approvals.rules import panel, thresholds
from workflows.business_time import DueDate, due_after
from workflows.errors import Refused
from workflows.parties.model import Person


@dataclass(frozen=True)
class DryStage:
    name: str
    parallel: str | None
    kind: Literal["approval", "signature"]
    people: tuple[Person, ...]
    approve: int
    reject: int
    due: DueDate | None
    skipped: bool = False
    blocked: bool = False


def dry_run(
    session: Session,
    route: Route,
    *,
    amount: Decimal | None,
    currency: str | None,
    fields: Mapping[str, Any],
    submitter: Person,
    now: datetime,
) -> list[DryStage]:
    """The route's stages in order. Each begins when the one before would be due; one without a due time takes none."""
    facts = {"amount": amount, "currency": currency, "contract": dict(fields), "submitter": {"email": submitter.email}}
    if sentence := routes.why_not_comparable(route, facts):
        raise Refused(sentence[0], field="currency", **sentence[1])
    going = {each.name for each in routes.planned(route, facts)}
    made: list[DryStage] = []
    opens = now
    decided: set[Any] = set()
    for each in route.stages:
        branches = each.branches if isinstance(each, ParallelPlan) else (each,)
        kept = {branch.name for branch in routes.planned_branches(each, facts)} if each.name in going else set()
        together = [
            _stage(
                session,
                route,
                branch,
                each,
                opens=opens,
                submitter=submitter,
                decided=decided,
                kept=branch.name in kept,
            )
            for branch in branches
        ]
        made += together
        opens = max([stage.due.at for stage in together if stage.due], default=opens)
        decided |= {person.id for stage in together for person in stage.people}
    if not any(stage.kind == "signature" for stage in made):
        made.append(DryStage(SIGNATURES, None, "signature", (), 0, 0, None))
    return made


def _stage(
    session: Session,
    route: Route,
    branch: StagePlan,
    group: StagePlan | ParallelPlan,
    *,
    opens: datetime,
    submitter: Person,
    decided: set[Any],
    kept: bool,
) -> DryStage:
    parallel = group.name if isinstance(group, ParallelPlan) else None
    if not kept:
        return DryStage(branch.name, parallel, branch.kind, (), 0, 0, None, skipped=True)
    first = {person.id: person for person in resolve(session, branch.approvers, submitter.id)}
    due = due_after(opens, branch.due, route.calendar) if branch.due is not None else None
    if branch.kind == "signature":
        return DryStage(branch.name, parallel, branch.kind, tuple(first.values()), len(first), 1, due)
    second = {person.id: person for person in resolve(session, branch.fallback, submitter.id)} if branch.fallback else {}
    excluded = {submitter.id} if "submitter" in route.separation.exclude else set()
    if route.separation.distinct_across_stages:
        excluded |= decided
    chosen = panel(tuple(first), tuple(second), excluded=frozenset(excluded), approve=branch.quorum.approve)
    people = tuple((second | first)[each] for each in chosen.people)
    if not chosen.enough:
        return DryStage(branch.name, parallel, branch.kind, people, 0, 0, None, blocked=True)
    approve, reject = thresholds(len(people), branch.quorum.approve, branch.quorum.reject)
    return DryStage(branch.name, parallel, branch.kind, people, approve, reject, due)
