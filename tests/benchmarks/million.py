"""The list of invoices and its search over HTTP, among a million on PostgreSQL."""

from __future__ import annotations

import http.client
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote

from tests.benchmarks.decisions import server
from tests.benchmarks.many_invoices import SUPPLIERS, fill, put_into_index, put_on_routes
from tests.support.office import open_office
from workflows.parties.operations import sign_in
from workflows.schema import migrate

ASKED = 60
"""Requests of each kind."""


def run(database_url: str, home: Path, count: int) -> dict[str, Any]:
    migrate(database_url)
    home.mkdir(parents=True)
    office = open_office(database_url, home)
    office.now = datetime.now(UTC)
    office.person("dan")
    for name in APPROVERS:
        office.person(name)
    office.person("ann", roles=["administrator"])
    fill(office, count, lines=1, by="dan")
    for name, every in APPROVERS.items():
        put_on_routes(office, name, every=every)
    put_into_index(office, count, by="dan")
    figures: dict[str, Any] = {}
    cookies = {}
    with office.transaction() as session:
        for name in ("ann", *APPROVERS):
            cookies[name] = sign_in(session, office.people[name], now=datetime.now(UTC), hours=1).token
    office.runtime.engine.dispose()
    environment = {"SIGNOFF_DATABASE_URL": database_url, "SIGNOFF_HOME": str(home)}
    with server("api.main:create_app", environment) as port:
        for what, addresses in (_lists(count) | _searches(count)).items():
            figures[what] = _times(port, addresses, cookies["ann"])
        for name, every in APPROVERS.items():
            for what, addresses in _lists(count).items():
                figures[f"{what}; for who is on one route in {every:,}"] = _times(port, addresses, cookies[name])
    return figures


APPROVERS = {"mia": 2, "bo": 100_000}
"""Who has been on the routes of every so many-th invoice."""

_draw = random.Random(7)


def _some(pattern: str, most: int) -> list[str]:
    return [f"/api/invoices?{pattern.replace('N', str(_draw.randrange(1, most)))}" for _ in range(ASKED)]


def _lists(count: int) -> dict[str, list[str]]:
    cursors = [f"cursor=01900000-0000-7000-8000-{_draw.randrange(1, count):012x}" for _ in range(ASKED)]
    return {
        "the list": _some("", count),
        "somewhere in the middle": [f"/api/invoices?{each}" for each in cursors],
        "state=paid": _some("state=paid", count),
        "state=in_approval": _some("state=in_approval", count),
        "state=withdrawn (none is)": _some("state=withdrawn", count),
        "needs_me": _some("state=needs_me", count),
        "open": _some("state=open", count),
        "overdue": _some("state=overdue", count),
    }


def _searches(count: int) -> dict[str, list[str]]:
    return {
        "of one supplier, its first word in every invoice": _some("supplier=Supplier+N", SUPPLIERS),
        "by its number": _some("q=M-N", count),
        "by the supplier's number": _some("q=S-N", count),
        "a word that is in every invoice": _some(f"q={quote('지게차')}", 2),
        "two words, one of them in every invoice": _some("q=Supplier+N", SUPPLIERS),
        "two words, both in every invoice": _some(f"q=Supplier+{quote('한빛')}", 2),
        "a phrase": _some("q=%22Forklift+N%22", 5000),
        "a phrase that is in every invoice": _some("q=%22one+month%22", 2),
        "such words in a state": _some("q=Supplier+N&state=paid", SUPPLIERS),
    }


def _times(port: int, addresses: list[str], cookie: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for address in addresses:
        began = time.perf_counter()
        connection.request("GET", address, headers={"Cookie": f"signoff_session={cookie}"})
        answer = connection.getresponse()
        body = answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{address} answered {answer.status}: {body[:200]!r}")
    cut = quantiles(times, n=100)
    return f"p50 {cut[49]:.1f}, p95 {cut[94]:.1f} ms"
