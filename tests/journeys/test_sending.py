"""What is sent for reading, in a real browser: sent at the desk, opened on a phone, revoked, and judged by axe-core."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import follow, opened, sound
from tests.support.busy_office import Busy
from tests.support.office import PASSWORD, link_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("locale", "send", "open_it", "seen", "revoke", "gone"),
    [
        ("en", "Send it", "Open the document", "Opened on", "Revoke the link", "This link no longer leads anywhere"),
        ("ko", "보내기", "문서 열기", "열람", "링크 해지", "이 링크는 더 이상 쓸 수 없습니다"),
    ],
)
def test_an_invoice_is_sent_opened_and_revoked(
    busy: Busy, base: str, browser: Browser, locale: str, send: str, open_it: str, seen: str, revoke: str, gone: str
) -> None:
    desk = opened(browser, base, locale, "desk")
    assert desk.request.post("/sign-in", form={"email": "dan@haneul.example", "password": PASSWORD}).ok
    page = desk.new_page()
    here = busy.address("/invoices/{invoice asked}", locale)
    page.goto(here)
    page.locator("#sending-to").locator("xpath=ancestor::details/summary").click()
    page.locator("#sending-to").fill(f"sora-{locale}@partner.example")
    page.locator("#sending-note").fill("Does this match?")
    follow(page.get_by_role("button", name=send, exact=True))
    sound(page)

    phone = opened(browser, base, locale, "phone").new_page()
    link = link_in(busy.office.deliver()[-1])
    phone.goto(f"{link}?lang={locale}")
    sound(phone)
    assert phone.locator(".pages img").count() == 0
    follow(phone.get_by_role("button", name=open_it))
    sound(phone)
    picture = phone.locator(".pages img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 100

    page.goto(here)
    row = page.locator("section", has=page.locator("#sent-to")).locator("li").first
    expect(row).to_contain_text(seen)
    follow(row.get_by_role("button", name=revoke))
    phone.reload()
    expect(phone.locator("h1")).to_have_text(gone)
    sound(phone)
    desk.close()
    phone.context.close()
