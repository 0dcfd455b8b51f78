"""Start flow runs on Prefect's deployments, and look after those whose worker died.

Plain HTTP on Prefect's REST API (3.9): importing Prefect would cost the web process two seconds and 100 MB.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workflows.places import has_died
from workflows.pokes import poke

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

SECONDS, SECONDS_TO_CONNECT = 10, 2
LONGEST_CLAIM, LONGEST_RUN = timedelta(minutes=2), timedelta(minutes=15)
PAGE = 200  # Prefect's own limit for one answer of a filter


class LauncherUnavailable(Exception):
    """The run could not be started just now; the same launch may be tried again and gives one run at most."""


@dataclass(frozen=True)
class Unfinished:
    """A flow run that Prefect takes to be under way.

    ``state``: ``PENDING``, ``RUNNING`` or ``CANCELLING``, entered at ``since``. ``place``: where it runs, as its worker
    put it (the warm worker as ``places`` says); empty when nobody said. ``attempt``: how often it has begun.
    """

    flow_run_id: str
    name: str
    state: str
    since: datetime
    parameters: Mapping[str, Any]
    tags: tuple[str, ...]
    place: str
    attempt: int
    scheduled: bool
    """Made by the deployment's schedule: the next one comes of itself."""


def is_orphan(run: Unfinished, *, now: datetime, held: bool = False) -> bool:
    """Whether nobody carries this run on any more. ``held``: somebody has its subject's lease."""
    if has_died(run.place):
        return True
    if held:
        return False
    # Claimed runs have their place written within a second or so; the rest ends within seconds, but its worker may
    # be on another machine, and wait there for a slow part.
    return now - run.since > (LONGEST_CLAIM if run.state == "PENDING" and not run.place else LONGEST_RUN)


class Launcher:
    """May be shared between threads. Opens no connection before the first call."""

    def __init__(self, api_url: str, poke: tuple[str, int] | None) -> None:
        """``api_url``: ``http://HOST:PORT/api``. ``poke``: UDP address on which a warm worker listens, if one is near.

        Whoever has closed their Prefect server says so to Prefect and to us in the same place: ``PREFECT_API_KEY`` or
        ``PREFECT_API_AUTH_STRING``.
        """
        self._api_url = api_url.rstrip("/")
        self._poke = poke
        self._deployments: dict[str, str] = {}

    def launch(
        self, deployment: str, *, parameters: Mapping[str, Any], idempotency_key: str, name: str, tags: Sequence[str]
    ) -> str:
        """Start a run of ``deployment`` (``flow/deployment``); its id. The same key gives the same run.

        Raises:
            LauncherUnavailable: Prefect cannot be reached, is overloaded, or does not know the deployment yet.
        """
        order = {
            "parameters": dict(parameters),
            "idempotency_key": idempotency_key,
            "name": name,
            "tags": list(tags),
            "state": {"type": "SCHEDULED"},
        }
        known = deployment in self._deployments
        answer = self._post(f"/deployments/{self._id_of(deployment)}/create_flow_run", order)
        if answer.status_code == 404:
            # registered anew, perhaps on a new Prefect server: the id that we kept is dead
            del self._deployments[deployment]
            if known:
                answer = self._post(f"/deployments/{self._id_of(deployment)}/create_flow_run", order)
        flow_run_id: str = _insist(answer)["id"]
        self.poke()
        return flow_run_id

    def poke(self) -> None:
        """Have the warm worker look now."""
        if self._poke is not None:
            poke(self._poke)

    def running(self, deployment: str) -> tuple[Unfinished, ...]:
        """The runs that Prefect takes to be under way, the oldest first; a killed worker leaves them so for ever.

        Raises:
            LauncherUnavailable
        """
        found: list[Unfinished] = []
        while True:
            page = _insist(
                self._post(
                    "/flow_runs/filter",
                    {
                        "deployments": {"id": {"any_": [self._id_of(deployment)]}},
                        "flow_runs": {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}},
                        "sort": "START_TIME_ASC",
                        "limit": PAGE,
                        "offset": len(found),
                    },
                )
            )
            found += [_unfinished(run) for run in page]
            if len(page) < PAGE:
                return tuple(found)

    def find_orphans(
        self, deployment: str, *, now: datetime, is_held: Callable[[Unfinished], bool] = lambda run: False
    ) -> tuple[Unfinished, ...]:
        """The runs under way that nobody carries on. ``is_held``: whether somebody has the lease of a run's subject.

        Raises:
            LauncherUnavailable
        """
        return tuple(run for run in self.running(deployment) if is_orphan(run, now=now, held=is_held(run)))

    def mark_crashed(self, flow_run_id: str, why: str = "Its worker died.") -> bool:
        """Close a run that nobody carries on; ``False`` when it has come to an end by itself, or is unknown.

        Raises:
            LauncherUnavailable
        """
        if self.state(flow_run_id) not in ("PENDING", "RUNNING", "CANCELLING"):
            return False
        return self._move(flow_run_id, {"type": "CRASHED", "name": "Crashed", "message": why}, force=False)

    def hand_back(self, flow_run_id: str, why: str = "Its worker died.") -> bool:
        """Have a run that nobody carries on begin again, from its top; ``False`` as for ``mark_crashed``.

        Raises:
            LauncherUnavailable
        """
        if self.state(flow_run_id) not in ("PENDING", "RUNNING", "CANCELLING"):
            return False
        # forced: Prefect's own rules know no way back from Running, except for a retry inside the same process
        again = self._move(flow_run_id, {"type": "SCHEDULED", "name": "AwaitingRetry", "message": why}, force=True)
        self.poke()
        return again

    def _move(self, flow_run_id: str, state: Mapping[str, Any], *, force: bool) -> bool:
        answer = self._post(f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": force})
        return answer.status_code != 404 and bool(_insist(answer)["status"] == "ACCEPT")

    def state(self, flow_run_id: str) -> str | None:
        """``SCHEDULED``, ``PENDING``, ``RUNNING``, ``COMPLETED``, ``FAILED``, ``CRASHED``, …; ``None`` when unknown.

        Raises:
            LauncherUnavailable
        """
        answer = self._get(f"/flow_runs/{flow_run_id}")
        if answer.status_code == 404:
            return None
        state: str | None = _insist(answer)["state_type"]
        return state

    def close(self) -> None:
        self._http.close()

    def _id_of(self, deployment: str) -> str:
        if deployment not in self._deployments:
            answer = self._get(f"/deployments/name/{deployment}")
            if answer.status_code == 404:
                raise LauncherUnavailable(f"Prefect does not know the deployment {deployment} yet.")
            self._deployments[deployment] = _insist(answer)["id"]
        return self._deployments[deployment]

    @cached_property
    def _http(self) -> httpx.Client:
        import httpx  # 15 MB, for those processes alone that ask Prefect

        seconds = httpx.Timeout(SECONDS, connect=SECONDS_TO_CONNECT)
        # certificates that nobody asks for are 5 MB
        verify = self._api_url.startswith("https:")
        return httpx.Client(base_url=self._api_url, timeout=seconds, verify=verify, headers=_authorization(os.environ))

    def _get(self, path: str) -> httpx.Response:
        return self._ask("GET", path, None)

    def _post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        from httpx import HTTPError

        try:
            return self._http.request(method, path, json=body)
        except HTTPError as error:
            raise LauncherUnavailable(
                f"Prefect's server does not answer at {self._api_url} ({type(error).__name__})."
            ) from error


def _insist(answer: httpx.Response) -> Any:
    """The answer's content. Every refusal may be tried again: also a schema that does not fit is put right by the
    worker when it registers its deployments anew."""
    try:
        content = answer.json()
        if answer.is_success:
            return content
        reason = content["detail"]
    except (ValueError, KeyError, TypeError):
        reason = answer.reason_phrase
    raise LauncherUnavailable(f"Prefect's server answered {answer.status_code}: {reason}")


def _unfinished(run: Mapping[str, Any]) -> Unfinished:
    return Unfinished(
        flow_run_id=run["id"],
        name=run["name"],
        state=run["state_type"],
        since=datetime.fromisoformat(run["state"]["timestamp"]),
        parameters=run["parameters"],
        tags=tuple(run["tags"]),
        place=run["infrastructure_pid"] or "",
        attempt=run["run_count"],
        scheduled=bool(run["auto_scheduled"]),
    )


def _authorization(environment: Mapping[str, str]) -> dict[str, str]:
    if key := environment.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if pair := environment.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
