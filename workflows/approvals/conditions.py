"""Conditions of routes: CEL expressions (the Common Expression Language, https://cel.dev) that compare facts. Pure.

A condition may compare and combine, so that whoever reads a route can follow it and every answer is exact: it cannot
calculate. What is accepted is a part of CEL, checked here with its types before it is ever asked; CEL itself answers.

Exactness: CEL knows no decimals, only doubles. An amount and a number written in a condition have at most 15 digits
that count (C's DBL_DIG for IEEE 754 doubles), and for those the way to a double keeps both order and difference.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from workflows.errors import Refused

if TYPE_CHECKING:
    import cel

LONGEST = 2000  # letters of one condition
DEEPEST = 16  # parentheses, lists and ! inside one another
MOST_DIGITS = 15


class Kind(StrEnum):
    NUMBER = "number"
    TEXT = "text"
    DAY = "day"  # text such as 2026-12-31, or null
    FLAG = "flag"
    NULL = "null"
    LIST = "list"
    ANY = "any"  # a fact of the sender's own


DOCUMENTS: Mapping[str, Mapping[str, Kind]] = {
    "contract": {
        "kind": Kind.TEXT,
        "title": Kind.TEXT,
        "counterparty": Kind.TEXT,
        "risk": Kind.TEXT,
        "starts_on": Kind.DAY,
        "ends_on": Kind.DAY,
        "notice_days": Kind.NUMBER,
        "external_id": Kind.TEXT,
    },
    "invoice": {
        "kind": Kind.TEXT,
        "title": Kind.TEXT,
        "supplier": Kind.TEXT,
        "supplier_id": Kind.TEXT,
        "cost_center": Kind.TEXT,
        "contract_number": Kind.TEXT,
        "number": Kind.TEXT,
        "order_number": Kind.TEXT,
        "issued_on": Kind.DAY,
        "due_on": Kind.DAY,
        "external_id": Kind.TEXT,
    },
}
"""Fields of each kind of document that conditions may ask for. One that nobody filled in is empty text, 0, or
null where it is a day."""
SUBMITTER: Mapping[str, Kind] = {"email": Kind.TEXT}


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a condition. ``position``: 0-based, in letters."""

    position: int
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % self.values if self.values else self.sentence


class Unanswerable(Refused):
    """A condition cannot be answered for this document: nobody may guess whom it would have asked."""


def check(expression: str, document: str = "contract") -> Wrong | None:
    """What is wrong with a condition; None where it can be asked of this kind of document."""
    checked = _checked(unicodedata.normalize("NFC", expression), document)
    return checked if isinstance(checked, Wrong) else None


def mentioned(expression: str, document: str = "contract") -> frozenset[str]:
    """The facts that a sound condition asks for, such as “amount” and “contract.kind”."""
    checked = _checked(unicodedata.normalize("NFC", expression), document)
    return frozenset() if isinstance(checked, Wrong) else checked.mentions


def holds(expression: str, facts: Mapping[str, object], document: str = "contract") -> bool:
    """Whether a condition holds for these facts.

    ``facts``: ``amount`` (Decimal or None), ``currency``, the document's fields under its kind, ``submitter``.

    Raises:
        Unanswerable: it puts an amount or a day in order where there is none, or a fact has another type than it needs.
        ValueError: ``check`` finds something wrong with it.
    """
    checked = _checked(unicodedata.normalize("NFC", expression), document)
    if isinstance(checked, Wrong):
        raise ValueError(str(checked))
    context = _context(facts, document, checked.mentions)
    try:
        answer = checked.program.execute(context)
    except (TypeError, ValueError, KeyError, RuntimeError, OverflowError):
        answer = None
    if isinstance(answer, bool):
        return answer
    for name in sorted(checked.mentions):
        if _found(context, name) is None:
            raise Unanswerable(
                "The route asks “%(condition)s”, and %(name)s is not given.",
                field=name.rpartition(".")[2],
                condition=expression,
                name=name,
            )
    raise Unanswerable(
        "The route asks “%(condition)s”, which cannot be answered from what is given.",
        field="fields",
        condition=expression,
    )


def _context(facts: Mapping[str, object], document: str, mentions: Collection[str]) -> dict[str, Any]:
    """What CEL is given: the facts asked for, and nothing else that a sender may have made up."""
    given = cast(Mapping[str, object], facts.get(document) or {})
    submitter = cast(Mapping[str, object], facts.get("submitter") or {})
    own = {name for name in given if f"{document}.{name}" in mentions} - set(DOCUMENTS[document])
    return {
        "amount": _amount(facts.get("amount")),
        "currency": _value(facts.get("currency") or ""),
        document: {name: _value(given[name]) for name in own}
        | {name: _known(name, kind, given.get(name)) for name, kind in DOCUMENTS[document].items()},
        "submitter": {name: _known(name, kind, submitter.get(name)) for name, kind in SUBMITTER.items()},
    }


def _found(context: Mapping[str, Any], name: str) -> object:
    owner, _, field_name = name.partition(".")
    return context[owner].get(field_name) if field_name else context[owner]


def _amount(value: object) -> float | None:
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    digits = len(amount.normalize().as_tuple().digits) if amount.is_finite() else 0
    if not 1 <= digits <= MOST_DIGITS or abs(amount.adjusted()) > MOST_DIGITS:
        raise Unanswerable(
            "An amount of more than %(most)s digits cannot be compared exactly.", field="amount", most=MOST_DIGITS
        )
    return float(amount)


def _known(name: str, kind: Kind, value: object) -> Any:
    if value is None or value == "":
        return {Kind.NUMBER: 0, Kind.DAY: None}.get(kind, "")
    value = _value(value)
    if kind is Kind.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if kind is not Kind.NUMBER and isinstance(value, str):
        return value
    raise Unanswerable("“%(name)s” is of another kind than the route’s conditions need.", field="fields", name=name)


def _value(value: object) -> str | bool | int | float | None:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case bool() | float():
            return value
        case int():
            return value if abs(value) < 2**53 else float(value)
        case Decimal():
            return float(value)
        case date():
            return value.isoformat()
        case _:
            return None  # lists and the like: no condition can compare them


@dataclass(frozen=True)
class _Checked:
    program: cel.Program
    mentions: frozenset[str]


@lru_cache(1024)
def _checked(expression: str, document: str) -> _Checked | Wrong:
    if document not in DOCUMENTS:
        return Wrong(0, "There are no routes for “%(document)s”.", {"document": document})
    if not expression.strip():
        return Wrong(0, "A condition says something, such as amount >= 50000.")
    if len(expression) > LONGEST:
        return Wrong(0, "A condition has at most %(most)s letters.", {"most": LONGEST})
    try:
        reading = _Reading(expression, document)
        reading.whole()
    except _Stop as stop:
        return stop.wrong
    try:
        program = _cel().compile(expression)
    except ValueError:
        return Wrong(0, "This cannot be read as a condition.")
    return _Checked(program, frozenset(reading.mentions))


@lru_cache(1)
def _cel() -> Any:
    # The package brings its command line along, which is 8 MB in every process; it is told that this is there already.
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel

    return cel


class _Stop(Exception):
    def __init__(self, wrong: Wrong) -> None:
        self.wrong = wrong


_TOKENS = re.compile(
    r"""
      (?P<space>[ \t\r\n\f]+)
    | (?P<number>\.?\d[\w.]*)
    | (?P<text>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>\|\||&&|[=!<>]=|[-!<>()\[\],.?:+*/%={}])
    """,
    re.VERBOSE | re.ASCII,
)
_ORDER = {"<", "<=", ">", ">="}
_SAME = {"==", "!="}
_METHODS = ("startsWith", "endsWith", "contains")
# https://github.com/google/cel-spec, langdef, "Syntax": names that a program may not use
_RESERVED = frozenset(
    {
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"),
        *("namespace", "null", "package", "return", "true", "var", "void", "while"),
    }
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True)
class _Operand:
    """Something compared. ``literal``: its value where it is written out."""

    kind: Kind
    position: int
    text: str = ""
    literal: object = None
    items: tuple[_Operand, ...] = ()

    @property
    def is_day(self) -> bool:
        """A day that is written out."""
        return self.kind is Kind.TEXT and isinstance(self.literal, str) and is_day(self.literal)

    @property
    def has_order(self) -> bool:
        return self.kind in (Kind.NUMBER, Kind.DAY, Kind.ANY) or self.is_day


class _Reading:
    """Reads a condition from left to right and stops at the first thing that is wrong."""

    def __init__(self, expression: str, document: str) -> None:
        self.document = document
        self.fields = DOCUMENTS[document]
        self.mentions: set[str] = set()
        self.tokens = _tokens(expression)
        self.next = 0
        self.depth = 0
        self.guarded = _asked_for(self.tokens, document)

    def whole(self) -> None:
        self.flag(self.either())
        if (token := self.peek()).kind != "end":
            raise _stop(token, "“%(text)s” is not expected here.", text=token.text)

    def either(self) -> _Operand:
        return self.joined("||", self.both)

    def both(self) -> _Operand:
        return self.joined("&&", self.comparison)

    def joined(self, mark: str, part: Any) -> _Operand:
        first: _Operand = part()
        if self.peek().text != mark:
            return first
        self.flag(first)
        while self.took(mark):
            self.flag(part())
        return _Operand(Kind.FLAG, first.position)

    def comparison(self) -> _Operand:
        left = self.operand()
        token = self.peek()
        if token.text == "in":
            self.next += 1
            self.member_of(left, self.operand())
        elif token.text in _ORDER | _SAME:
            self.next += 1
            self.comparable(left, token, self.operand())
        else:
            return left
        after = self.peek()
        if after.text in _ORDER | _SAME or after.text == "in":
            raise _stop(after, "Compare two things at a time, and join comparisons with && or ||.")
        return _Operand(Kind.FLAG, left.position)

    def operand(self) -> _Operand:
        token = self.peek()
        self.depth += 1
        if self.depth > DEEPEST:
            raise _stop(token, "This condition is nested too deeply.")
        self.next += 1
        match token.kind, token.text:
            case "mark", "!":
                made = _Operand(Kind.FLAG, self.flag(self.operand()).position)
            case "mark", "(":
                made = self.either()
                self.expect(")")
                if self.peek().text == ".":
                    raise _stop(self.peek(), "“%(text)s” is not expected here.", text=".")
            case "mark", "[":
                made = self.listed(token)
            case "mark", "-":
                number = self.peek()
                if number.kind != "number":
                    raise _stop(token, "A condition compares; it does not calculate.")
                self.next += 1
                made = self.number(number, "-")
            case "number", _:
                made = self.number(token)
            case "text", written:
                value = _unescaped(written)
                if value is None:
                    raise _stop(token, "After a backslash only a quote or another backslash may stand.")
                made = _Operand(Kind.TEXT, token.position, written, value)
            case "name", "true" | "false":
                made = _Operand(Kind.FLAG, token.position, token.text, token.text == "true")
            case "name", "null":
                made = _Operand(Kind.NULL, token.position, "null")
            case "name", name:
                made = self.named(name, token)
            case "end", _:
                raise _stop(token, "The condition ends too early.")
            case _:
                raise _stop(token, "“%(text)s” is not expected here.", text=token.text)
        self.depth -= 1
        match self.peek().text:
            case "+" | "-" | "*" | "/" | "%":
                raise _stop(self.peek(), "A condition compares; it does not calculate.")
            case "?":
                raise _stop(self.peek(), "Write && and || instead of a question mark.")
            case "=":
                raise _stop(self.peek(), "Write == to compare.")
            case _:
                return made

    def number(self, token: _Token, sign: str = "") -> _Operand:
        if re.fullmatch(r"(0|[1-9][0-9]*)(\.[0-9]+)?", token.text) is None:
            raise _stop(token, "Write “%(text)s” as plain digits, such as 50000 or 0.5.", text=token.text)
        if len(token.text.replace(".", "").lstrip("0")) > MOST_DIGITS:
            raise _stop(
                token, "A number has at most %(most)s digits: more could not be compared exactly.", most=MOST_DIGITS
            )
        return _Operand(Kind.NUMBER, token.position, sign + token.text, Decimal(sign + token.text))

    def listed(self, opening: _Token) -> _Operand:
        items: list[_Operand] = []
        while not self.took("]"):
            if items:
                self.expect(",")
            item = self.operand()
            if item.literal is None:
                raise _stop(item, "A list holds numbers or texts in quotes.")
            items.append(item)
        if not items:
            raise _stop(opening, "An empty list holds nothing to compare with.")
        if len({each.kind for each in items}) > 1:
            raise _stop(opening, "A list holds either numbers or texts, not both.")
        return _Operand(Kind.LIST, opening.position, items=tuple(items))

    def named(self, name: str, token: _Token) -> _Operand:
        if self.peek().text == "(":
            if name != "has":
                raise _no_function(name, token)
            return self.has(token)
        path = [name]
        while self.took("."):
            part = self.peek()
            if part.kind != "name" or part.text in _RESERVED:
                raise _stop(part, "A field's name is expected after the point.")
            self.next += 1
            if self.peek().text == "(":
                return self.method(self.fact(path, token), part)
            path.append(part.text)
        return self.fact(path, token)

    def method(self, on: _Operand, name: _Token) -> _Operand:
        if name.text not in _METHODS:
            raise _no_function(name.text, name)
        if on.kind not in (Kind.TEXT, Kind.ANY):
            raise _stop(on, "“%(text)s” is not text.", text=on.text)
        self.expect("(")
        part = self.operand()
        self.expect(")")
        if part.kind is not Kind.TEXT or part.literal is None:
            raise _stop(part, "A text in quotes is expected here.")
        return _Operand(Kind.FLAG, on.position, on.text)

    def has(self, token: _Token) -> _Operand:
        """``has(contract.x)``: whether the sender gave a fact of their own."""
        self.expect("(")
        path: list[str] = []
        start = self.peek()
        while not path or self.took("."):
            part = self.peek()
            if part.kind != "name" or part.text in _RESERVED:
                raise _stop(part, "A field's name is expected after the point.")
            self.next += 1
            path.append(part.text)
        self.expect(")")
        if len(path) != 2 or path[0] != self.document:
            raise _stop(
                start,
                "has() asks for a field of the document, such as has(%(document)s.department).",
                document=self.document,
            )
        if path[1] in self.fields:
            raise _stop(
                start,
                '“%(name)s” needs no has(): compare it with null where it is a day, else with "" or 0.',
                name=".".join(path),
            )
        self.mentions.add(".".join(path))
        return _Operand(Kind.FLAG, token.position, "has")

    def fact(self, path: Sequence[str], token: _Token) -> _Operand:
        text = ".".join(path)
        self.mentions.add(text)
        match path:
            case ["amount"]:
                return _Operand(Kind.NUMBER, token.position, text)
            case ["currency"]:
                return _Operand(Kind.TEXT, token.position, text)
            case ["submitter", name] if name in SUBMITTER:
                return _Operand(SUBMITTER[name], token.position, text)
            case [owner, name] if owner == self.document and name in self.fields:
                return _Operand(self.fields[name], token.position, text)
            case [owner, name] if owner == self.document and f"{owner}.{name}" in self.guarded:
                return _Operand(Kind.ANY, token.position, text)
            case _:
                pass
        owners = {"submitter": SUBMITTER, self.document: self.fields}
        fields = [f"{owner}.{name}" for owner, names in owners.items() for name in names]
        # a name in its own owner's list: the owner is most of the letters, and would make any two alike
        if len(path) == 2 and path[0] in owners:
            near = [f"{path[0]}.{name}" for name in get_close_matches(path[1], owners[path[0]], 1, 0.65)]
        else:
            near = get_close_matches(text, ["amount", "currency", *fields], 1, 0.7)
        if near:
            raise _stop(
                token,
                "A condition cannot ask for “%(name)s”. Did you mean “%(near)s”?",
                name=text,
                near=near[0],
            )
        if len(path) == 2 and path[0] == self.document:
            raise _stop(
                token,
                "“%(name)s” is not a field that every document has. Ask first whether it is there: has(%(name)s) && …",
                name=text,
            )
        raise _stop(token, "A condition cannot ask for “%(name)s”.", name=text)

    def flag(self, made: _Operand) -> _Operand:
        if made.kind not in (Kind.FLAG, Kind.ANY):
            raise _stop(
                made, "A condition is true or false: compare “%(text)s” with something.", text=made.text or "[…]"
            )
        return made

    def comparable(self, left: _Operand, mark: _Token, right: _Operand) -> None:
        kinds = {left.kind, right.kind}
        if Kind.LIST in kinds:
            raise _stop(mark, "A list is compared with “in”.")
        if Kind.NULL in kinds:
            other = right if left.kind is Kind.NULL else left
            if mark.text in _SAME and (other.text == "amount" or other.kind in (Kind.DAY, Kind.ANY)):
                return
            raise _stop(mark, 'Only an amount or a day can be null: compare a text with "" instead.')
        self.alike(left, right)
        if mark.text in _ORDER and not (left.has_order and right.has_order):
            raise _stop(mark, "Only numbers and days have an order: compare these with == or !=.")

    def member_of(self, left: _Operand, right: _Operand) -> None:
        if right.kind is not Kind.LIST:
            raise _stop(right, 'After “in” comes a list, such as ["high", "critical"].')
        if left.kind in (Kind.LIST, Kind.NULL):
            raise _stop(left, "A list cannot hold this.")
        for each in right.items:
            self.alike(left, each)

    def alike(self, left: _Operand, right: _Operand) -> None:
        """Stop where two operands are of different kinds, or a day is compared with text that is none."""
        for one, other in ((left, right), (right, left)):
            match one.kind, other.kind:
                case Kind.ANY, _:
                    return
                case Kind.DAY, Kind.TEXT if other.literal is None or other.is_day:
                    return
                case Kind.DAY, Kind.TEXT:
                    raise _stop(other, '“%(text)s” is not a day such as "2026-12-31".', text=other.literal)
                case Kind.NUMBER, Kind.TEXT | Kind.DAY if one.literal is None:
                    raise _stop(other, "“%(text)s” is a number: compare it with digits without quotes.", text=one.text)
                case Kind.NUMBER, Kind.TEXT | Kind.DAY:
                    raise _stop(one, "“%(text)s” is text: compare it with text in quotes.", text=other.text)
                case _:
                    pass
        if left.kind is not right.kind:
            raise _stop(right, "“%(left)s” and “%(right)s” cannot be compared.", left=left.text, right=right.text)

    def peek(self) -> _Token:
        return self.tokens[self.next]

    def took(self, mark: str) -> bool:
        if self.peek().text == mark:
            self.next += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.took(mark):
            raise _stop(self.peek(), "“%(mark)s” is expected here.", mark=mark)


def _stop(at: _Token | _Operand, sentence: str, **values: object) -> _Stop:
    return _Stop(Wrong(at.position, sentence, values))


def _no_function(name: str, token: _Token) -> _Stop:
    if near := get_close_matches(name, ("has", *_METHODS), 1, 0.6):
        return _stop(token, "There is no “%(name)s()” here. Did you mean “%(near)s()”?", name=name, near=near[0])
    return _stop(token, "A condition cannot ask “%(name)s()”.", name=name)


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(expression):
        token = _TOKENS.match(expression, position)
        if token is None:
            raise _Stop(Wrong(position, "“%(text)s” is not expected here.", {"text": expression[position]}))
        kind = str(token.lastgroup)
        if kind != "space":
            found.append(_Token(kind, token[0], position))
        position = token.end()
    return [*found, _Token("end", "", len(expression))]


def _asked_for(tokens: Sequence[_Token], document: str) -> frozenset[str]:
    """The fields of which a condition asks somewhere whether they are there."""
    texts = [token.text for token in tokens]
    return frozenset(
        f"{document}.{texts[at + 4]}"
        for at in range(len(texts) - 4)
        if texts[at : at + 4] == ["has", "(", document, "."]
    )


def is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _unescaped(written: str) -> str | None:
    """What a text in quotes says; None where it has an escape other than those of quotes and backslash."""
    inside = written[1:-1]
    if re.search(r"\\[^\\'\"]", re.sub(r"\\\\", "", inside)):
        return None
    return re.sub(r"\\(.)", r"\1", inside)
