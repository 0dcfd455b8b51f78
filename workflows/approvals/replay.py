"""The state of a round, told again from what was recorded of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from workflows.approvals.model import StageState, Verdict
from workflows.approvals.rules import Ballot, Outcome, counted, outcome


@dataclass(frozen=True)
class Opened:
    """A stage's people were asked. Whoever was asked before, in this stage, is asked anew."""

    stage: str
    approve: int
    reject: int
    veto: frozenset[UUID] = frozenset()
    counted: tuple[UUID, ...] = ()
    """Whose earlier approval counts here."""


@dataclass(frozen=True)
class Voted:
    stage: str
    ballot: Ballot


@dataclass(frozen=True)
class Requorumed:
    """An escalation changed whom the stage asks, and what it needs."""

    stage: str
    approve: int
    reject: int


@dataclass(frozen=True)
class SentBack:
    """These stages are to be asked anew."""

    stages: tuple[str, ...]


@dataclass(frozen=True)
class Blocked:
    stage: str


@dataclass(frozen=True)
class Expired:
    """The stage was rejected at its due time, by nobody."""

    stage: str


@dataclass(frozen=True)
class Kept:
    """The stage's approval of an earlier version was left standing."""

    stage: str


@dataclass(frozen=True)
class Reseated:
    """A seat was given to somebody else for good, with the veto that it may have."""

    stage: str
    of: UUID
    to: UUID


Event = Opened | Voted | Requorumed | SentBack | Blocked | Expired | Kept | Reseated


def event_of(action: str, data: Mapping[str, Any], actor_id: UUID | None) -> Event | None:
    """What an entry of a document's history says of its round's stages; None where it says nothing of them."""
    stage = str(data.get("stage") or "")
    match action:
        case "asked" | "counted" if "approve" in data:
            veto = frozenset(UUID(each) for each in data["veto"])
            return Opened(stage, data["approve"], data["reject"], veto, tuple(UUID(each) for each in data["counted"]))
        case "approved" | "rejected" if actor_id is not None:
            seat = UUID(data["seat"]) if "seat" in data else actor_id
            return Voted(stage, Ballot(seat, actor_id, Verdict.APPROVE if action == "approved" else Verdict.REJECT))
        case "reassigned" | "left_to" if "seat" in data:
            return Reseated(stage, UUID(data["seat"]), UUID(data["to_seat"]))
        case "escalated" if "approve" in data:
            return Requorumed(stage, data["approve"], data["reject"])
        case "sent_back" if "again" in data:
            return SentBack(tuple(data["again"]))
        case "rejected_by_time":
            return Expired(stage)
        case "nobody_to_ask":
            return Blocked(stage)
        case "kept":
            return Kept(stage)
        case _:
            return None


@dataclass
class _Told:
    approve: int
    reject: int
    veto: frozenset[UUID]
    ballots: list[Ballot] = field(default_factory=list)

    @property
    def state(self) -> StageState:
        votes = counted(self.ballots, self.veto)
        match outcome(self.approve, self.reject, votes):
            case Outcome.APPROVED:
                return StageState.APPROVED
            case Outcome.REJECTED:
                return StageState.REJECTED
            case Outcome.PENDING:
                return StageState.OPEN


def replayed(events: Iterable[Event]) -> Mapping[str, StageState]:
    """The state of every stage that something was recorded of.

    A ballot after its stage has closed changes nothing, and neither does a second one of the same seat or person.
    """
    told: dict[str, _Told] = {}
    states: dict[str, StageState] = {}
    for event in events:
        match event:
            case Opened(stage, approve, reject):
                told[stage] = _Told(approve, reject, event.veto, [_earlier(each) for each in event.counted])
                states[stage] = told[stage].state
            case Voted(stage, ballot) if states.get(stage) is StageState.OPEN:
                told[stage].ballots.append(ballot)
                states[stage] = told[stage].state
            case Requorumed(stage, approve, reject) if states.get(stage) is StageState.OPEN:
                told[stage].approve, told[stage].reject = approve, reject
                states[stage] = told[stage].state
            case Reseated(stage, of, to) if stage in told and of in told[stage].veto:
                told[stage].veto = told[stage].veto - {of} | {to}
            case SentBack(stages):
                states |= dict.fromkeys(stages, StageState.WAITING)
            case Blocked(stage):
                states[stage] = StageState.BLOCKED
            case Kept(stage):
                states[stage] = StageState.APPROVED
            case Expired(stage) if states.get(stage) is StageState.OPEN:
                states[stage] = StageState.REJECTED
            case _:
                pass
    return states


def _earlier(person: UUID) -> Ballot:
    return Ballot(person, person, Verdict.APPROVE)
