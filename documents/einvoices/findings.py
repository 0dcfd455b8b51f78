"""What is found in an invoice: by the schema of its syntax, by the rules of its standard, by our own checks.

A finding is a sentence in the reader's language where we can say it; the rule's own words go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

Severity = Literal["error", "warning", "information"]
"""An error blocks approval; the others are shown."""
SEVERITIES: Sequence[Severity] = get_args(Severity)
MOST_PLACES = 20
"""Of one finding."""


@dataclass(frozen=True)
class Place:
    """Where in the XML."""

    path: str
    """Names from the root and positions beyond the first: Invoice/InvoiceLine[2]/Price/PriceAmount."""
    line: int | None = None
    """Of the text that the rules were run on."""
    part: str = ""
    """In words: a message id, such as "line %(number)s"; empty where we have none."""
    number: int = 1


@dataclass(frozen=True)
class Finding:
    """One rule that is broken, and where."""

    rule: str
    """BR-CO-10, UBL-CR-010, FX-SCH-A-000556, …; ours are in small letters: line-net, iban."""
    severity: Severity
    sentence: str = ""
    """An English message id with ``%(name)s`` places; empty where only the rule's own words say it."""
    values: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    """Values that are message ids themselves."""
    text: str = ""
    """The rule in its own words, which are English, and German in XRechnung's."""
    places: tuple[Place, ...] = ()
    count: int = 1
    """How often it was broken; `places` holds the first ones."""


def blocks(findings: Iterable[Finding]) -> bool:
    """Whether an invoice with these may not be decided on: one of them is an error."""
    return any(each.severity == "error" for each in findings)


def sorted_by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, otherwise in their order."""
    return tuple(sorted(findings, key=lambda each: SEVERITIES.index(each.severity)))


def said_once(before: Sequence[Finding], more: Iterable[Finding]) -> list[Finding]:
    """What several sets of rules find, in their order; many bring the rules of EN 16931 along. A number that was told
    is not told again, but weighs what it weighs most, and keeps the places of both. ``more`` is of one set, in which a
    number may stand several times with other words."""
    found, told = list(before), {each.rule: at for at, each in enumerate(before) if each.rule not in WITHOUT_NUMBER}
    for each in more:
        at = told.get(each.rule)
        if at is None:
            found.append(each)
            continue
        first = found[at]
        places = (*first.places, *(place for place in each.places if place not in first.places))
        found[at] = replace(
            first,
            severity=min(first.severity, each.severity, key=SEVERITIES.index),
            places=places[:MOST_PLACES],
            count=max(first.count, each.count, len(places)),
        )
    return found


WITHOUT_NUMBER = frozenset({"profile", "rules", "schema"})


def to_json(finding: Finding) -> dict[str, Any]:
    """What says nothing is left out."""
    whole = {
        "rule": finding.rule,
        "severity": finding.severity,
        "sentence": finding.sentence,
        "values": dict(finding.values),
        "words": dict(finding.words),
        "text": finding.text,
        "places": [
            {"path": each.path, "line": each.line, "part": each.part, "number": each.number} for each in finding.places
        ],
        "count": finding.count,
    }
    return {name: value for name, value in whole.items() if value not in ("", {}, [])}


def from_json(values: Mapping[str, Any]) -> Finding:
    """Raises KeyError, TypeError or ValueError for what `to_json` did not make."""
    severity = values["severity"]
    if severity not in SEVERITIES:
        raise ValueError(severity)
    return Finding(
        rule=str(values["rule"]),
        severity=severity,
        sentence=str(values.get("sentence", "")),
        values={str(name): str(value) for name, value in values.get("values", {}).items()},
        words={str(name): str(value) for name, value in values.get("words", {}).items()},
        text=str(values.get("text", "")),
        places=tuple(
            Place(
                str(each["path"]),
                None if each["line"] is None else int(each["line"]),
                str(each["part"]),
                int(each["number"]),
            )
            for each in values.get("places", ())
        ),
        count=int(values.get("count", 1)),
    )
