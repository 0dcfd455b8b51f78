"""The steps that lives of papers share, each one transaction and safe to repeat. Flows put them in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Self
from uuid import UUID

from sqlmodel import Session

from workflows.approvals.model import Round, RoundState, StageState
from workflows.approvals.operations import advance
from workflows.approvals.queries import current_round, journey
from workflows.database import Work
from workflows.outbox import fulfilled, wanted
from workflows.papers.model import Paper
from workflows.runtime import Runtime


@dataclass(frozen=True)
class Waiting:
    whom: str


@dataclass(frozen=True)
class Ended:
    how: str


@dataclass(frozen=True)
class Done:
    pass


Progress = Waiting | Ended | Done


@dataclass
class Life:
    """One paper under a lease. ``check`` raises, inside each transaction, when the lease was lost."""

    model: ClassVar[type[Paper]]

    runtime: Runtime
    paper_id: UUID
    number: str
    title: str
    check: Callable[[Work], None]
    sequence: int
    """The newest wake-up when this run began: what came later starts a run of its own."""

    @classmethod
    def load(cls, runtime: Runtime, paper_id: UUID, check: Callable[[Work], None]) -> Self:
        with runtime.reading() as session:
            paper = session.get_one(cls.model, paper_id)
            sequence = wanted(session, cls.model.process, paper_id)
            return cls(runtime, paper_id, paper.number, paper.title, check, sequence)

    def follow(self, session: Work, round: Round) -> None:
        """Bring the paper's state after its round's."""
        raise NotImplementedError

    def approval(self) -> Progress:
        """Make sure that whoever comes next has been asked."""
        with self.runtime.transaction() as session:
            self.check(session)
            round = self.round(session)
            advance(session, round, now=right_now())
            self.follow(session, round)
            travelled = journey(session, round)
        match round.state:
            case RoundState.OPEN:
                going = [
                    stage.name for stage in travelled.stages if stage.state in (StageState.OPEN, StageState.BLOCKED)
                ]
                return Waiting(", ".join(going))
            case RoundState.APPROVED | RoundState.SIGNED:
                return Done()
            case _:
                return Ended(round.state.value.replace("_", " "))

    def finished(self) -> None:
        """This run has done what was wanted when it began."""
        with self.runtime.transaction() as session:
            fulfilled(session, self.model.process, self.paper_id, self.sequence)

    def round(self, session: Session) -> Round:
        round = current_round(session, self.model.process, self.paper_id)
        assert round is not None, "it has travelled at least one round"
        return round


def right_now() -> datetime:
    return datetime.now(UTC)
