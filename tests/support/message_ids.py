"""Every English sentence that people may read, as it stands in the code and in the templates: the ids of translations.

A sentence in the code is the literal in the place of a parameter called ``sentence`` (of a function, a dataclass or an
exception of ours), or what a ``why_not_…`` rule returns. So a new kind of refusal is found without a word here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.ext import babel_extract

PACKAGES = ("api", "workflows", "documents", "signing")
TEMPLATES = ("*.html", "*.txt")

# Functions whose parameter has another name; ngettext's two forms are one message, known by the first.
GETTEXT = {"_": 0, "gettext": 0, "ngettext": 0, "sentence": 0}
PARAMETER = "sentence"
PERMISSIONS = "why_not_"

# What is said in a terminal or a log is said in English.
TERMINAL = {
    "api/cli.py",
    "api/demo.py",
    "api/demo_people.py",
    "api/first_start.py",
    "workflows/processes.py",
    "workflows/worker.py",
}


@dataclass(frozen=True, order=True)
class Sentence:
    file: str
    line: int
    text: str
    made: bool = False
    """Put together where it is used (an f-string): nobody can translate it."""


def in_templates(root: Path) -> Iterator[Sentence]:
    options = {"silent": "false", "newstyle_gettext": "true", "trimmed": "true", "extensions": "jinja2.ext.do"}
    for path in sorted(each for pattern in TEMPLATES for each in (root / "templates").rglob(pattern)):
        with path.open("rb") as template:
            for line, _, message, _ in babel_extract(template, list(GETTEXT), [], options):
                text = message if isinstance(message, str) else next(iter(message or ()), None)
                if text:
                    yield Sentence(str(path.relative_to(root)), line, text)


def in_code(root: Path) -> Iterator[Sentence]:
    trees = {
        str(path.relative_to(root)): ast.parse(path.read_text())
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }
    takers = _takers([node for tree in trees.values() for node in ast.walk(tree)])
    takers |= {name: {place} for name, place in GETTEXT.items()}
    for file, tree in trees.items():
        if file in TERMINAL:
            continue
        others = _others(tree)
        here = {name: places for name, places in takers.items() if name not in others}
        for expression in _places(tree, here):
            for literal in _literals(expression):
                made = isinstance(literal, ast.JoinedStr)
                text = ast.unparse(literal) if made else str(ast.literal_eval(literal))
                yield Sentence(file, literal.lineno, text, made)


def strings(root: Path) -> Iterator[str]:
    """Every string in the code, and each template as it is."""
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
    for pattern in TEMPLATES:
        for path in (root / "templates").rglob(pattern):
            yield path.read_text()


def _takers(nodes: Sequence[ast.AST]) -> dict[str, set[int]]:
    """Who takes a sentence, and at which positions: functions, dataclasses, exceptions, and their heirs.

    Two of one name, each with a place of its own, are looked at in both places.
    """
    found: dict[str, set[int]] = {}
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            _note(found, node.name, _parameters(node))
    for each in classes:
        start = _own_start(each)
        _note(found, each.name, _parameters(start) if start else _fields(each))
    for _ in range(4):  # generations
        for each in classes:
            for base in each.bases:
                inherited = found.get(ast.unparse(base).rpartition(".")[2])
                if inherited is not None and _own_start(each) is None:
                    found[each.name] = found.get(each.name, set()) | inherited
    return found


def _others(tree: ast.Module) -> set[str]:
    """What this file calls by a taker's name, and takes no sentence."""
    own = {each.name: _own_start(each) for each in ast.walk(tree) if isinstance(each, ast.ClassDef)}
    return {name for name, start in own.items() if start and PARAMETER not in _parameters(start)}


def _own_start(each: ast.ClassDef) -> ast.FunctionDef | None:
    return next((one for one in each.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)


def _fields(each: ast.ClassDef) -> list[str]:
    annotated = (one.target for one in each.body if isinstance(one, ast.AnnAssign))
    return [target.id for target in annotated if isinstance(target, ast.Name)]


def _note(found: dict[str, set[int]], name: str, parameters: list[str]) -> None:
    if PARAMETER in parameters:
        found.setdefault(name, set()).add(parameters.index(PARAMETER))


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _places(tree: ast.Module, takers: dict[str, set[int]]) -> Iterator[ast.expr]:
    """The expressions that stand where a sentence belongs."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments, keywords=named):
                yield from (each.value for each in named if each.arg == PARAMETER)
                yield from (arguments[place] for place in takers.get(name, ()) if place < len(arguments))
            case ast.FunctionDef(name=name) if name.startswith(PERMISSIONS):
                yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)
            case _:
                pass


def _literals(expression: ast.expr) -> Iterator[ast.Constant | ast.JoinedStr]:
    """The strings that an expression may turn out to be."""
    match expression:
        case ast.Constant(value=str()) | ast.JoinedStr():
            yield expression
        case ast.IfExp(body=first, orelse=second):
            yield from (*_literals(first), *_literals(second))
        case ast.BoolOp(values=several):
            yield from (literal for each in several for literal in _literals(each))
        case ast.Tuple(elts=[first, *_]):
            yield from _literals(first)
        case _:
            pass
