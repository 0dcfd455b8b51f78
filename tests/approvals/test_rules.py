"""The rules of approval, as properties: over all panels, quorums and orders of votes."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Literal
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Link, Stage, StageKind, StageState, Task, TaskState
from workflows.approvals.rules import (
    Approved,
    AwaitDecisions,
    OpenStages,
    Outcome,
    Rejected,
    Votes,
    next_signer,
    next_step,
    outcome,
    panel,
    thresholds,
    why_not_follow,
)

Approve = int | Literal["all"]
Drawn = tuple[int, Approve, int | None]

panels = st.integers(min_value=1, max_value=12)
PEOPLE = st.sampled_from([UUID(int=number) for number in range(9)])


@st.composite
def quorums(draw: st.DrawFn) -> Drawn:
    people = draw(panels)
    approve: Approve = draw(st.one_of(st.just("all"), st.integers(1, people)))
    reject = draw(st.one_of(st.none(), st.integers(1, people)))
    return people, approve, reject


@given(quorums(), st.randoms())
def test_a_vote_always_ends(quorum: Drawn, random: Random) -> None:
    people, approve, reject = quorum
    needed, ends = thresholds(people, approve, reject)
    approvals = random.randint(0, people)
    assert outcome(needed, ends, Votes(approvals, people - approvals)) is not Outcome.PENDING


@given(quorums())
def test_only_the_quorum_approves(quorum: Drawn) -> None:
    people, approve, reject = quorum
    needed, ends = thresholds(people, approve, reject)
    for approvals in range(needed):
        assert outcome(needed, ends, Votes(approvals, 0)) is Outcome.PENDING
    assert outcome(needed, ends, Votes(needed, 0)) is Outcome.APPROVED


@given(panels, st.data())
def test_of_all_the_first_rejection_rejects(people: int, data: st.DataObject) -> None:
    needed, ends = thresholds(people, "all", None)
    approvals = data.draw(st.integers(0, people - 1))
    assert outcome(needed, ends, Votes(approvals, 1)) is Outcome.REJECTED


@given(quorums(), st.randoms())
def test_a_vote_is_closed_before_the_last_has_to_be_asked_twice(quorum: Drawn, random: Random) -> None:
    people, approve, reject = quorum
    needed, ends = thresholds(people, approve, reject)
    votes = Votes()
    closed = None
    for _ in range(people):
        yes = random.random() < 0.5
        votes = Votes(votes.approvals + yes, votes.rejections + (not yes))
        now = outcome(needed, ends, votes)
        if closed is None and now is not Outcome.PENDING:
            closed = now
            break
    assert closed is not None


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
        assert len(chosen.people) >= (1 if approve == "all" else approve)


def test_the_fallback_is_asked_as_well_where_the_panel_is_too_small_for_its_quorum() -> None:
    a, b, c = uuid4(), uuid4(), uuid4()
    assert panel([a, b], [c], excluded=frozenset({a}), approve=2).people == (b, c)
    assert panel([a, b], [c], excluded=frozenset(), approve=2).people == (a, b)


def stage(position: int, state: StageState, kind: StageKind = StageKind.APPROVAL) -> Stage:
    return Stage(round_id=uuid4(), position=position, name=f"s{position}-{uuid4()}", kind=kind, state=state)


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


def test_a_link_is_good_until_its_time_and_not_at_it() -> None:
    until = datetime(2026, 6, 4, 0, 31, tzinfo=UTC)
    link = Link(token_sha256="0" * 64, task_id=uuid4(), created_at=until, expires_at=until)
    assert why_not_follow(link, now=until.replace(minute=30)) is None
    assert why_not_follow(link, now=until) is not None
