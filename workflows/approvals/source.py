"""The text of a route as a tree whose parts know their places. Pure.

Only what YAML and JSON have in common to say is read: fields, lists and single values, each value as it is written.
YAML's references, marks and several documents in one text are refused, before anything is unfolded.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml

from workflows.parties.rules import shown

MOST_BYTES = 200_000
MOST_NODES = 20_000
MOST_FINDINGS = 200  # nobody reads more
DEEPEST = 10  # lists and mappings inside one another; a sound route needs six
LONGEST_NAME = 60


@dataclass(frozen=True)
class Finding:
    """Something wrong in a route's text. ``line`` and ``column``: 1-based."""

    line: int
    column: int
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is a hundred times faster


class Source:
    """A text as nodes with their places, and what was found wrong with it so far.

    ``used``: features that the text makes use of, each with what is said where Signoff cannot do it yet.
    """

    def __init__(self, source: str) -> None:
        self.findings: list[Finding] = []
        self.used: list[tuple[str, Finding]] = []
        self.source = source
        self.lines: list[str] = []

    def root(self) -> yaml.Node | None:
        """The text as a tree; None, with a finding, where it is none."""
        if len(self.source.encode(errors="replace")) > MOST_BYTES:
            self.complain_at(None, "A route has at most %(most)s kB.", most=MOST_BYTES // 1000)
            return None
        source = _as_yaml(unicodedata.normalize("NFC", self.source).removeprefix("\ufeff"))
        self.lines = source.splitlines()
        try:
            if not self.is_plain_tree(source):
                return None
            root = yaml.compose(source, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.complain_at(mark, "This cannot be read as YAML: %(problem)s.", problem=error.problem)
            return None
        except (yaml.YAMLError, UnicodeEncodeError):
            self.complain_at(None, "The text has characters that cannot be shown.")
            return None
        if root is None:
            self.complain_at(None, "There is no route in this text.")
        return root

    def is_plain_tree(self, source: str) -> bool:
        """Whether the text is one tree of modest size. Looked at as a stream, so that no bomb is ever unfolded."""
        nodes = depth = documents = 0
        for event in yaml.parse(source, Loader=_Loader):
            mark = event.start_mark
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    depth += 1
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    depth -= 1
                case _:
                    pass
            if depth > DEEPEST:
                self.complain_at(mark, "This is nested too deeply for a route.")
                return False
            if documents > 1:
                self.complain_at(mark, "A text holds one route; a second one begins here.")
                return False
            if not isinstance(event, yaml.NodeEvent):
                continue
            nodes += 1
            if nodes > MOST_NODES:
                self.complain_at(mark, "This is more than a route can hold.")
                return False
            if event.anchor is not None:
                self.complain_at(mark, "References with & and * are not allowed in a route.")
            if getattr(event, "tag", None) is not None:
                self.complain_at(mark, "YAML reads a leading ! as a mark of its own: put the text in quotes.")
        return not self.findings

    def complain_at(self, mark: Any, sentence: str, **values: object) -> None:
        """``mark``: PyYAML's, of the place; None for the text as a whole."""
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.find(Finding(line, column, sentence, values))

    def find(self, finding: Finding) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def complain(self, node: yaml.Node, sentence: str, **values: object) -> None:
        self.complain_at(node.start_mark, sentence, **values)

    def uses(self, feature: str, node: yaml.Node, written: str | None = None) -> None:
        """``written``: the words that make use of it, where they are not those of the node."""
        place = node.start_mark
        values = {"name": short(written if written is not None else str(node.value))}
        finding = Finding(place.line + 1, place.column + 1, "“%(name)s” is not supported yet.", values)
        if len(self.used) < MOST_FINDINGS:
            self.used.append((feature, finding))

    def fields(self, node: yaml.Node, *, known: Collection[str], needed: Collection[str] = ()) -> dict[str, yaml.Node]:
        """The fields of a mapping, without those that are empty; every other field is a finding."""
        if not isinstance(node, yaml.MappingNode):
            self.complain(node, "Fields are expected here, such as “%(name)s: …”.", name=next(iter(known)))
            return {}
        found: dict[str, yaml.Node] = {}
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in seen:
                self.complain(key, "“%(name)s” is there twice.", name=name)
            elif name not in known:
                self.unknown(key, name, known)
            elif self.is_empty(value):
                self.complain(key, "“%(name)s” is empty.", name=name)
            else:
                found[name] = value
            seen.add(name)
        for name in needed:
            if name not in seen:
                self.complain(node, "“%(name)s” is missing.", name=name)
        return found

    def unknown(self, key: yaml.Node, name: str, known: Collection[str]) -> None:
        if near := near_to(name, known):
            self.complain(
                key, "There is no field “%(name)s” here. Did you mean “%(near)s”?", name=short(name), near=near
            )
        else:
            self.complain(key, "There is no field “%(name)s” here.", name=short(name))

    def is_empty(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and not node.style and node.tag == "tag:yaml.org,2002:null"

    def items(self, node: yaml.Node, *, most: int) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.complain(node, "A list is expected here.")
            return []
        if len(node.value) > most:
            self.complain(node, "There are more than %(most)s here.", most=most)
            return []
        return list(node.value)

    def text(self, node: yaml.Node) -> str | None:
        """A scalar as it is written."""
        if not isinstance(node, yaml.ScalarNode):
            self.complain(node, "A single value is expected here.")
            return None
        return str(node.value)

    def one_of(self, node: yaml.Node, known: Collection[str]) -> str | None:
        text = self.text(node)
        if text is None or text in known:
            return text
        if near := near_to(text, known):
            self.complain(node, "“%(text)s” is not known here. Did you mean “%(near)s”?", text=short(text), near=near)
        else:
            self.complain(
                node, "“%(text)s” is not known here; known are %(known)s.", text=short(text), known=", ".join(known)
            )
        return None

    def whole(self, node: yaml.Node, *, least: int, most: int) -> int | None:
        text = self.text(node)
        if text is None:
            return None
        if re.fullmatch(r"0|[1-9][0-9]{0,8}", text) is None or not least <= int(text) <= most:
            self.complain(
                node,
                "“%(text)s” is not a whole number from %(least)s to %(most)s.",
                text=short(text),
                least=least,
                most=most,
            )
            return None
        return int(text)

    def flag(self, node: yaml.Node) -> bool:
        text = self.text(node)
        if text is not None and text not in ("true", "false"):
            self.complain(node, "Write true or false here, not “%(text)s”.", text=short(text))
        return text == "true"

    def name(self, node: yaml.Node) -> str:
        """Small letters of any script, digits, and hyphens between them."""
        text = self.text(node)
        if text is None:
            return ""
        plain = all(each == "-" or unicodedata.category(each)[0] in "LNM" for each in text)
        if not plain or text != text.lower() or not text[:1].isalpha() or text.endswith("-") or "--" in text:
            self.complain(
                node,
                "“%(text)s” is not a name such as legal-review: small letters, digits and hyphens.",
                text=short(text),
            )
        elif len(text) > LONGEST_NAME:
            self.complain(node, "A name has at most %(most)s letters.", most=LONGEST_NAME)
        return text

    def complain_within(
        self, node: yaml.Node, text: str, position: int, sentence: str, values: Mapping[str, object]
    ) -> None:
        """Complain at a letter of a single value: exact where it is written in one line, at its beginning elsewhere."""
        line, column = node.start_mark.line, node.start_mark.column
        written = self.lines[line][column:] if line < len(self.lines) else ""
        quoted = next((quote for quote in (0, 1) if written[quote:].startswith(text)), None)
        self.find(Finding(line + 1, column + 1 + (0 if quoted is None else quoted + position), sentence, values))


def near_to(text: str, known: Collection[str]) -> str | None:
    """What was probably meant."""
    found = get_close_matches(text[:LONGEST_NAME], known, 1, 0.6)
    return found[0] if found else None


def short(text: str) -> str:
    """A part of the text as a finding may show it."""
    text = shown(text)
    return text if len(text) <= LONGEST_NAME else text[:LONGEST_NAME] + "…"


def _as_yaml(source: str) -> str:
    """JSON is YAML but for tabs between its parts, and for letters beyond U+FFFF written as two escapes."""
    if not source.lstrip().startswith("{"):
        return source
    try:
        json.loads(source)
    except (ValueError, RecursionError):
        return source
    pair = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
    return pair.sub(_as_one_escape, source.replace("\t", " "))


def _as_one_escape(pair: re.Match[str]) -> str:
    letter = 0x10000 + ((int(pair[2], 16) & 0x3FF) << 10 | int(pair[3], 16) & 0x3FF)
    return f"{pair[1]}\\U{letter:08x}"
