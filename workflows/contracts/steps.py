"""The steps of a contract's life that are its own."""

from __future__ import annotations

from workflows.approvals.model import Round, RoundState, Task, TaskState
from workflows.approvals.queries import journey
from workflows.contracts.model import Contract
from workflows.contracts.operations import follow_round, signing_begun
from workflows.contracts.term import bring_into_force
from workflows.database import Work
from workflows.papers.queries import version
from workflows.papers.steps import Done, Ended, Life, Progress, Waiting, right_now
from workflows.parties.model import Person
from workflows.runtime import Runtime
from workflows.signatures import ceremony
from workflows.signatures.ceremony import Desk, Readable


def desk(runtime: Runtime) -> Desk:
    return Desk(runtime.transaction, runtime.reading, runtime.blobs, runtime.signer)


class ContractLife(Life):
    """One contract on its way."""

    model = Contract

    def follow(self, session: Work, round: Round) -> None:
        follow_round(session, round, right_now())

    def signatures(self) -> Progress:
        """Make sure that the file is certified and the signer whose turn it is has been asked."""
        with self.runtime.reading() as session:
            contract = session.get_one(Contract, self.paper_id)
            round = self.round(session)
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
            now=right_now(),
            check=self.check,
        )
        with self.runtime.transaction() as session:
            self.check(session)
            round = self.round(session)
            if round.state not in (RoundState.APPROVED, RoundState.SIGNED):
                return Ended(round.state.value.replace("_", " "))
            asked = [task for task in journey(session, round).tasks if task.state is TaskState.OPEN]
            if not asked:
                return Done()
            signing_begun(session, self.paper_id, now=right_now())
            return Waiting(", ".join(_names(asked)))

    def seal(self) -> str:
        """The sealed file's sha256."""
        with self.runtime.reading() as session:
            round = self.round(session)
        signing = ceremony.seal(desk(self.runtime), round, now=right_now(), check=self.check)
        assert signing.sealed_sha256 is not None
        return signing.sealed_sha256

    def in_force(self) -> None:
        with self.runtime.transaction() as session:
            self.check(session)
            bring_into_force(session, self.paper_id, self.round(session), now=right_now())


def _names(tasks: list[Task]) -> list[str]:
    return [task.name for task in tasks]
