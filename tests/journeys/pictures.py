"""`make pictures`: the pictures of the README, taken from the running product into docs/."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import httpx

from api import demo, demo_people
from tests.journeys.test_browser import PASSWORD, prepared
from tests.support.browser import chromium, follow, opened
from tests.support.system import running_system

ROOT = Path(__file__).parents[2]


def main() -> None:
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    sample = (ROOT / "templates" / "documents" / "sample-contract-2.pdf").read_bytes()
    with (
        tempfile.TemporaryDirectory() as home,
        running_system(Path(home) / "home") as system,
        chromium() as browser,
    ):
        token = prepared(system, "en")
        web = httpx.Client(base_url=system.base, timeout=60, headers={"Authorization": f"Bearer {token}"})
        web.put("/api/routes/demo-lease", content=demo.ROUTE.encode())
        contract = web.post(
            "/api/contracts",
            data={**demo.CONTRACT, "signers": json.dumps(demo.SIGNERS), "external_id": "demo-pictures"},
            files={"file": ("lease.pdf", sample, "application/pdf")},
        ).json()
        people = demo_people.People(web, contract["number"])
        people.decide(demo_people.MANAGER.email, "approve")

        phone = opened(browser, system.base, "en", "phone").new_page()
        task = demo_people.task_link(people.mail(demo_people.LEGAL[2].email))
        assert task is not None
        phone.goto(task)
        phone.screenshot(path=docs / "task-phone.png")

        desk = opened(browser, system.base, "en", "desk").new_page()
        desk.goto("/sign-in")
        desk.fill("#email", demo_people.OWNER.email)
        desk.fill("#password", PASSWORD)
        follow(desk.locator("form[action='/sign-in'] button"))
        desk.goto(f"/contracts/{contract['id']}")
        desk.screenshot(path=docs / "contract.png")

        for member in demo_people.LEGAL[:2]:
            people.decide(member.email, "approve")
        link = demo_people.task_link(people.mail(demo.SIGNERS[0]["email"]))
        assert link is not None
        phone.goto(link)
        phone.screenshot(path=docs / "sign-phone.png")
        web.close()


if __name__ == "__main__":
    main()
