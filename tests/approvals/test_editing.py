"""Changing a route's text: exactly what is asked for changes, and the rest stays as somebody wrote it."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.editing import Path, Tree, Unreadable, found, insert, move, put, remove, tree_of, written

TEXT = """\
# The routes of the house
name: contract-standard   # its address
document: contract
when: contract.kind != "nda"
stages:
  # The manager first
  - name: manager
    approvers: {manager_of: submitter}
    due: 2 business days  # the office closes at six

  # Legal reads the large ones
  - name: legal
    approvers:
      people:
        - ann@example.com  # the head
        - bo@example.com
    quorum: {approve: 2, reject: 2}
  - name: checks
    parallel:
      - {name: security, approvers: {group: security}}
      - {name: privacy, approvers: {group: privacy}}
tests:
  - given: {amount: "1000"}   # small
    expect: [manager]
# end
"""


def test_a_value_changes_where_it_stands() -> None:
    made = put(TEXT, ("stages", 0, "due"), "3 business days")
    assert made == TEXT.replace("due: 2 business days", "due: 3 business days")


def test_a_new_field_comes_where_such_fields_stand() -> None:
    made = put(TEXT, ("stages", 1, "due"), "1 business day")
    assert made == TEXT.replace(
        "quorum: {approve: 2, reject: 2}\n", "quorum: {approve: 2, reject: 2}\n    due: 1 business day\n"
    )


def test_a_field_may_be_the_new_first_one() -> None:
    made = put("stages:\n  - approvers: {role: cfo}\n", ("stages", 0, "name"), "cfo")
    assert made == "stages:\n  - name: cfo\n    approvers: {role: cfo}\n"


def test_one_person_more_leaves_the_comments_about_the_others() -> None:
    people: list[Tree] = ["ann@example.com", "bo@example.com", "cy@example.com"]
    made = put(TEXT, ("stages", 1, "approvers"), {"people": people})
    assert made == TEXT.replace("- bo@example.com\n", "- bo@example.com\n        - cy@example.com\n")


def test_one_person_less_leaves_the_comments_about_the_others() -> None:
    made = put(TEXT, ("stages", 1, "approvers"), {"people": ["ann@example.com"]})
    assert made == TEXT.replace("        - bo@example.com\n", "")


def test_another_kind_of_approvers_takes_their_place() -> None:
    made = put(TEXT, ("stages", 1, "approvers"), {"role": "counsel"})
    assert "approvers:\n      role: counsel\n    quorum" in made or "approvers: {role: counsel}\n    quorum" in made


def test_a_stage_moves_with_the_comment_above_it() -> None:
    made = move(TEXT, ("stages", 1), 0)
    assert made.index("# Legal reads") < made.index("name: legal") < made.index("# The manager first")
    assert made.index("# the office closes at six") < made.index("name: checks")
    assert sorted(made.splitlines()) == sorted(TEXT.splitlines())


def test_a_stage_leaves_with_the_comment_above_it() -> None:
    made = remove(TEXT, ("stages", 1))
    assert "Legal" not in made
    assert "# The manager first" in made
    assert "# the office closes at six" in made


def test_a_branch_written_in_one_line_stays_in_one_line() -> None:
    made = insert(TEXT, ("stages", 2, "parallel", 1), {"name": "tax", "approvers": {"group": "tax"}})
    line = "      - {name: security, approvers: {group: security}}\n"
    assert made == TEXT.replace(line, line + "      - {name: tax, approvers: {group: tax}}\n")


def test_a_new_stage_has_a_line_for_each_field() -> None:
    made = insert(TEXT, ("stages", 3), {"name": "cfo", "approvers": {"role": "cfo"}})
    assert (
        "      - {name: privacy, approvers: {group: privacy}}\n  - name: cfo\n    approvers: {role: cfo}\ntests" in made
    )


def test_the_first_stage_of_an_empty_list() -> None:
    made = insert("name: a\nstages: []\n", ("stages", 0), {"name": "cfo", "approvers": {"role": "cfo"}})
    assert made == "name: a\nstages:\n  - name: cfo\n    approvers: {role: cfo}\n"


def test_json_stays_json() -> None:
    text = '{\n\t"name": "a", "stages": [{"name": "x", "approvers": {"role": "\\ud83d\\ude00 r"}}]\n}\n'
    made = put(text, ("stages", 0, "due"), "2 business days")
    made = insert(made, ("stages", 1), {"name": "y", "when": 'currency == "EUR"'})
    stages = json.loads(made)["stages"]
    assert [each["name"] for each in stages] == ["x", "y"]
    assert stages[0] == {"name": "x", "approvers": {"role": "\U0001f600 r"}, "due": "2 business days"}
    assert made.startswith('{\n\t"name": "a", ')


@pytest.mark.parametrize("text", ["", "[", "a: &x 1", "a: 1\na: 2", "a: !!python 1", "? [a]\n: 1"])
def test_what_is_no_tree_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        put(text, ("name",), "b")


def test_what_changes_nothing_leaves_every_letter() -> None:
    assert put(TEXT, ("stages", 0, "due"), "2 business days") == TEXT


# Any tree in any hand

words = st.sampled_from(
    ["a", "legal", "2 business days", "60%", "1000.00", "true", "null", "~", "", "42", "a: b", "x # y", '"quoted"']
) | st.text(st.characters(exclude_categories=["Cs", "Co", "Cn"], exclude_characters="\ufeff"), max_size=12)
keys = st.sampled_from(["name", "when", "due", "approvers", "people", "stages", "x-y", "quorum", "역할"])
leaves = st.none() | st.booleans() | st.integers(0, 10**9) | words
trees = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
whole = st.dictionaries(keys, trees, min_size=1, max_size=4)


@given(whole)
def test_a_written_tree_is_read_as_itself(tree: dict[str, Any]) -> None:
    tree = normal(tree)
    assert same(tree_of(written(tree)), tree)


@given(whole, st.data())
def test_an_edit_changes_only_what_it_says(tree: dict[str, Any], data: st.DataObject) -> None:
    tree = normal(tree)
    text = commented(tree, data)
    assert same(tree_of(text), tree)
    path = data.draw(st.sampled_from(paths(tree)))
    if isinstance(path[-1], int) and data.draw(st.booleans()):
        items = found(tree, path[:-1])
        assert isinstance(items, list)
        to = data.draw(st.integers(0, len(items) - 1))
        made = move(text, path, to)
        items.insert(to, items.pop(path[-1]))
    elif data.draw(st.booleans()):
        value = normal(data.draw(trees))
        made = put(text, path, value)
        tree = replaced(tree, path, value)
    elif isinstance(path[-1], int):
        value = normal(data.draw(trees))
        made = insert(text, path, value)
        items = found(tree, path[:-1])
        assert isinstance(items, list)
        items.insert(path[-1], value)
    else:
        made = remove(text, path)
        owner = found(tree, path[:-1])
        assert isinstance(owner, dict)
        del owner[path[-1]]
    if tree:
        assert same(tree_of(made), tree)


stage_texts = st.sampled_from(
    [
        "  - name: {name}  # {comment}\n    approvers: {{role: cfo}}\n    due: 1 day\n",
        "  # {comment}\n  - {{name: {name}, approvers: {{people: [a@example.com, b@example.com]}}, due: 1 day}}\n",
        "  - name: {name}\n    # {comment}\n    approvers:\n      people:\n        - a@example.com\n    due: 1 day\n\n",
        "  -\n    due: 1 day\n    # {comment}\n    name: {name}\n    approvers: {{group: g}}\n",
        "  - due: 1 day\n    when: |\n      amount >= 10\n      # {comment} is text here\n    name: {name}\n",
        '  # {comment}\n  - "name": \'{name}\'\n    "approvers":   {{ "role" : cfo , }}\n    due: "1 day"\n',
    ]
)


@given(st.lists(stage_texts, min_size=2, max_size=5), st.data())
def test_an_edit_of_one_stage_leaves_every_line_of_the_others(shapes: list[str], data: st.DataObject) -> None:
    stages = [shape.format(name=f"s{n}", comment=f"comment {n}") for n, shape in enumerate(shapes)]
    text = "# top\nname: x\nstages:\n" + "".join(stages) + "tests: []\n"
    at = data.draw(st.integers(0, len(stages) - 1))
    change = data.draw(st.sampled_from(["due", "new", "gone", "remove", "move"]))
    match change:
        case "due":
            made = put(text, ("stages", at, "due"), "2 business days")
        case "new":
            made = put(text, ("stages", at, "remind"), ["1 business day before"])
        case "gone":
            made = remove(text, ("stages", at, "due"))
        case "remove":
            made = remove(text, ("stages", at))
        case _:
            made = move(text, ("stages", at), data.draw(st.integers(0, len(stages) - 1)))
    for n, each in enumerate(stages):
        if n != at or change == "move":
            assert each.strip("\n") in made, change
    if change not in ("remove", "gone"):
        assert re.search(rf"comment {at}\b", made)
    assert made.startswith("# top\n")


def commented(tree: dict[str, Any], data: st.DataObject) -> str:
    """The tree in some hand, with comments where they may stand."""
    if data.draw(st.booleans()):
        return json.dumps(tree, indent=data.draw(st.sampled_from([None, 2])))
    made = []
    for line in written(tree).splitlines():
        if data.draw(st.integers(0, 3)) == 0:
            made.append("  # a comment of its own" if line.startswith(" ") else "# a comment of its own")
        made.append(line + ("  # beside" if data.draw(st.integers(0, 3)) == 0 else ""))
    return "\n".join(made) + "\n"


def paths(tree: Tree, here: Path = ()) -> list[Path]:
    made: list[Path] = []
    if isinstance(tree, dict):
        for name, each in tree.items():
            made += [(*here, name), *paths(each, (*here, name))]
    if isinstance(tree, list):
        for place, each in enumerate(tree):
            made += [(*here, place), *paths(each, (*here, place))]
    return made


def replaced(tree: Any, path: Path, value: Tree) -> Any:
    if not path:
        return value
    tree[path[0]] = replaced(tree[path[0]], path[1:], value)
    return tree


def normal(tree: Any) -> Any:
    """Letters put together, as every text is read."""
    if isinstance(tree, str):
        return unicodedata.normalize("NFC", tree)
    if isinstance(tree, list):
        return [normal(each) for each in tree]
    if isinstance(tree, dict):
        return {normal(name): normal(each) for name, each in tree.items()}
    return tree


def same(one: Tree, other: Tree) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
