"""A real browser for the journeys: at a desk and on a phone, with what every page must keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect, sync_playwright

from tests.support import parts

PATIENCE = 90_000  # milliseconds: a busy machine is no failure
SIZES = {"desk": ViewportSize(width=1280, height=900), "phone": ViewportSize(width=390, height=844)}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
AXE = Axe()
LOOK = """() => ({
  wide: document.documentElement.scrollWidth,
  screen: window.innerWidth,
  headings: document.querySelectorAll("h1").length,
  inline: document.querySelectorAll("script:not([src]), style, [style]").length,
  language: document.documentElement.lang,
})"""


@contextmanager
def chromium() -> Iterator[Browser]:
    program = parts.require("chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


def opened(browser: Browser, base: str, locale: str, size: str, **options: Any) -> BrowserContext:
    """Somebody's own browser at this portal. ``options``: further ones of a Playwright context."""
    context = browser.new_context(
        base_url=base,
        viewport=SIZES[size],
        locale={"en": "en-GB", "ko": "ko-KR"}[locale],
        reduced_motion="reduce",  # a colour on its way to another is neither
        **options,
    )
    context.set_default_timeout(PATIENCE)
    return context


def follow(button: Locator) -> None:
    """Press what leads to another page, and wait until that page is there.

    A click by itself returns while the page before is still being left: whatever looks at the document then, looks at
    either of the two, or at none.
    """
    with button.page.expect_navigation(wait_until="load"):
        button.click()


def sound(page: Page) -> None:
    """What every page must keep: nothing wider than the screen, no script or style inline, one first heading, and
    nothing that keeps people from reading or using it, by day and by night."""
    page.wait_for_load_state("load")
    seen = page.evaluate(LOOK)
    assert seen["wide"] <= seen["screen"], f"{page.url} is {seen['wide']} wide on a screen of {seen['screen']}"
    assert seen["headings"] == 1, f"{page.url} has {seen['headings']} first headings"
    assert seen["inline"] == 0, f"{page.url} has {seen['inline']} scripts or styles of its own"
    assert seen["language"] in ("en", "ko"), f"{page.url} names no language"
    found = barriers(page) + barriers(page, by="dark")
    assert not found, f"{page.url}\n" + "\n".join(found)


def barriers(page: Page, *, by: Literal["light", "dark"] = "light") -> list[str]:
    """All that axe-core finds, however slight. By dark, only colours are another matter."""
    page.emulate_media(color_scheme=by)
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if by == "dark":
        options["runOnly"] = ["color-contrast"]
    judged = AXE.run(page, options=options).response
    page.emulate_media(color_scheme="light")
    return [
        f"{rule['id']} ({rule['impact']}, {by}): {node['html'][:300]}\n  {node['failureSummary']}"
        for rule in judged["violations"]
        for node in rule["nodes"]
    ]
