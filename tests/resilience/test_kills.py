"""`kill -9` of each process at each step of a contract's life: it ends the same, with each mail and each decision once.

One life a process, with a kill right after every step: what the step was answered with must survive.
"""

from __future__ import annotations

import email
import json
import os
from collections import Counter
from collections.abc import Callable
from email.policy import default
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, select

from api import demo, demo_people
from tests.support.servers import wait_until
from tests.support.system import System, alive, running_system
from workflows.outbox import MailState, OutgoingMail, RunOwed
from workflows.runtime import Runtime

pytestmark = pytest.mark.slow


class Life:
    """The demo's contract, step by step; ``after`` is called behind each."""

    def __init__(self, system: System, token: str, after: Callable[[str], None]) -> None:
        self.system, self.after = system, after
        self.web = httpx.Client(base_url=system.base, timeout=60)
        self.api = {"Authorization": f"Bearer {token}"}

    def live(self) -> dict[str, object]:
        web = self.web
        assert web.put("/api/routes/demo-lease", content=demo.ROUTE.encode(), headers=self.api).status_code == 200
        sample = Path(__file__).parents[2] / "templates" / "documents"
        made = web.post(
            "/api/contracts",
            data={**demo.CONTRACT, "signers": json.dumps(demo.SIGNERS), "external_id": "demo-kills"},
            files={"file": ("lease.pdf", (sample / "sample-contract-2.pdf").read_bytes(), "application/pdf")},
            headers={**self.api, "Idempotency-Key": "kills"},
        )
        assert made.status_code == 201, made.text
        contract = made.json()
        self.after("handed in")
        people = demo_people.People(web, contract["number"], patience=180)
        for who in (demo_people.MANAGER, *demo_people.LEGAL[:2]):
            people.decide(who.email, "approve")
            self.after(f"{who.name} approved")
        for signer in demo.SIGNERS:
            people.sign(signer["email"], signer["name"])
            self.after(f"{signer['name']} signed")
        here = f"/api/contracts/{contract['id']}"

        def in_force() -> bool:
            try:
                return bool(web.get(here, headers=self.api).json()["state"] == "in_force")
            except httpx.TransportError:
                return False

        wait_until(in_force, "the contract to be in force")
        return dict(web.get(here, headers=self.api).json())


def at_rest(runtime: Runtime) -> bool:
    """No mail waits, and every run that was wanted has ended in good order."""
    with runtime.reading() as session:
        waiting = session.exec(select(OutgoingMail.id).where(OutgoingMail.state == MailState.QUEUED)).first()
        behind = session.exec(select(RunOwed.label).where(col(RunOwed.finished) < col(RunOwed.sequence))).first()
    return waiting is None and behind is None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["api", "dispatcher", "worker", "prefect"])
def test_a_process_killed_at_every_step_loses_nothing(
    victim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_system(tmp_path / "home") as system:
        for name, value in system.environment.items():
            if name.startswith("SIGNOFF_"):
                monkeypatch.setenv(name, value)
        from workflows.composition import compose
        from workflows.settings import Settings

        runtime = compose(Settings(_env_file=None))
        token = demo.prepare(runtime, "en")
        wait_until(lambda: victim in system.pids(), f"the {victim} to be started")

        def kill(_step: str) -> None:
            before = system.kill(victim)
            wait_until(lambda: system.pids().get(victim, before) != before, f"another {victim}")
            wait_until(lambda: alive(system.base), "the portal")

        life = Life(system, token, kill)
        with life.web:
            contract = life.live()

        wait_until(lambda: at_rest(runtime), "everything owed to be paid", seconds=180)
        events = httpx.get(
            f"{system.base}/api/contracts/{contract['id']}/events",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ).json()["items"]
        actions = Counter(event["action"] for event in events)
        assert actions["approved"] == 3
        assert actions["signed"] == 2
        assert actions["certified"] == actions["sealed"] == actions["in_force"] == 1
        assert system.command("audit", "verify").returncode == 0

        mails = [
            email.message_from_bytes(path.read_bytes(), policy=default)
            for path in (tmp_path / "home" / "mailbox").glob("*.eml")
        ]
        ids = {str(mail["Message-ID"]): (str(mail["To"]), str(mail["Subject"])) for mail in mails}
        times = Counter(str(mail["Message-ID"]) for mail in mails)
        assert max(times.values()) <= 2, "at most once more, where SMTP itself cannot tell"
        asked = Counter(ids.values())
        assert max(asked.values()) == 1, f"nobody is told the same by two mails: {asked}"
        assert len(ids) == 9, "manager, three of Legal, two signers; in force to the owner and both signers"
        runtime.engine.dispose()


def test_no_process_is_left_when_the_supervisor_ends(tmp_path: Path) -> None:
    with running_system(tmp_path / "home") as system:
        wait_until(lambda: {"api", "dispatcher", "worker", "prefect"} <= set(system.pids()), "every process")
        pids = list(system.pids().values())

    def gone(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text()

    wait_until(lambda: all(gone(pid) for pid in pids), "every process to end")
