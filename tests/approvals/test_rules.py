"""The rules of approval, as properties: over all panels, quorums and orders of votes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Link, Stage, StageKind, StageState, Task, TaskState, Verdict
from workflows.approvals.plan import Links, Percent, ReopenFrom, Role, Separation, StagePlan
from workflows.approvals.rates import Rates
from workflows.approvals.rules import (
    Approve,
    Approved,
    AwaitDecisions,
    Ballot,
    Limit,
    OpenStages,
    Outcome,
    Rejected,
    Votes,
    counted,
    excluded_from,
    holder_of_authority,
    kept_on_change,
    needed_of,
    needs_code,
    next_signer,
    next_signers,
    next_step,
    outcome,
    panel,
    reopened,
    thresholds,
    why_not_follow,
    why_not_send_back,
)
from workflows.errors import Refused

panels = st.integers(min_value=1, max_value=12)
PEOPLE = st.sampled_from([UUID(int=number) for number in range(9)])
shares = st.builds(Percent, st.decimals(Decimal("0.01"), 100, places=2))


@dataclass(frozen=True)
class Drawn:
    """A quorum over people, and how each of them decides, in that order."""

    people: list[UUID]
    approve: Approve
    reject: int | Percent | None
    veto: frozenset[UUID]
    ballots: list[Ballot]

    @property
    def thresholds(self) -> tuple[int, int]:
        return thresholds(len(self.people), self.approve, self.reject)

    def outcome(self, ballots: list[Ballot]) -> Outcome:
        return outcome(*self.thresholds, counted(ballots, self.veto))


@st.composite
def votes(draw: st.DrawFn) -> Drawn:
    people = [UUID(int=number) for number in range(draw(panels))]
    everybody: Approve = "all"
    approve: Approve = draw(st.one_of(st.just(everybody), st.integers(1, len(people)), shares))
    reject = draw(st.none() | st.integers(1, len(people)) | shares)
    veto = draw(st.sets(st.sampled_from(people)))
    order = draw(st.permutations(people))
    ballots = [Ballot(each, each, draw(st.sampled_from([Verdict.APPROVE, Verdict.REJECT]))) for each in order]
    return Drawn(people, approve, reject, frozenset(veto), ballots)


@given(votes())
def test_a_vote_always_ends(vote: Drawn) -> None:
    assert vote.outcome(vote.ballots) is not Outcome.PENDING


@given(votes())
def test_only_the_required_quorum_approves(vote: Drawn) -> None:
    needed, _ = vote.thresholds
    assert 1 <= needed <= len(vote.people)
    for cast in range(len(vote.ballots) + 1):
        ballots = vote.ballots[:cast]
        approvals = sum(each.verdict is Verdict.APPROVE for each in ballots)
        if vote.outcome(ballots) is Outcome.APPROVED:
            assert approvals >= needed
    assert vote.outcome([]) is Outcome.PENDING
    everybody = [Ballot(each, each, Verdict.APPROVE) for each in vote.people]
    assert vote.outcome(everybody[: needed - 1]) is Outcome.PENDING
    assert vote.outcome(everybody[:needed]) is Outcome.APPROVED


@given(votes(), st.data())
def test_one_veto_ends_it_whatever_the_others_say(vote: Drawn, data: st.DataObject) -> None:
    against = [each for each in vote.ballots if each.seat in vote.veto and each.verdict is Verdict.REJECT]
    if against:
        rest = data.draw(st.lists(st.sampled_from(vote.ballots)))
        assert vote.outcome([*rest, against[0]]) is Outcome.REJECTED


@given(votes(), st.data())
def test_nobody_decides_twice(vote: Drawn, data: st.DataObject) -> None:
    """Further ballots of the same seats, or by the same people for other seats, change nothing."""
    again = [
        Ballot(data.draw(PEOPLE), each.by, verdict)
        for each in vote.ballots
        for verdict in (Verdict.APPROVE, Verdict.REJECT)
    ]
    of_seats = [Ballot(each.seat, UUID(int=99), Verdict.REJECT) for each in vote.ballots]
    once = counted(vote.ballots, vote.veto)
    assert counted([*vote.ballots, *again, *of_seats], vote.veto) == once
    assert once.approvals + once.rejections == len(vote.people)


@given(panels, st.data())
def test_of_all_the_first_rejection_rejects(people: int, data: st.DataObject) -> None:
    needed, ends = thresholds(people, "all", None)
    approvals = data.draw(st.integers(0, people - 1))
    assert outcome(needed, ends, Votes(approvals, 1)) is Outcome.REJECTED


def test_a_third_of_three_people_is_one_of_them_and_a_little_more_is_two() -> None:
    assert thresholds(3, Percent(Decimal("33.33")), None) == (1, 3)
    assert thresholds(3, Percent(Decimal("33.34")), None) == (2, 2)
    assert thresholds(3, Percent(Decimal(100)), None) == (3, 1), "one refusal decides"


@given(
    st.lists(st.integers(0, 8), max_size=8),
    st.lists(st.integers(0, 8), max_size=4),
    st.sets(st.integers(0, 8)),
    st.data(),
)
def test_nobody_excluded_is_ever_asked_and_an_empty_panel_is_never_enough(
    approvers: list[UUID], fallback: list[UUID], excluded: set[UUID], data: st.DataObject
) -> None:
    approve: Approve = data.draw(st.one_of(st.just("all"), st.integers(1, 4)))
    chosen = panel(approvers, fallback, excluded=frozenset(excluded), approve=approve)
    assert excluded.isdisjoint(chosen.people)
    assert len(set(chosen.people)) == len(chosen.people)
    if chosen.enough:
        assert chosen.size >= max(1, needed_of(chosen.size, approve))


def test_the_fallback_is_asked_as_well_where_the_panel_is_too_small_for_its_quorum() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    assert panel([a, b], [c], excluded=frozenset({a}), approve=2).people == (b, c)
    assert panel([a, b], [c], excluded=frozenset(), approve=2).people == (a, b)


def test_shares_are_of_the_people_actually_asked() -> None:
    people = [uuid4() for _ in range(5)]
    chosen = panel(people, [], excluded=frozenset(people[:2]), approve=Percent(Decimal(60)))
    assert chosen.size == 3
    assert thresholds(chosen.size, Percent(Decimal(60)), None) == (2, 2)


def test_who_approved_before_is_not_asked_again_and_counts_where_the_route_skips_them() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    chosen = panel([a, b, c], [], excluded=frozenset(), approve="all", approved_before=frozenset({a}))
    assert (chosen.people, chosen.counted, chosen.enough) == ((b, c), (a,), True)
    assert outcome(*thresholds(chosen.size, "all", None), Votes(len(chosen.counted))) is Outcome.PENDING
    alone = panel([a], [], excluded=frozenset(), approve="all", approved_before=frozenset({a}))
    assert outcome(*thresholds(alone.size, "all", None), Votes(len(alone.counted))) is Outcome.APPROVED


def test_an_earlier_approval_counts_in_no_stage_that_its_person_is_not_asked_in() -> None:
    """Reviewers A, A, B, A: A approves once, and B is asked all the same."""
    a, b = uuid4(), uuid4()
    chosen = panel([b], [], excluded=frozenset(), approve="all", approved_before=frozenset({a}))
    assert (chosen.people, chosen.counted) == ((b,), ())


def test_who_may_not_be_asked_follows_from_the_routes_separation() -> None:
    submitter, earlier = uuid4(), uuid4()
    assert excluded_from(Separation(), submitter=submitter, decided={earlier}) == frozenset()
    assert excluded_from(Separation(("submitter",)), submitter=submitter, decided={earlier}) == {submitter}
    assert excluded_from(Separation(("submitter",), True), submitter=submitter, decided={earlier}) == {
        submitter,
        earlier,
    }


def test_the_lowest_authority_that_suffices_is_asked() -> None:
    clerk, head, director, owner, nobody = (UUID(int=number) for number in range(5))
    candidates = [
        (owner, Limit(None, "EUR")),
        (director, Limit(Decimal(100_000), "EUR")),
        (nobody, None),
        (head, Limit(Decimal(16_000_000), "KRW")),
        (clerk, Limit(Decimal(1000), "EUR")),
    ]
    rates = Rates("EUR", {"KRW": Decimal(1600)})

    def holder(amount: str) -> UUID | None:
        return holder_of_authority(candidates, amount=Decimal(amount), currency="EUR", rates=rates)

    found = [holder(amount) for amount in ("1000", "1000.01", "10000", "10000.01", "100000.01")]
    assert found == [clerk, head, head, director, owner]
    assert holder_of_authority(candidates[1:3], amount=Decimal(100_001), currency="EUR", rates=rates) is None
    with pytest.raises(Refused, match="no exchange rate between KRW and EUR"):
        holder_of_authority(candidates, amount=Decimal(1), currency="EUR", rates=None)


def stage(position: int, state: StageState, kind: StageKind = StageKind.APPROVAL, name: str = "") -> Stage:
    name = name or f"s{position}-{uuid4()}"
    return Stage(round_id=uuid4(), position=position, name=name, kind=kind, state=state)


def test_stages_open_in_their_order_and_branches_together() -> None:
    first, left, right = stage(0, StageState.APPROVED), stage(1, StageState.WAITING), stage(1, StageState.WAITING)
    assert next_step([first, left, right]) == OpenStages((left, right))


def test_a_join_waits_for_every_branch() -> None:
    left, right, after = stage(0, StageState.APPROVED), stage(0, StageState.OPEN), stage(1, StageState.WAITING)
    assert next_step([left, right, after]) == AwaitDecisions((right,))


def test_one_rejected_branch_rejects_the_whole() -> None:
    left, right = stage(0, StageState.REJECTED), stage(0, StageState.OPEN)
    assert next_step([left, right]) == Rejected(left)


def test_a_skipped_stage_is_passed_over() -> None:
    skipped, after = stage(0, StageState.SKIPPED), stage(1, StageState.WAITING)
    assert next_step([skipped, after]) == OpenStages((after,))


def test_a_blocked_stage_is_waited_for_and_never_approved() -> None:
    blocked, after = stage(0, StageState.BLOCKED), stage(1, StageState.WAITING)
    assert next_step([blocked, after]) == AwaitDecisions((blocked,))


def test_signatures_follow_when_every_approval_is_given() -> None:
    done, signatures = stage(0, StageState.APPROVED), stage(1, StageState.WAITING, StageKind.SIGNATURE)
    assert next_step([done, signatures]) == Approved(signatures)


def way(*states: StageState) -> list[Stage]:
    """First, the branches left and right, last, and the signatures."""
    first, left, right, last = states
    made = [
        stage(0, first, name="first"),
        stage(1, left, name="left"),
        stage(1, right, name="right"),
        stage(2, last, name="last"),
        stage(3, StageState.WAITING, StageKind.SIGNATURE, name="sign"),
    ]
    made[1].parallel = made[2].parallel = "both"
    return made


def names(stages: Iterable[Stage]) -> list[str]:
    return [each.name for each in stages]


OPEN, DONE, WAITING, SKIPPED = StageState.OPEN, StageState.APPROVED, StageState.WAITING, StageState.SKIPPED


@pytest.mark.parametrize(
    ("target", "expected"),
    [("first", ["first", "left", "right", "last"]), ("both", ["left", "right", "last"]), ("left", ["left", "last"])],
)
def test_what_comes_after_the_stage_that_it_is_sent_back_to_is_asked_anew(target: str, expected: list[str]) -> None:
    stages = way(DONE, DONE, DONE, OPEN)
    again = reopened(stages, target)
    assert names(again) == expected
    for each in again:
        each.state = WAITING
    step = next_step(stages)
    assert isinstance(step, OpenStages)
    assert names(step.stages) == [each for each in expected if each != "last"][: 2 if target == "both" else 1]


def test_sent_back_into_one_branch_the_group_is_done_with_it_again() -> None:
    stages = way(DONE, DONE, DONE, OPEN)
    for each in reopened(stages, "left"):
        each.state = WAITING
    stages[1].state = DONE
    assert next_step(stages) == OpenStages((stages[3],))


def test_what_was_skipped_or_never_opened_is_not_asked_anew() -> None:
    assert names(reopened(way(DONE, SKIPPED, OPEN, WAITING), "first")) == ["first", "right"]
    assert reopened(way(SKIPPED, OPEN, OPEN, WAITING), "first") == ()
    assert reopened(way(DONE, OPEN, OPEN, WAITING), "elsewhere") == ()


@given(st.lists(st.sampled_from([OPEN, DONE, WAITING, SKIPPED]), min_size=4, max_size=4), st.sampled_from([0, 1, 2, 3]))
def test_a_document_sent_back_is_never_approved_without_the_stage_that_it_went_back_to(
    states: list[StageState], place: int
) -> None:
    stages = way(*states)
    again = reopened(stages, stages[place].name)
    for each in again:
        each.state = WAITING
    for _ in range(9):
        match next_step(stages):
            case OpenStages(closed):
                for each in closed:
                    each.state = OPEN
            case AwaitDecisions(pending):
                for each in pending:
                    assert each.state is OPEN
                    each.state = DONE
            case Approved():
                break
            case Rejected():
                raise AssertionError
    assert all(each.state in (DONE, SKIPPED) for each in stages[:4])


def test_a_stage_sends_back_to_where_its_route_says_and_where_the_document_was() -> None:
    plan = StagePlan("last", approvers=Role("x"), send_back_to=("submitter", "first", "left"))
    stages = way(DONE, SKIPPED, DONE, OPEN)
    assert why_not_send_back(plan, stages, "submitter") is None
    assert why_not_send_back(plan, stages, "first") is None
    for target, sentence in (
        ("right", "From “last” a document does not go back to “right”."),
        ("left", "This document did not go through “left”."),
    ):
        why = why_not_send_back(plan, stages, target)
        assert why is not None
        assert why.sentence % why.values == sentence


def test_what_a_new_version_keeps_is_for_the_route_to_say() -> None:
    stages = way(DONE, DONE, DONE, OPEN)
    assert kept_on_change("restart", stages, file_changed=False) == ()
    assert names(kept_on_change("keep", stages, file_changed=False)) == ["first", "left", "right"]
    assert kept_on_change("keep", stages, file_changed=True) == (), "an approval does not carry over to other bytes"
    assert names(kept_on_change(ReopenFrom("both"), stages, file_changed=True)) == ["first"]
    assert names(kept_on_change(ReopenFrom("last"), stages, file_changed=True)) == ["first", "left", "right"]
    assert kept_on_change(ReopenFrom("gone"), stages, file_changed=True) == ()


def test_a_code_is_asked_for_above_the_limit_and_on_a_new_device() -> None:
    links = Links(Decimal(10_000))
    assert not needs_code(links, Decimal(10_000), device_known=True)
    assert needs_code(links, Decimal("10000.01"), device_known=True)
    assert needs_code(Links(), None, device_known=False)
    assert not needs_code(Links(), Decimal(10**9), device_known=True)


def signer(turn: int, state: TaskState) -> Task:
    return Task(
        round_id=uuid4(),
        stage_id=uuid4(),
        person_id=uuid4(),
        name="x",
        email="x@x.example",
        kind=StageKind.SIGNATURE,
        ordinal=turn,
        state=state,
    )


def test_signers_are_asked_one_after_the_other() -> None:
    first, second = signer(1, TaskState.DECIDED), signer(2, TaskState.WAITING)
    assert next_signer([second, first]) is second
    assert next_signer([signer(1, TaskState.OPEN), second]) is None
    assert next_signer([first]) is None


def test_signers_in_parallel_are_asked_at_once() -> None:
    tasks = [signer(2, TaskState.WAITING), signer(1, TaskState.WAITING), signer(3, TaskState.DECIDED)]
    assert next_signers(tasks, "parallel") == (tasks[1], tasks[0])
    assert next_signers(tasks, "sequential") == (tasks[1],)
    assert next_signers([signer(1, TaskState.OPEN), tasks[0]], "sequential") == ()


def test_a_link_is_good_until_its_time_and_not_at_it() -> None:
    until = datetime(2026, 6, 4, 0, 31, tzinfo=UTC)
    link = Link(token_sha256="0" * 64, task_id=uuid4(), created_at=until, expires_at=until)
    assert why_not_follow(link, now=until.replace(minute=30)) is None
    assert why_not_follow(link, now=until) is not None
