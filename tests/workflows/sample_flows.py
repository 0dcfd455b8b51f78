"""Flows for the tests of launcher and worker: what they do is seen in a file."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from prefect import flow

from tests.support.servers import wait_until


@flow(name="note", retries=0, persist_result=False)
async def note(path: str, word: str = "here", seconds: float = 0.0) -> str:
    """Write a line (word, moment, process) at the beginning, and one at the end."""
    _write(path, word)
    await asyncio.sleep(seconds)
    _write(path, f"{word}-end")
    return word


@flow(name="meets", retries=0, persist_result=False)
async def meets(path: str, word: str) -> None:
    """Write a line, wait until a file beside it says that all are there, and write a line at the end."""
    _write(path, word)
    await asyncio.to_thread(wait_until, Path(path).with_suffix(".open").exists, "the opening of the door")
    _write(path, f"{word}-end")


@flow(name="exits", retries=0, persist_result=False)
async def exits(path: str) -> None:
    """A flow that would take its process with it."""
    _write(path, "exits")
    raise SystemExit(3)


def _write(path: str, word: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{word} {time.time()} {os.getpid()}\n")
