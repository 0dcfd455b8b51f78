"""Tasks that change hands: what the reader of a page may do about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from api.pages.fields import offered_colleagues
from documents.rendering import Reader, sentence
from workflows.approvals.model import RoundState, StageKind, StageState, Task, TaskState
from workflows.approvals.plan import SUBMITTER
from workflows.approvals.publishing import branch_of, route_of
from workflows.approvals.queries import Journey
from workflows.approvals.standing_in import why_not_recall
from workflows.business_time import spoken
from workflows.parties.model import Person
from workflows.parties.rules import Actor
from workflows.words import stage_name


@dataclass(frozen=True)
class Later:
    """A stage whose due time may be put off. ``task``: any of its open ones."""

    task: UUID
    stage: str
    due_at: datetime
    most: str
    over: bool
    """The due time has passed: it is put off from now."""


@dataclass(frozen=True)
class Handing:
    """``base``: the address below which forms about the task go. ``task``: what the reader is asked just now."""

    base: str = ""
    task: Task | None = None
    may_hand: bool = False
    opinions: tuple[Task, ...] = ()
    """Given for the reader's task."""
    awaited: tuple[Task, ...] = ()
    """Whom the reader asked for an opinion that has not come yet."""
    acting: tuple[Task, ...] = ()
    """Tasks of those who act for the reader."""
    back: tuple[tuple[str, str], ...] = ()
    """Whereto the reader may send the document back, as forms name it and in words."""
    movable: tuple[Task, ...] = ()
    """Tasks that the reader may give to somebody else, as an administrator."""
    later: tuple[Later, ...] = ()
    may_recall: bool = False
    colleagues: tuple[Person, ...] = ()
    typed: Mapping[str, str] = field(default_factory=lambda: defaultdict(str))

    @property
    def wants_opinion(self) -> bool:
        return self.task is not None and self.task.review_of_id is not None

    @property
    def acts_for(self) -> str:
        return self.task.instead_of_name if self.task else ""


def handing_of(
    session: Session,
    travelled: Journey | None,
    actor: Actor,
    reader: Reader,
    *,
    now: datetime,
    base: str,
    keeps: bool = False,
    offers: bool = False,
    typed: Mapping[str, str] | None = None,
) -> Handing:
    """What the reader may do. ``base``: the address that the task's id is put behind, or the link's own.

    ``keeps``: they own the document or administer its organisation. ``offers``: their fields may list colleagues.
    """
    if travelled is None or travelled.round.state not in (RoundState.OPEN, RoundState.APPROVED):
        return Handing()
    open_ones = [each for each in travelled.tasks if each.state is TaskState.OPEN]
    mine = next((each for each in open_ones if each.person_id == actor.id), None)
    votes = [each for each in open_ones if each.kind is StageKind.APPROVAL and each.review_of_id is None]
    may_hand = mine in votes and actor.organisation_id is not None
    movable = tuple(each for each in votes if each.person_id != actor.id) if keeps and actor.administers else ()
    about_mine = [each for each in travelled.tasks if mine is not None and each.review_of_id == mine.id]
    return Handing(
        base=base.format(task=mine.id) if mine else "",
        task=mine,
        may_hand=may_hand,
        opinions=tuple(each for each in about_mine if each.opinion),
        awaited=tuple(each for each in about_mine if each.state is TaskState.OPEN),
        acting=tuple(each for each in votes if each.instead_of_id == actor.id),
        back=_ways_back(session, travelled, mine, reader) if mine in votes and mine is not None else (),
        movable=movable,
        later=_later(session, travelled, votes, reader, now=now) if keeps else (),
        may_recall=why_not_recall(actor, travelled.round) is None,
        colleagues=offered_colleagues(session, actor, but=actor) if offers and (may_hand or movable) else (),
        typed=defaultdict(str, typed or {}),
    )


def _ways_back(session: Session, travelled: Journey, task: Task, reader: Reader) -> tuple[tuple[str, str], ...]:
    stage = next(each for each in travelled.stages if each.id == task.stage_id)
    sender = travelled.round.card["sender"]["name"]
    return tuple(
        (each, sender if each == SUBMITTER else stage_name(each, reader))
        for each in travelled.ways_back(session, stage)
    )


def _later(
    session: Session, travelled: Journey, votes: list[Task], reader: Reader, *, now: datetime
) -> tuple[Later, ...]:
    """The open stages whose due time their route lets be put off."""
    due = [each for each in travelled.stages if each.state is StageState.OPEN and each.due_at is not None]
    if not due:
        return ()
    route = route_of(session, travelled.round.route_id)
    found = []
    for stage in due:
        plan = branch_of(route, stage.name)
        task = next((each for each in votes if each.stage_id == stage.id), None)
        if plan and plan.extend and task and stage.due_at:
            most = spoken(plan.extend, reader.locale, sentence)
            found.append(Later(task.id, stage_name(stage.name, reader), stage.due_at, most, over=stage.due_at <= now))
    return tuple(found)
