"""The list of invoices and its search over HTTP, among a million on PostgreSQL."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote

from tests.benchmarks.decisions import server
from tests.benchmarks.many_invoices import SUPPLIERS, fill, put_into_index
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
    office.person("ann", roles=["administrator"])
    fill(office, count, lines=1, by="dan")
    put_into_index(office, count, by="dan")
    with office.transaction() as session:
        cookie = sign_in(session, office.people["ann"], now=datetime.now(UTC), hours=1).token
    office.runtime.engine.dispose()
    environment = {"SIGNOFF_DATABASE_URL": database_url, "SIGNOFF_HOME": str(home)}
    figures: dict[str, Any] = {}
    with server("api.main:create_app", environment) as port:
        for what, addresses in _addresses(count).items():
            figures[what] = _times(port, addresses, cookie)
    return figures


def _addresses(count: int) -> Mapping[str, list[str]]:
    draw = random.Random(7)

    def some(pattern: str, most: int) -> list[str]:
        return [f"/api/invoices?{pattern.replace('N', str(draw.randrange(1, most)))}" for _ in range(ASKED)]

    cursors = [f"cursor=01900000-0000-7000-8000-{draw.randrange(1, count):012x}" for _ in range(ASKED)]
    return {
        "the list": some("", count),
        "somewhere in the middle": [f"/api/invoices?{each}" for each in cursors],
        "state=paid": some("state=paid", count),
        "state=in_approval": some("state=in_approval", count),
        "state=withdrawn (none is)": some("state=withdrawn", count),
        "needs_me": some("state=needs_me", count),
        "open": some("state=open", count),
        "overdue": some("state=overdue", count),
        "of one supplier, its first word in every invoice": some("supplier=Supplier+N", SUPPLIERS),
        "by its number": some("q=M-N", count),
        "by the supplier's number": some("q=S-N", count),
        "a word that is in every invoice": [f"/api/invoices?q={quote('지게차')}"] * ASKED,
        "two words, one of them in every invoice": some("q=Supplier+N", SUPPLIERS),
        "a phrase": some("q=%22Forklift+N%22", 5000),
        "such words in a state": some("q=Supplier+N&state=paid", SUPPLIERS),
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
