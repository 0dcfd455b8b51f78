"""A link that asks for a code, in a real browser: each of its pages, at a desk and on a phone, by keyboard alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.approvals.codes import ROUTE, wrong
from tests.support import parts
from tests.support.browser import follow, opened, sound
from tests.support.office import Office, link_in, open_office, text_of
from tests.support.portal import portal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PICTURES = os.environ.get("SIGNOFF_TEST_PICTURES", "")
"""A folder for a picture of each page, for those who want to look at them."""


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    parts.require("chromium")
    office = open_office(sqlite_url, tmp_path)
    office.now = datetime.now(UTC) - timedelta(minutes=10)
    yield office
    office.runtime.engine.dispose()


def code_for(office: Office, email: str) -> str:
    office.deliver()
    found = re.search(r"\b\d{6}\b", text_of(office.mails.to(email)[-1]))
    assert found is not None
    return found[0]


@pytest.mark.parametrize(("locale", "size"), [("en", "desk"), ("ko", "phone"), ("ko", "desk"), ("en", "phone")])
def test_the_code_is_asked_for_and_entered(office: Office, browser: Browser, locale: str, size: str) -> None:
    office.person("mia", locale=locale)
    office.person("dan", manager="mia", locale=locale)
    office.route(ROUTE)
    office.contract(amount="84600.00", currency="EUR", title="Forklift fleet lease")
    office.contract(amount="84600.00", currency="EUR", title="Warehouse cleaning")
    office.deliver()
    first, second = (link_in(each) for each in office.mails.to("mia@"))
    words = {
        "en": {"send": "Send me a code", "code": "Code", "open": "Open the document", "wrong": "That is not the code."},
        "ko": {"send": "인증번호 받기", "code": "인증번호", "open": "문서 열기", "wrong": "인증번호가 맞지 않습니다."},
    }[locale]

    with portal(office.runtime) as base, opened(browser, base, locale, size) as context:
        page = context.new_page()
        page.goto(first)
        looked_at(page, f"asks-{locale}-{size}")
        expect(page.get_by_text("Forklift")).to_have_count(0)
        follow(page.get_by_role("button", name=words["send"]))
        looked_at(page, f"sent-{locale}-{size}")
        code = code_for(office, "mia@")
        page.get_by_label(words["code"], exact=True).fill(wrong(code))
        follow(page.get_by_role("button", name=words["open"]))
        looked_at(page, f"wrong-{locale}-{size}")
        expect(page.get_by_text(words["wrong"])).to_be_visible()
        page.get_by_label(words["code"], exact=True).fill(code)
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(re.escape(first) + "$"))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Forklift")
        sound(page)

        page.goto(second)
        follow(page.get_by_role("button", name=words["send"]))
        code = code_for(office, "mia@")
        for _ in range(5):
            page.get_by_label(words["code"], exact=True).fill(wrong(code))
            follow(page.get_by_role("button", name=words["open"]))
        expect(page.get_by_label(words["code"], exact=True)).to_have_count(0)
        looked_at(page, f"locked-{locale}-{size}")


def looked_at(page: Page, name: str) -> None:
    sound(page)
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
