"""What becomes of a round's stages by another version: nothing is lost, and nothing overtakes what comes first."""

from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.model import Stage, StageKind, StageState
from workflows.approvals.plan import ParallelPlan, Role, Route, StagePlan
from workflows.approvals.rerouting import Destiny, Fate, destinies

NAMES = "abcdef"
plans = st.builds(
    lambda names, asked, grouped: _route(names, asked, grouped),
    st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=6),
    st.lists(st.sampled_from(["x", "y"]), min_size=6, max_size=6),
    st.booleans(),
)


def _route(names: list[str], asked: list[str], grouped: bool) -> Route:
    single = [StagePlan(name, approvers=Role(who)) for name, who in zip(names, asked, strict=False)]
    if grouped and len(single) > 2:
        return Route("r", "contract", (single[0], ParallelPlan("group", tuple(single[1:3])), *single[3:]))
    return Route("r", "contract", tuple(single))


def under_way(route: Route, done: int) -> list[Stage]:
    """The rows of a round whose first ``done`` positions are approved and whose next one is open."""
    round_id, made = uuid4(), []
    for position, each in enumerate(route.stages):
        for plan in each.branches if isinstance(each, ParallelPlan) else (each,):
            state = StageState.APPROVED if position < done else StageState.WAITING
            made.append(
                Stage(
                    round_id=round_id,
                    position=position,
                    name=plan.name,
                    kind=StageKind.APPROVAL,
                    state=StageState.OPEN if position == done else state,
                )
            )
    return made


@given(plans, plans, st.integers(0, 5), st.sets(st.sampled_from([*NAMES, "group"])))
def test_whatever_the_versions_nothing_is_lost_and_nothing_overtakes(
    old: Route, new: Route, done: int, left_out: set[str]
) -> None:
    stages = under_way(old, min(done, len(old.stages) - 1))
    going = {plan.name for plan in new.plans} | {"group"} - left_out
    going -= left_out
    made = destinies(stages, old, new, going)

    assert len({each.name for each in made}) == len(made)
    assert {each.name for each in made} == {stage.name for stage in stages} | {plan.name for plan in new.plans}
    for each in made:
        match each.stage.state if each.stage else None:
            case StageState.APPROVED:
                assert each.fate is Fate.DONE
            case StageState.OPEN:
                assert each.fate in (Fate.KEPT, Fate.ASKED_AGAIN, Fate.ENDED)
            case _:
                assert each.fate in (Fate.PLANNED, Fate.SKIPPED, Fate.DROPPED)
        if each.fate is Fate.KEPT:
            assert not [other for other in made if _to_come(other) and other.position < each.position]
        if each.fate in (Fate.PLANNED, Fate.KEPT, Fate.ASKED_AGAIN):
            assert each.name in going
    in_order = [each.name for each in made if each.plan is not None]
    assert in_order == [plan.name for plan in new.plans]
    assert [each.position for each in made] == sorted(each.position for each in made)


@given(plans, st.integers(0, 5))
def test_the_same_version_in_another_hand_changes_nothing(route: Route, done: int) -> None:
    stages = under_way(route, min(done, len(route.stages) - 1))
    made = destinies(stages, route, route, {plan.name for plan in route.plans} | {"group"})
    assert {each.fate for each in made} <= {Fate.DONE, Fate.KEPT, Fate.PLANNED}
    assert [each.position for each in made] == [stage.position for stage in stages]


def _to_come(destiny: Destiny) -> bool:
    return destiny.fate in (Fate.PLANNED, Fate.ASKED_AGAIN)
