"""The warm worker: a Prefect worker that runs flows in a process which has imported them already.

Prefect's own workers start a process for every run, and look for runs every ten seconds: seven seconds pass before a
flow's first line. This one has the flows in memory and is told when to look: by a datagram from the launcher, by
Prefect's event stream, and by its own poll when both fail. In Prefect's eyes it is an ordinary worker type (``warm``,
by the entry point ``prefect.collections``): pools, limits and pages work, and a stock worker can take its place.

Overrides private methods of Prefect 3.9.1 where it says so: that version is pinned.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import anyio.abc
import anyio.to_thread
import httpx
import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.deployments.runner import RunnerDeployment
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.exceptions import Abort, ObjectAlreadyExists, ObjectNotFound, Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from workflows.launcher import Launcher, LauncherUnavailable
from workflows.places import has_died, here
from workflows.pokes import listen
from workflows.processes import become_worker
from workflows.settings import Settings

log = logging.getLogger(__name__)

WAKING = ["prefect.flow-run.Scheduled", "prefect.flow-run.AwaitingRetry", "prefect.flow-run.Late"]
ATTEMPTS = 3  # a run that has taken its worker down with it so often is not begun again
LAST_SECONDS = 5.0  # for a run under way when the worker is told to end
FIRST_PAUSE, LAST_PAUSE = 0.2, 5.0  # seconds between two tries to reach Prefect's server


class CannotWork(Exception):
    """The worker has not started; the sentence says why."""


@dataclass(frozen=True)
class Deployment:
    """One entry of ``prefect.yaml``. ``entrypoint``: the flow's import path. ``crons``: when it runs of itself."""

    name: str
    entrypoint: str
    description: str
    tags: tuple[str, ...]
    crons: tuple[tuple[str, str], ...]
    """Slug and cron expression of each schedule."""

    @property
    def full_name(self) -> str:
        return f"{flow_of(self.entrypoint).name}/{self.name}"


def main() -> int:
    settings = Settings()
    for ours in ("workflows", "documents", "signing"):
        logging.getLogger(ours).setLevel(settings.log_level)  # Prefect has set up the rest, on import
    try:
        return run_worker(settings)
    except CannotWork as reason:
        log.error("%s", reason)
        return 1


def run_worker(settings: Settings, deployments: Sequence[Deployment] | None = None) -> int:
    """Register the work pool and the deployments, take up what a killed worker left, and run flows until a signal ends
    the process. For a process of its own: where Prefect has been imported with other settings, it is replaced.

    Raises:
        CannotWork: the pool belongs to other workers.
    """
    if os.environ.get("PREFECT_API_URL") != settings.prefect_url:
        become_worker(settings)
    wanted = deployed() if deployments is None else deployments
    for deployment in wanted:
        flow_of(deployment.entrypoint)  # the imports take seconds, in which Prefect's server may still be starting
    asyncio.run(_work(settings, wanted))
    return 0


async def _work(settings: Settings, deployments: Sequence[Deployment]) -> None:
    with _ended_by_signal():
        async with get_client() as client:
            await _reached(client)
            await register(client, settings, deployments)
        launcher = Launcher(settings.prefect_url, poke=settings.poke_address)
        await asyncio.to_thread(take_up, launcher, [each.full_name for each in deployments])
        worker = WarmWorker(
            work_pool_name=settings.work_pool,
            name=f"{socket.gethostname()}-{os.getpid()}",
            limit=settings.worker_limit,
            create_pool_if_not_found=False,
            poke_address=settings.poke_address,
        )
        await worker.start(printer=log.info)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """SIGTERM and SIGINT cancel the work: a run under way has some seconds to finish, no other is begun."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    work = task

    def end() -> None:
        work.cancel()
        # what is not finished by then begins again at the next start
        loop.call_later(LAST_SECONDS, os._exit, 0)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        yield
    except asyncio.CancelledError:
        log.info("The worker has ended.")


def deployed() -> tuple[Deployment, ...]:
    """The deployments of ``prefect.yaml``: beside the packages in a working copy, inside this one when installed."""
    beside, inside = Path(__file__).parents[1] / "prefect.yaml", Path(__file__).parent / "prefect.yaml"
    path = beside if beside.exists() else inside
    return tuple(
        Deployment(
            name=entry["name"],
            entrypoint=entry["entrypoint"],
            description=entry["description"],
            tags=tuple(entry["tags"]),
            crons=tuple((schedule["slug"], schedule["cron"]) for schedule in entry.get("schedules", ())),
        )
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    )


@cache
def flow_of(entrypoint: str) -> Flow[..., Any]:
    return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)


async def register(client: PrefectClient, settings: Settings, deployments: Sequence[Deployment]) -> None:
    """Make the work pool and the deployments what they should be. Safe to repeat.

    Raises:
        CannotWork: the pool is of another type, so that other workers serve it.
    """
    try:
        pool = await client.read_work_pool(settings.work_pool)
    except ObjectNotFound:
        template = WarmWorker.get_default_base_job_template()
        new = WorkPoolCreate(name=settings.work_pool, type=WarmWorker.type, base_job_template=template)
        with suppress(ObjectAlreadyExists):  # by another worker that starts just now
            await client.create_work_pool(new)
        pool = await client.read_work_pool(settings.work_pool)
    if pool.type != WarmWorker.type:
        raise CannotWork(
            f"The work pool {pool.name} is of type {pool.type}: run a {pool.type} worker instead of this one."
        )
    for each in deployments:
        deployment = RunnerDeployment.from_entrypoint(
            each.entrypoint,
            name=each.name,
            description=each.description,
            tags=list(each.tags),
            schedules=[Cron(cron, timezone=settings.timezone, slug=slug) for slug, cron in each.crons],
            work_pool_name=settings.work_pool,
        )
        await deployment.aapply()


def take_up(launcher: Launcher, deployments: Sequence[str]) -> None:
    """Begin again what killed workers of this machine have left in the middle.

    What they left elsewhere is for the sweep to find: nobody can see from here whether they are dead.
    """
    for deployment in deployments:
        try:
            left = [run for run in launcher.running(deployment) if has_died(run.place)]
            for run in left:
                if run.attempt >= ATTEMPTS or run.scheduled:
                    launcher.mark_crashed(run.flow_run_id)
                else:
                    launcher.hand_back(run.flow_run_id)
                log.warning("%s was left in the middle by a worker that died.", run.name)
        except LauncherUnavailable as reason:
            log.warning("Runs left by a dead worker wait for the sweep: %s", reason)


async def _reached(client: PrefectClient) -> None:
    """Wait until Prefect's server answers; it takes its seconds to start."""
    pause = FIRST_PAUSE
    while (reason := await client.api_healthcheck()) is not None:
        log.debug("Prefect's server does not answer yet: %s", reason)
        await asyncio.sleep(pause)
        pause = min(LAST_PAUSE, pause * 1.5)


class WarmResult(BaseWorkerResult):
    """``status_code`` 0: Prefect's server knows how the run ended."""


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, WarmResult]):
    type = "warm"
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs flows in a long-lived process that has imported them already."
    _display_name = "Warm"

    def __init__(self, *args: Any, poke_address: tuple[str, int] | None = None, **options: Any) -> None:
        # a run taken before its time would hold a slot while it waits for it
        options["prefetch_seconds"] = 0
        super().__init__(*args, **options)
        self._poke_address = poke_address or Settings().poke_address
        self._entrypoints: dict[UUID, str] = {}
        self._woken = asyncio.Event()
        self._looking = asyncio.Lock()
        self._place = here()

    async def setup(self) -> None:
        await super().setup()
        assert self._runs_task_group is not None
        loop = asyncio.get_running_loop()
        self._datagrams = listen(self._poke_address)  # None: this one relies on events
        if self._datagrams is not None:
            loop.add_reader(self._datagrams, self._on_datagram, self._datagrams)
        self._background = [
            loop.create_task(self._look_when_woken()),
            loop.create_task(self._listen_to_events()),
        ]

    async def teardown(self, *exc_info: Any) -> None:
        for task in self._background:
            task.cancel()
        if self._datagrams is not None:
            asyncio.get_running_loop().remove_reader(self._datagrams)
            self._datagrams.close()
        await super().teardown(*exc_info)

    def _on_datagram(self, datagrams: socket.socket) -> None:
        with suppress(OSError):
            datagrams.recv(16)
        self._woken.set()

    async def _look_when_woken(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self.get_and_submit_flow_runs()
            except Exception as error:  # noqa: BLE001 - whatever it was: the poll is the safety net
                log.info("A look for flow runs failed; the next poll makes up for it: %s", error)

    async def _listen_to_events(self) -> None:
        """For runs that somebody else than our launcher near by has made: Prefect's page, another machine."""
        waking = EventFilter(event=EventNameFilter(name=WAKING))
        while True:
            try:
                async with get_events_subscriber(filter=waking, reconnect_on_clean_close=True) as events:
                    async for _ in events:
                        self._woken.set()
            except Exception as error:  # noqa: BLE001 - the poll is the safety net here too
                log.info("Prefect's events are not to be had for now: %s", error)
            await asyncio.sleep(LAST_PAUSE)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        async with self._looking:  # a look that began earlier must not submit what a later one has run already
            return await super().get_and_submit_flow_runs()

    async def _submit_run(self, flow_run: FlowRun) -> None:
        # Private in Prefect. It lets a Pause (no Exception), which the server may answer to any proposed state, end the
        # whole worker.
        try:
            await super()._submit_run(flow_run)
        except (Pause, Abort) as verdict:
            log.info("Prefect's server does not want %s to run now: %s", flow_run.name, verdict)
            self._release_limit_slot(flow_run.id)
            self._submitting_flow_run_ids.discard(flow_run.id)

    async def _submit_run_and_capture_errors(
        self, flow_run: FlowRun, task_status: anyio.abc.TaskStatus[int | Exception] | None = None
    ) -> BaseWorkerResult | Exception:
        # Private in Prefect, and the same: this part runs in a task of its own once the run has begun.
        try:
            return await super()._submit_run_and_capture_errors(flow_run, task_status)
        except (Pause, Abort) as verdict:
            log.info("Prefect's server ended %s: %s", flow_run.name, verdict)
            if task_status is not None:
                with suppress(RuntimeError):  # it has been told already
                    task_status.started(RuntimeError(str(verdict)))
            return RuntimeError(str(verdict))

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        # Private in Prefect. The place says more, and before anything can go wrong.
        await self.client.update_flow_run(flow_run_id, infrastructure_pid=self._place)

    async def _propose_submitting_state(self, flow_run: FlowRun) -> None:
        # Private in Prefect. Nothing has to be submitted anywhere: one change of state less for its database.
        return

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: anyio.abc.TaskStatus[Any] | None = None,
    ) -> WarmResult:
        flow = flow_of(await self._entrypoint_of(flow_run))
        if task_status is not None:
            task_status.started(self._place)
        try:
            broken = await anyio.to_thread.run_sync(_execute, flow, flow_run)
            if broken is not None:
                await self._give_up(flow_run, broken)
            return WarmResult(identifier=self._place, status_code=0)
        finally:
            # the slot is free in a moment: whatever has waited for it need not wait for the next poll
            asyncio.get_running_loop().call_later(0.01, self._woken.set)

    async def _entrypoint_of(self, flow_run: FlowRun) -> str:
        assert flow_run.deployment_id is not None, "only deployments have a work pool"
        if flow_run.deployment_id not in self._entrypoints:
            deployment = await self.client.read_deployment(flow_run.deployment_id)
            if deployment.entrypoint is None:
                raise RuntimeError(f"The deployment {deployment.name} names no flow.")
            self._entrypoints[flow_run.deployment_id] = deployment.entrypoint
        return self._entrypoints[flow_run.deployment_id]

    async def _give_up(self, flow_run: FlowRun, broken: Exception) -> None:
        """Prefect's engine gave up on a run without telling the server. Where the server was lost in the middle, the
        run begins again once it is back; where the run cannot even begin, it has crashed."""
        launcher = Launcher(str(PREFECT_API_URL.value()), poke=None)
        pause = FIRST_PAUSE
        while True:
            try:
                if _server_lost(broken):
                    await asyncio.to_thread(launcher.hand_back, str(flow_run.id), "Prefect's server was lost.")
                else:
                    why = f"{type(broken).__name__}: {broken}"
                    await asyncio.to_thread(launcher.mark_crashed, str(flow_run.id), why)
            except LauncherUnavailable as reason:
                log.info("%s waits for Prefect's server: %s", flow_run.name, reason)
                await asyncio.sleep(pause)
                pause = min(LAST_PAUSE, pause * 1.5)
            else:
                launcher.close()
                return


def _execute(flow: Flow[..., Any], flow_run: FlowRun) -> Exception | None:
    """One run from beginning to end, in a thread with a loop of its own, so that a step that blocks holds up nothing
    but itself. Gives what broke Prefect's engine, when it could not tell the server how the run ended."""
    try:
        running = run_flow(flow, flow_run=flow_run, return_type="state")
        if inspect.iscoroutine(running):
            asyncio.run(cast("Coroutine[Any, Any, object]", running))
    except (Pause, Abort) as verdict:
        log.info("Prefect's server ended %s: %s", flow_run.name, verdict)
    except Exception as broken:
        log.exception("%s was interrupted.", flow_run.name)
        return broken
    except BaseException:  # a flow that wants to exit has ended as Crashed, and must not end the worker
        log.exception("%s crashed.", flow_run.name)
    return None


def _server_lost(error: Exception) -> bool:
    match error:
        case httpx.HTTPStatusError():
            return error.response.status_code >= 500
        case _:
            return isinstance(error, httpx.TransportError)


if __name__ == "__main__":
    sys.exit("Start the worker as `signoff worker`.")
