"""A real Prefect server for tests, started as ``signoff serve`` starts it, and small flows deployed on it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support import servers
from workflows import processes
from workflows.launcher import Launcher, LauncherUnavailable
from workflows.settings import Settings

ROOT = Path(__file__).parents[2]

START_WORKER = """
import json, logging, sys
from workflows.settings import Settings
from workflows.worker import Deployment, run_worker
logging.getLogger("workflows").setLevel("INFO")
name, wanted = sys.argv[1], json.loads(sys.argv[2])
sys.exit(run_worker(Settings(), [
    Deployment(name, f"tests.workflows.sample_flows.{flow}", "A sample.", (), tuple(map(tuple, crons)))
    for flow, crons in wanted
]))
"""


@dataclass(frozen=True)
class PrefectServer:
    settings: Settings
    """As the system has them whose Prefect server this is."""
    process: subprocess.Popen[bytes]

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=self.settings.prefect_url, timeout=60)

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
    put_tables(home)
    (part,) = [part for part in processes.parts(settings) if part.name == "prefect"]

    def answers() -> bool:
        try:
            return httpx.get(f"{settings.prefect_url}/health", timeout=10).is_success
        except httpx.HTTPError:
            return False

    with servers.running(
        part.command, ready=answers, log=home / "prefect.log", environment=part.environment
    ) as process:
        yield PrefectServer(settings, process)


def put_tables(home: Path) -> None:
    """Put Prefect's database below a home that has none yet, as its first start would make it in seven seconds.

    The tables are made once a run of the tests, by the same command.
    """
    folder = home / "prefect"
    if folder.exists() or "SIGNOFF_TEST_SHARED" not in os.environ:
        return
    shared = Path(os.environ["SIGNOFF_TEST_SHARED"]) / "prefect"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "migrated-by").exists():
            environment = {**os.environ, "PREFECT_HOME": str(shared)}
            command = [sys.executable, "-m", "workflows.prefect_server", "migrate"]
            subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            (shared / "migrated-by").write_text(metadata.version("prefect"))
    shutil.copytree(shared, folder)


class Office:
    """A work pool and deployments of its own on a server, a launcher for them, and a file in which the sample flows
    leave their lines."""

    def __init__(self, server: PrefectServer, folder: Path, *, poke: bool = True) -> None:
        self.server, self.folder, self.notes = server, folder, folder / "notes"
        self.name = uuid4().hex
        self.poke_port = servers.free_port()
        address = ("127.0.0.1", self.poke_port if poke else servers.free_port())
        self.launcher = Launcher(server.settings.prefect_url, poke=address)

    @contextmanager
    def worker(
        self, *, schedules: Sequence[tuple[str, str]] = (), before: str = "", **environment: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Our worker with the sample flows. ``schedules``: slug and cron, for ``note``. ``before``: Python that it
        carries out first. Its own poll is as good as off: what wakes it is the poke and the events."""
        log = self.folder / "worker.log"
        log.write_text("")
        flows = [("note", schedules), ("meets", ()), ("exits", ())]
        with servers.running(
            [
                sys.executable,
                "-c",
                before + START_WORKER,
                self.name,
                json.dumps(flows),
            ],
            ready=lambda: "started!" in log.read_text(errors="replace"),
            log=log,
            environment={
                **processes.child_environment(self.server.settings),
                "PYTHONPATH": str(ROOT),
                "SIGNOFF_WORK_POOL": self.name,
                "SIGNOFF_POKE_PORT": str(self.poke_port),
                "PREFECT_WORKER_QUERY_SECONDS": "600",
                **environment,
            },
        ) as process:
            yield process

    def launch(self, word: str, *, flow: str = "note", seconds: float = 0.0) -> str:
        parameters: dict[str, object] = {"path": str(self.notes)}
        if flow != "exits":
            parameters["word"] = word
        if flow == "note":
            parameters["seconds"] = seconds
        return self.launcher.launch(
            f"{flow}/{self.name}", parameters=parameters, idempotency_key=uuid4().hex, name=word, tags=[word]
        )

    def open_door(self) -> None:
        """Let the runs of ``meets`` end."""
        self.notes.with_suffix(".open").touch()

    def set_parameters(self, flow_run_id: str, **parameters: object) -> None:
        """What the run is given when it begins again."""
        with self.server.api as api:
            body = {"parameters": {"path": str(self.notes), **parameters}}
            api.patch(f"/flow_runs/{flow_run_id}", json=body).raise_for_status()

    def deployment(self) -> dict[str, Any]:
        with self.server.api as api:
            found: dict[str, Any] = api.get(f"/deployments/name/note/{self.name}").raise_for_status().json()
            return found

    def words(self) -> list[str]:
        return [line.split()[0] for line in self.lines()]

    def lines(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def moment(self, word: str) -> float:
        """When a flow wrote this word first; seconds since 1970."""
        return next(float(line.split()[1]) for line in self.lines() if line.split()[0] == word)

    def await_word(self, word: str, *, seconds: float = 90) -> None:
        servers.wait_until(lambda: word in self.words(), f"the word {word}", seconds=seconds)

    def await_state(self, flow_run_id: str, state: str = "COMPLETED", *, seconds: float = 90) -> None:
        def reached() -> bool:
            try:
                return self.launcher.state(flow_run_id) == state
            except LauncherUnavailable:
                return False

        servers.wait_until(reached, f"{state} of {flow_run_id}", seconds=seconds)
