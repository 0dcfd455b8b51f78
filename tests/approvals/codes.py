"""An office in which links ask for one-time codes, and the browsers in which they are opened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlmodel import col, select

from api.main import create_app
from api.pages import passes
from tests.support.office import Office, link_in, open_office, text_of
from workflows.approvals.model import Decision, LinkCode, Round
from workflows.audit.model import AuditEvent

ROUTE = """\
name: with-code
document: contract
priority: 10
currency: EUR
links: {one_time_code: {above: "10000"}}
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - {name: legal, approvers: {group: legal}}
"""
PLAIN = ROUTE.replace("with-code", "plain").replace('links: {one_time_code: {above: "10000"}}\n', "")
PAGE = {"Accept": "text/html"}


@dataclass
class Device:
    """A browser with its own cookies. ``page``: it wants pages, and not JSON."""

    app: Any
    page: bool = True
    web: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.web = TestClient(self.app, headers=PAGE if self.page else {}, follow_redirects=False)

    def get(self, address: str) -> Response:
        return self.web.get(address)

    def post(self, address: str, **data: str) -> Response:
        return self.web.post(address, data=data)

    def decide(self, link: str, office: Office) -> Response:
        return self.post(f"{link}/decision", verdict="approve", version_sha256=version_of(office))

    def has_document(self, link: str) -> bool:
        answer = self.get(link)
        return "Forklift" in answer.text and answer.status_code == 200


@dataclass
class World:
    office: Office
    app: Any
    clock: list[datetime]

    def device(self, *, page: bool = True) -> Device:
        return Device(self.app, page)

    def later(self, **step: float) -> None:
        self.clock[0] += timedelta(**step)

    def asked(self, amount: str = "84600.00", currency: str = "EUR") -> str:
        """The link of Mia, who is asked first."""
        self.office.contract(amount=amount, currency=currency)
        self.office.deliver()
        return link_in(self.office.mails.to("mia@")[-1])

    def code(self, to: str = "mia@") -> str:
        """The newest code that was mailed to somebody."""
        self.office.deliver()
        mails = [each for each in self.office.mails.to(to) if "one-time code" in str(each["Subject"])]
        found = re.search(r"\b\d{6}\b", text_of(mails[-1]))
        assert found is not None
        return found[0]


def build(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> World:
    office = open_office(database_url, tmp_path, **settings)
    office.now = datetime.now(UTC) - timedelta(minutes=10)
    office.person("mia")
    office.person("dan", manager="mia")
    office.person("ann", groups=["legal"])
    office.route(ROUTE)
    clock = [datetime.now(UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock[0]

    app = create_app(runtime=office.runtime)
    app.state.clock = lambda: clock[0]
    app.state.runtime = office.runtime
    monkeypatch.setattr(passes, "datetime", Clock)
    return World(office, app, clock)


def version_of(office: Office) -> str:
    with office.reading() as session:
        return session.exec(select(Round).order_by(col(Round.opened_at).desc())).all()[0].version_sha256


def decisions(office: Office) -> list[tuple[str, str]]:
    with office.reading() as session:
        return [(each.name, each.via) for each in session.exec(select(Decision))]


def history(office: Office, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in session.exec(select(AuditEvent)) if each.action == action]


def kept(office: Office) -> LinkCode:
    with office.reading() as session:
        return session.exec(select(LinkCode)).one()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def opened(world: World, link: str, device: Device | None = None, to: str = "mia@") -> Device:
    """A browser in which the code of the link was entered."""
    device = device or world.device()
    assert device.post(f"{link}/codes").status_code == 303
    assert device.post(f"{link}/pass", code=world.code(to)).status_code == 303
    return device
