"""Deciding and signing without a pointer: Tab, Enter, Space and typing, and one always sees where one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browser import opened
from tests.support.busy_office import Busy
from tests.support.office import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FURTHEST = 60  # steps that a form may be away
WHERE = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const left = Math.max(0, box.left), right = Math.min(innerWidth, box.right);
  const top = Math.max(0, box.top), bottom = Math.min(innerHeight, box.bottom);
  const seen = [0.1, 0.5, 0.9].some((across) => [0.1, 0.5, 0.9].some((down) => {
    const there = document.elementFromPoint(left + (right - left) * across, top + (bottom - top) * down);
    return there && (at.contains(there) || there.contains(at) && there !== document.body);
  }));
  return {
    name: at.outerHTML.slice(0, 120),
    nowhere: at === document.body,
    shown: right > left && bottom > top && seen,
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""


def press_tab(page: Page, key: str = "Tab") -> None:
    """One step, after which one sees where one is (WCAG 2.2, 2.4.7 and 2.4.11)."""
    page.keyboard.press(key)
    at = page.evaluate(WHERE)
    assert not at["nowhere"], "the focus has left the page"
    assert at["shown"], f"{at['name']} has the focus and cannot be seen"
    assert at["ringed"], f"{at['name']} has the focus and does not show it"


def walk_to(page: Page, wanted: Locator) -> None:
    for _ in range(FURTHEST):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        press_tab(page)
    raise AssertionError(f"{wanted} cannot be reached within {FURTHEST} steps")


def press_enter(page: Page) -> None:
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")


def test_an_approver_decides_by_the_link_without_a_pointer(busy: Busy, base: str, browser: Browser) -> None:
    with opened(browser, base, "en", "desk") as desk:
        page = desk.new_page()
        page.goto(busy.links["asked"])
        press_tab(page)
        expect(page.get_by_text("Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        press_tab(page)
        assert page.evaluate("document.activeElement.closest('main') !== null"), "the letterhead is skipped"
        walk_to(page, page.locator("#comment"))
        page.keyboard.type("Liability cap is fine.")
        walk_to(page, page.get_by_role("button", name="Approve", exact=True))
        press_enter(page)
        expect(page.locator("h1")).to_have_text("You have approved this contract")


def test_on_a_narrow_screen_the_bar_hides_nothing_that_has_the_focus(busy: Busy, base: str, browser: Browser) -> None:
    with opened(browser, base, "ko", "phone") as phone:
        page = phone.new_page()
        page.goto(f"{busy.links['changed']}?lang=ko")
        walk_to(page, page.locator("#comment"))
        page.keyboard.type("60일은 너무 짧습니다.")
        button = page.get_by_role("button", name="보완 요청", exact=True)
        walk_to(page, button)
        press_tab(page, "Shift+Tab")
        walk_to(page, button)
        press_enter(page)
        expect(page.locator("h1")).to_have_text("이 계약의 보완을 요청하셨습니다")


def test_a_signer_signs_without_a_pointer(busy: Busy, base: str, browser: Browser) -> None:
    with opened(browser, base, "en", "desk") as desk:
        page = desk.new_page()
        page.goto(busy.links["sign"])
        walk_to(page, page.locator("#consent"))
        page.keyboard.press("Space")
        walk_to(page, page.locator("button[form=signature]"))
        press_enter(page)
        expect(page.locator("h1")).to_have_text("You have signed this contract")


def test_several_are_decided_together_in_the_inbox_without_a_pointer(busy: Busy, base: str, browser: Browser) -> None:
    with opened(browser, base, "en", "desk") as desk:
        page = desk.new_page()
        page.goto("/sign-in")
        walk_to(page, page.locator("#email"))
        page.keyboard.type("mia@haneul.example")
        walk_to(page, page.locator("#password"))
        page.keyboard.type(PASSWORD)
        walk_to(page, page.get_by_role("button", name="Sign in", exact=True))
        press_enter(page)
        boxes = page.locator('input[name="chosen"]')
        asked = boxes.count()
        assert asked > 0
        for number in range(asked):
            walk_to(page, boxes.nth(number))
            page.keyboard.press("Space")
            expect(boxes.nth(number)).to_be_checked()
        walk_to(page, page.locator("#comment"))
        page.keyboard.type("Agreed with the fleet.")
        walk_to(page, page.get_by_role("button", name="Approve", exact=True))
        press_enter(page)
        expect(page.locator("h1")).to_have_text("What became of your decisions")
        walk_to(page, page.get_by_role("link", name="Back to the inbox"))
        press_enter(page)
        expect(boxes).to_have_count(0)
