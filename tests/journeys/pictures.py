"""`make pictures`: the pictures of the README, taken from the running product into docs/."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

from api import demo
from tests.journeys.test_browser import PASSWORD, SIZES, prepared
from tests.support import parts
from tests.support.system import running_system

ROOT = Path(__file__).parents[2]


def main() -> None:
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    sample = (ROOT / "templates" / "documents" / "sample-contract-2.pdf").read_bytes()
    with (
        tempfile.TemporaryDirectory() as home,
        running_system(Path(home) / "home") as system,
        sync_playwright() as started,
    ):
        token = prepared(system, "en")
        web = httpx.Client(base_url=system.base, timeout=60, headers={"Authorization": f"Bearer {token}"})
        web.put("/api/routes/demo-lease", content=demo.ROUTE.encode())
        contract = web.post(
            "/api/contracts",
            data={**demo.CONTRACT, "signers": json.dumps(demo.SIGNERS), "external_id": "demo-pictures"},
            files={"file": ("lease.pdf", sample, "application/pdf")},
        ).json()
        people = demo.People(web, contract["number"])
        browser = started.chromium.launch(
            executable_path=parts.require("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        people.decide(demo.MANAGER.email, "approve")

        phone = browser.new_context(base_url=system.base, viewport=SIZES["phone"], locale="en-GB").new_page()
        task = demo.task_link(people.mail(demo.LEGAL[2].email))
        assert task is not None
        phone.goto(task)
        phone.screenshot(path=docs / "task-phone.png")

        desk = browser.new_context(base_url=system.base, viewport=SIZES["desk"], locale="en-GB").new_page()
        desk.goto("/sign-in")
        desk.fill("#email", demo.OWNER.email)
        desk.fill("#password", PASSWORD)
        desk.click("form[action='/sign-in'] button")
        desk.goto(f"/contracts/{contract['id']}")
        desk.screenshot(path=docs / "contract.png")

        for member in demo.LEGAL[:2]:
            people.decide(member.email, "approve")
        link = demo.task_link(people.mail(demo.SIGNERS[0]["email"]))
        assert link is not None
        phone.goto(link)
        phone.screenshot(path=docs / "sign-phone.png")
        browser.close()
        web.close()


if __name__ == "__main__":
    main()
