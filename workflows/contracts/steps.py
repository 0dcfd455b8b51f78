"""The steps of a contract's life, each one transaction and safe to repeat. The flow puts them in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from workflows.approvals.model import Round, RoundState, StageState, Task, TaskState
from workflows.approvals.operations import advance
from workflows.approvals.queries import current_round, journey
from workflows.contracts.model import PROCESS, Contract
from workflows.contracts.operations import follow_round, signing_begun
from workflows.contracts.term import bring_into_force
from workflows.database import Work
from workflows.outbox import RunOwed
from workflows.papers.queries import version
from workflows.parties.model import Person
from workflows.runtime import Runtime
from workflows.signatures import ceremony
from workflows.signatures.ceremony import Desk, Readable


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


def desk(runtime: Runtime) -> Desk:
    return Desk(runtime.transaction, runtime.reading, runtime.blobs, runtime.signer)


@dataclass
class Life:
    """One contract under a lease. ``check`` raises, inside each transaction, when the lease was lost."""

    runtime: Runtime
    contract_id: UUID
    number: str
    title: str
    check: Callable[[Work], None]
    sequence: int
    """The newest wake-up when this run began: what came later starts a run of its own."""

    @classmethod
    def load(cls, runtime: Runtime, contract_id: UUID, check: Callable[[Work], None]) -> Life:
        with runtime.reading() as session:
            contract = session.get_one(Contract, contract_id)
            owed = session.get(RunOwed, (PROCESS, contract_id))
            return cls(runtime, contract_id, contract.number, contract.title, check, owed.sequence if owed else 0)

    def approval(self) -> Progress:
        """Make sure that whoever comes next has been asked."""
        with self.runtime.transaction() as session:
            self.check(session)
            round = self._round(session)
            advance(session, round, now=_now())
            follow_round(session, round, _now())
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

    def signatures(self) -> Progress:
        """Make sure that the file is certified and the signer whose turn it is has been asked."""
        with self.runtime.reading() as session:
            contract = session.get_one(Contract, self.contract_id)
            round = self._round(session)
            shown = version(session, contract, round.version_number)
            owner = session.get_one(Person, contract.owner_id)
        if round.state is RoundState.SIGNED:
            return Done()
        ceremony.certify(
            desk(self.runtime),
            round,
            Readable(shown.readable_key, shown.readable_sha256, shown.pages),
            locale=owner.locale,
            timezone=owner.timezone,
            now=_now(),
            check=self.check,
        )
        with self.runtime.transaction() as session:
            self.check(session)
            round = self._round(session)
            if round.state not in (RoundState.APPROVED, RoundState.SIGNED):
                return Ended(round.state.value.replace("_", " "))
            asked = [task for task in journey(session, round).tasks if task.state is TaskState.OPEN]
            if not asked:
                return Done()
            signing_begun(session, self.contract_id, now=_now())
            return Waiting(", ".join(_names(asked)))

    def seal(self) -> str:
        """The sealed file's sha256."""
        with self.runtime.reading() as session:
            round = self._round(session)
        signing = ceremony.seal(desk(self.runtime), round, now=_now(), check=self.check)
        assert signing.sealed_sha256 is not None
        return signing.sealed_sha256

    def in_force(self) -> None:
        with self.runtime.transaction() as session:
            self.check(session)
            bring_into_force(session, self.contract_id, self._round(session), now=_now())

    def finished(self) -> None:
        """This run has done what was wanted when it began."""
        with self.runtime.transaction() as session:
            owed = session.get(RunOwed, (PROCESS, self.contract_id), with_for_update=True)
            if owed is not None:
                owed.finished = max(owed.finished, self.sequence)

    def _round(self, session: object) -> Round:
        round = current_round(session, PROCESS, self.contract_id)  # type: ignore[arg-type]
        assert round is not None, "every contract has travelled at least one round"
        return round


def _names(tasks: list[Task]) -> list[str]:
    return [task.name for task in tasks]


def _now() -> datetime:
    return datetime.now(UTC)
