"""An export in the whole system, whose worker is killed while it is made: it is made once all the same."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from sqlmodel import select

from api import demo
from tests.benchmarks.many_invoices import fill
from tests.support.office import CaughtLaunches, CaughtMails, Office
from tests.support.servers import wait_until
from tests.support.system import running_system
from workflows.outbox import MailState, OutgoingMail
from workflows.parties.model import ApiToken, Organisation, Person
from workflows.runtime import Runtime

pytestmark = pytest.mark.slow

INVOICES = 4000


@pytest.mark.timeout(600)
def test_an_export_whose_worker_is_killed_is_made_and_mailed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_system(tmp_path / "home") as system:
        for name, value in system.environment.items():
            if name.startswith("SIGNOFF_"):
                monkeypatch.setenv(name, value)
        from workflows.composition import compose
        from workflows.settings import Settings

        runtime = compose(Settings(_env_file=None))
        api = {"Authorization": f"Bearer {demo.prepare(runtime, 'en')}"}
        with runtime.reading() as session:
            owner = session.exec(select(Person).join(ApiToken)).first()
            assert owner is not None
            organisation = session.get_one(Organisation, owner.organisation_id)
        people = {"owner": owner}
        office = Office(runtime, CaughtMails(), CaughtLaunches(), organisation, datetime.now(UTC), people)
        fill(office, INVOICES, lines=2, by="owner")
        with httpx.Client(base_url=system.base, timeout=60) as web:
            made = web.post("/api/exports", json={"what": "invoices"}, headers=api).json()
            here = f"/api/exports/{made['id']}"

            def told() -> Any:
                return web.get(here, headers=api).json()

            wait_until(lambda: told()["documents"] is not None, "the export to begin", seconds=120)
            assert told()["state"] == "asked"
            system.kill("worker")
            wait_until(lambda: told()["state"] == "ready", "the export", seconds=400, every=0.5)

            book = load_workbook(io.BytesIO(web.get(f"{here}/file", headers=api).content))
            assert sum(1 for _ in book["Lines"].iter_rows()) == 2 * (INVOICES + 1) + 1
            wait_until(lambda: _left(runtime) == 1, "its mail to leave")
            with runtime.reading() as session:
                mails = session.exec(select(OutgoingMail).where(OutgoingMail.kind == "export_ready")).all()
            assert len(mails) == 1
            assert not list((tmp_path / "home" / "exports").glob("*.part"))
        runtime.engine.dispose()


def _left(runtime: Runtime) -> int:
    with runtime.reading() as session:
        sent = select(OutgoingMail).where(OutgoingMail.kind == "export_ready", OutgoingMail.state == MailState.SENT)
        return len(session.exec(sent).all())
