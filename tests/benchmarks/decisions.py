"""Decisions over HTTP, beside a bare endpoint that does nothing but three statements in one transaction."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from sqlalchemy import text
from sqlmodel import select

from api.demo import free_ports
from tests.support.office import Office, open_office
from tests.support.pdfs import plain_pdf
from tests.support.servers import listens, wait_until
from tests.support.system import alive
from workflows.approvals.model import Round, Task, TaskState
from workflows.contracts.operations import submit
from workflows.contracts.rules import checked
from workflows.database import open_engine
from workflows.outbox import MailState, OutgoingMail
from workflows.papers.intake import take_in
from workflows.parties.operations import make_token
from workflows.parties.rules import Scope
from workflows.schema import migrate

WARMING = 40
"""Requests ahead of those that are measured: connections to the database and statements are made once a process."""

ROUTE = """\
name: bench
document: contract
priority: 10
stages:
  - {name: first, approvers: {people: [ann@haneul.example]}}
  - {name: second, approvers: {people: [bo@haneul.example]}}
  - {name: third, approvers: {people: [cy@haneul.example]}}
"""


def run(database_url: str, home: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds at 1 and 8 clients, and a second. Each decision closes a stage and asks the next person."""
    migrate(database_url)
    home.mkdir(parents=True)
    os.environ["SIGNOFF_HOME"] = str(home)
    office = open_office(database_url, home)
    for name in ("dan", "ann", "bo", "cy"):
        office.person(name)
    office.route(ROUTE)
    tokens = {name: token_of(office, name) for name in ("ann", "bo")}
    with office.reading() as session:
        by = office.actor("dan")
    document = take_in(plain_pdf(), file_name="x.pdf", blobs=office.runtime.blobs, limits=office.runtime.intake_limits)
    for number in range(2 * (rounds + WARMING)):
        with office.transaction() as session:
            submit(
                session, checked(title=f"Lease {number}", kind="lease"), document, by=by, now=office.now, link_days=14
            )
    office.deliver()  # beside decisions their own mails are sent, and not those of the contracts that were handed in
    figures: dict[str, Any] = {}
    environment = {"SIGNOFF_DATABASE_URL": database_url, "SIGNOFF_HOME": str(home)}
    for clients in (1, 8):
        with reading_tasks(office, "ann", rounds + WARMING) as work, server("api.main:create_app", environment) as port:
            requests = [decision(task, sha256, tokens["ann"]) for task, sha256 in work]
            drive(port, clients, requests[rounds:])
            wait_until(lambda: not mails_wait(office), "the first mails to leave")
            times, seconds = drive(port, clients, requests[:rounds])
            figures |= figures_of("decision", clients, times, seconds)
            wait_until(lambda: not mails_wait(office), "the mails to leave")
    _bare_table(database_url)
    for clients in (1, 8):
        with server("tests.benchmarks.bare:create_app", {**environment, "BENCH_DATABASE_URL": database_url}) as port:
            requests = [("/decide", json.dumps({"id": n % 1000}), {}) for n in range(rounds + WARMING)]
            drive(port, clients, requests[rounds:])
            times, seconds = drive(port, clients, requests[:rounds])
            figures |= figures_of("bare endpoint, three statements", clients, times, seconds)
    office.runtime.engine.dispose()
    return figures


def mails_wait(office: Office) -> bool:
    with office.reading() as session:
        return session.exec(select(OutgoingMail.id).where(OutgoingMail.state == MailState.QUEUED)).first() is not None


@contextmanager
def reading_tasks(office: Office, name: str, count: int) -> Iterator[list[tuple[str, str]]]:
    with office.reading() as session:
        rows = session.exec(
            select(Task.id, Round.version_sha256)
            .join(Round)
            .where(Task.email == office.email(name), Task.state == TaskState.OPEN)
            .limit(count)
        ).all()
    yield [(str(task), sha256) for task, sha256 in rows]


def decision(task: str, sha256: str, token: str) -> tuple[str, str, dict[str, str]]:
    body = json.dumps({"verdict": "approve", "version_sha256": sha256})
    return f"/api/tasks/{task}/decision", body, {"Authorization": f"Bearer {token}"}


def token_of(office: Office, name: str) -> str:
    with office.transaction() as session:
        return make_token(session, office.people[name], name="bench", scopes=list(Scope), now=datetime.now(UTC))


def _bare_table(url: str) -> None:
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table bench_task (id integer primary key, state text)"))
        connection.execute(text("create table bench_decision (id text primary key, task integer, body text)"))
        connection.execute(text("create table bench_mail (id text primary key, body text)"))
        connection.execute(
            text("insert into bench_task (id, state) values (:id, 'open')"), [{"id": n} for n in range(1000)]
        )
    engine.dispose()


@contextmanager
def server(factory: str, environment: dict[str, str]) -> Iterator[int]:
    """One API process on a free port and the dispatcher that sends its mails, without worker or Prefect."""
    port, smtp, *others = free_ports(4)
    settings = {
        "SIGNOFF_PORT": str(port),
        "SIGNOFF_MAILBOX_PORT": str(smtp),
        "SIGNOFF_PREFECT_PORT": str(others[0]),
        "SIGNOFF_POKE_PORT": str(others[1]),
        "SIGNOFF_LOG_LEVEL": "WARNING",
    }
    web = ["uvicorn", "--factory", factory, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    commands = [web] if "bare" in factory else [web, ["workflows.dispatcher_process"]]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            env={**os.environ, **environment, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in commands
    ]
    try:
        wait_until(lambda: alive(f"http://127.0.0.1:{port}"), "the portal")
        if len(commands) > 1:
            wait_until(lambda: listens(smtp), "the dispatcher's mailbox")
        yield port
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def drive(port: int, clients: int, requests: list[tuple[str, str, dict[str, str]]]) -> tuple[list[float], float]:
    """Milliseconds of each request, and the seconds that all took."""
    times: list[float] = []
    lock = threading.Lock()
    waiting = iter(requests[:])

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/health")
        connection.getresponse().read()
        while True:
            with lock:
                request = next(waiting, None)
            if request is None:
                return
            path, body, headers = request
            began = time.perf_counter()
            connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            answer.read()
            taken = (time.perf_counter() - began) * 1000
            if answer.status not in (200, 201):
                raise RuntimeError(f"{path} answered {answer.status}")
            times.append(taken)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, time.perf_counter() - began


def figures_of(what: str, clients: int, times: list[float], seconds: float) -> dict[str, Any]:
    cut = quantiles(times, n=100)
    plural = "client" if clients == 1 else "clients"
    spread = f"p50 {cut[49]:.1f}, p95 {cut[94]:.1f}, p99 {cut[98]:.1f} ms"
    return {f"{what}, {clients} {plural}": f"{spread}; {len(times) / seconds:.0f} a second"}
