from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.prefect_server import PrefectServer, prefect_server
from tests.support.servers import MailServer
from tests.workflows.mailing import Certificates, Inbox
from workflows.mailer import Mailer


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One Prefect server for all tests: name your own deployments and files."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as server:
        yield server


@pytest.fixture
def inboxes() -> Iterator[Callable[[MailServer], Inbox]]:
    opened: list[Inbox] = []

    def of(server: MailServer) -> Inbox:
        opened.append(Inbox(server))
        return opened[-1]

    yield of
    for each in opened:
        each.close()


@pytest.fixture
def mailers() -> Iterator[Callable[..., Mailer]]:
    opened: list[Mailer] = []

    def make(url: str) -> Mailer:
        opened.append(Mailer.from_url(url, embedded_port=0))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def address() -> str:
    """Of somebody whom no other test writes to."""
    return f"{uuid4().hex}@haneul.example"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")
