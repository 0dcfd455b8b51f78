"""Send a version of a document on its route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from workflows.approvals import route as routes
from workflows.approvals.approvers import resolve
from workflows.approvals.exchange import rates_of_submission
from workflows.approvals.model import Round, RouteVersion, Stage, StageKind, StageState, Verdict
from workflows.approvals.operations import advance, let_in
from workflows.approvals.panels import asking_of
from workflows.approvals.plan import SIGNATURES, OnChange
from workflows.approvals.publishing import branch_of, parsed
from workflows.approvals.queries import Journey, journey
from workflows.approvals.rates import rates_of
from workflows.approvals.route import ParallelPlan, StagePlan
from workflows.approvals.rules import kept_on_change, standing_votes
from workflows.approvals.signers import tasks_of_signers
from workflows.audit.operations import record
from workflows.columns import as_json
from workflows.database import Work
from workflows.errors import Refused
from workflows.parties.model import Person

MOST_NOTED = 50  # ids that lie in a round's row, which every decision reads


@dataclass(frozen=True)
class Submission:
    """A version of a document that is to travel a route.

    ``facts``: what conditions are answered from. ``card``: what inboxes and mails say of it. ``signers``: people who
    sign it, in their order, unless the route names its own. ``afresh``: no approval of before stays, whatever the route
    says of changes.
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
    afresh: bool = False


def open_round(
    session: Work, submission: Submission, *, route: RouteVersion, submitter: Person, now: datetime
) -> Round:
    """Begin a round: its stages, its signers, and those asked first.

    Raises:
        Refused: no stage applies to the document, its amount cannot be compared, or a signer is missing.
    """
    plan = parsed(route.source)
    rates = rates_of_submission(session, plan, submission.facts, submitter, now=now)
    if sentence := routes.why_not_comparable(plan, submission.facts, rates):
        raise Refused(sentence[0], field="currency", **sentence[1])
    before = session.exec(
        select(Round)
        .where(Round.process == submission.process, Round.subject_id == submission.subject_id)
        .order_by(col(Round.number).desc())
        .limit(1)
    ).first()
    round = Round(
        process=submission.process,
        subject_id=submission.subject_id,
        number=before.number + 1 if before else 1,
        route_id=route.id,
        route_name=route.name,
        route_version=route.version,
        submitter_id=submitter.id,
        version_number=submission.version_number,
        version_sha256=submission.version_sha256,
        facts=as_json(submission.facts),
        rates=rates.as_data() if rates else None,
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
    going = routes.going_through(plan, submission.facts, rates)
    if why := routes.why_asks_nobody(plan, going, submission.facts):
        raise Refused(why[0], field="route", **why[1])
    stages: list[Stage] = []
    signature: StagePlan | None = None
    for position, each in enumerate(routes.arranged(plan, submission.facts)):
        for branch in each.branches if isinstance(each, ParallelPlan) else (each,):
            on = each.name in going and branch.name in going
            kind = StageKind(branch.kind)
            signature = branch if kind is StageKind.SIGNATURE and on else signature
            stages.append(
                Stage(
                    round_id=round.id,
                    position=position,
                    parallel=each.name if isinstance(each, ParallelPlan) else None,
                    name=branch.name,
                    kind=kind,
                    state=StageState.WAITING if on else StageState.SKIPPED,
                )
            )
    if signature is None and submission.signers:
        stages.append(Stage(round_id=round.id, position=len(plan.stages), name=SIGNATURES, kind=StageKind.SIGNATURE))
    if before is not None and before.route_id == route.id and not submission.afresh:
        _keep(session, before, stages, plan.on_change, now=now)
    session.add_all(stages)
    session.flush()

    invited = {submitter.id}
    asking = asking_of(round, plan)
    for stage in stages:
        if stage.state is StageState.SKIPPED:
            continue
        asked = branch_of(plan, stage.name)
        if stage.kind is StageKind.APPROVAL and asked is not None:
            invited.update(person.id for person in resolve(session, asked.approvers, asking))
        if stage.kind is StageKind.SIGNATURE:
            signers = (
                resolve(session, asked.approvers, asking)
                if asked is not None and asked.approvers
                else submission.signers
            )
            if not signers:
                raise Refused("The route asks for signatures, and no signer is named.", field="signers")
            invited.update(signer.id for signer in signers)
            session.add_all(tasks_of_signers(stage, signers))
    let_in(session, round.process, round.subject_id, invited)  # whoever submits lets them find it, too
    round.let_in = [str(each) for each in invited][:MOST_NOTED]
    session.flush()
    advance(session, round, now=now)
    return round


def goes_on_with(
    session: Work, round: Round, facts: Mapping[str, object], card: Mapping[str, Any], *, route: RouteVersion
) -> bool:
    """Have a round go on where only what is said of its document has changed, if its route lets it; whether it does.

    ``route``: what the document would take now. What was approved stays only where the same stages apply as before.
    """
    plan, rates = parsed(route.source), rates_of(round.rates) if round.rates else None
    if round.route_id != route.id or plan.on_change != "keep":
        return False
    if routes.why_not_comparable(plan, facts, rates):  # a currency that had no rate then: it begins anew, with today's
        return False
    if routes.going_through(plan, facts, rates) != routes.going_through(plan, round.facts, rates):
        return False
    round.facts, round.card = as_json(facts), {**round.card, **card}
    return True


def _keep(session: Work, before: Round, stages: Sequence[Stage], on_change: OnChange, *, now: datetime) -> None:
    """Leave the approvals of an earlier version standing that the route keeps; never so many that nobody is asked."""
    earlier = journey(session, before)
    standing = {each.name: each for each in kept_on_change(on_change, earlier.stages, file_changed=True)}
    planned = [each for each in stages if each.kind is StageKind.APPROVAL and each.state is StageState.WAITING]
    kept = [each for each in planned if each.name in standing]
    if len(kept) == len(planned):
        return
    for stage in kept:
        stage.state, stage.kept = StageState.APPROVED, _approval(earlier, standing[stage.name])
        record(
            session,
            "kept",
            before.process,
            before.subject_id,
            now=now,
            stage=stage.name,
            version=stage.kept["version"],
            version_sha256=stage.kept["sha256"],
            people=[each["name"] for each in stage.kept["by"]],
        )


def _approval(earlier: Journey, stage: Stage) -> dict[str, Any]:
    """Who approved a stage of which version, as ``Stage.kept`` says it."""
    if stage.kept is not None:
        return stage.kept
    made = {each.person_id: each for each in earlier.approvals}
    asked = [earlier.decisions.get(task.id) for task in standing_votes(stage, earlier.tasks)]
    by = [each for each in asked if each is not None and each.verdict is Verdict.APPROVE]
    by += [made[UUID(each)] for each in stage.counted if UUID(each) in made]
    return {
        "version": earlier.round.version_number,
        "sha256": earlier.round.version_sha256,
        "by": [
            {
                "id": str(each.instead_of_id or each.person_id),
                "name": each.name,
                "at": each.at.isoformat(),
                "decision": str(each.id),
            }
            for each in by
        ],
    }
