"""The designer of routes in a real browser: checked as one types, by keyboard alone, at a desk and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.test_keyboard import press_enter, press_tab, walk_to
from tests.support.browser import follow, opened, sound
from tests.support.busy_office import ROUTE, Busy
from tests.support.office import PASSWORD
from workflows.parties.operations import set_reading

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WORDS = {
    "en": {"sound": "The route is sound", "line": "Line 11", "moved": "goes on by the other version"},
    "ko": {"sound": "결재선에 문제가 없고", "line": "11행", "moved": "새 버전으로 진행합니다"},
}


def administrator(busy: Busy, browser: Browser, base: str, locale: str, size: str) -> BrowserContext:
    with busy.office.transaction() as session:
        set_reading(session, busy.office.people["root"].id, locale=locale, timezone="Asia/Seoul")
    context = opened(browser, base, locale, size)
    assert context.request.post("/sign-in", form={"email": "root@haneul.example", "password": PASSWORD}).ok
    return context


def press(page: Page, do: str) -> None:
    follow(page.locator(f'button[name=do][value="{do}"]').first)


@pytest.mark.parametrize(("locale", "size"), [("en", "desk"), ("ko", "phone"), ("ko", "desk"), ("en", "phone")])
def test_a_route_is_designed_published_and_a_document_moved(
    busy: Busy, base: str, browser: Browser, locale: str, size: str
) -> None:
    words = WORDS[locale]
    name = f"designed-{locale}-{size}"
    busy.office.route(ROUTE.replace("two-stages", name).replace("kind ==", "kind !="))
    contract = busy.office.contract("dan", title=f"Moved {locale} {size}", route=name, amount="1000", currency="EUR")
    with administrator(busy, browser, base, locale, size) as context:
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"/routes/{name}")
        sound(page)
        for place in ("route", "1", "3", "3.1"):
            press(page, f"edit:{place}")
            expect(page.locator("#f-name")).to_be_focused()
            sound(page)
        press(page, "edit:0")
        page.fill("#q", "legal")
        page.select_option("#into", "fallback")
        press(page, "search")
        press(page, "person:ann@haneul.example")
        sound(page)
        page.fill("#f-due", "4 business days")
        press(page, "difference")  # every button takes over what was typed
        expect(page.locator(".changes li")).to_have_count(1)
        sound(page)
        page.fill("#submitter", "dan@haneul.example")
        page.fill("#amount", "1000")
        page.fill("#currency", "EUR")
        press(page, "try")
        expect(page.locator(".ledger tbody tr").first).to_contain_text("Mia")
        sound(page)
        press(page, "difference")
        press(page, "publish")
        page.goto(f"/routes/{name}/compare?from=2&to=1")
        sound(page)
        page.goto(f"/routes/{name}/rounds")
        sound(page)
        follow(page.locator("a[href^='/rounds/']"))
        sound(page)
        follow(page.locator("main form button"))
        expect(page.locator(".notice")).to_contain_text(words["moved"])
        assert problems == []
    assert busy.office.round(contract).route_version == 2
    assert busy.office.open_tasks(contract) == ["mia"]


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_what_is_typed_is_checked_and_kept_in_step(busy: Busy, base: str, browser: Browser, locale: str) -> None:
    words = WORDS[locale]
    with administrator(busy, browser, base, locale, "desk") as context:
        page = context.new_page()
        page.goto("/routes/two-stages")
        text = page.locator("#source")
        text.fill(ROUTE.replace("due: 2 business days", "due: 2 busyness days"))
        expect(page.locator("#findings")).to_contain_text(words["line"])
        expect(page.locator(".numbered .found")).to_have_text("11")
        page.locator("#findings a").click()
        assert text.evaluate("each => each.value.slice(0, each.selectionStart).split('\\n').length") == 11
        text.fill(ROUTE.replace("name: legal", "name: lawyers"))
        expect(page.locator("#findings")).to_contain_text(words["sound"])
        expect(page.locator("#stage-list")).to_contain_text("2. lawyers")
        press(page, "edit:1")
        page.fill("#f-due", "9 business days")
        page.locator("#f-extend").focus()  # a field that was left is in the text
        expect(text).to_have_value(
            ROUTE.replace("name: legal", "name: lawyers").replace("due: 3 business days", "due: 9 business days")
        )
        press(page, "difference")
        expect(page.locator(".lines ins").first).to_contain_text("lawyers")


def test_a_stage_is_changed_and_moved_by_keyboard_alone(busy: Busy, base: str, browser: Browser) -> None:
    with administrator(busy, browser, base, "en", "desk") as context:
        page = context.new_page()
        page.goto("/routes/two-stages")
        walk_to(page, page.locator('button[value="edit:1"]'))
        press_enter(page)
        expect(page.locator("#f-name")).to_be_focused()  # one goes on where one was
        page.keyboard.press("End")
        page.keyboard.type("-review")
        walk_to(page, page.locator('button[value="apply"]'))
        press_enter(page)
        walk_to(page, page.locator('button[value="up:1"]'))
        press_enter(page)
        expect(page.locator("#stage-list h3").nth(1)).to_have_text("1. legal-review")
        walk_to(page, page.locator('button[value="down:0"]'))
        press_tab(page)
        page.keyboard.press("Shift+Tab")
        press_enter(page)
        expect(page.locator('button[value="edit:0"]')).to_be_visible()
        expect(page.locator("#stage-list h3").nth(2)).to_have_text("2. legal-review")
