"""The inbox holds thousands: page by page, by its index, with as many queries for many rows as for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, insert, text
from sqlmodel import select

from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, token
from workflows.approvals.model import Round, Stage, Task, TaskState
from workflows.approvals.queries import inbox
from workflows.columns import new_id
from workflows.contracts.model import Contract
from workflows.errors import Refused

ROUTE = """\
name: one-stage
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
stages:
  - name: legal
    approvers: {group: legal}
    due: 2 business days
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("dan", password=PASSWORD)
    office.person("ann", groups=["legal"], roles=["administrator"], password=PASSWORD)
    office.person("eve", password=PASSWORD)
    office.route(ROUTE)
    return office


def many(office: Office, number: int) -> None:
    """As many contracts that wait for Ann, copied from one that was handed in."""
    first = office.contract(title="Lease 0")
    with office.transaction() as session:
        contract = session.get_one(Contract, first.id)
        round = session.exec(select(Round).where(Round.subject_id == first.id)).one()
        stage = session.exec(select(Stage).where(Stage.round_id == round.id)).one()
        task = session.exec(select(Task).where(Task.round_id == round.id)).one()
        rows: dict[type, list[dict[str, object]]] = {Contract: [], Round: [], Stage: [], Task: []}
        for each in range(1, number):
            ids = [new_id() for _ in range(4)]
            due = stage.due_at + timedelta(minutes=each % 7) if stage.due_at and each % 3 else None
            its_number, title = f"{contract.number}-{each}", f"Lease {each}"
            card = {**round.card, "title": title, "number": its_number}
            rows[Contract].append({**contract.model_dump(), "id": ids[0], "number": its_number, "title": title})
            rows[Round].append({**round.model_dump(), "id": ids[1], "subject_id": ids[0], "card": card})
            rows[Stage].append({**stage.model_dump(), "id": ids[2], "round_id": ids[1], "due_at": due})
            rows[Task].append({**task.model_dump(), "id": ids[3], "round_id": ids[1], "stage_id": ids[2]})
        for table, values in rows.items():
            session.execute(insert(table), values)


@contextmanager
def queries_of(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_rest: object) -> None:
        if statement.lstrip().lower().startswith("select"):
            seen.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_every_task_stands_on_one_page_of_the_list(office: Office) -> None:
    many(office, 57)
    found: list[UUID] = []
    with office.reading() as session:
        ann = office.actor("ann")
        whole = [each.task.id for each in inbox(session, ann, limit=1000)]
        while page := inbox(session, ann, after=found[-1] if found else None, limit=10):
            found += [each.task.id for each in page]
    assert len(whole) == 57
    assert found == whole


def test_what_is_due_first_stands_on_top(office: Office) -> None:
    many(office, 30)
    with office.reading() as session:
        rows = inbox(session, office.actor("ann"), limit=1000)
    keys = [(each.stage.due_at or each.task.asked_at, each.task.id) for each in rows]
    assert keys == sorted(keys)


def test_the_list_goes_on_behind_a_task_that_was_decided_meanwhile(office: Office) -> None:
    many(office, 5)
    with office.transaction() as session:
        ann = office.actor("ann")
        whole = [each.task.id for each in inbox(session, ann)]
        session.get_one(Task, whole[1]).state = TaskState.DECIDED
        session.flush()
        assert [each.task.id for each in inbox(session, ann, after=whole[1])] == whole[2:]


def test_a_task_of_somebody_else_is_no_cursor(office: Office) -> None:
    many(office, 2)
    with office.reading() as session:
        task = inbox(session, office.actor("ann"))[0].task
        with pytest.raises(Refused, match="not one of ours"):
            inbox(session, office.actor("eve"), after=task.id)


def test_the_pages_of_the_inbox_lead_to_all_tasks(office: Office, web: TestClient) -> None:
    many(office, 57)
    ann = Browser(web, "ann")
    page = ann.open("/")
    assert "57 things need you." in page.text
    titles = [each.text for each in page.all("a", **{"class": "title"})]
    assert sum(title.startswith("Lease ") for title in titles) == 50
    (next,) = [each.attributes["href"] for each in page.all("a") if each.text == "Further ones"]
    page = ann.open(next)
    more = [each.text for each in page.all("a", **{"class": "title"})]
    assert len(more) == 7
    assert len({*titles, *more}) == 57
    assert [each.text for each in page.all("a", href="/#mine")] == ["To the beginning"]


def test_the_pages_of_the_api_lead_to_all_tasks(office: Office, web: TestClient) -> None:
    many(office, 12)
    found, cursor = [], None
    while True:
        query = {"limit": 5, **({"cursor": cursor} if cursor else {})}
        answer = web.get("/api/tasks", params=query, headers=token(office, "ann")).json()
        found += [each["id"] for each in answer["items"]]
        if (cursor := answer["next_cursor"]) is None:
            break
    assert len(set(found)) == len(found) == 12
    foreign = web.get("/api/tasks", params={"cursor": found[0]}, headers=token(office, "eve"))
    assert foreign.status_code == 422


def test_the_inbox_asks_no_more_questions_for_many_rows_than_for_few(office: Office, web: TestClient) -> None:
    ann, asked = Browser(web, "ann"), []
    for number in (3, 40):
        many(office, number)
        dan = Browser(web, "dan")
        for browser in (ann, dan):  # Ann is asked, Dan waits
            with queries_of(office.runtime.engine) as seen:
                browser.open("/")
            asked.append(len(seen))
    assert asked[:2] == asked[2:]


def test_the_inbox_finds_its_tasks_by_their_index(office: Office) -> None:
    with queries_of(office.runtime.engine) as seen, office.reading() as session:
        ann = office.actor("ann")
        seen.clear()
        inbox(session, ann)
    sqlite = office.runtime.engine.dialect.name == "sqlite"
    with office.runtime.engine.connect() as connection:
        if not sqlite:
            connection.execute(text("set enable_seqscan = off"))  # a table of no rows is read as a whole
        ((statement, values),) = seen
        plan = connection.exec_driver_sql(f"explain {'query plan ' if sqlite else ''}{statement}", values)
        steps = "\n".join(str(row) for row in plan)
    assert "ix_task_inbox" in steps, steps
