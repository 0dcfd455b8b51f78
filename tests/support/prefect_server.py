"""A real Prefect server for tests, started as ``signoff serve`` starts it, and small flows deployed on it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support import servers
from workflows import processes
from workflows.settings import Settings

ROOT = Path(__file__).parents[2]
SAMPLES = ("note", "exits")

START_WORKER = """
import json, logging, sys
from workflows.settings import Settings
from workflows.worker import Deployment, run_worker
logging.basicConfig(level="INFO")
samples = [Deployment("test", f"tests.workflows.sample_flows.{name}", "A sample.", (), tuple(map(tuple, crons)))
           for name, crons in json.loads(sys.argv[1])]
sys.exit(run_worker(Settings(), samples))
"""


@dataclass(frozen=True)
class PrefectServer:
    settings: Settings
    """As the system has them whose Prefect server this is."""
    process: subprocess.Popen[bytes]

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=self.settings.prefect_url, timeout=20)

    def deploy(self, name: str, *, flow: str = "waits") -> str:
        """Register a deployment without any worker; its id."""
        with self.api as api:
            flow_id = api.post("/flows/", json={"name": flow}).raise_for_status().json()["id"]
            made = api.post("/deployments/", json={"name": name, "flow_id": flow_id, "entrypoint": "nowhere.flow"})
            deployment: str = made.raise_for_status().json()["id"]
            return deployment

    def run(self, flow_run_id: str) -> dict[str, Any]:
        with self.api as api:
            found: dict[str, Any] = api.get(f"/flow_runs/{flow_run_id}").raise_for_status().json()
            return found

    def move(self, flow_run_id: str, state: str) -> None:
        """Put a run into a state, as a worker or the flow's engine would."""
        with self.api as api:
            body = {"state": {"type": state}, "force": True}
            api.post(f"/flow_runs/{flow_run_id}/set_state", json=body).raise_for_status()


@contextmanager
def prefect_server(home: Path, *, settings: Settings | None = None) -> Iterator[PrefectServer]:
    """``settings``: those of an earlier server, to start it again on the same address and database."""
    settings = settings or Settings(
        home=home, prefect_port=servers.free_port(), poke_port=servers.free_port(), work_pool="test", timezone="UTC"
    )
    home.mkdir(parents=True, exist_ok=True)
    (part,) = [part for part in processes.parts(settings) if part.name == "prefect"]

    def answers() -> bool:
        try:
            return httpx.get(f"{settings.prefect_url}/health", timeout=1).is_success
        except httpx.HTTPError:
            return False

    with servers.running(
        part.command, ready=answers, log=home / "prefect.log", environment=part.environment
    ) as process:
        yield PrefectServer(settings, process)


@contextmanager
def warm_worker(
    server: PrefectServer,
    *,
    samples: Sequence[tuple[str, Sequence[tuple[str, str]]]] = tuple((name, ()) for name in SAMPLES),
    before: str = "",
    **environment: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """Our worker with the sample flows. ``samples``: names, and the schedules (slug, cron) of each. ``before``: Python
    that it carries out first. Its own poll is as good as off: what wakes it is the poke and the events."""
    log = server.settings.home / "worker.log"
    log.unlink(missing_ok=True)
    with servers.running(
        [sys.executable, "-c", before + START_WORKER, json.dumps(samples)],
        ready=lambda: "started!" in log.read_text(errors="replace"),
        log=log,
        environment={
            **processes.child_environment(server.settings),
            "PYTHONPATH": str(ROOT),
            "PREFECT_WORKER_QUERY_SECONDS": "600",
            **environment,
        },
    ) as process:
        yield process
