"""Every page, in both languages, with real things on it: whole, labelled, translated, under a strict policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.support.busy_office import Busy, busy_office
from tests.support.html import faults, read
from tests.support.korean import english_left
from tests.support.office import PASSWORD

PAGES = {
    "sign in": ("", "/sign-in"),
    "inbox of an owner": ("dan", "/"),
    "inbox of an approver": ("ann", "/"),
    "inbox of a signer": ("doyun", "/"),
    "empty inbox": ("new", "/"),
    "contracts": ("dan", "/contracts"),
    "contracts in force": ("dan", "/contracts?state=in_force"),
    "contracts that need me": ("dan", "/contracts?state=needs_me"),
    "no contracts": ("new", "/contracts"),
    "no contracts in a state": ("new", "/contracts?state=rejected"),
    "search": ("dan", "/contracts?q=trucks"),
    "nothing found": ("dan", "/contracts?q=zeppelin"),
    "a contract in force": ("dan", "/contracts/{in force}"),
    "a contract to decide": ("ann", "/contracts/{legal}"),
    "a contract under way": ("dan", "/contracts/{legal}"),
    "a contract that was sent back": ("dan", "/contracts/{returned}"),
    "a rejected contract": ("dan", "/contracts/{rejected}"),
    "a withdrawn contract": ("dan", "/contracts/{withdrawn}"),
    "a contract with nobody to ask": ("dan", "/contracts/{blocked}"),
    "a contract whose time has run out": ("mia", "/contracts/{late}"),
    "inbox with what has run out": ("mia", "/"),
    "a contract to sign": ("doyun", "/contracts/{signing}"),
    "what was done": ("dan", "/contracts/{legal}?done=replaced"),
    "print view": ("dan", "/contracts/{in force}/print"),
    "history": ("dan", "/contracts/{in force}/history"),
    "changes": ("dan", "/contracts/{legal}/versions/compare?from=1&to=2"),
    "a contract that changed since": ("ann", "/contracts/{legal}"),
    "no changes": ("dan", "/contracts/{legal}/versions/compare?from=2&to=2"),
    "text": ("dan", "/contracts/{legal}/versions/2/text"),
    "send a contract": ("dan", "/contracts/new"),
    "hand in a version": ("dan", "/contracts/{returned}/versions/new"),
    "invoices": ("dan", "/invoices"),
    "invoices that are overdue": ("dan", "/invoices?state=overdue"),
    "no invoices": ("new", "/invoices"),
    "no invoice found": ("dan", "/invoices?q=zeppelin"),
    "hand in an invoice": ("dan", "/invoices/new"),
    "an invoice that was paid": ("dan", "/invoices/{invoice paid}"),
    "its history": ("dan", "/invoices/{invoice paid}/history"),
    "an invoice that is paid in part": ("dan", "/invoices/{invoice posted}"),
    "its payments on paper": ("dan", "/invoices/{invoice posted}/print"),
    "an invoice that breaks a rule": ("dan", "/invoices/{invoice wrong}"),
    "an invoice of which nothing can be read": ("dan", "/invoices/{invoice plain}"),
    "print view of an invoice": ("dan", "/invoices/{invoice paid}/print"),
    "print view of an invoice under way": ("mia", "/invoices/{invoice asked}/print"),
    "print view of a plain invoice": ("dan", "/invoices/{invoice plain}/print"),
    "mails that came in": ("root", "/incoming"),
    "mails that were put aside": ("root", "/incoming?outcome=kept"),
    "mails that somebody has to see to": ("dan", "/incoming?outcome=waits"),
    "a mail that was put aside": ("dan", "{link mail}"),
    "no mails handed in": ("root", "/incoming?outcome=invoices"),
    "hand in a version of an invoice": ("dan", "/invoices/{invoice wrong}/versions/new"),
    "a corrected file beside an invoice": ("dan", "{link answer}"),
    "versions of an invoice": ("dan", "/invoices/{invoice wrong}/versions/compare"),
    "an invoice to decide": ("mia", "/invoices/{invoice asked}"),
    "an invoice under way": ("dan", "/invoices/{invoice asked}"),
    "statements": ("dan", "/statements/suppliers"),
    "statements of customers": ("dan", "/statements/customers?as_of=2026-07-01&since=2026-01-01"),
    "no statements": ("new", "/statements/suppliers"),
    "a statement": ("dan", "/statements/suppliers/de123456789?as_of=2026-07-31"),
    "a statement of nothing": ("dan", "/statements/suppliers/de123456789?as_of=2020-01-01"),
    "an invoice to release": ("dan", "/invoices/{invoice approved}"),
    "payments": ("root", "/payments"),
    "spending": ("dan", "/spending?since=2026-01-01&until=2026-12-31"),
    "no spending": ("new", "/spending"),
    "exports": ("dan", "/exports"),
    "no exports": ("new", "/exports"),
    "an export to have made": ("dan", "/exports/new?what=invoices&q=trucks&name=Aurora"),
    "an export that has not begun": ("dan", "{link export asked}"),
    "an export being made": ("dan", "{link export begun}"),
    "an export that is ready": ("dan", "{link export ready}"),
    "an export that could not be made": ("dan", "{link export failed}"),
    "an export that was removed": ("dan", "{link export removed}"),
    "verify": ("", "/verify"),
    "verify, signed in": ("dan", "/verify"),
    "boards": ("root", "/boards"),
    "boards of one route": ("root", "/boards?route=nobody-there"),
    "routes": ("root", "/routes"),
    "a route": ("root", "/routes/two-stages"),
    "a route for invoices": ("root", "/routes/quick-invoice"),
    "a new route": ("root", "/routes/new"),
    "versions of a route": ("root", "/routes/two-stages/compare"),
    "documents under way": ("root", "/routes/two-stages/rounds"),
    "rates": ("root", "/rates"),
    "rates to change": ("root", "/rates?base=EUR&before=2040-01-01"),
    "no rates before": ("root", "/rates?before=2026-05-01"),
    "people": ("root", "/people"),
    "people found": ("root", "/people?q=legal"),
    "nobody found": ("root", "/people?q=zeppelin"),
    "a person": ("root", "/people/{person ann}"),
    "what was done to a person": ("root", "/people/{person ann}?done=changed"),
    "somebody who has left": ("root", "/people/{person gone}?done=left"),
    "settings": ("dan", "/settings?done=token"),
    "mailbox": ("", "/mailbox"),
    "task link": ("", "{link asked}"),
    "what was sent for reading": ("", "{link sent}"),
    "what was sent and read": ("", "{link read}"),
    "task link, changed": ("", "{link changed}"),
    "its text": ("", "{link asked}/text"),
    "task link of an invoice": ("", "{link invoice}"),
    "signing link": ("", "{link sign}"),
    "link whose time has run out": ("", "{link late}"),
    "used link": ("", "{link approved}"),
    "link of a withdrawn contract": ("", "{link withdrawn}"),
    "used signing link": ("", "{link signed}"),
    "reading link": ("", "{link sealed}"),
}
REFUSED = {
    "a link that was revoked": ("", "{link revoked}", 410),
    "no such address": ("", "/no/such/address", 404),
    "no such contract": ("dan", "/contracts/00000000-0000-7000-8000-000000000000", 404),
    "no such link": ("", "/t/" + "x" * 43, 404),
    "an export of somebody else": ("mia", "{link export ready}", 404),
    "no administrator": ("dan", "/routes", 403),
    "an unknown state": ("dan", "/contracts?state=frozen", 422),
}


@pytest.fixture(scope="module")
def busy(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    home = tmp_path_factory.mktemp("busy")
    shutil.copyfile(migrated_sqlite, home / "signoff.db")
    made = busy_office(f"sqlite:///{home / 'signoff.db'}", home)
    yield made
    made.office.runtime.engine.dispose()


@pytest.fixture(scope="module")
def web(busy: Busy) -> Iterator[TestClient]:
    with TestClient(create_app(runtime=busy.office.runtime), headers={"Accept": "text/html"}) as client:
        yield client


@pytest.fixture(scope="module")
def cookies(busy: Busy, web: TestClient) -> dict[str, str]:
    """The browser cookie of each person."""
    found = {"": ""}
    for name in ("dan", "ann", "mia", "doyun", "new", "root"):
        form = {"email": f"{name}@haneul.example", "password": PASSWORD}
        answer = web.post("/sign-in", data=form, follow_redirects=False)
        assert answer.status_code == 303
        found[name] = answer.headers["set-cookie"].partition(";")[0]
        web.cookies.clear()
    return found


def opened(
    busy: Busy, web: TestClient, cookies: dict[str, str], who: str, address: str, lang: str, status: int = 200
) -> str:
    answer = web.get(busy.address(address, lang), headers={"Cookie": cookies[who]}, follow_redirects=False)
    web.cookies.clear()
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(name: str, lang: str, busy: Busy, web: TestClient, cookies: dict[str, str]) -> None:
    page = opened(busy, web, cookies, *PAGES[name], lang)
    assert not faults(page)
    assert read(page).one("html").attributes["lang"] == lang
    if lang == "ko":
        assert not english_left(page)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_a_whole_page(name: str, lang: str, busy: Busy, web: TestClient, cookies: dict[str, str]) -> None:
    who, address, status = REFUSED[name]
    page = opened(busy, web, cookies, who, address, lang, status)
    assert not faults(page)
    if lang == "ko":
        assert not english_left(page)


def test_every_form_of_somebody_signed_in_carries_their_token(
    busy: Busy, web: TestClient, cookies: dict[str, str]
) -> None:
    without = []
    for name, (who, address) in PAGES.items():
        if not who or address == "/verify":
            continue
        for form in read(opened(busy, web, cookies, who, address, "en")).all("form", method="post"):
            tokens = [each.attributes["value"] for each in form.all("input", name="csrf_token")]
            if len(tokens) != 1 or not tokens[0]:
                without.append(f"{name}: {form.attributes['action']}")
    assert not without


def test_a_linked_page_carries_its_senders_name_and_leads_nowhere_else(
    busy: Busy, web: TestClient, cookies: dict[str, str]
) -> None:
    page = read(opened(busy, web, cookies, "", "{link asked}", "en"))
    assert page.one("header").all("span")[0].text == "Haneul Logistics"
    own = busy.links["asked"]
    leads = [each.attributes["href"] for each in page.all("a")]
    assert all(each.startswith(("#", "?lang=", "mailto:", own)) for each in leads), leads


def test_pictures_of_pages_are_there_for_those_who_may_see_the_contract(
    busy: Busy, web: TestClient, cookies: dict[str, str]
) -> None:
    page = read(opened(busy, web, cookies, "ann", "/contracts/{legal}", "en"))
    addresses = [each.attributes["src"] for each in page.all("img") if "/pages/" in each.attributes["src"]]
    assert len(addresses) == 2
    for address in addresses:
        picture = web.get(address, headers={"Cookie": cookies["ann"]})
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")
        assert web.get(address, headers={"Cookie": cookies["new"]}).status_code == 404


def test_what_people_typed_is_text(busy: Busy, web: TestClient, cookies: dict[str, str]) -> None:
    page = opened(busy, web, cookies, "dan", "/contracts/{manager}", "en")
    assert "Security guards, &lt;b&gt;Incheon&lt;/b&gt; &amp; Co." in page
    assert read(page).one("h1").text == "Security guards, <b>Incheon</b> & Co."


def test_a_search_shows_where_the_words_stand(busy: Busy, web: TestClient, cookies: dict[str, str]) -> None:
    page = read(opened(busy, web, cookies, "dan", "/contracts?q=counterbalance", "en"))
    assert {each.text for each in page.all("mark")} == {"counterbalance"}
