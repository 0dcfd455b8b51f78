"""Accept an upload: sniff, repair, normalise, strip, read its text. All in a child process that may die alone.

The child is forked from a server that has the PDF libraries loaded already, so that an ordinary file takes some ten
milliseconds; it gets limits of memory and processor time, and the parent waits no longer than the wall clock allows.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any

from documents import child

SNIFFED = 1024  # bytes within which a PDF's header must stand (ISO 32000-2, implementation note on 7.5.2)


@dataclass(frozen=True)
class IntakeLimits:
    """``memory_bytes`` of address space, ``seconds`` of processor time, ``file_bytes`` of the upload."""

    memory_bytes: int = 1_500_000_000
    seconds: int = 20
    file_bytes: int = 100_000_000
    pages: int = 2_000


ORDINARY = IntakeLimits()


@dataclass(frozen=True)
class Accepted:
    """``normalised``: the file to be shown and signed; the very upload where it holds a signature already.

    ``stripped``: what was taken out because it acts by itself, in words such as "JavaScript".
    """

    normalised: bytes
    pages: int
    text: str
    page_texts: tuple[str, ...]
    already_signed: bool
    stripped: tuple[str, ...]


class IntakeRefused(Exception):
    """The file cannot be signed safely. ``code`` is one of ``SENTENCES``."""

    def __init__(self, code: str, **values: object) -> None:
        self.code = code
        self.sentence = SENTENCES[code]
        self.values = values
        super().__init__(self.sentence % values if values else self.sentence)


SENTENCES = {
    "not_pdf": "This is not a PDF.",
    "too_large": "The file is larger than %(limit)s.",
    "too_many_pages": "The file has %(pages)s pages; %(limit)s are the most.",
    "no_pages": "The file has no pages.",
    "password": "The file asks for a password. Hand it in without one, or give the password.",
    "wrong_password": "The password does not open the file.",
    "damaged": "The file is damaged and could not be repaired.",
    "page_lost": "The file is damaged: a page would be lost in its repair.",
    "too_costly": "The file takes more memory or time to read than is allowed.",
    "cannot_sign": "The file cannot be signed: a form in it is made in a way that would break signatures.",
    "no_page": "There is no such page.",
}


def accept(data: bytes, *, limits: IntakeLimits = ORDINARY, password: str | None = None) -> Accepted:
    """Take a PDF in.

    Raises:
        IntakeRefused: with the reason; the calling process is never harmed, whatever the file holds.
    """
    if len(data) > limits.file_bytes:
        raise IntakeRefused("too_large", limit=f"{limits.file_bytes // 1_000_000} MB")
    if b"%PDF-" not in data[:SNIFFED]:
        raise IntakeRefused("not_pdf")
    found = in_child(child.take_in, data, limits, password, limits.pages)
    return Accepted(**found)


def in_child(work: Callable[..., Any], data: bytes, limits: IntakeLimits, *arguments: object) -> Any:
    """Run ``work(data, *arguments)`` of the module ``documents.child`` in a process of its own.

    Raises:
        IntakeRefused: what the work refused, or "too_costly" when its process died or took too long.
    """
    ours, theirs = _context().Pipe(duplex=True)
    process = _context().Process(
        target=child.run, args=(theirs, work.__name__, limits.memory_bytes, limits.seconds), daemon=True
    )
    with ours:
        process.start()
        theirs.close()
        try:
            return _answer(ours, data, arguments, limits)
        finally:
            process.kill()
            process.join()
            process.close()


def _answer(ours: Connection, data: bytes, arguments: tuple[object, ...], limits: IntakeLimits) -> Any:
    try:
        ours.send(arguments)
        ours.send_bytes(data)
        if not ours.poll(limits.seconds * 2):
            raise IntakeRefused("too_costly")
        kind, value = ours.recv()
    except (EOFError, ConnectionError):  # it was killed by its limits, or a library aborted
        raise IntakeRefused("too_costly") from None
    if kind == "refused":
        code, values = value
        raise IntakeRefused(code, **values)
    return value


def warm_up() -> None:
    """Start the server that children are forked from, so that the first upload does not wait for it."""
    in_child(child.nothing, b"", IntakeLimits())


_lock = threading.Lock()
_made: list[ForkServerContext] = []


def _context() -> ForkServerContext:
    with _lock:
        if not _made:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["documents.child"])
            _made.append(context)
        return _made[0]
