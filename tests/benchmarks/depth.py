"""What waits and what is large: idle processor time and decisions beside 100,000 waiting contracts, an inbox with 5,000
tasks, a route of 30 stages and 300 people."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Table, Uuid, cast, func, insert, literal, select, text
from sqlmodel import SQLModel, col

import workflows.models  # noqa: F401  (the tables that are copied)
from tests.benchmarks.decisions import decision, drive, figures_of, reading_tasks, server, token_of
from tests.benchmarks.resting import come_to_rest, taken
from tests.support.office import Office, open_office
from tests.support.system import running_system
from workflows.approvals.checking import findings_in
from workflows.approvals.dry_run import dry_run
from workflows.approvals.model import Round, Task
from workflows.approvals.publishing import publish
from workflows.approvals.route import read
from workflows.contracts.model import Contract
from workflows.database import open_engine
from workflows.parties.operations import sign_in
from workflows.schema import migrate

WAITING = 100_000
IN_INBOX = 5_000

FOR = """\
name: NAME
document: contract
priority: 1
calendar: {country: KR, timezone: Asia/Seoul}
stages:
  - name: first
    approvers: {people: [NAME@haneul.example]}
    due: 250 business days
    remind: [1 business day before]
  - {name: second, approvers: {people: [bo@haneul.example]}}
  - {name: third, approvers: {people: [cy@haneul.example]}}
"""


def run(database_url: str, home: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """``rounds``: decisions in each measurement; ``seconds``: for which an idle system is watched."""
    migrate(database_url)
    home.mkdir(parents=True)
    os.environ["SIGNOFF_HOME"] = str(home)
    office = open_office(database_url, home)
    office.now = datetime.now(UTC)
    for name in ("dan", "bo", "cy", "ann", "wim"):
        office.person(name)
        if name in ("ann", "wim"):
            office.route(FOR.replace("NAME", name))
    office.person("ida", password="correct horse battery")
    office.route(FOR.replace("NAME", "ida"))
    figures = _large_route(office)
    for _ in range(2 * rounds):
        office.contract(route="ann")
    waiting, in_inbox = office.contract(route="wim"), office.contract(route="ida")
    _settle(office)
    engine = open_engine(database_url)
    for count in (0, WAITING):
        if count:
            _copy(engine, waiting, count, first=1)
            _tidy(engine)
        label = f"{count:,} contracts waiting"
        figures[f"idle, {label}: processor time"] = _idle(database_url, home, seconds)
        environment = {"SIGNOFF_DATABASE_URL": database_url, "SIGNOFF_HOME": str(home)}
        token = token_of(office, "ann")
        with reading_tasks(office, "ann", rounds) as work, server("api.main:create_app", environment) as port:
            times, taken = drive(port, 1, [decision(task, sha256, token) for task, sha256 in work])
        figures |= figures_of(f"decision, {label}", 1, times, taken)
    _copy(engine, in_inbox, IN_INBOX - 1, first=WAITING + 1)
    _tidy(engine)
    with office.transaction() as session:
        cookie = sign_in(session, office.people["ida"], now=datetime.now(UTC), hours=1).token
    with server("api.main:create_app", environment) as port:
        for what, path in (("page", "/"), ("API", "/api/tasks")):
            figures[f"inbox with {IN_INBOX:,} open tasks, {what}"] = _gets(port, path, cookie)
    engine.dispose()
    office.runtime.engine.dispose()
    return figures


def _settle(office: Office) -> None:
    """As if all mails had left and all flows had run: what is idle owes nothing."""
    with office.transaction() as session:
        now = datetime.now(UTC)
        session.execute(SQLModel.metadata.tables["outgoing_mail"].update().values(state="sent", sent_at=now))
        owed = SQLModel.metadata.tables["run_owed"]
        done = {"launched": owed.c.sequence, "finished": owed.c.sequence, "launched_at": now}
        session.execute(owed.update().values(**done))


def _copy(engine: Engine, contract: Contract, count: int, *, first: int) -> None:
    """So many more contracts as this one, with all that waits with them; of their histories the end alone."""
    with engine.begin() as connection:
        [round_id] = connection.scalars(select(col(Round.id)).where(col(Round.subject_id) == contract.id))
        tasks = connection.scalars(select(col(Task.id)).where(col(Task.round_id) == round_id)).all()
        codes: dict[UUID, str] = {}
        for number, (name, column, values) in enumerate(
            (
                ("contract", "id", [contract.id]),
                ("version", "subject_id", [contract.id]),
                ("round", "id", [round_id]),
                ("stage", "round_id", [round_id]),
                ("task", "round_id", [round_id]),
                ("link", "task_id", tasks),
                ("participant", "subject_id", [contract.id]),
                ("audit_chain", "subject_id", [contract.id]),
                ("run_owed", "subject_id", [contract.id]),
                ("outgoing_mail", "subject_id", [contract.id]),
            )
        ):
            table = SQLModel.metadata.tables[name]
            for place, row in enumerate(connection.execute(table.select().where(table.c[column].in_(values))).all()):
                if "id" in table.c:
                    codes[row.id] = f"{number:02x}{place:06x}"
                connection.execute(_copied(table, row._mapping, codes, range(first, first + count), engine))


def _copied(table: Table, row: Any, codes: dict[UUID, str], numbers: range, engine: Engine) -> Any:
    series = select(literal(numbers.start).label("n")).cte("series", recursive=True)
    series = series.union_all(select(series.c.n + 1).where(series.c.n < numbers.stop - 1))

    def fresh(code: str) -> Any:
        if engine.dialect.name == "sqlite":
            return func.printf("%s%024x", code, series.c.n)
        return cast(func.concat(code, func.lpad(func.to_hex(series.c.n), 24, "0")), Uuid)

    unique: dict[str, Callable[[], Any]] = {
        "number": lambda: (
            literal("W-").concat(cast(series.c.n, table.c.number.type)) if table.name == "contract" else table.c.number
        ),
        "token_sha256": lambda: literal(codes[row["id"]]).concat(cast(series.c.n, table.c.token_sha256.type)),
    }
    values = [
        unique[column.name]()
        if column.name in unique
        else fresh(codes[row[column.name]])
        if isinstance(row[column.name], UUID) and row[column.name] in codes
        else column
        for column in table.c
    ]
    keys = [column == row[column.name] for column in table.primary_key]
    copies = select(*values).select_from(table.join(series, literal(True))).where(*keys)
    return insert(table).from_select(list(table.c.keys()), copies)


def _tidy(engine: Engine) -> None:
    """What the database would see to by itself sooner or later, so that it is not measured."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze" if engine.dialect.name == "sqlite" else "vacuum analyze"))


def _idle(database_url: str, home: Path, seconds: float) -> str:
    """Of all processes of the system, and of its database, in percent of one processor."""
    with running_system(home / "serve", SIGNOFF_DATABASE_URL=database_url) as system:
        roots = {"Signoff": system.process.pid}
        if not database_url.startswith("sqlite"):
            roots["PostgreSQL"] = _postmaster(database_url)
        come_to_rest(list(roots.values()))
        used = taken(roots, seconds)
    return ", ".join(f"{name} {share:.1f} %" for name, share in used.items())


def _postmaster(database_url: str) -> int:
    engine = open_engine(database_url)
    with engine.connect() as connection:
        pid = int(connection.scalar(text("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")))
    engine.dispose()
    return pid


def _gets(port: int, path: str, cookie: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for _ in range(40):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"signoff_session={cookie}"})
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}")
    cut = quantiles(times, n=100)
    return f"p50 {cut[49]:.1f}, p95 {cut[94]:.1f} ms"


def _large_route(office: Office) -> dict[str, Any]:
    people = [f"p{number}" for number in range(300)]
    for name in people:
        office.person(name)
    stages = "".join(
        f"  - name: stage-{number}\n    due: 2 business days\n    when: amount < 10 || contract.kind != 'nda'\n"
        f"    approvers: {{people: [{', '.join(office.email(each) for each in people[10 * number :][:10])}]}}\n"
        for number in range(30)
    )
    source = (
        "name: large\ndocument: contract\npriority: 2\nwhen: amount >= 1000000\ncurrency: EUR\n"
        "calendar: {country: KR, timezone: Asia/Seoul}\nstages:\n" + stages
    )

    def checks() -> None:
        with office.reading() as session:
            if found := findings_in(session, source):
                raise RuntimeError(str(found))

    def tries() -> None:
        with office.reading() as session:
            dry_run(
                session,
                read(source),
                amount=Decimal(1_000_000),
                currency="EUR",
                fields={"kind": "lease"},
                submitter=office.people["dan"],
                now=office.now,
            )

    def publishes() -> None:
        with office.transaction() as session:
            publish(session, source, name=None, by=None, now=office.now)

    figures = {}
    for what, work in (("check", checks), ("dry run", tries), ("publish", publishes)):
        began = time.perf_counter()
        work()
        figures[f"route of 30 stages and 300 people: {what}, ms"] = (time.perf_counter() - began) * 1000
    return figures
