"""What differs between two versions of a route."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.differences import StageChange, differences, lines_changed
from workflows.approvals.route import read

ROUTE = """\
name: house
document: contract
stages:
  - {name: a, approvers: {role: a}}
  - {name: b, approvers: {role: b}}
  - name: c
    parallel:
      - {name: d, approvers: {role: d}}
      - {name: e, approvers: {role: e}}
"""


def test_the_same_route_in_another_hand_differs_in_nothing() -> None:
    assert not differences(read(ROUTE), read("# ours\n" + ROUTE.replace("{name: a, ", "{ name: 'a', ")))


def test_stages_come_go_change_and_move() -> None:
    new = ROUTE.replace("  - {name: b, approvers: {role: b}}\n", "").replace(
        "      - {name: e, approvers: {role: e}}\n",
        "      - {name: e, approvers: {role: x}, quorum: any}\n  - {name: z, approvers: {role: z}}\n",
    )
    found = differences(read(ROUTE), read("priority: 5\n" + new))
    assert (found.added, found.removed, found.moved, found.fields) == (("z",), ("b",), (), ("priority",))
    assert found.changed == (StageChange("e", ("approvers", "quorum")),)
    swapped = ROUTE.replace("name: a", "name: q").replace("name: b", "name: a").replace("name: q", "name: b")
    assert len(differences(read(ROUTE), read(swapped)).moved) == 1


def test_a_stage_that_joins_a_group_says_so() -> None:
    new = ROUTE.replace("  - {name: b, approvers: {role: b}}\n", "") + "      - {name: b, approvers: {role: b}}\n"
    assert differences(read(ROUTE), read(new)).changed == (StageChange("b", ("parallel",)),)


@given(*[st.lists(st.sampled_from("abcd"), max_size=12)] * 2)
def test_from_the_lines_shown_the_one_text_becomes_the_other(old: list[str], new: list[str]) -> None:
    shown = lines_changed("\n".join(old), "\n".join(new))
    if old == new:
        assert not shown
    gone = {line.old: line.text for line in shown if line.kind == "removed"}
    come = {line.new: line.text for line in shown if line.kind == "added"}
    assert all(old[(number or 0) - 1] == text for number, text in gone.items())
    assert all(new[(number or 0) - 1] == text for number, text in come.items())
    stayed = [text for number, text in enumerate(old, 1) if number not in gone]
    assert stayed == [text for number, text in enumerate(new, 1) if number not in come]
