"""Drawing: a canvas for text and lines, and the visible marks that signatures leave on the approval record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from signing.fonts import BOLD, REGULAR, FontSet, legible, width
from signing.words import moment, word

Colour = tuple[float, float, float]

INK: Colour = (0.086, 0.125, 0.176)
SOFT: Colour = (0.302, 0.349, 0.404)
RULE: Colour = (0.827, 0.855, 0.843)
TINT: Colour = (0.961, 0.973, 0.965)
PAPER: Colour = (1, 1, 1)
GREEN: Colour = (0.114, 0.396, 0.275)
AMBER: Colour = (0.478, 0.302, 0.0)
RED: Colour = (0.612, 0.133, 0.133)
SEAL: Colour = (0.761, 0.227, 0.133)

MARK_WIDTH, MARK_HEIGHT = 236, 84  # whole points: boxes of form fields are whole


@dataclass
class Canvas:
    """One content stream. Origin at the lower left, points, as in PDF."""

    fonts: FontSet = field(default_factory=FontSet)
    operators: list[str] = field(default_factory=list)

    def text(self, text: str, x: float, y: float, size: float, *, weight: int = REGULAR, colour: Colour = INK) -> None:
        self.operators.append(f"{_rgb(colour)} rg {_rgb(colour)} RG")
        self.operators.append(self.fonts.show(text, x, y, size, weight))

    def text_right(
        self, text: str, right: float, y: float, size: float, *, weight: int = REGULAR, colour: Colour = INK
    ) -> None:
        self.text(text, right - width(text, size, weight), y, size, weight=weight, colour=colour)

    def box(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        self.operators.append(f"{_rgb(colour)} rg {x:.2f} {y:.2f} {w:.2f} {h:.2f} re f")

    def frame(
        self, x: float, y: float, w: float, h: float, colour: Colour, line: float = 0.7, *, dashed: bool = False
    ) -> None:
        dash = "[3 2] 0 d" if dashed else "[] 0 d"
        self.operators.append(f"q {_rgb(colour)} RG {line:g} w {dash} {x:.2f} {y:.2f} {w:.2f} {h:.2f} re S Q")

    def rule(self, x: float, y: float, to: float, colour: Colour = RULE, line: float = 0.7) -> None:
        self.operators.append(f"{_rgb(colour)} RG {line:g} w {x:.2f} {y:.2f} m {to:.2f} {y:.2f} l S")

    def content(self) -> bytes:
        return "\n".join(self.operators).encode("ascii")


def _rgb(colour: Colour) -> str:
    return " ".join(f"{part:g}" for part in colour)


def lines(text: str, size: float, room: float, weight: int = REGULAR) -> list[str]:
    """The text broken into lines no wider than `room` points. Every letter is kept; its own line ends as well."""
    broken: list[str] = []
    for paragraph in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        broken.extend(_wrap(legible(paragraph), size, room, weight))
    return broken


def _wrap(paragraph: str, size: float, room: float, weight: int) -> Iterator[str]:
    line = ""
    for piece in _pieces(paragraph):
        if width((line + piece).rstrip(), size, weight) <= room:
            line += piece
            continue
        if line.strip():
            yield line.rstrip()
            line = ""
            piece = piece.lstrip()
        # A piece that is too long for a line of its own is broken between any two letters.
        for letter in piece:
            if line and width(line + letter, size, weight) > room:
                yield line
                line = ""
            line += letter
    yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Between these a line may end: after spaces, and around Han and Kana letters. Korean breaks at its spaces."""
    piece = ""
    for letter in text:
        if piece and (piece[-1] == " " != letter or _is_ideograph(letter) or _is_ideograph(piece[-1])):
            yield piece
            piece = ""
        piece += letter
    if piece:
        yield piece


def _is_ideograph(letter: str) -> bool:
    return "\u3040" <= letter <= "\u30ff" or "\u3400" <= letter <= "\u9fff" or "\U00020000" <= letter <= "\U0003ffff"


def fitted(
    text: str, sizes: tuple[float, ...], room: float, at_most: int, weight: int = REGULAR
) -> tuple[float, list[str]]:
    """The largest of the sizes at which the text takes few enough lines; it shrinks on below the smallest. What no size
    makes room for is left out."""
    text = text[: int(room * at_most / NARROWEST)]
    for size in sizes:
        broken = lines(text, size, room, weight)
        if len(broken) <= at_most:
            return size, broken
    size = sizes[-1]
    while len(broken) > at_most and size > 1:
        size *= 0.9
        broken = lines(text, size, room, weight)
    return size, broken


NARROWEST = 0.2
"""Points that a narrow letter takes at a size of one."""


@dataclass(frozen=True)
class Mark:
    """What a signature shows on the page."""

    name: str
    at: datetime
    reason: str
    is_seal: bool = False

    def draw(self, locale: str, timezone: str, w: float = MARK_WIDTH, h: float = MARK_HEIGHT) -> Canvas:
        """Fills a box of this size completely: what stood there before (the empty slot) is covered."""
        canvas = Canvas()
        accent = SEAL if self.is_seal else INK
        canvas.box(0, 0, w, h, PAPER)
        canvas.frame(0.5, 0.5, w - 1, h - 1, accent, 1)
        canvas.box(0, 0, 4, h, accent)
        left, room = 14.0, w - 24.0
        label = word("Sealed by" if self.is_seal else "Signed by", locale)
        canvas.text(label, left, h - 15, 7, colour=SEAL if self.is_seal else SOFT)
        size, name = fitted(self.name, (15, 13, 11), room, 1, BOLD)
        if size < 9:
            size, name = fitted(self.name, (11, 9.5, 8, 7, 6), room, 2, BOLD)
        y = h - 18.0
        for line in name:
            y -= size * 1.12
            canvas.text(line, left, y, size, weight=BOLD)
        time_size, _ = fitted(moment(self.at, locale, timezone), (8.5, 8, 7), room, 1)
        y -= 13
        canvas.text(moment(self.at, locale, timezone), left, y, time_size)
        if self.reason:
            size, reason = fitted(word("Reason: %(reason)s", locale, reason=self.reason), (8, 7, 6), room, 2)
            y -= 3
            for line in reason:
                y -= size * 1.2
                canvas.text(line, left, y, size, colour=SOFT)
        return canvas


def draw_slot(canvas: Canvas, x: float, y: float, name: str, email: str) -> None:
    """The place where a signature will stand, and above it, for good, whose place it is."""
    canvas.frame(x + 0.5, y + 0.5, MARK_WIDTH - 1, MARK_HEIGHT - 1, RULE)
    owner = " · ".join(part for part in (name, email) if part)
    if email and width(owner, 7) > MARK_WIDTH:
        owner = email  # the name will be in the mark
    size, broken = fitted(owner, (8, 7, 6), MARK_WIDTH, 1)
    canvas.text(broken[0], x, y + MARK_HEIGHT + 5, size, colour=SOFT)
