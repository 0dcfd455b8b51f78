"""A task that changes hands, in a real browser: opinion, delegation and back, a later due time, words with a file to a
colleague, taken back; at a desk in English and on a phone in Korean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import parts
from tests.support.browser import follow, opened, sound
from tests.support.office import PASSWORD, Office, link_in, open_office, text_of
from tests.support.portal import portal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PICTURES = os.environ.get("SIGNOFF_TEST_PICTURES", "")
"""A folder for a picture of each page, for those who want to look at them."""

ROUTE = """\
name: lease
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
stages:
  - {name: manager, approvers: {manager_of: submitter}, due: 3 business days, extend: 5 business days}
  - {name: legal, approvers: {group: legal}}
"""
WORDS = {
    "en": {
        "ask": "Ask",
        "opinion": "Give my opinion",
        "hand over": "Hand it over",
        "give back": "Give it back",
        "put off": "Put it off",
        "comment": "Add the comment",
        "take back": "Take it back",
    },
    "ko": {
        "ask": "요청",
        "opinion": "의견 보내기",
        "hand over": "넘기기",
        "give back": "되돌리기",
        "put off": "기한 연장",
        "comment": "의견 등록",
        "take back": "회수",
    },
}


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    parts.require("chromium")
    office = open_office(sqlite_url, tmp_path)
    office.now = datetime.now(UTC) - timedelta(minutes=10)
    yield office
    office.runtime.engine.dispose()


@pytest.mark.parametrize(("locale", "size"), [("en", "desk"), ("ko", "phone")])
def test_a_task_changes_hands_and_comes_back(office: Office, browser: Browser, locale: str, size: str) -> None:
    words = WORDS[locale]
    office.person("mia", locale=locale, password=PASSWORD)
    office.person("dan", manager="mia", locale=locale, password=PASSWORD)
    office.person("ann", groups=["legal"], locale=locale)
    office.person("bo", locale=locale, password=PASSWORD)
    office.route(ROUTE)
    contract = office.contract(title="Forklift fleet lease")
    here = f"/contracts/{contract.id}"
    office.deliver()

    with portal(office.runtime) as base:

        def seat(name: str) -> Page:
            context = opened(browser, base, locale, size)
            assert context.request.post("/sign-in", form={"email": office.email(name), "password": PASSWORD}).ok
            return context.new_page()

        def press(page: Page, button: str, name: str) -> None:
            follow(page.get_by_role("button", name=words[button], exact=True).locator("visible=true"))
            looked_at(page, f"{name}-{locale}-{size}")

        mia, dan, bo = seat("mia"), seat("dan"), seat("bo")

        mia.goto(here)
        unfold(mia, "#reviewer-whom").fill(office.email("ann"))
        mia.locator("#reviewer-question").fill("Is the liability limit usual?")
        press(mia, "ask", "asked")
        office.deliver()
        link = link_in(office.mails.to("ann@")[-1])
        ann = opened(browser, base, locale, size).new_page()
        ann.goto(link)
        looked_at(ann, f"opinion-{locale}-{size}")
        expect(ann.get_by_text("Is the liability limit usual?").first).to_be_visible()
        ann.locator("#opinion-text").fill("Usual is half of it.")
        press(ann, "opinion", "opinion-given")

        mia.goto(here)
        expect(mia.get_by_text("Usual is half of it.").first).to_be_visible()
        unfold(mia, "#delegation-to").fill(office.email("bo"))
        mia.locator("#delegation-comment").fill("You negotiated it.")
        press(mia, "hand over", "handed")

        office.deliver()
        bo.goto("/")
        looked_at(bo, f"inbox-{locale}-{size}")
        follow(bo.get_by_role("link", name="Forklift fleet lease").first)
        looked_at(bo, f"acting-{locale}-{size}")
        expect(bo.get_by_text("You negotiated it.").first).to_be_visible()
        unfold(bo, "#return-comment").fill("You know the terms better.")
        press(bo, "give back", "given-back")
        office.deliver()
        assert "You know the terms better." in text_of(office.mails.to("mia@")[-1])

        dan.goto(here)
        unfold(dan, "input[name=amount][inputmode=numeric]").fill("2")
        press(dan, "put off", "put-off")

        (path := office.runtime.settings.home / "offer.txt").write_text("Limit: 50,000 EUR", encoding="utf-8")
        dan.locator("#discussion-text").fill(f"@{office.people['mia'].name} the offer says 50,000.")
        dan.locator("#discussion-file").set_input_files(path)
        press(dan, "comment", "said")
        expect(dan.get_by_role("link", name="offer.txt").first).to_be_visible()
        office.deliver()
        assert "the offer says 50,000" in text_of(office.mails.to("mia@")[-1])

        unfold(dan, "#recall-comment").fill("The limit changes.")
        press(dan, "take back", "taken-back")
        assert office.state(contract) == "returned"
        mia.goto(here)
        looked_at(mia, f"ended-{locale}-{size}")
        expect(mia.locator("button[name=verdict]")).to_have_count(0)


def unfold(page: Page, field: str) -> Locator:
    """The field, once what hides it is open."""
    found = page.locator(field).first
    folded = found.locator("xpath=ancestor::details[not(@open)]/summary")
    for summary in folded.all():
        summary.click()
    return found


def looked_at(page: Page, name: str) -> None:
    sound(page)
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)
