"""What changed from one text to another: words taken out and put in, laid out along the pages of the newer one.

Words in a row that stand once in either text line the two up (as in patience diff); what lies between is compared word
by word. So a paragraph that slides to the next page is no change, and time grows with the length of the texts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

MOST_WORDS = 100_000
"""Of either text; what follows is not compared."""
MOST_SHOWN = 20_000
"""Words in all pieces together; the changes after them are counted, and not shown."""
AROUND = 12  # unchanged words that stay in sight before and after a change
LEAST_FOLDED = 12  # fewer are not worth a fold
ANCHOR = 4  # words in a row that line the texts up
MOST_PAIRS = 5_000_000  # of words compared between anchors, in all; beyond them a passage is replaced as a whole
ISLAND = 3  # as many unchanged words amid larger changes read better as part of them

# What is written without spaces is compared letter by letter: Han and kana. Nothing counts as one word for ever.
_WORD = re.compile(
    r"(\s*)([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{1,80})"
)


class Kind(StrEnum):
    SAME = "same"
    FOLDED = "folded"  # the same, and too long to stay in sight
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True)
class Piece:
    """``words``: how many there are; ``text`` is shorter, or empty, where there was no more room."""

    kind: Kind
    text: str
    words: int


@dataclass(frozen=True)
class PageChanges:
    """A page of the newer text on which something changed. ``places``: changes that begin on it."""

    number: int
    places: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Comparison:
    pages: tuple[PageChanges, ...]
    """Those with changes, in their order."""
    places: int
    """Changes in all that was compared."""
    compared_to: int | None
    """The last page of the newer text that was compared, where the texts are too long; None: all was."""
    shown_to: int | None
    """The page at which the changes became too many to be shown; None: all are."""
    has_text: bool
    """False: neither text has a word, as in a file of pictures."""

    @property
    def same(self) -> bool:
        return self.places == 0 and self.compared_to is None


@dataclass(frozen=True)
class _Words:
    """``keys``: what is compared; ``shown``: the same with the space before it; ``starts``: of each page."""

    keys: list[str]
    shown: list[str]
    starts: list[int]
    cut: bool

    def page_of(self, word: int) -> int:
        """Index of the page on which a word stands."""
        return max(0, bisect_right(self.starts, word) - 1)


@dataclass(frozen=True)
class _Span:
    """Words ``a1`` to ``a2`` of the older text became words ``b1`` to ``b2`` of the newer one."""

    a1: int
    a2: int
    b1: int
    b2: int

    @property
    def size(self) -> int:
        return max(self.a2 - self.a1, self.b2 - self.b1)


def compare(older: Sequence[str], newer: Sequence[str]) -> Comparison:
    """The changes from one text to another, each given as its pages."""
    old, new = _words(older), _words(newer)
    spans = _joined(_differences(old.keys, new.keys))
    if (old.cut or new.cut) and spans and spans[-1].b2 == len(new.keys) and spans[-1].a2 == len(old.keys):
        spans.pop()  # the end of what was read is no end of the text: what hangs over it is no change
    layout = _Layout(old, new)
    pages = []
    for index in range(len(new.starts)):
        here = [span for span in spans if _first_page(span, new) <= index <= new.page_of(max(0, span.b2 - 1))]
        if here and not layout.full:
            pages.append(layout.page(index, here))
    return Comparison(
        pages=tuple(pages),
        places=len(spans),
        compared_to=new.page_of(max(0, len(new.keys) - 1)) + 1 if old.cut or new.cut else None,
        shown_to=pages[-1].number if layout.full else None,
        has_text=bool(old.keys or new.keys),
    )


def _words(pages: Sequence[str]) -> _Words:
    keys: list[str] = []
    shown: list[str] = []
    starts: list[int] = []
    for page in pages or ("",):
        starts.append(len(keys))
        for space, word in _WORD.findall(page):
            if len(keys) == MOST_WORDS:
                return _Words(keys, shown, starts, cut=True)
            shown.append(f" {word}" if space or len(keys) == starts[-1] else word)
            keys.append(word)
    return _Words(keys, shown, starts, cut=False)


def _differences(a: list[str], b: list[str]) -> Iterator[_Span]:
    first = _common(a, b)
    last = _common(a[first:][::-1], b[first:][::-1])
    ends = (len(a) - last, len(b) - last)
    i = j = first
    pairs = MOST_PAIRS
    for x, y, length in [*_anchors(a, b, first, *ends), (*ends, 0)]:
        overlap = max(0, i - x, j - y)
        if overlap and overlap >= length:
            continue
        x, y, length = x + overlap, y + overlap, length - overlap
        if (x - i) * (y - j) > pairs:
            yield _Span(i, x, j, y)
        elif x > i or y > j:
            pairs -= (x - i) * (y - j)
            for kind, a1, a2, b1, b2 in SequenceMatcher(None, a[i:x], b[j:y]).get_opcodes():
                if kind != "equal":
                    yield _Span(i + a1, i + a2, j + b1, j + b2)
        i, j = x + length, y + length


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many words at the beginning are the same."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def _anchors(a: list[str], b: list[str], first: int, a_end: int, b_end: int) -> list[tuple[int, int, int]]:
    """Rows of words that stand once in either text and in the same order in both: where, and how many words."""
    in_a, in_b = _rows(a[first:a_end]), _rows(b[first:b_end])
    once_a, once_b = Counter(in_a), Counter(in_b)
    at_b = {row: place for place, row in enumerate(in_b) if once_b[row] == 1 and once_a[row] == 1}
    found = [(place, at_b[row]) for place, row in enumerate(in_a) if row in at_b]
    return [(first + x, first + y, ANCHOR) for x, y in _rising(found)]


def _rows(words: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(words[shift:] for shift in range(ANCHOR)), strict=False))


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest choice of pairs, given by their first, in which the second rises too."""
    ends: list[int] = []  # the smallest second with which a choice of each length can end
    holders: list[int] = []  # which pair that is
    before: list[int] = []  # which pair each of them follows
    for index, (_, second) in enumerate(pairs):
        length = bisect_right(ends, second)
        before.append(holders[length - 1] if length else -1)
        ends[length : length + 1] = [second]
        holders[length : length + 1] = [index]
    chosen = []
    at = holders[-1] if holders else -1
    while at >= 0:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]


def _joined(spans: Iterator[_Span]) -> list[_Span]:
    """Changes that touch are one; so are larger ones with a word or two between them."""
    made: list[_Span] = []
    for span in spans:
        if made:
            last = made[-1]
            between = span.b1 - last.b2
            if between == 0 or between <= min(ISLAND, last.size - 1, span.size - 1):
                made[-1] = _Span(last.a1, span.a2, last.b1, span.b2)
                continue
        made.append(span)
    return made


def _first_page(span: _Span, new: _Words) -> int:
    """Words that only went are shown behind the one they followed."""
    return new.page_of(max(0, span.b1 - 1) if span.b1 == span.b2 else span.b1)


class _Layout:
    """Lays changes out on pages for as long as there is room."""

    def __init__(self, old: _Words, new: _Words) -> None:
        self._old, self._new = old, new
        self.left = MOST_SHOWN
        self.full = False
        """Something did not find room."""

    def page(self, index: int, spans: Sequence[_Span]) -> PageChanges:
        starts = [*self._new.starts, len(self._new.keys)]
        at, end = starts[index], starts[index + 1]
        begin, pieces, places = at, list[Piece](), 0
        for span in spans:
            b1, b2 = max(span.b1, begin), min(span.b2, end)
            pieces += self._same(at, b1, after=at > begin or bool(pieces), before=True)
            if _first_page(span, self._new) == index:
                places += 1
                pieces += self._piece(Kind.REMOVED, self._old, span.a1, span.a2)
            pieces += self._piece(Kind.ADDED, self._new, b1, b2)
            at = max(at, b2)
        pieces += self._same(at, end, after=True, before=False)
        return PageChanges(index + 1, places, tuple(pieces))

    def _same(self, start: int, end: int, *, after: bool, before: bool) -> list[Piece]:
        """Unchanged words ``after`` a change, ``before`` one, or between two."""
        first = start + AROUND if after else start
        last = end - AROUND if before else end
        if last - first < LEAST_FOLDED:
            return self._piece(Kind.SAME, self._new, start, end)
        return [
            *self._piece(Kind.SAME, self._new, start, first),
            *self._piece(Kind.FOLDED, self._new, first, last),
            *self._piece(Kind.SAME, self._new, last, end),
        ]

    def _piece(self, kind: Kind, words: _Words, start: int, end: int) -> list[Piece]:
        number = end - start
        if number <= 0:
            return []
        if kind is Kind.FOLDED and number > self.left // 2:
            return [Piece(kind, "", number)]  # what is folded away never takes the room of what changed
        shown = words.shown[start : start + min(number, self.left)]
        self.full = self.full or len(shown) < number
        self.left -= len(shown)
        return [Piece(kind, "".join(shown).strip(), number)]
