"""The supervisor with small parts in place of the real ones: what it does with them does not depend on what they do."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.servers import free_port, wait_until
from workflows.places import birth_of, has_died, here
from workflows.processes import child_environment, parts
from workflows.settings import Settings

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux tells children of their parent's death")

SERVE = """
import json, sys
from pathlib import Path
from workflows import processes
from workflows.settings import Settings

settings, wanted, patches = Settings(), json.loads(sys.argv[1]), json.loads(sys.argv[2])
for name, value in patches.items():
    setattr(processes, name, value)
environment = processes.child_environment(settings)
processes.parts = lambda settings: [
    processes.Part(name, [sys.executable, "-c", code], environment, at_once=name == "api") for name, code in wanted
]
try:
    sys.exit(processes.serve(settings, on_ready=lambda: exec(sys.argv[3])))
except processes.CannotServe as reason:
    sys.exit(str(reason))
"""
READY = "with open('ready', 'a') as file: file.write('ready ')"
READY_AND_BUSY = "import subprocess; Path('busy').write_text(str(subprocess.Popen(['sleep', '600']).pid))"
API = """
import os, http.server
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["SIGNOFF_PORT"])), Answer).serve_forever()
"""
NEVER_HEALTHY = "import time; time.sleep(600)"
SLEEPER = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
DIES = "print('begun', flush=True); raise SystemExit(7)"
PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
TALKER = """
import itertools, time
for number in itertools.count():
    print(f"line {number:06}" + 80 * ".", flush=True)
    time.sleep(0.002)
"""


@dataclass
class House:
    """A home for a supervisor and its parts."""

    home: Path
    port: int = field(default_factory=free_port)
    supervisors: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, **settings: str) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SIGNOFF_HOME": str(self.home),
            "SIGNOFF_PORT": str(self.port),
            **settings,
        }

    def serve(
        self,
        *wanted: tuple[str, str],
        patches: Mapping[str, object] = MappingProxyType({}),
        on_ready: str = READY,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.Popen[bytes]:
        self.home.mkdir(exist_ok=True)
        with (self.home / "serve.log").open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-c", SERVE, json.dumps(wanted), json.dumps(dict(patches)), on_ready],
                env=self.environment(**environment),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.supervisors.append(supervisor)
        return supervisor

    def refused(self, **settings: str) -> str:
        supervisor = self.serve(("api", API), environment=settings)
        assert supervisor.wait(60) == 1
        return self.said()

    def said(self) -> str:
        return (self.home / "serve.log").read_text()

    def pids(self) -> dict[str, int]:
        try:
            state = json.loads((self.home / "run" / "processes.json").read_text())
        except FileNotFoundError:
            return {}
        return {name: each["pid"] for name, each in state.items()}

    def has_another(self, name: str, than: int) -> bool:
        return self.pids().get(name, than) != than

    def log(self, name: str) -> str:
        path = self.home / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def await_parts(self, *names: str) -> dict[str, int]:
        wait_until(lambda: set(names) <= set(self.pids()), f"{names} in processes.json")
        return self.pids()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "home")
    yield house
    pids = set(house.pids().values())
    for supervisor in house.supervisors:
        with suppress(ProcessLookupError):
            supervisor.kill()
        supervisor.wait()
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def gone(pids: Sequence[int]) -> Callable[[], bool]:
    return lambda: not any(birth_of(pid) for pid in pids)


def test_the_portal_comes_first_and_then_the_others(house: House) -> None:
    house.serve(("api", NEVER_HEALTHY), ("worker", SLEEPER))
    pids = house.await_parts("api")
    time.sleep(1)
    assert "worker" not in house.pids()
    os.killpg(pids["api"], signal.SIGKILL)


def test_without_a_portal_the_others_start_after_a_while_all_the_same(house: House) -> None:
    house.serve(("api", NEVER_HEALTHY), ("worker", SLEEPER), patches={"HEAD_START": 0.5})
    house.await_parts("api", "worker")
    assert not (house.home / "ready").exists()


def test_whoever_waits_for_the_portal_is_told_once(house: House) -> None:
    house.serve(("api", API), ("worker", SLEEPER))
    pids = house.await_parts("api", "worker", "serve")
    wait_until((house.home / "ready").exists, "the call")
    os.kill(pids["api"], signal.SIGKILL)
    wait_until(lambda: house.has_another("api", pids["api"]), "another portal")
    time.sleep(0.5)
    assert (house.home / "ready").read_text() == "ready "


def test_a_part_that_was_killed_is_there_again_at_once(house: House) -> None:
    house.serve(("api", API), ("worker", SLEEPER))
    before = house.await_parts("api", "worker")
    for name in ("worker", "api"):
        os.kill(before[name], signal.SIGKILL)
        wait_until(partial(house.has_another, name, before[name]), f"another {name}")
        assert birth_of(house.pids()[name])
    assert "worker ended (SIGKILL); it is started again in 0.1 s." in house.said()


def test_a_part_that_keeps_dying_is_given_longer_and_longer_pauses(house: House) -> None:
    house.serve(("api", API), ("worker", DIES))
    house.await_parts("api")
    wait_until(lambda: house.said().count("worker ended (status 7)") >= 4, "four deaths")
    assert re.findall(r"worker ended \(status 7\); it is started again in (\S+) s\.", house.said())[:4] == [
        *("0.1", "1.0", "2.0", "4.0"),
    ]
    assert house.log("worker").count("begun") >= 4


def test_a_part_that_cannot_even_be_started_is_tried_again(house: House) -> None:
    logs = house.home / "logs"
    (logs / "worker.log").mkdir(parents=True)  # where its log should go
    house.serve(("api", API), ("worker", SLEEPER))
    house.await_parts("api")
    wait_until(lambda: "worker could not be started" in house.said(), "a complaint")
    (logs / "worker.log").rmdir()
    house.await_parts("worker")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_at_once(house: House, number: signal.Signals) -> None:
    supervisor = house.serve(("api", API), ("prefect", SLEEPER), ("worker", PARENT), patches={"PATIENCE": 600.0})
    pids = house.await_parts("api", "prefect", "worker")
    wait_until(lambda: house.log("worker").strip().isdigit(), "a child of the worker")
    grandchild = int(house.log("worker"))
    supervisor.send_signal(number)
    assert supervisor.wait(60) == 0
    wait_until(gone([*pids.values(), grandchild]), "the end of all")
    assert not (house.home / "run" / "processes.json").exists()


def test_what_does_not_listen_is_ended_all_the_same(house: House) -> None:
    supervisor = house.serve(("api", API), ("prefect", DEAF), patches={"PATIENCE": 1.0})
    pids = house.await_parts("api", "prefect")
    wait_until(lambda: "deaf" in house.log("prefect"), "a deaf part")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(60) == 0
    assert gone(list(pids.values()))()


@linux
def test_what_the_call_has_started_ends_too(house: House) -> None:
    supervisor = house.serve(("api", API), on_ready=READY_AND_BUSY)
    started = house.home / "busy"
    wait_until(lambda: started.exists() and bool(started.read_text()), "a child of the call")
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    wait_until(gone([int(started.read_text())]), "its end")


@linux
def test_nothing_outlives_a_killed_supervisor(house: House) -> None:
    supervisor = house.serve(("api", API), ("worker", SLEEPER))
    pids = house.await_parts("api", "worker")
    supervisor.kill()
    supervisor.wait()
    wait_until(gone(list(pids.values())), "the end of all")


@linux
def test_what_outlived_a_killed_supervisor_is_ended_by_the_next(house: House) -> None:
    supervisor = house.serve(("api", API), ("worker", DEAF))
    before = house.await_parts("api", "worker")
    wait_until(lambda: "deaf" in house.log("worker"), "a deaf part")
    supervisor.kill()
    supervisor.wait()
    assert birth_of(before["worker"])
    house.serve(("api", API), ("worker", SLEEPER), patches={"PATIENCE": 0.5})
    wait_until(lambda: house.has_another("worker", before["worker"]), "another worker")
    assert gone([before["worker"]])()


def test_elsewhere_a_watcher_ends_what_outlives_the_supervisor(house: House) -> None:
    victim = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
    innocent = subprocess.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
    house.home.mkdir()
    state = house.home / "processes.json"
    state.write_text(
        json.dumps(
            {
                "serve": {"pid": os.getpid(), "birth": birth_of(os.getpid())},
                "worker": {"pid": victim.pid, "birth": birth_of(victim.pid)},
                "api": {"pid": innocent.pid, "birth": "another process that had this number"},
            }
        )
    )
    watcher = subprocess.Popen(
        [sys.executable, "-c", "from workflows.processes import outlive; outlive()", state],
        stdin=subprocess.PIPE,
        env=house.environment(),
    )
    try:
        time.sleep(0.5)
        assert victim.poll() is None
        assert watcher.stdin is not None
        watcher.stdin.close()
        assert victim.wait(60) == -signal.SIGTERM
        watcher.wait(60)
        assert innocent.poll() is None
    finally:
        for process in (victim, innocent, watcher):
            process.kill()
            process.wait()


def test_one_home_has_one_supervisor(house: House) -> None:
    first = house.serve(("api", API))
    house.await_parts("api")
    assert f"Signoff already runs on {house.home} (process {first.pid})." in house.refused()
    assert first.poll() is None


def test_a_home_is_free_again_after_a_kill(house: House) -> None:
    first = house.serve(("api", API))
    house.await_parts("api")
    first.kill()
    first.wait()
    second = house.serve(("api", API))
    wait_until(lambda: house.pids().get("serve") == second.pid, "the second supervisor")


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        ("SIGNOFF_PORT", socket.SOCK_STREAM),
        ("SIGNOFF_PREFECT_PORT", socket.SOCK_STREAM),
        ("SIGNOFF_MAILBOX_PORT", socket.SOCK_STREAM),
        ("SIGNOFF_POKE_PORT", socket.SOCK_DGRAM),
    ],
)
def test_a_port_that_somebody_has_is_named_with_its_setting(
    house: House, setting: str, kind: socket.SocketKind
) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        said = house.refused(**{setting: str(port)})
    assert re.search(rf"Port {port} on 127.0.0.1 cannot be had \(.+\); set {setting}, or stop what has it\.", said)
    assert house.pids() == {}


def test_production_does_not_start_with_values_that_everybody_knows(house: House) -> None:
    said = house.refused(SIGNOFF_ENVIRONMENT="production")
    assert "SIGNOFF_SECRET" in said
    assert house.pids() == {}


def test_logs_rotate_while_they_are_written(house: House) -> None:
    house.serve(
        ("api", API),
        ("worker", TALKER),
        ("prefect", DIES),
        patches={"LOG_BYTES": 20_000, "LOG_FILES": 2, "LOOK_EVERY": 0.2},
    )
    second = house.home / "logs" / "worker.log.2"
    wait_until(second.exists, "two rotations")
    assert not (house.home / "logs" / "worker.log.3").exists()
    wait_until(lambda: house.log("worker").count("\n") > 3, "new lines after the rotation")
    lines = house.log("worker").splitlines()
    assert lines[-2].startswith("line "), "no hole of zeros at the beginning"
    assert "\0" not in house.log("worker")


def test_children_see_the_very_settings_of_their_parent(tmp_path: Path) -> None:
    given = Settings(
        home=tmp_path,
        port=8123,
        secret="a 'quoted' secret, with commas",
        timestamp_urls=("http://one.example", "http://two.example"),
        trust_anchors=(tmp_path / "one.pem", tmp_path / "two.pem"),
        expiry_alert_days=(45, 5),
        prefect_port=4300,
    )
    code = "import sys; from workflows.settings import Settings; sys.stdout.write(Settings().model_dump_json())"
    environment = child_environment(given) | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, check=True)
    seen = json.loads(told.stdout)
    expected = json.loads(given.model_dump_json())
    assert {**seen, "prefect_api_url": ""} == {**expected, "home": str(tmp_path.resolve())}
    assert seen["prefect_api_url"] == "http://127.0.0.1:4300/api"
    assert environment["SIGNOFF_SECRET"] == "a 'quoted' secret, with commas"


def test_settings_of_the_parents_environment_do_not_leak_past_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Settings(home=tmp_path, port=8123)
    monkeypatch.setenv("SIGNOFF_PORT", "9999")
    monkeypatch.setenv("SIGNOFF_LOCALE", "ko")
    environment = child_environment(given)
    assert environment["SIGNOFF_PORT"] == "8123"
    assert "SIGNOFF_LOCALE" not in environment


def test_prefects_server_is_a_part_only_where_it_is_ours(tmp_path: Path) -> None:
    ours = Settings(home=tmp_path)
    theirs = Settings(home=tmp_path, PREFECT_API_URL="http://prefect.example/api")
    assert [part.name for part in parts(ours)] == ["api", "dispatcher", "prefect", "worker"]
    assert [part.name for part in parts(theirs)] == ["api", "dispatcher", "worker"]
    assert all(part.environment["PREFECT_API_URL"] == "http://prefect.example/api" for part in parts(theirs))


@linux
def test_the_supervisor_stays_small(house: House) -> None:
    house.serve(("api", API), ("worker", SLEEPER))
    pid = house.await_parts("api", "worker", "serve")["serve"]
    time.sleep(1)
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    assert int(found[1]) < 40_000


def test_a_process_knows_its_own_place_and_others_know_when_it_is_gone() -> None:
    assert not has_died(here())
    other = subprocess.Popen([sys.executable, "-c", SLEEPER])
    space = here().rpartition(":")[2]
    place = f"{socket.gethostname()}:{other.pid}:{birth_of(other.pid)}:{space}"
    assert not has_died(place)
    other.kill()
    wait_until(lambda: has_died(place), "its death, though nobody has buried it")
    other.wait()
    assert has_died(place)
    assert not has_died(f"{place}0"), "a container of the same name has processes of its own"


@pytest.mark.parametrize(
    "place", ["", "1234", "elsewhere:1:1:", f"{socket.gethostname()}:1:", f"{socket.gethostname()}:1::", "a:b:c:d:e"]
)
def test_nobody_is_declared_dead_without_proof(place: str) -> None:
    assert not has_died(place)
