"""The record of a round tells its state again."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Stage, StageKind, StageState, Verdict
from workflows.approvals.replay import Blocked, Event, Expired, Opened, Requorumed, Reseated, SentBack, Voted, replayed
from workflows.approvals.rules import (
    Approved,
    AwaitDecisions,
    Ballot,
    OpenStages,
    Outcome,
    Rejected,
    counted,
    next_step,
    outcome,
    reopened,
    thresholds,
)

PEOPLE = [UUID(int=number) for number in range(4)]
ROUND = UUID(int=99)


class Journey:
    """A round that is carried on by the rules and written down as it goes. ``way``: positions of the stages."""

    def __init__(self, way: list[int]) -> None:
        self.stages = [
            Stage(
                round_id=ROUND,
                position=position,
                name=f"s{number}",
                kind=StageKind.APPROVAL,
                state=StageState.WAITING,
            )
            for number, position in enumerate(sorted(way))
        ]
        self.ballots: dict[str, list[Ballot]] = {}
        self.record: list[Event] = []
        self.ended = False

    def carry_on(self, quorum: int) -> None:
        while not self.ended:
            match next_step(self.stages):
                case OpenStages(closed):
                    for stage in closed:
                        stage.state = StageState.OPEN
                        stage.approve, stage.reject = thresholds(len(PEOPLE), quorum, None)
                        self.ballots[stage.name] = []
                        self.record.append(Opened(stage.name, stage.approve, stage.reject, frozenset(PEOPLE[:1])))
                case AwaitDecisions():
                    return
                case Rejected() | Approved():
                    self.ended = True

    def vote(self, stage: Stage, person: UUID, verdict: Verdict) -> None:
        self.record.append(Voted(stage.name, Ballot(person, person, verdict)))
        self.ballots[stage.name].append(Ballot(person, person, verdict))
        match outcome(stage.approve, stage.reject, counted(self.ballots[stage.name], frozenset(PEOPLE[:1]))):
            case Outcome.APPROVED:
                stage.state = StageState.APPROVED
            case Outcome.REJECTED:
                stage.state = StageState.REJECTED
            case Outcome.PENDING:
                pass

    def send_back(self, target: Stage) -> None:
        again = reopened(self.stages, target.name)
        for stage in again:
            stage.state = StageState.WAITING
        self.record.append(SentBack(tuple(stage.name for stage in again)))

    @property
    def states(self) -> dict[str, StageState]:
        return {stage.name: stage.state for stage in self.stages if stage.name in self.ballots}


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=5),
    st.lists(
        st.tuples(
            st.integers(0, 9), st.sampled_from(PEOPLE), st.sampled_from([*[Verdict.APPROVE] * 4, *list(Verdict)[1:3]])
        ),
        max_size=60,
    ),
    st.integers(1, 4),
)
def test_replaying_the_events_gives_the_same_state(
    way: list[int], acts: list[tuple[int, UUID, Verdict]], quorum: int
) -> None:
    journey = Journey(way)
    journey.carry_on(quorum)
    for number, person, verdict in acts:
        pending = [stage for stage in journey.stages if stage.state is StageState.OPEN]
        if journey.ended or not pending:
            break
        stage = pending[number % len(pending)]
        before = [each for each in journey.stages if each.position < stage.position]
        if verdict is Verdict.SEND_BACK and before:
            journey.send_back(before[number % len(before)])
        elif verdict is not Verdict.SEND_BACK:
            journey.vote(stage, person, verdict)
        journey.carry_on(quorum)
        assert replayed(journey.record) == journey.states
    late = [Voted(name, Ballot(person, person, Verdict.REJECT)) for name in journey.states for person in PEOPLE]
    closed = {name: state for name, state in journey.states.items() if state is not StageState.OPEN}
    assert closed.items() <= replayed([*journey.record, *late]).items(), "what is closed stays closed"


def voted(person: int, verdict: Verdict = Verdict.APPROVE) -> Voted:
    return Voted("a", Ballot(PEOPLE[person], PEOPLE[person], verdict))


def test_a_stage_that_was_sent_back_to_counts_anew() -> None:
    again: list[Event] = [Opened("a", 2, 2), voted(0), voted(1), SentBack(("a",)), Opened("a", 2, 2), voted(0)]
    assert replayed(again) == {"a": StageState.OPEN}
    assert replayed([*again, voted(1)]) == {"a": StageState.APPROVED}


def test_a_veto_goes_with_the_seat_that_was_given_to_somebody_else() -> None:
    begun: list[Event] = [Opened("a", 2, 3, frozenset({PEOPLE[0]})), Reseated("a", PEOPLE[0], PEOPLE[3])]
    assert replayed([*begun, voted(0, Verdict.REJECT)]) == {"a": StageState.OPEN}
    assert replayed([*begun, voted(3, Verdict.REJECT)]) == {"a": StageState.REJECTED}


def test_the_record_tells_of_escalation_expiry_and_want_of_people() -> None:
    begun: list[Event] = [Opened("a", 2, 2), voted(0)]
    assert replayed([*begun, Requorumed("a", 1, 2)]) == {"a": StageState.APPROVED}
    assert replayed([*begun, Expired("a"), voted(1)]) == {"a": StageState.REJECTED}
    assert replayed([Blocked("a")]) == {"a": StageState.BLOCKED}
    assert replayed([Opened("a", 1, 2, counted=(PEOPLE[0],))]) == {"a": StageState.APPROVED}
