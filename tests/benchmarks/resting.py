"""What processes take of a processor, and when they have come to rest. From /proc, so on Linux alone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

QUIET = 10.0
"""Percent of a processor below which a system that only waits is at rest: it looks for work every few seconds."""
WINDOW = 5.0  # seconds
IN_A_ROW = 3
LONGEST = 36  # windows


def come_to_rest(roots: Sequence[int]) -> None:
    """Return when these processes and their descendants have been quiet for a while.

    Raises:
        RuntimeError: they are busy still after three minutes.
    """
    quiet = 0
    for _ in range(LONGEST):
        quiet = quiet + 1 if sum(taken({str(root): root for root in roots}, WINDOW).values()) < QUIET else 0
        if quiet == IN_A_ROW:
            return
    raise RuntimeError("The system does not come to rest.")


def taken(roots: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Percent of a processor that each of these processes takes, with its descendants, while one looks on so long."""
    before, began = {name: _processor_seconds(pid) for name, pid in roots.items()}, time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return {name: (_processor_seconds(pid) - before[name]) / passed * 100 for name, pid in roots.items()}


def _processor_seconds(root: int) -> float:
    """Of a process, its descendants, and those of them that have ended."""
    ticks = 0
    for pid in (root, *descendants(root)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(each) for each in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def descendants(root: int) -> list[int]:
    parents = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [each for each, parent in parents.items() if parent == pid]
    return found[1:]
