"""The journey of a contract in a real browser: at a desk and on a phone, in English and Korean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api import demo, demo_people
from tests.support import parts
from tests.support.browser import follow, opened, sound
from tests.support.servers import wait_until
from tests.support.system import System, running_system

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PASSWORD = "correct horse battery staple"
SAMPLES = Path(__file__).parents[2] / "templates" / "documents"
WORDS = {
    "en": {
        "approve": "Approve",
        "send_back": "Send back",
        "sign": "Sign",
        "approved": "You have approved this contract",
        "changed": "Changed since you approved",
        "returned": "You have sent this contract back",
        "signed": "You have signed this contract",
    },
    "ko": {
        "approve": "승인",
        "send_back": "보완 요청",
        "sign": "서명",
        "approved": "이 계약을 승인하셨습니다",
        "changed": "승인하신 뒤에 바뀌었습니다",
        "returned": "이 계약의 보완을 요청하셨습니다",
        "signed": "이 계약에 서명하셨습니다",
    },
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    parts.require("chromium")
    with running_system(tmp_path_factory.mktemp("journey")) as system:
        yield system


def prepared(system: System, locale: str) -> str:
    """The demo's people, reading in this language; the owner can sign in. A token for the owner."""
    names = {name: value for name, value in system.environment.items() if name.startswith("SIGNOFF_")}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        from workflows.composition import compose
        from workflows.parties.operations import set_password, set_reading
        from workflows.parties.queries import by_email
        from workflows.settings import Settings

        runtime = compose(Settings(_env_file=None))
        token = demo.prepare(runtime, locale)
        with runtime.transaction() as session:
            for who in (demo_people.OWNER, demo_people.MANAGER, *demo_people.LEGAL):
                person = by_email(session, who.email)
                assert person is not None
                set_reading(session, person.id, locale=locale, timezone="Asia/Seoul")
                if who is demo_people.OWNER:
                    set_password(session, person.id, PASSWORD)
        runtime.engine.dispose()
        return token
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def link_for(people: demo_people.People, email: str) -> str:
    link = demo_people.task_link(people.mail(email))
    assert link is not None
    return link


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_send_approve_send_back_again_sign_verify(
    system: System, browser: Browser, locale: str, size: str, tmp_path: Path
) -> None:
    token, words = prepared(system, locale), WORDS[locale]
    api = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=system.base, timeout=60, headers=api) as web,
        opened(browser, system.base, locale, size) as desk,
    ):
        assert web.put("/api/routes/demo-lease", content=demo.ROUTE.encode()).status_code == 200
        problems: list[str] = []
        page = desk.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))

        # send
        page.goto("/sign-in")
        sound(page)
        page.fill("#email", demo_people.OWNER.email)
        page.fill("#password", PASSWORD)
        follow(page.locator("form[action='/sign-in'] button"))
        sound(page)
        page.goto("/contracts/new")
        sound(page)
        page.set_input_files("input[type=file]", SAMPLES / "sample-contract-1.pdf")
        title = f"Forklift lease {locale} {size}"
        for name, value in {
            "title": title,
            "kind": "lease",
            "amount": "84600.00",
            "currency": "EUR",
            "counterparty": "Nordwerk Maschinen GmbH",
            "ends_on": "2029-12-31",
            "notice_days": "90",
        }.items():
            field = page.locator(f"[name={name}]")
            field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)
        signer_names = page.locator("[name=signer_name]")
        signer_names.first.fill("Šárka Černá")
        page.locator("[name=signer_email]").first.fill(f"sarka.{locale}.{size}@nordwerk.example")
        follow(page.locator("main form[enctype] button.main"))
        sound(page)
        expect(page.locator("h1")).to_have_text(title)
        contract_id = page.url.rpartition("/")[2].partition("?")[0]
        here = f"/api/contracts/{contract_id}"
        number = web.get(here).json()["number"]
        people = demo_people.People(web, number, patience=120)

        # approve by link, then the owner hands in a new version, and the approver is asked again
        approver = desk.new_page()
        first_asked = web.get(here).json()["turns"][0]["people"][0]["name"]
        asked = next(
            who for who in (demo_people.MANAGER, *demo_people.LEGAL, demo_people.OWNER) if who.name == first_asked
        )
        link = link_for(people, asked.email)
        approver.goto(link)
        sound(approver)
        approver.fill("#comment", "Sixty days are too short." if locale == "en" else "60일은 너무 짧습니다.")
        follow(approver.get_by_role("button", name=words["send_back"], exact=True))
        expect(approver.locator("h1")).to_have_text(words["returned"])
        sound(approver)
        wait_until(lambda: web.get(here).json()["state"] == "returned", "the contract to be with its owner again")
        page.goto(f"/contracts/{contract_id}/versions/new")
        sound(page)
        page.set_input_files("input[type=file]", SAMPLES / "sample-contract-2.pdf")
        follow(page.locator("main form[enctype] button.main"))
        assert page.url.partition("?")[0].endswith(f"/contracts/{contract_id}")
        people.forget_version(1)
        approver.goto(link_for(people, asked.email))
        sound(approver)
        follow(approver.get_by_role("button", name=words["approve"], exact=True))
        expect(approver.locator("h1")).to_have_text(words["approved"])

        # sign on the page behind the mailed link
        signer = desk.new_page()
        signer.goto(link_for(people, f"sarka.{locale}.{size}@nordwerk.example"))
        sound(signer)
        signer.check("#consent")
        follow(signer.locator("button[form=signature]"))
        expect(signer.locator("h1")).to_have_text(words["signed"])
        wait_until(lambda: web.get(here).json()["state"] == "in_force", "the contract to be in force")

        # verify
        sealed = tmp_path / "sealed.pdf"
        sealed.write_bytes(web.get(f"{here}/versions/2/file", params={"as": "sealed"}).content)
        page.goto("/verify")
        sound(page)
        page.set_input_files("input[type=file]", sealed)
        follow(page.locator("main form[enctype] button.main"))
        expect(page.locator(".verdict.good")).to_be_visible()
        sound(page)
        for address in (
            "/",
            "/contracts",
            f"/contracts/{contract_id}",
            f"/contracts/{contract_id}/print",
            "/routes",
            "/settings",
        ):
            page.goto(address)
            sound(page)
        assert problems == []
