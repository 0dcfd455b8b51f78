"""What the file itself is to say about how it came to be signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from signing.evidence import Evidence, EvidenceDecision, EvidenceDocument
from workflows.approvals.model import Decision, Round, StageKind, Task, TaskState
from workflows.approvals.queries import Journey, journey
from workflows.audit.queries import history
from workflows.audit.rules import instant
from workflows.signatures.model import Signing


def evidence_of(session: Session, round: Round, *, readable_sha256: str, pages: int, made_at: datetime) -> Evidence:
    """The approval record: who decided what, when, on which hash, and the history up to now."""
    travelled = journey(session, round)
    stages = {stage.id: stage.name for stage in travelled.stages}
    decisions = [
        _decision(decision, stages[task.stage_id], task.email)
        for task in travelled.tasks
        if (decision := travelled.decisions.get(task.id)) is not None and task.kind is StageKind.APPROVAL
    ]
    decisions += _kept(session, travelled)
    card = round.card
    return Evidence(
        document=EvidenceDocument(
            title=card["title"],
            number=card["number"],
            version=round.version_number,
            original_sha256=round.version_sha256,
            normalised_sha256=readable_sha256,
            pages=pages,
        ),
        decisions=tuple(sorted(decisions, key=lambda each: each.at)),
        events=tuple(_event(event) for event in history(session, round.process, round.subject_id)),
        organisation=card["organisation"],
        made_at=made_at,
    )


def _kept(session: Session, travelled: Journey) -> list[EvidenceDecision]:
    """Approvals of an earlier version that were left standing."""
    kept = {UUID(by["decision"]): stage.name for stage in travelled.stages if stage.kept for by in stage.kept["by"]}
    found = session.exec(
        select(Decision, Task.email).join(Task, col(Task.id) == col(Decision.task_id)).where(col(Decision.id).in_(kept))
    )
    return [_decision(decision, kept[decision.id], email) for decision, email in found]


def _decision(decision: Decision, stage: str, email: str) -> EvidenceDecision:
    return EvidenceDecision(
        stage=stage,
        name=decision.name,
        email=email,
        verdict=decision.verdict.value,
        at=decision.at,
        comment=decision.comment,
        version_sha256=decision.version_sha256,
        via=decision.via,
        on_behalf_of=decision.instead_of_name or None,
    )


def _event(event: Any) -> dict[str, object]:
    return {
        "position": event.position,
        "at": instant(event.at),
        "actor": event.actor,
        "action": event.action,
        "data": event.data,
        "previous": event.previous,
        "sha256": event.sha256,
    }


def slots_of(travelled: Journey, *, reason: str) -> list[dict[str, Any]]:
    """A place for each signer, in their order."""
    signers = sorted(
        (task for task in travelled.tasks if task.kind is StageKind.SIGNATURE and task.state is not TaskState.VOID),
        key=lambda task: task.ordinal,
    )
    known = {each["email"]: each for each in travelled.round.card.get("signers", [])}
    return [
        {
            "task": str(task.id),
            "field": f"Signer{turn}",
            "name": task.name,
            "email": task.email,
            "organisation": known.get(task.email, {}).get("organisation") or None,
            "reason": reason,
        }
        for turn, task in enumerate(signers, 1)
    ]


def signings_of(session: Session, round_ids: Sequence[UUID]) -> dict[UUID, Signing]:
    """By the rounds' ids, of those that came to be signed."""
    found = select(Signing).where(col(Signing.round_id).in_(round_ids)).execution_options(populate_existing=True)
    return {signing.round_id: signing for signing in session.exec(found)}
