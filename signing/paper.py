"""Upright A4 pages, and a pen that goes down them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from signing.appearance import INK, SEAL, SOFT, Canvas, Colour, fitted, lines
from signing.fonts import BOLD, FontSet, width
from signing.words import word

PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 54.0, PAGE_WIDTH - 54.0, PAGE_HEIGHT - 52.0, 62.0
ROOM = RIGHT - LEFT
SMALL, ORDINARY = 7.5, 9.0
"""Sizes of letters in points."""


class TooManyPages(Exception):
    """There is more to be drawn than there may be pages."""


@dataclass
class Flow:
    """A pen that goes down the page and on to the next."""

    fonts: FontSet = field(default_factory=FontSet)
    pages: list[Canvas] = field(default_factory=list)
    y: float = 0.0
    most_pages: float = inf

    def need(self, height: float) -> Canvas:
        """The page to draw on, with this much room below the pen.

        Raises TooManyPages.
        """
        if not self.pages or self.y - height < BOTTOM:
            if len(self.pages) >= self.most_pages:
                raise TooManyPages
            self.pages.append(Canvas(self.fonts))
            self.y = TOP
        return self.pages[-1]

    def paragraph(
        self, text: str, size: float, x: float, room: float, *, weight: int = 400, colour: Colour = INK
    ) -> None:
        for line in lines(text, size, room, weight):
            canvas = self.need(size * 1.35)
            self.y -= size * 1.35
            canvas.text(line, x, self.y, size, weight=weight, colour=colour)

    def headline(self, title: str, beside: str) -> None:
        """What the page is, and at its right edge whose, or of which number."""
        canvas = self.need(60)
        canvas.box(LEFT, self.y + 6, 28, 3, SEAL)
        self.y -= 6
        size, right = fitted(beside, (13, 11, 9.5), ROOM * 0.55, 2)
        for index, line in enumerate(right):
            canvas.text_right(line, RIGHT, self.y - 20 - index * size * 1.2, size, colour=SOFT)
        size, left = fitted(title, (20, 17, 15), ROOM * 0.42, 1, BOLD)
        canvas.text(left[0], LEFT, self.y - 20, size, weight=BOLD)
        self.y -= 34

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Labels, and what belongs to each."""
        self.y -= 6
        label_room = 110.0
        for label, value in facts:
            for index, line in enumerate(lines(value, ORDINARY, ROOM - label_room)):
                canvas = self.need(13)
                self.y -= 13
                if not index:
                    canvas.text(short(label, SMALL, label_room - 8), LEFT, self.y, SMALL, colour=SOFT)
                canvas.text(line, LEFT + label_room, self.y, ORDINARY)

    def feet(self, words: str, locale: str) -> None:
        """Below each page its number, and these words."""
        for index, canvas in enumerate(self.pages):
            canvas.rule(LEFT, BOTTOM - 14, RIGHT)
            page = word("Page %(page)s of %(pages)s", locale, page=index + 1, pages=len(self.pages))
            canvas.text_right(page, RIGHT, BOTTOM - 25, SMALL, colour=SOFT)
            size, broken = fitted(words, (SMALL, 7, 6), ROOM - 110, 1)
            canvas.text(broken[0], LEFT, BOTTOM - 25, size, colour=SOFT)


def short(text: str, size: float, room: float) -> str:
    """As much of a text as stands in one line."""
    first, *rest = lines(text, size, room)
    if not rest:
        return first
    while first and width(f"{first}…", size) > room:
        first = first[:-1]
    return f"{first.rstrip()}…"
