"""Flows for the tests of launcher and worker: what they do is seen in a file."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from prefect import flow


@flow(name="note", retries=0, persist_result=False)
async def note(path: str, word: str = "here", seconds: float = 0.0) -> str:
    """Write a line (word, moment, process) at the beginning, and one at the end."""
    _write(path, word)
    await asyncio.sleep(seconds)
    _write(path, f"{word}-end")
    return word


@flow(name="exits", retries=0, persist_result=False)
async def exits(path: str) -> None:
    """A flow that would take its process with it."""
    _write(path, "exits")
    raise SystemExit(3)


def _write(path: str, word: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{word} {time.time()} {os.getpid()}\n")
