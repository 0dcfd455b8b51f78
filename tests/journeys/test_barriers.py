"""Every page with real things on it, judged in a real browser by axe-core: nothing keeps anybody from using it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.api.test_every_page import PAGES, REFUSED
from tests.support.browser import barriers, opened, sound
from tests.support.busy_office import Busy
from tests.support.office import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EVERY = {**PAGES, **{name: (who, address) for name, (who, address, _) in REFUSED.items()}}


@pytest.mark.parametrize(("locale", "size"), [("en", "desk"), ("ko", "phone")])
def test_every_page_can_be_used_by_everybody(busy: Busy, base: str, browser: Browser, locale: str, size: str) -> None:
    people: dict[str, BrowserContext] = {}
    wrong: list[str] = []
    for name, (who, address) in EVERY.items():
        if who not in people:
            people[who] = opened(browser, base, locale, size)
            if who:
                form: dict[str, str | float | bool] = {"email": f"{who}@haneul.example", "password": PASSWORD}
                assert people[who].request.post("/sign-in", form=form).ok
        page = people[who].new_page()
        page.goto(busy.address(address, locale))
        try:
            sound(page)
        except AssertionError as fault:
            wrong.append(f"{name}: {fault}")
        page.close()
    for context in people.values():
        context.close()
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ('<p style="color: #999">Hardly to be read</p>', "color-contrast"),
        ('<input name="amount">', "label"),
        ("<button></button>", "button-name"),
        ('<img src="seal.svg">', "image-alt"),
    ],
)
def test_what_would_keep_somebody_out_is_found(browser: Browser, wrong: str, rule: str) -> None:
    page = browser.new_page()
    page.set_content(f'<html lang="en"><title>A page</title><main><h1>A page</h1>{wrong}</main></html>')
    assert [each.split()[0] for each in barriers(page)] == [rule]
    page.close()
