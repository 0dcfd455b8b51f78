"""Upright A4 pages, and a pen that goes down them."""

from __future__ import annotations

from dataclasses import dataclass, field

from signing.appearance import INK, Canvas, Colour, lines
from signing.fonts import FontSet

PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 54.0, PAGE_WIDTH - 54.0, PAGE_HEIGHT - 52.0, 62.0
ROOM = RIGHT - LEFT


@dataclass
class Flow:
    """A pen that goes down the page and on to the next."""

    fonts: FontSet = field(default_factory=FontSet)
    pages: list[Canvas] = field(default_factory=list)
    y: float = 0.0

    def need(self, height: float) -> Canvas:
        """The page to draw on, with this much room below the pen."""
        if not self.pages or self.y - height < BOTTOM:
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
