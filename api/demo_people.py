"""The people of the demo, each with nothing but their mailbox and a browser, and the story that is told of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from rich.console import Console

T = TypeVar("T")

PATIENCE = 60.0  # seconds that any one step may take
LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Who:
    name: str
    email: str
    title: str = ""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


OWNER = Who("Minjun Kim", "minjun.kim@demo.example", "Fleet and Yard")
MANAGER = Who("이서연", "seoyeon.lee@demo.example", "Head of Operations")
LEGAL = (
    Who("Jiwoo Han", "jiwoo.han@demo.example", "Legal", ("demo-legal",)),
    Who("Ann Berger", "ann.berger@demo.example", "Legal", ("demo-legal",)),
    Who("Cy Okafor", "cy.okafor@demo.example", "Legal", ("demo-legal",)),
)


class Off(Exception):
    """Something is not as it must be."""


@dataclass
class Story:
    """What happened, for the display and for ``--json``."""

    console: Console
    steps: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        with self.console.status(name):
            yield
        seconds = time.monotonic() - began
        self.steps.append({"step": name, "seconds": round(seconds, 3)})
        self.console.print(f"  [green]✓[/green] {name} [dim]{seconds:.2f} s[/dim]")


class People:
    """The people of one contract, each with nothing but their mailbox and a browser."""

    def __init__(self, web: httpx.Client, number: str, *, patience: float = PATIENCE) -> None:
        self._web, self._number, self._read = web, number, set[str]()
        self._patience = patience
        self._forgotten = 0
        self.clicked_at = 0.0
        """When the last decision was sent (seconds since 1970)."""

    def forget_version(self, version: int) -> None:
        """Mails about this version or an older one are left unread from now on: their links are void."""
        self._forgotten = version

    def mail(self, email: str, *, without_link: bool = False) -> dict[str, Any]:
        """The newest unread mail to ``email`` about the contract."""

        def arrived() -> dict[str, Any] | None:
            for message in self._web.get("/mailbox/messages", params={"to": email}).json()["items"]:
                about = self._number in message["subject"] or self._number in message["text"]
                new = message["id"] not in self._read and f", version {self._forgotten}" not in message["text"]
                new = new and f", 버전 {self._forgotten}" not in message["text"]
                if about and new and (without_link or task_link(message)):
                    found: dict[str, Any] = message
                    return found
            return None

        message = wait_for(arrived, f"a mail to {email}", seconds=self._patience)
        self._read.add(message["id"])
        return message

    def decide(self, email: str, verdict: str, comment: str = "") -> None:
        link, page = self._open(email)
        self.clicked_at = time.time()
        answer = self._web.post(
            f"{link}/decision",
            data={"verdict": verdict, "comment": comment, "version_sha256": hidden(page, "version_sha256")},
            headers={"Accept": "text/html"},
            follow_redirects=True,
        )
        expect(answer, 200)

    def sign(self, email: str, name: str) -> None:
        link, page = self._open(email)
        answer = self._web.post(
            f"{link}/signature",
            data={"name": name, "consent": "yes", "version_sha256": hidden(page, "version_sha256")},
            headers={"Accept": "text/html"},
            follow_redirects=True,
        )
        expect(answer, 200)

    def _open(self, email: str) -> tuple[str, str]:
        link = task_link(self.mail(email))
        assert link is not None
        page = self._web.get(link, headers={"Accept": "text/html"})
        expect(page, 200)
        return link, page.text


def task_link(message: dict[str, Any]) -> str | None:
    """The path of the task link in a mail."""
    found = re.search(r"https?://[^/\s]+(/t/[\w-]{43})", message["text"])
    return found[1] if found else None


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"\s+value="([^"]+)"', page)
    if found is None:
        raise Off(f"the page has no field {name}")
    return found[1]


def expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise Off(
            f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text[:500]}"
        )


def wait_for(look: Callable[[], T | None], what: str, *, seconds: float = PATIENCE) -> T:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            if found := look():
                return found
        except httpx.TransportError:
            pass  # it is being started again
        time.sleep(LOOK_EVERY)
    raise Off(f"waited {seconds:.0f} s in vain for {what}")
