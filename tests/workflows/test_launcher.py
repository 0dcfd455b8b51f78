from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from tests.support.prefect_server import PrefectServer
from tests.support.servers import free_port
from workflows.launcher import Launcher, LauncherUnavailable, Unfinished, is_orphan
from workflows.places import birth_of, here

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


@pytest.fixture
def launcher(prefect: PrefectServer) -> Iterator[Launcher]:
    with closing(Launcher(prefect.settings.prefect_url, poke=None)) as launcher:
        yield launcher


def launch(launcher: Launcher, deployment: str, key: str = "") -> str:
    key = key or uuid4().hex
    return launcher.launch(
        deployment, parameters={"contract_id": "42"}, idempotency_key=key, name="C-2026-0001", tags=["C-2026-0001"]
    )


def test_a_run_carries_what_it_was_given(prefect: PrefectServer, launcher: Launcher) -> None:
    deployment = prefect.deploy("carries")
    run = prefect.run(launch(launcher, "waits/carries"))
    assert run["deployment_id"] == deployment
    assert run["name"] == "C-2026-0001"
    assert run["tags"] == ["C-2026-0001"]
    assert run["parameters"] == {"contract_id": "42"}
    assert run["state_type"] == "SCHEDULED"


def test_the_same_key_gives_the_same_run(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("once")
    key = uuid4().hex
    assert launch(launcher, "waits/once", key) == launch(launcher, "waits/once", key)
    assert launch(launcher, "waits/once") != launch(launcher, "waits/once", key)


def test_a_deployment_that_is_not_there_yet_is_tried_again(prefect: PrefectServer, launcher: Launcher) -> None:
    with pytest.raises(LauncherUnavailable, match="does not know the deployment waits/later yet"):
        launch(launcher, "waits/later")
    prefect.deploy("later")
    assert launch(launcher, "waits/later")


def test_a_deployment_that_was_registered_anew_is_found(prefect: PrefectServer, launcher: Launcher) -> None:
    first = prefect.deploy("anew")
    launch(launcher, "waits/anew")
    with prefect.api as api:
        api.delete(f"/deployments/{first}").raise_for_status()
    with pytest.raises(LauncherUnavailable):
        launch(launcher, "waits/anew")
    second = prefect.deploy("anew")
    assert prefect.run(launch(launcher, "waits/anew"))["deployment_id"] == second
    with prefect.api as api:
        api.delete(f"/deployments/{second}").raise_for_status()
    third = prefect.deploy("anew")
    assert prefect.run(launch(launcher, "waits/anew"))["deployment_id"] == third


def test_a_server_that_is_not_there_is_a_sentence() -> None:
    with closing(Launcher(f"http://127.0.0.1:{free_port()}/api", poke=None)) as launcher:
        with pytest.raises(LauncherUnavailable, match="does not answer"):
            launch(launcher, "waits/any")
        with pytest.raises(LauncherUnavailable):
            launcher.running("waits/any")


@pytest.mark.parametrize(
    ("status", "body"), [(503, b'{"detail": "database is locked"}'), (500, b"oh"), (200, b"<html>"), (409, b"{}")]
)
def test_whatever_the_server_answers_instead_may_be_tried_again(status: int, body: bytes) -> None:
    with _answering(status, body) as url, closing(Launcher(url, poke=None)) as launcher:
        with pytest.raises(LauncherUnavailable, match=str(status)):
            launch(launcher, "waits/any")
        with pytest.raises(LauncherUnavailable, match=str(status)):
            launcher.mark_crashed(str(uuid4()))


def test_credentials_for_a_closed_server_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "signoff:open")
    seen: list[str] = []
    with _answering(404, b"{}", seen) as url, closing(Launcher(url, poke=None)) as launcher:
        assert launcher.state(str(uuid4())) is None
    assert seen == ["Basic c2lnbm9mZjpvcGVu"]


def test_a_launch_pokes_the_worker(prefect: PrefectServer) -> None:
    prefect.deploy("pokes")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as worker:
        worker.bind(("127.0.0.1", 0))
        worker.settimeout(60)
        with closing(Launcher(prefect.settings.prefect_url, poke=worker.getsockname())) as launcher:
            launch(launcher, "waits/pokes")
        assert worker.recv(16)


def test_nobody_to_poke_is_no_failure(prefect: PrefectServer) -> None:
    prefect.deploy("alone")
    with closing(Launcher(prefect.settings.prefect_url, poke=("127.0.0.1", free_port()))) as launcher:
        assert launch(launcher, "waits/alone")
        assert launch(launcher, "waits/alone")


def test_only_runs_under_way_are_running(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("running")
    _waiting, claimed, running, done = (launch(launcher, "waits/running") for _ in range(4))
    prefect.move(claimed, "PENDING")
    prefect.move(running, "RUNNING")
    prefect.move(done, "COMPLETED")
    found = {run.flow_run_id: run for run in launcher.running("waits/running")}
    assert set(found) == {claimed, running}
    assert found[running].state == "RUNNING"
    assert found[running].name == "C-2026-0001"
    assert found[running].parameters == {"contract_id": "42"}
    assert abs(datetime.now(UTC) - found[running].since) < timedelta(minutes=5)
    assert not found[running].scheduled


def test_orphans_are_told_from_runs_that_somebody_carries_on(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("orphans")
    places = {"here": here(), "dead": _place_of_the_dead(), "held": "elsewhere:1:1", "far": "elsewhere:2:2"}
    runs = {name: launch(launcher, "waits/orphans") for name in places}
    with prefect.api as api:
        for name, place in places.items():
            prefect.move(runs[name], "RUNNING")
            api.patch(f"/flow_runs/{runs[name]}", json={"infrastructure_pid": place}).raise_for_status()

    def orphans(after: timedelta) -> set[str]:
        found = launcher.find_orphans(
            "waits/orphans", now=datetime.now(UTC) + after, is_held=lambda run: run.place in ("elsewhere:1:1", here())
        )
        return {run.flow_run_id for run in found}

    assert orphans(timedelta(0)) == {runs["dead"]}
    assert orphans(timedelta(hours=1)) == {runs["dead"], runs["far"]}


def test_an_orphan_is_closed_as_crashed(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("crashes")
    run = launch(launcher, "waits/crashes")
    prefect.move(run, "RUNNING")
    assert launcher.mark_crashed(run, "Its worker was killed.")
    state = prefect.run(run)["state"]
    assert (state["type"], state["message"]) == ("CRASHED", "Its worker was killed.")
    assert not launcher.mark_crashed(run)


def test_an_orphan_is_handed_back_and_waits_to_begin_again(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("again")
    run = launch(launcher, "waits/again")
    prefect.move(run, "RUNNING")
    assert launcher.hand_back(run)
    assert launcher.state(run) == "SCHEDULED"
    assert prefect.run(run)["next_scheduled_start_time"] is not None
    assert launcher.running("waits/again") == ()


def test_a_run_that_has_ended_stays_as_it_ended(prefect: PrefectServer, launcher: Launcher) -> None:
    prefect.deploy("ended")
    run = launch(launcher, "waits/ended")
    prefect.move(run, "COMPLETED")
    assert not launcher.mark_crashed(run)
    assert not launcher.hand_back(run)
    assert launcher.state(run) == "COMPLETED"


def test_an_unknown_run_is_nobodys_orphan(launcher: Launcher) -> None:
    assert launcher.state(str(uuid4())) is None
    assert not launcher.mark_crashed(str(uuid4()))


def test_a_run_of_a_process_that_is_gone_is_an_orphan_at_once() -> None:
    assert is_orphan(_run(place=_place_of_the_dead()), now=NOW)
    assert not is_orphan(_run(place=here()), now=NOW)


def test_a_later_process_with_the_same_number_is_somebody_else() -> None:
    assert is_orphan(_run(place=here().replace(birth_of(os.getpid()), "1")), now=NOW)


def test_of_another_machine_only_time_and_the_lease_tell() -> None:
    far = "elsewhere:123:456"
    assert not is_orphan(_run(place=far, age=timedelta(minutes=10)), now=NOW)
    assert is_orphan(_run(place=far, age=timedelta(minutes=20)), now=NOW)
    assert not is_orphan(_run(place=far, age=timedelta(minutes=20)), now=NOW, held=True)


def test_a_claimed_run_without_a_place_is_given_less_time() -> None:
    assert is_orphan(_run(state="PENDING", place="", age=timedelta(minutes=3)), now=NOW)
    assert not is_orphan(_run(state="PENDING", place="", age=timedelta(seconds=30)), now=NOW)
    assert not is_orphan(_run(state="RUNNING", place="", age=timedelta(minutes=3)), now=NOW)


def test_the_launcher_does_not_import_prefect() -> None:
    code = "import sys, workflows.launcher, workflows.leases, workflows.processes; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _run(*, place: str, state: str = "RUNNING", age: timedelta = timedelta(seconds=1)) -> Unfinished:
    return Unfinished("id", "C-1", state, NOW - age, {}, (), place, 1, False)


def _place_of_the_dead() -> str:
    code = "from workflows.places import here; print(here())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _answering(status: int, body: bytes, seen: list[str] | None = None) -> Iterator[str]:
    """A server that answers everything like this; ``seen`` collects the Authorization headers."""

    class Answer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            if seen is not None:
                seen.append(self.headers.get("Authorization", ""))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()
        thread.join()
