"""Where a paper stands: whose turn it is and since when, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from workflows.approvals.model import RoundState, Stage, StageKind, StageState, Task, TaskState
from workflows.approvals.queries import Journey, current_rounds, journeys
from workflows.papers.model import Paper
from workflows.signatures.model import Signing
from workflows.signatures.queries import signings_of


@dataclass(frozen=True)
class Turn:
    """A stage in which somebody is to act. ``needed``: how many carry it; ``blocked``: nobody could be asked."""

    stage: str
    kind: StageKind
    people: tuple[tuple[UUID, str], ...]
    needed: int
    since: datetime
    due_at: datetime | None
    blocked: bool = False


@dataclass(frozen=True)
class Standing:
    turns: tuple[Turn, ...]
    owner_turn: bool
    """Sent back: its owner is to hand in a new version."""
    upcoming: tuple[str, ...]
    """Names of the stages to come; its ``finish`` is the last."""
    journey: Journey | None
    signing: Signing | None


def standing(session: Session, paper: Paper) -> Standing:
    return standings(session, [paper])[paper.id]


def standings(session: Session, papers: Sequence[Paper]) -> dict[UUID, Standing]:
    """By the ids of papers, all of one kind; as many queries for a whole list as for one."""
    rounds = current_rounds(session, papers[0].process, [paper.id for paper in papers]) if papers else {}
    travelled = {each.round.subject_id: each for each in journeys(session, list(rounds.values())).values()}
    signings = signings_of(session, [each.round.id for each in travelled.values()])
    found = {}
    for paper in papers:
        its = travelled.get(paper.id)
        found[paper.id] = _standing(paper, its, signings.get(its.round.id) if its else None)
    return found


def _standing(paper: Paper, travelled: Journey | None, signing: Signing | None) -> Standing:
    under_way = travelled is not None and travelled.round.state in (RoundState.OPEN, RoundState.APPROVED)
    turns = _turns(travelled) if travelled and under_way else ()
    upcoming = (
        [stage.name for stage in travelled.stages if stage.state is StageState.WAITING]
        if travelled and under_way
        else []
    )
    if (under_way or paper.finishing) and not paper.over:
        upcoming.append(paper.finish)
    return Standing(turns, paper.returned, tuple(upcoming), travelled, signing)


def _turns(travelled: Journey) -> tuple[Turn, ...]:
    made = []
    for stage in travelled.stages:
        if stage.state is StageState.BLOCKED:
            made.append(Turn(stage.name, stage.kind, (), 0, stage.opened_at or travelled.round.opened_at, None, True))
        if stage.state is StageState.OPEN:
            asked = [
                task for task in travelled.tasks_in(stage) if task.state is TaskState.OPEN and task.review_of_id is None
            ]
            made.append(_turn(stage, asked, travelled))
    return tuple(made)


def _turn(stage: Stage, asked: Sequence[Task], travelled: Journey) -> Turn:
    since = min(
        (task.asked_at for task in asked if task.asked_at), default=stage.opened_at or travelled.round.opened_at
    )
    people = tuple((task.person_id, task.name) for task in asked)
    needed = len(people) if stage.kind is StageKind.SIGNATURE else stage.approve
    return Turn(stage.name, stage.kind, people, needed, since, stage.due_at)
