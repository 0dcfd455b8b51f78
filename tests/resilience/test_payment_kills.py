"""`kill -9` of the worker while the payment system takes an invoice: it comes again, and can be told for the same."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from api import demo, demo_people
from tests.invoices.samples import sound_ubl
from tests.support.payment_system import payment_system_at_work
from tests.support.servers import wait_until
from tests.support.system import running_system
from workflows.invoices.payment_model import OrderState, PaymentOrder
from workflows.parties.model import ADMINISTRATOR, Kind
from workflows.parties.operations import join, make_token
from workflows.parties.queries import by_email
from workflows.parties.rules import Scope
from workflows.runtime import Runtime

pytestmark = pytest.mark.slow

ROUTE = f"""\
name: at-once
document: invoice
priority: 90
stages:
  - {{name: manager, approvers: {{people: [{demo_people.MANAGER.email}]}}}}
"""


def states(runtime: Runtime) -> list[OrderState]:
    with runtime.reading() as session:
        return [order.state for order in session.exec(select(PaymentOrder))]


def token_of(runtime: Runtime, email: str) -> dict[str, str]:
    """Of somebody who administers, whoever they were."""
    with runtime.transaction() as session:
        person = by_email(session, email)
        assert person is not None
        join(session, person, Kind.ROLE, ADMINISTRATOR)
        secret = make_token(session, person, name="tests", scopes=list(Scope), now=person.created_at)
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.timeout(400)
def test_a_worker_killed_while_it_posts_loses_nothing_and_nothing_is_paid_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        payment_system_at_work() as payment_system,
        running_system(
            tmp_path / "home",
            SIGNOFF_PAYMENT_URL=payment_system.url,
            SIGNOFF_PAYMENT_SECRET="not known to anybody else",
            SIGNOFF_PAYMENT_PRIVATE="true",
        ) as system,
    ):
        for name, value in system.environment.items():
            if name.startswith("SIGNOFF_"):
                monkeypatch.setenv(name, value)
        from workflows.composition import compose
        from workflows.settings import Settings

        runtime = compose(Settings(_env_file=None))
        demo.prepare(runtime, "en")
        owner, manager = token_of(runtime, demo_people.OWNER.email), token_of(runtime, demo_people.MANAGER.email)
        wait_until(lambda: "worker" in system.pids(), "the worker to be started")

        def kill_once(number: int) -> None:
            if number == 1:
                system.kill("worker")

        payment_system.before = kill_once
        with httpx.Client(base_url=system.base, timeout=60) as web:
            assert web.put("/api/routes/at-once", content=ROUTE.encode(), headers=owner).status_code == 200
            for number in (1, 2):
                file = ("invoice.xml", sound_ubl(number=f"K-{number}"), "application/xml")
                made = web.post("/api/invoices", files={"file": file}, headers=owner)
                assert made.status_code == 201, made.text
                (task,) = web.get("/api/tasks", headers=manager).json()["items"]
                decision = {"verdict": "approve", "version_sha256": task["version_sha256"]}
                answer = web.post(f"/api/tasks/{task['id']}/decision", json=decision, headers=manager)
                assert answer.status_code == 201, answer.text
                answer = web.post(f"/api/invoices/{made.json()['id']}/release", headers=owner)
                assert answer.status_code == 201, answer.text

        wait_until(lambda: states(runtime) == [OrderState.LEFT] * 2, "both to have left", seconds=240)
        assert len(set(payment_system.ids)) == 2, "one id an invoice, however often it came"
        assert len(payment_system.got) == 3, "that which was cut off came once more"
        bodies = {(headers["webhook-id"], body) for headers, body in payment_system.got}
        assert len(bodies) == 2, "and said the same"
        assert system.command("audit", "verify").returncode == 0
        runtime.engine.dispose()
