"""Change a route's text at the places that change, and leave the rest as it was written, comments included. Pure.

A text is looked at as a tree of what it says, sound or not. After each change here the text means exactly the changed
tree: where the places cannot be found in the text, the whole of it is written anew.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any

import yaml

from workflows.approvals.source import Source
from workflows.errors import Refused

Tree = str | int | bool | None | list[Any] | dict[str, Any]
"""What a text says. Plain digits are a number, plain true and false are flags; everything else is text."""
Path = tuple[str | int, ...]
"""Such as ``("stages", 1, "quorum")``."""

WIDEST = 100  # letters of a line that is written here; longer ones are spread over several
_INDENT = 2
_ORDER = (
    *("name", "document", "priority", "kind", "when", "currency", "country", "timezone", "hours", "calendar"),
    *("exclude", "distinct_across_stages", "separation", "people", "role", "group", "manager_of", "field", "authority"),
    *("approvers", "fallback", "approve", "reject", "veto", "quorum", "repeated", "on_change", "links", "match"),
    *("from", "to", "bands", "due", "remind", "after", "mode", "escalate", "on_expiry", "extend", "send_back_to"),
    *("order", "join", "parallel", "stages", "tests"),
)
"""Where a new field goes: after those that come before it here."""


class Unreadable(Refused):
    """The text is no tree at the moment, so nothing in it can be found."""


def tree_of(source: str) -> Tree:
    """What the text says.

    Raises:
        Unreadable: it cannot be read, or has a field twice.
    """
    return _tree(_root(_plain(source)))


def put(source: str, path: Path, value: Tree) -> str:
    """The text with ``value`` at ``path``; fields on the way that are not there are made."""
    return _changed(source, lambda tree: _with(tree, path, value), lambda text: _put(text, path, value))


def remove(source: str, path: Path) -> str:
    """The text without a field, or without an item of a list and the comment directly above it."""
    return _changed(source, lambda tree: _without(tree, path), lambda text: _remove(text, path))


def insert(source: str, path: Path, value: Tree) -> str:
    """The text with one more item in a list, at the place that ends the path."""
    return _changed(source, lambda tree: _inserted(tree, path, value), lambda text: _insert(text, path, value))


def move(source: str, path: Path, to: int) -> str:
    """The text with an item of a list, and the comment directly above it, at another place of that list."""
    return _changed(source, lambda tree: _moved(tree, path, to), lambda text: _move(text, path, to))


def found(tree: Tree, path: Path) -> Tree:
    """What a tree has at a path; None where there is nothing."""
    at: Any = tree
    for step in path:
        if isinstance(at, dict) and isinstance(step, str):
            at = at.get(step)
        elif isinstance(at, list) and isinstance(step, int) and 0 <= step < len(at):
            at = at[step]
        else:
            return None
    return at  # type: ignore[no-any-return]  # trees are JSON


def written(tree: Tree) -> str:
    """A tree as a text of its own."""
    if not isinstance(tree, dict) or not tree:
        return _flow(tree) + "\n"
    return "".join(f"{_key(name)}:{_value(each, 0)}\n" for name, each in tree.items())


def _changed(source: str, change: Callable[[Any], Any], edit: Callable[[str], str]) -> str:
    text = _plain(source)
    before = _tree(_root(text))
    wanted = change(deepcopy(before))
    if _same(before, wanted):
        return source
    try:
        made = edit(text)
        if _same(_tree(_root(made)), wanted):
            return made
    except (Unreadable, _NoPlace):
        pass
    return json.dumps(wanted, ensure_ascii=False, indent=2) + "\n" if _is_json(text) else written(wanted)


class _NoPlace(Exception):
    """What is to be changed has no place of its own in the text."""


def _same(one: Tree, other: Tree) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# The tree


def _with(tree: Any, path: Path, value: Tree) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        tree[step] = _with(tree[step], rest, value)
        return tree
    made = tree if isinstance(tree, dict) else {}
    made[step] = _with(made.get(step), rest, value)
    return made


def _without(tree: Any, path: Path) -> Any:
    owner = found(tree, path[:-1])
    if isinstance(owner, dict):
        owner.pop(str(path[-1]), None)
    elif isinstance(owner, list):
        del owner[int(path[-1])]
    return tree


def _inserted(tree: Any, path: Path, value: Tree) -> Any:
    there = found(tree, path[:-1])
    items = list(there) if isinstance(there, list) else []
    items.insert(int(path[-1]), value)
    return _with(tree, path[:-1], items)


def _moved(tree: Any, path: Path, to: int) -> Any:
    items = found(tree, path[:-1])
    assert isinstance(items, list)
    items.insert(to, items.pop(int(path[-1])))
    return tree


def _tree(node: yaml.Node) -> Tree:
    if isinstance(node, yaml.SequenceNode):
        return [_tree(each) for each in node.value]
    if isinstance(node, yaml.MappingNode):
        made = {_name(key): _tree(value) for key, value in node.value}
        if len(made) < len(node.value):
            raise _unreadable()
        return made
    written = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return written
    if node.tag == "tag:yaml.org,2002:null":
        return None
    if written in ("true", "false"):
        return written == "true"
    return int(written) if re.fullmatch("0|[1-9][0-9]{0,14}", written) else written


def _name(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise _unreadable()
    return str(key.value)


def _unreadable() -> Unreadable:
    return Unreadable("The text cannot be taken apart into its stages: mend it first.", field="source")


# The text


def _plain(source: str) -> str:
    """The text as its places are counted: letters put together, those that JSON writes as two escapes written out."""
    text = unicodedata.normalize("NFC", source).removeprefix("\ufeff")
    if _is_json(text):
        return re.sub(
            r"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})",
            lambda pair: pair[1] + json.loads(f'"{pair[2]}"'),
            text,
        )
    return text


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _root(text: str) -> yaml.Node:
    root = Source(text).root()
    if root is None:
        raise _unreadable()
    return root


def _on_the_way(text: str, path: Path) -> list[yaml.Node]:
    """The nodes from the root to what the path names, as far as they are there."""
    nodes = [_root(text)]
    for step in path:
        at = nodes[-1]
        if isinstance(at, yaml.MappingNode):
            below = next((value for key, value in at.value if key.value == step), None)
        elif isinstance(at, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(at.value):
            below = at.value[step]
        else:
            below = None
        if below is None:
            return nodes
        nodes.append(below)
    return nodes


def _put(text: str, path: Path, value: Tree) -> str:
    nodes = _on_the_way(text, path)
    if len(nodes) <= len(path):
        missing = path[len(nodes) - 1 :]
        for step in reversed(missing[1:]):
            value = {str(step): value}
        if isinstance(nodes[-1], yaml.MappingNode):
            return _add(text, nodes, str(missing[0]), value)
        return _replace(text, path[: len(nodes) - 1], {str(missing[0]): value})
    before = _tree(nodes[-1])
    if _same(before, value):
        return text
    if isinstance(before, dict) and isinstance(value, dict) and before and value:
        for name, each in value.items():
            text = _put(text, (*path, name), each)
        for name in before.keys() - value.keys():
            text = _remove(text, (*path, name))
        return text
    if isinstance(before, list) and isinstance(value, list) and before and value:
        return _put_items(text, path, before, value)
    return _replace(text, path, value)


def _put_items(text: str, path: Path, before: Sequence[Tree], after: Sequence[Tree]) -> str:
    """Change only the items between those that are the same at the beginning and at the end."""
    shorter = min(len(before), len(after))
    same = next((place for place in range(shorter) if not _same(before[place], after[place])), shorter)
    ends = next((n for n in range(shorter - same) if not _same(before[-1 - n], after[-1 - n])), shorter - same)
    old, new = len(before) - ends, len(after) - ends
    for place in range(same, min(old, new)):
        text = _put(text, (*path, place), after[place])
    for place in range(old, new):
        text = _insert(text, (*path, place), after[place])
    for place in range(old - 1, new - 1, -1):
        text = _remove(text, (*path, place))
    return text


def _replace(text: str, path: Path, value: Tree) -> str:
    nodes = _on_the_way(text, path)
    if len(nodes) <= len(path) or len(nodes) < 2:
        raise _NoPlace
    node, owner = nodes[-1], nodes[-2]
    start, end = node.start_mark.index, _end(node, text)
    if _in_flow(nodes[:-1]):
        return text[:start] + _between(text, start, _flow(value, strict=_is_json(text))) + text[end:]
    if isinstance(owner, yaml.MappingNode):
        key = next(key for key, each in owner.value if each is node)
        colon = _colon(text, key)
        gap = text[colon + 1 : start].partition("\n")[0].strip() if start > colon else ""
        comment = f"  {gap}" if gap.startswith("#") else ""
        first, newline, rest = _value(value, key.start_mark.column).partition("\n")
        return text[: colon + 1] + first + comment + newline + rest + text[max(end, colon + 1) :]
    return (
        text[:start] + _between(text, start, _value(value, node.start_mark.column - _INDENT).lstrip(" ")) + text[end:]
    )


def _between(text: str, start: int, value: str) -> str:
    """With a space before it where an empty value had none."""
    return f" {value}" if start and text[start - 1] in ":-" else value


def _add(text: str, nodes: Sequence[yaml.Node], name: str, value: Tree) -> str:
    """The text with a field more in the mapping at the end of ``nodes``."""
    owner = nodes[-1]
    keys = [_name(key) for key, _ in owner.value]
    after = max((place for place, each in enumerate(keys) if _rank(each) < _rank(name)), default=-1)
    if after < 0 and keys and _rank(name) == len(_ORDER):
        after = len(keys) - 1
    if _in_flow(nodes):
        strict = _is_json(text)
        field = f"{json.dumps(name) if strict else _key(name)}: {_flow(value, strict=strict)}"
        if not keys:
            opening = owner.start_mark.index + 1
            return text[:opening] + field + text[opening:]
        if after < 0:
            first = owner.value[0][0].start_mark.index
            return f"{text[:first]}{field}, {text[first:]}"
        end = _end(owner.value[after][1], text)
        return f"{text[:end]}, {field}{text[end:]}"
    column = owner.value[0][0].start_mark.column
    field = f"{_key(name)}:{_value(value, column)}"
    if after < 0:
        first = owner.value[0][0].start_mark.index
        return f"{text[:first]}{field}\n{' ' * column}{text[first:]}"
    end = _line_end(text, _end(owner.value[after][1], text))
    return f"{text[:end]}\n{' ' * column}{field}{text[end:]}"


def _rank(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _remove(text: str, path: Path) -> str:
    nodes = _on_the_way(text, path)
    if len(nodes) <= len(path):
        return text
    node, owner = nodes[-1], nodes[-2]
    entries = _entries(owner, text)
    place = next(
        place for place, each in enumerate(owner.value) if node is (each[1] if isinstance(each, tuple) else each)
    )
    start, end = entries[place]
    if _in_flow(nodes[:-1]):
        if place + 1 < len(entries):
            return text[:start] + text[entries[place + 1][0] :]
        return text[: entries[place - 1][1] if place else start] + text[end:]
    if len(entries) == 1:
        return _replace(text, path[:-1], [] if isinstance(owner, yaml.SequenceNode) else {})
    if isinstance(owner, yaml.SequenceNode):
        line = _extents(owner, text)[place][0]
    else:
        line = text.rfind("\n", 0, start) + 1
        if text[line:start].strip():  # it shares its line with the dash before it
            return text[:start] + text[entries[place + 1][0] :]
    return text[:line] + text[_line_end(text, end) + 1 :]


def _insert(text: str, path: Path, value: Tree) -> str:
    items, place = path[:-1], int(path[-1])
    nodes = _on_the_way(text, items)
    owner = nodes[-1]
    if len(nodes) <= len(items) or not isinstance(owner, yaml.SequenceNode) or not owner.value:
        return _put(text, items, [value]) if len(nodes) <= len(items) else _replace(text, items, [value])
    if _in_flow(nodes):
        made = _flow(value, strict=_is_json(text))
        if place < len(owner.value):
            start = owner.value[place].start_mark.index
            return f"{text[:start]}{made}, {text[start:]}"
        end = _end(owner.value[-1], text)
        return f"{text[:end]}, {made}{text[end:]}"
    column = owner.start_mark.column
    like_others = isinstance(owner.value[0], yaml.CollectionNode) and bool(owner.value[0].flow_style)
    item = f"{' ' * column}-{_item(value, column, spread=not like_others)}"
    extents = _extents(owner, text)
    if place == 0:
        start = extents[0][0]
        return f"{text[:start]}{item}\n{text[start:]}"
    end = extents[min(place, len(extents)) - 1][1]
    return f"{text[:end]}\n{item}{text[end:]}"


def _move(text: str, path: Path, to: int) -> str:
    nodes = _on_the_way(text, path[:-1])
    owner = nodes[-1]
    if not isinstance(owner, yaml.SequenceNode):
        raise _NoPlace
    extents = _entries(owner, text) if _in_flow(nodes) else _extents(owner, text)
    pieces = [text[start:end] for start, end in extents]
    pieces.insert(to, pieces.pop(int(path[-1])))
    gaps = [text[end:start] for (_, end), (start, _) in pairwise(extents)]
    made = "".join(piece + gap for piece, gap in zip(pieces, [*gaps, ""], strict=True))
    return text[: extents[0][0]] + made + text[extents[-1][1] :]


def _in_flow(nodes: Sequence[yaml.Node]) -> bool:
    return any(isinstance(each, yaml.CollectionNode) and each.flow_style for each in nodes)


def _entries(owner: yaml.Node, text: str) -> list[tuple[int, int]]:
    """Where each field or item begins and ends."""
    if isinstance(owner, yaml.MappingNode):
        return [(key.start_mark.index, _end(value, text)) for key, value in owner.value]
    return [(each.start_mark.index, _end(each, text)) for each in owner.value]


def _extents(owner: yaml.SequenceNode, text: str) -> list[tuple[int, int]]:
    """The lines of each item of a list that is spread over lines, with the comment directly above it."""
    column, floor = owner.start_mark.column, 0
    made = []
    for start, end in _entries(owner, text):
        line = text.rfind("\n", 0, start) + 1
        while text[line + column : line + column + 1] != "-" or text[line : line + column].strip():
            if line <= floor:
                raise _NoPlace
            line = text.rfind("\n", 0, line - 1) + 1
        while line > floor and text[(above := text.rfind("\n", 0, line - 1) + 1) :].startswith(" " * column + "#"):
            if above < floor:
                break
            line = above
        floor = min(_line_end(text, end) + 1, len(text))
        made.append((line, _line_end(text, end)))
    return made


def _end(node: yaml.Node, text: str) -> int:
    """Where what a node says ends: YAML's own ends of lists take what follows with them."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last, text)
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end


def _colon(text: str, key: yaml.Node) -> int:
    end = key.end_mark.index
    colon = text.find(":", end)
    if colon < 0 or text[end:colon].strip():
        raise _NoPlace
    return colon


# Writing


def _value(value: Tree, column: int) -> str:
    """What stands after the colon of a field that begins in this column, on its line or on the next ones."""
    flow = _flow(value, block=True)
    fits = column + len(flow) <= WIDEST and not _has_mappings(value)
    if fits or not value or not isinstance(value, dict | list):
        return f" {flow}"
    inner = column + _INDENT
    if isinstance(value, dict):
        return "".join(f"\n{' ' * inner}{_key(name)}:{_value(each, inner)}" for name, each in value.items())
    return "".join(f"\n{' ' * inner}-{_item(each, inner, spread=_is_stage(each))}" for each in value)


def _item(value: Tree, column: int, *, spread: bool) -> str:
    """What stands after the dash in this column. ``spread``: a mapping has a line for each field."""
    flow = _flow(value)
    if not isinstance(value, dict) or not value or not (spread or column + len(flow) > WIDEST):
        return f" {flow}"
    inner = column + _INDENT
    fields = [f"{_key(name)}:{_value(each, inner)}" for name, each in value.items()]
    return " " + f"\n{' ' * inner}".join(fields)


def _has_mappings(value: Tree) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _is_stage(value: Tree) -> bool:
    return isinstance(value, dict) and ("approvers" in value or "parallel" in value or "kind" in value)


def _flow(value: Tree, *, strict: bool = False, block: bool = False) -> str:
    """In one line. ``strict``: as JSON. ``block``: nothing but a line's end follows, so that less needs quotes."""
    if strict:
        return _escaped(json.dumps(value, ensure_ascii=False))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str):
        return _text(value, block=block)
    return json.dumps(value)


def _key(name: str) -> str:
    return _text(name, block=False)


def _text(text: str, *, block: bool) -> str:
    if text.lower() in ("true", "false", "null", ""):
        return f'"{text}"'
    number_like = text[0].isdigit() and " " not in text and not text.endswith("%")
    if re.fullmatch(r"\w[\w.@+%/-]*( [\w.@+%/-]+)*", text) and text.isprintable() and not number_like:
        return text
    if block and text.isprintable() and re.fullmatch(r"([^\W\d]|\().*", text) and not re.search(r":( |$)| #| $", text):
        return text
    if text.isprintable() and '"' in text and "'" not in text:
        return f"'{text}'"
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(written: str) -> str:
    """With what cannot be seen as escapes, which YAML would not take as it is."""
    return "".join(each if each.isprintable() or ord(each) > 0xFFFF else f"\\u{ord(each):04x}" for each in written)
