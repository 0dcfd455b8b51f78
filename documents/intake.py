"""Accept an upload: sniff, repair, normalise, take out what acts by itself, read its text.

All of it happens in a child process (`documents.sandbox`) that may die alone; here are the limits, the answer and the
refusals.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from documents import sandbox

SNIFFED_BYTES = 1024
"""Within which the header of a PDF must stand: what readers have always accepted (ISO 32000-1, H.3, note 13)."""
ANSWER_BYTES = 64_000_000
"""Read from the child beyond twice the size of a file: its texts, and room for what a repair spells out."""
AT_ONCE = max(2, os.cpu_count() or 2)


@dataclass(frozen=True)
class IntakeLimits:
    """``memory_bytes`` of address space; ``seconds`` of processor time, twice that by the clock on the wall."""

    memory_bytes: int = 1_500_000_000
    seconds: int = 20
    file_bytes: int = 100_000_000
    pages: int = 2_000


ORDINARY = IntakeLimits()


@dataclass(frozen=True)
class Accepted:
    normalised: bytes
    """What is shown and signed. The same upload always gives the same bytes; one that is signed already, its own."""
    pages: int
    text: str
    """Of all pages, an empty line between them; without NUL and other control characters but tab and line feed."""
    page_texts: tuple[str, ...]
    """One for each page; empty from the page on where the text becomes too long to be kept."""
    already_signed: bool
    stripped: tuple[str, ...]
    """What was taken out, because it acts by itself or hides: English message ids such as "scripts", in order."""
    page_sizes: tuple[tuple[int, int], ...]
    """Width and height of each page as it is shown (cropped and turned), in points (1/72 inch)."""


class IntakeRefused(Exception):
    """The file cannot be signed safely, or a page of it not be drawn.

    ``code`` is one of not_pdf, too_large, too_many_pages, no_pages, no_page, password, damaged, page_lost, too_costly,
    cannot_sign, busy; of invoices also not_invoice, incomplete, hostile. ``sentence`` is an English message id with
    ``%(name)s`` placeholders, ``values`` fills them; ``str()`` is it, filled.
    """

    def __init__(self, code: str, sentence: str, **values: object) -> None:
        self.code = code
        self.sentence = sentence
        self.values = values
        super().__init__(sentence % values)


_places = sandbox.Places(AT_ONCE)


def accept(data: bytes, *, limits: IntakeLimits = ORDINARY, password: str | None = None) -> Accepted:
    """Take a PDF in. Safe in threads; at most ``AT_ONCE`` at a time, others wait their turn.

    Raises:
        IntakeRefused: with the reason; the calling process is not harmed, whatever the file holds.
    """
    if len(data) > limits.file_bytes:
        raise IntakeRefused("too_large", "The file is larger than %(limit)s.", limit=megabytes(limits.file_bytes))
    if not data:
        raise IntakeRefused("not_pdf", "The file is empty.")
    if b"%PDF-" not in data[:SNIFFED_BYTES]:
        raise IntakeRefused("not_pdf", "The file is not a PDF.")
    arguments = {"password": password, "most_pages": limits.pages, "most_bytes": 2 * limits.file_bytes}
    answer = in_child("documents.reading:take_in", data, arguments, limits=limits, places=_places)
    normalised, texts = answer.parts
    values = answer.values
    page_texts = tuple(json.loads(texts))
    return Accepted(
        normalised=data if values["already_signed"] else normalised,
        pages=values["pages"],
        text="\n\n".join(page_texts).strip(),
        page_texts=page_texts,
        already_signed=values["already_signed"],
        stripped=tuple(values["stripped"]),
        page_sizes=tuple((wide, high) for wide, high in values["page_sizes"]),
    )


def warm_up() -> None:
    """Start what children are forked from, so that the first upload does not wait for it. Returns at once."""
    sandbox.start()


def in_child(
    job: str, data: bytes, arguments: Mapping[str, object], *, limits: IntakeLimits, places: sandbox.Places
) -> sandbox.Answer:
    """One job in a child process, its failures as refusals in sentences."""
    try:
        return sandbox.run(
            job,
            data,
            arguments,
            places=places,
            memory_bytes=limits.memory_bytes,
            seconds=limits.seconds,
            answer_bytes=2 * limits.file_bytes + ANSWER_BYTES,
        )
    except sandbox.Refused as refused:
        raise IntakeRefused(refused.code, refused.sentence, **refused.values) from None
    except sandbox.Busy:
        raise IntakeRefused(
            "busy", "Too many documents are being read at the moment. Please try again in a minute."
        ) from None
    except sandbox.Died as died:
        match died.reason:
            case "memory":
                raise IntakeRefused(
                    "too_costly",
                    "Reading the file takes more than %(limit)s of memory.",
                    limit=megabytes(limits.memory_bytes),
                ) from None
            case "time":
                raise IntakeRefused(
                    "too_costly", "Reading the file takes longer than %(limit)s seconds.", limit=limits.seconds
                ) from None
            case "crash":
                raise IntakeRefused(
                    "too_costly", "The file is damaged, or made so that reading it costs too much."
                ) from None


def megabytes(size: int) -> str:
    return f"{size / 1_000_000_000:g} GB" if size >= 1_000_000_000 else f"{size / 1_000_000:g} MB"
