"""The warm worker as its own process, on a real Prefect server. Its poll is off: only pokes and events wake it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.prefect_server import ROOT, Office, PrefectServer, prefect_server
from tests.support.servers import running
from workflows import processes, schema

pytestmark = pytest.mark.timeout(180)

PAUSE_ONCE = """
from prefect.exceptions import Pause
from prefect.workers.base import BaseWorker
propose, paused = BaseWorker._propose_pending_state, set()
async def pauses(worker, flow_run):
    if flow_run.name == "paused" and not paused:
        paused.add(flow_run.id)
        raise Pause("somebody paused it")
    return await propose(worker, flow_run)
BaseWorker._propose_pending_state = pauses
"""


@pytest.fixture(scope="module")
def at_work(prefect: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office whose worker runs already."""
    office = Office(prefect, tmp_path_factory.mktemp("office"))
    with closing(office.launcher), office.worker(SIGNOFF_WORKER_LIMIT="1"):
        yield office


@pytest.fixture
def office(prefect: PrefectServer, tmp_path: Path) -> Iterator[Office]:
    office = Office(prefect, tmp_path)
    with closing(office.launcher):
        yield office


def test_a_launched_run_begins_at_once(at_work: Office) -> None:
    at_work.await_state(at_work.launch("warms-up"))
    at_work.await_state(at_work.launch("now"))  # in 0.3 s on an idle machine; by the poll alone it would be 600


def test_runs_that_wait_for_a_slot_follow_each_other_at_once(at_work: Office) -> None:
    runs = [at_work.launch(f"slot-{number}", seconds=0.2) for number in range(5)]
    for run in runs:
        at_work.await_state(run)
    words = [word for word in at_work.words() if word.startswith("slot-")]
    assert all(end == f"{begin}-end" for begin, end in zip(words[::2], words[1::2], strict=True)), "one at a time"
    assert sorted(words[::2]) == [f"slot-{number}" for number in range(5)]


def test_launches_in_parallel_are_not_refused_while_a_run_goes_on(at_work: Office) -> None:
    words = [f"crowd-{number}" for number in range(12)]
    with ThreadPoolExecutor(4) as crowd:
        for run in list(crowd.map(at_work.launch, words)):
            at_work.await_state(run)
    assert Counter(word for word in at_work.words() if word in words) == Counter(words)


def test_with_more_slots_runs_go_on_side_by_side(office: Office) -> None:
    with office.worker(SIGNOFF_WORKER_LIMIT="3"):
        office.await_state(office.launch("warms-up"))
        runs = [office.launch(f"side-{number}", flow="meets") for number in range(3)]
        for number in range(3):
            office.await_word(f"side-{number}")
        assert not [word for word in office.words() if word.startswith("side") and word.endswith("-end")]
        office.open_door()
        for run in runs:
            office.await_state(run)


def test_a_flow_that_would_exit_does_not_end_the_worker(at_work: Office) -> None:
    at_work.await_state(at_work.launch("exits", flow="exits"), "CRASHED")
    at_work.await_state(at_work.launch("after"))


def test_without_a_poke_the_events_wake_it(prefect: PrefectServer, tmp_path: Path) -> None:
    office = Office(prefect, tmp_path, poke=False)
    with closing(office.launcher), office.worker():
        office.await_state(office.launch("heard"))


def test_a_pause_from_prefect_does_not_end_the_worker(office: Office) -> None:
    with office.worker(before=PAUSE_ONCE) as worker:
        paused = office.launch("paused")
        office.await_state(office.launch("next"))
        assert worker.poll() is None
        office.await_state(paused)


def test_a_killed_workers_run_begins_again_when_a_worker_starts(office: Office) -> None:
    with office.worker() as worker:
        run = office.launch("killed", seconds=30)
        office.await_word("killed")
        worker.kill()
        worker.wait()
    assert office.launcher.state(run) == "RUNNING", "Prefect itself does not notice"
    office.set_parameters(run, word="again")
    with office.worker():
        office.await_state(run)
    assert office.words() == ["killed", "again", "again-end"]
    assert office.server.run(run)["run_count"] == 2


def test_runs_that_kill_their_worker_every_time_or_cannot_begin_are_given_up_and_others_go_on(office: Office) -> None:
    with office.worker():
        pass  # registers the deployment
    dead = subprocess.run(
        [sys.executable, "-c", "from workflows.places import here; print(here())"], capture_output=True, check=True
    )
    deadly, wrong = office.launch("deadly"), office.launch("wrong")
    for state in ("RUNNING", "SCHEDULED", "RUNNING", "SCHEDULED", "RUNNING"):
        office.server.move(deadly, state)
    with office.server.api as api:
        place = {"infrastructure_pid": dead.stdout.decode().strip()}
        api.patch(f"/flow_runs/{deadly}", json=place).raise_for_status()
        api.patch(f"/flow_runs/{wrong}", json={"parameters": {"no": "such parameter"}}).raise_for_status()
    with office.worker():
        office.await_state(deadly, "CRASHED")
        office.await_state(wrong, "CRASHED")
        office.await_state(office.launch("harmless"))
    assert "deadly" not in office.words()
    assert "path" in office.server.run(wrong)["state"]["message"]


def test_a_worker_that_is_told_to_end_lets_its_run_finish(office: Office) -> None:
    with office.worker() as worker:
        run = office.launch("last", seconds=1.5)
        office.await_word("last")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert office.words() == ["last", "last-end"]
    assert office.launcher.state(run) == "COMPLETED"


def test_a_run_that_takes_too_long_does_not_keep_the_worker_from_ending(office: Office) -> None:
    with office.worker(before="import workflows.worker; workflows.worker.LAST_SECONDS = 1.0") as worker:
        run = office.launch("long", seconds=60)
        office.await_word("long")
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    office.set_parameters(run, word="again")
    with office.worker():
        office.await_state(run)


@pytest.mark.slow
def test_a_run_outlives_the_death_of_prefects_server(tmp_path: Path) -> None:
    with prefect_server(tmp_path / "prefect") as server:
        office = Office(server, tmp_path)
        with closing(office.launcher), office.worker(PREFECT_CLIENT_MAX_RETRIES="1") as worker:
            run = office.launch("through", seconds=2)
            office.await_word("through")
            server.process.kill()
            server.process.wait()
            office.await_word("through-end")
            with prefect_server(tmp_path / "prefect", settings=server.settings):
                office.await_state(run)
                office.await_state(office.launch("after"))
                assert worker.poll() is None


def test_registering_again_keeps_the_deployment_and_changes_its_schedule(office: Office) -> None:
    with office.worker(schedules=[("hourly", "5 * * * *")], SIGNOFF_TIMEZONE="Asia/Seoul"):
        first = office.deployment()
    with office.worker(schedules=[("hourly", "7 * * * *")], SIGNOFF_TIMEZONE="Asia/Seoul"):
        second = office.deployment()
    assert first["id"] == second["id"]
    for deployment, cron in ((first, "5 * * * *"), (second, "7 * * * *")):
        (schedule,) = deployment["schedules"]
        assert schedule["schedule"]["cron"] == cron
        assert schedule["schedule"]["timezone"] == "Asia/Seoul"
        assert schedule["active"]


def test_a_pool_of_other_workers_is_left_to_them(office: Office) -> None:
    with office.server.api as api:
        api.post("/work_pools/", json={"name": office.name, "type": "process"}).raise_for_status()
    with (
        pytest.raises(RuntimeError, match="is of type process: run a process worker instead"),
        office.worker(),
    ):
        pytest.fail("it works")
    with office.server.api as api:
        assert api.get(f"/work_pools/{office.name}").json()["type"] == "process"


@pytest.mark.slow
def test_a_stock_process_worker_can_take_its_place(prefect: PrefectServer, tmp_path: Path) -> None:
    """With the shipped ``prefect.yaml`` and the real flows, as CONTRIBUTING and the README tell it."""
    settings = prefect.settings.model_copy(update={"home": tmp_path / "home"})
    schema.migrate(settings.database)
    environment = {**os.environ, **processes.child_environment(settings), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    command = [sys.executable, "-m", "prefect", "--no-prompt"]
    for arguments in (["work-pool", "create", "signoff", "--type", "process"], ["deploy", "--all"]):
        done = subprocess.run([*command, *arguments], env=environment, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    log = tmp_path / "worker.log"
    log.write_text("")
    with running(
        [*command, "worker", "start", "--pool", "signoff", "--type", "process"],
        ready=lambda: "started!" in log.read_text(errors="replace"),
        log=log,
        environment=environment,
    ):
        office = Office(prefect, tmp_path)
        with closing(office.launcher) as launcher:
            runs = [
                launcher.launch(f"{flow}/signoff", parameters={}, idempotency_key=uuid4().hex, name=flow, tags=[])
                for flow in ("upkeep", "expiry-alerts")
            ]
            for run in runs:
                office.await_state(run)
