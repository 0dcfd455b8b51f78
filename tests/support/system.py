"""The whole system as its users start it: `signoff serve` on free ports, in a home of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.prefect_server import put_tables
from tests.support.servers import free_port, wait_until

ROOT = Path(__file__).parents[2]


@dataclass
class System:
    home: Path
    base: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def web(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, timeout=60)

    def pids(self) -> dict[str, int]:
        """The processes that the supervisor runs now, by name."""
        found = json.loads((self.home / "run" / "processes.json").read_text())
        return {name: each["pid"] for name, each in found.items()}

    def kill(self, name: str) -> int:
        """``kill -9`` one of them."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )


@contextmanager
def running_system(home: Path, **settings: str) -> Iterator[System]:
    web, smtp, prefect, poke = (free_port() for _ in range(4))
    environment = {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SIGNOFF_", "PREFECT_")) or name.startswith("SIGNOFF_TEST_")
        },
        "SIGNOFF_HOME": str(home),
        "SIGNOFF_PORT": str(web),
        "SIGNOFF_MAILBOX_PORT": str(smtp),
        "SIGNOFF_PREFECT_PORT": str(prefect),
        "SIGNOFF_POKE_PORT": str(poke),
        **settings,
    }
    home.mkdir(parents=True, exist_ok=True)
    put_tables(home)
    with (home / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--no-sample"],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    system = System(home, f"http://127.0.0.1:{web}", environment, process)
    try:
        wait_until(lambda: process.poll() is not None or alive(system.base), "the portal")
        assert process.poll() is None, (home / "serve.log").read_text()[-3000:]
        yield system
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def alive(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health", timeout=10).is_success
    except httpx.TransportError:
        return False
