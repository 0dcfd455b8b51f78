"""Counts tries within this process, where the database need not know of them."""

from __future__ import annotations

import threading
import time

from workflows.errors import TooMany

WINDOW = 60.0  # seconds
MOST_KEYS = 10_000


class Throttle:
    def __init__(self, *, per_minute: int) -> None:
        self._most = per_minute
        self._lock = threading.Lock()
        self._tries: dict[str, list[float]] = {}

    def insist(self, key: str) -> None:
        """Raises TooMany when ``key`` has used up its tries."""
        with self._lock:
            recent = self._recent(key)
            if len(recent) >= self._most:
                wait = int(recent[0] + WINDOW - time.monotonic()) + 1
                raise TooMany("Too many tries. Try again in %(minutes)s minutes.", retry_after=wait, minutes=1)

    def count(self, key: str) -> None:
        with self._lock:
            if len(self._tries) > MOST_KEYS:
                self._tries.clear()
            self._tries.setdefault(key, []).append(time.monotonic())

    def _recent(self, key: str) -> list[float]:
        ends = time.monotonic() - WINDOW
        recent = [each for each in self._tries.get(key, ()) if each > ends]
        if recent:
            self._tries[key] = recent
        else:
            self._tries.pop(key, None)
        return recent
