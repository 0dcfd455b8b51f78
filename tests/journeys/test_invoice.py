"""The journey of an invoice in a real browser: at a desk and on a phone, in English and Korean."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect

from api import demo_invoice, demo_people
from tests.journeys.test_browser import PASSWORD, link_for, prepared
from tests.support import parts
from tests.support.browser import follow, opened, sound
from tests.support.servers import wait_until
from tests.support.system import System, running_system

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

UTF_8_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1"
"""LibreOffice's filter: commas, quotes, UTF-8, from the first line on."""
WORDS = {
    "en": {
        "differs": "not as ordered",
        "agrees": "as ordered",
        "send_back": "Send back",
        "returned": "You have sent this invoice back",
        "approve": "Approve",
        "approved": "You have approved this invoice",
        "release": "Release for payment",
        "comment": "We ordered at EUR 293.75 a truck.",
    },
    "ko": {
        "differs": "발주 내용과 불일치",
        "agrees": "발주 내용과 일치",
        "send_back": "보완 요청",
        "returned": "이 송장의 보완을 요청하셨습니다",
        "approve": "승인",
        "approved": "이 송장을 승인하셨습니다",
        "release": "지급 승인",
        "comment": "발주 단가는 대당 EUR 293.75입니다.",
    },
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    parts.require("chromium")
    with running_system(tmp_path_factory.mktemp("journey")) as system:
        yield system


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("locale", ["en", "ko"])
def test_receive_read_mend_approve_release_export(
    system: System, browser: Browser, locale: str, size: str, tmp_path: Path
) -> None:
    token, words = prepared(system, locale), WORDS[locale]
    number, order = f"NW-{locale}-{size}", f"PO-{locale}-{size}"
    wrong, right = tmp_path / "invoice.pdf", tmp_path / "invoice, corrected.pdf"
    wrong.write_bytes(demo_invoice.factur_x(number, order, demo_invoice.BILLED, locale))
    right.write_bytes(demo_invoice.factur_x(number, order, demo_invoice.ORDERED, locale))
    with (
        httpx.Client(base_url=system.base, timeout=60, headers={"Authorization": f"Bearer {token}"}) as web,
        opened(browser, system.base, locale, size, accept_downloads=True) as desk,
    ):
        route = demo_invoice.ROUTE % demo_invoice.CHECKS_INVOICES.email
        assert web.put("/api/routes/demo-payable", content=route.encode()).is_success
        body = demo_invoice.ordered(demo_invoice.SAID[locale]["truck"])
        assert web.put(f"/api/orders/{order}", json=body).is_success
        problems: list[str] = []
        page, approver = desk.new_page(), desk.new_page()
        for each in (page, approver):
            each.on("pageerror", lambda error: problems.append(str(error)))

        # receive it: what it says is there, and that it bills more than was ordered
        page.goto("/sign-in")
        page.fill("#email", demo_people.OWNER.email)
        page.fill("#password", PASSWORD)
        follow(page.locator("form[action='/sign-in'] button"))
        page.goto("/invoices/new")
        sound(page)
        page.set_input_files("input[type=file]", wrong)
        page.fill("[name=external_id]", f"demo-{locale}-{size}")
        follow(page.locator("main form[enctype] button.main"))
        sound(page)
        expect(page.locator("h1")).to_contain_text(number)
        expect(page.locator("main")).to_contain_text("EUR 2,915.50")
        expect(page.locator("section[aria-labelledby=matching] .status")).to_have_text(words["differs"])
        expect(page.locator("main img").first).to_be_visible()
        here = page.url.partition("?")[0]
        people = demo_people.People(
            web, web.get(f"/api{here.removeprefix(system.base)}").json()["number"], patience=120
        )

        # the stage for exceptions sends it back by link
        approver.goto(link_for(people, demo_invoice.CHECKS_INVOICES.email))
        sound(approver)
        expect(approver.locator("section[aria-labelledby=matching] .status")).to_have_text(words["differs"])
        approver.fill("#comment", words["comment"])
        follow(approver.get_by_role("button", name=words["send_back"], exact=True))
        expect(approver.locator("h1")).to_have_text(words["returned"])
        sound(approver)

        # mend it: the supplier's corrected file
        page.goto(here)
        expect(page.locator("main")).to_contain_text(words["comment"])
        sound(page)
        follow(page.locator("main a[href$='/versions/new']").first)
        sound(page)
        page.set_input_files("input[type=file]", right)
        follow(page.locator("main form[enctype] button.main"))
        sound(page)
        expect(page.locator("section[aria-labelledby=matching] .status")).to_have_text(words["agrees"])
        people.forget_version(1)

        # approve by link
        approver.goto(link_for(people, demo_people.MANAGER.email))
        sound(approver)
        expect(approver.locator("main")).to_contain_text("EUR 2,796.50")
        follow(approver.get_by_role("button", name=words["approve"], exact=True))
        expect(approver.locator("h1")).to_have_text(words["approved"])
        sound(approver)

        # release it, and take it away as a spreadsheet
        page.goto(here)
        sound(page)
        follow(page.get_by_role("button", name=words["release"], exact=True))
        sound(page)
        wait_until(
            lambda: web.get(f"/api{here.removeprefix(system.base)}").json()["state"] == "released", "its release"
        )
        page.goto(f"/invoices?q={number}")
        sound(page)
        table = downloaded(page, tmp_path)
        assert problems == []
    agree(table, tmp_path, number)


def downloaded(page: Page, folder: Path) -> Path:
    for each in page.locator("details:has(a[href*='.xlsx']) summary").all():
        each.click()
    with page.expect_download() as download:
        page.locator("a[href*='.xlsx']").first.click()
    table = folder / "invoices.xlsx"
    download.value.save_as(table)
    return table


def agree(table: Path, folder: Path, number: str) -> None:
    """Read by openpyxl and, where it is installed, by LibreOffice, the workbook holds the same one invoice."""
    [heading, *rows] = load_workbook(table).worksheets[0].iter_rows(values_only=True)
    assert len([row for row in rows if number in row]) == 1
    assert Decimal("2796.5") in {Decimal(str(each)) for row in rows for each in row if isinstance(each, int | float)}
    if shutil.which("soffice"):
        command: Sequence[str] = [
            "soffice",
            "--headless",
            "--convert-to",
            UTF_8_CSV,
            "--outdir",
            str(folder),
            str(table),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        text = table.with_suffix(".csv").read_text(encoding="utf-8")
        assert number in text
        assert str(heading[0]) in text
