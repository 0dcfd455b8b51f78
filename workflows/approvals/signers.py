"""Those who sign: their tasks, which wait until every approval is given, and asking them then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from workflows.approvals.links import ask
from workflows.approvals.model import Round, RoundState, Stage, StageKind, StageState, Task, TaskState
from workflows.approvals.operations import stages_of, tasks_of
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.rules import next_signers
from workflows.approvals.timing import look_again, start_clock
from workflows.audit.operations import record
from workflows.database import Work
from workflows.parties.model import Person
from workflows.parties.queries import people


def tasks_of_signers(stage: Stage, signers: Sequence[Person]) -> list[Task]:
    """One for each, waiting, in the order of their turns."""
    return [
        Task(
            round_id=stage.round_id,
            stage_id=stage.id,
            person_id=signer.id,
            name=signer.name,
            email=signer.email,
            kind=StageKind.SIGNATURE,
            ordinal=turn,
            state=TaskState.WAITING,
        )
        for turn, signer in enumerate(signers, 1)
    ]


def ask_next_signers(session: Work, round: Round, *, now: datetime) -> list[Task]:
    """Ask the signer whose turn it is, or all where the route asks them at once; none while there is nobody to ask."""
    stages, tasks = stages_of(session, round.id), tasks_of(session, round.id)
    stage = next(
        (each for each in stages if each.kind is StageKind.SIGNATURE and each.state is not StageState.SKIPPED), None
    )
    if stage is None or round.state is not RoundState.APPROVED:
        return []
    route = route_of(session, round.route_id)
    plan = branch_of(route, stage.name)  # None: the document's own signers
    mine = [each for each in tasks if each.stage_id == stage.id]
    asked_now = next_signers(mine, plan.order or "sequential" if plan else "sequential")
    if not asked_now:
        return []
    if stage.state is StageState.WAITING:
        stage.state, stage.opened_at = StageState.OPEN, now
        if plan is not None:
            start_clock(stage, plan, route.calendar, now=now)
    signers = people(session, [task.person_id for task in asked_now])
    for task in asked_now:
        task.state, task.asked_at = TaskState.OPEN, now
    if plan is not None:
        look_again(session, stage, plan, tasks, route.calendar, now=now)
    for task in asked_now:
        ask(session, round, stage, task, signers[task.person_id], now=now)
    names = [task.name for task in asked_now]
    record(session, "asked", round.process, round.subject_id, now=now, stage=stage.name, people=names)
    return list(asked_now)
