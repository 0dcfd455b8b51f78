"""What changed in a text: words taken out and put in, with a little of what stands around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

AROUND = 8  # words shown before and after a change
MOST_WORDS = 6_000  # longer texts are compared up to here
MOST_CHANGES = 40


@dataclass(frozen=True)
class Change:
    before: str
    removed: str
    added: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """``more``: there are further changes, or the texts are longer than was compared."""

    changes: tuple[Change, ...]
    more: bool


def compare(old: str, new: str) -> Comparison:
    """The changes from ``old`` to ``new`` in the order of the text, word by word."""
    left, right = re.findall(r"\S+", old), re.findall(r"\S+", new)
    cut = max(len(left), len(right)) > MOST_WORDS
    left, right = left[:MOST_WORDS], right[:MOST_WORDS]
    found = []
    for kind, a, b, c, d in SequenceMatcher(None, left, right).get_opcodes():
        if kind != "equal":
            found.append(
                Change(
                    before=" ".join(right[max(0, c - AROUND) : c]),
                    removed=" ".join(left[a:b]),
                    added=" ".join(right[c:d]),
                    after=" ".join(right[d : d + AROUND]),
                )
            )
    return Comparison(tuple(found[:MOST_CHANGES]), cut or len(found) > MOST_CHANGES)
