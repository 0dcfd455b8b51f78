"""Invoices as people see them, in English and in Korean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.invoices.samples import sound_ubl
from tests.support import einvoices
from tests.support.html import Element
from tests.support.office import Office, link_in, text_of
from tests.support.pdfs import plain_pdf
from tests.support.rules import stylesheet
from tests.support.web import Browser

XML = ("invoice.xml", sound_ubl(), "application/xml")


def address_in(page: Element, ending: str) -> str:
    """Where the form goes whose address ends so."""
    return next(each.attributes["action"] for each in page.all("form") if each.attributes["action"].endswith(ending))


def test_an_invoice_goes_its_way_at_the_desk(office: Office, web: TestClient) -> None:
    dan, mia = Browser(web, "dan"), Browser(web, "mia")
    dan.open("/invoices/new")
    shown = dan.send("/invoices", file=XML).text
    assert "Received and on its way" in shown
    assert "2026-0001" in shown
    listed = dan.open("/invoices")
    here = next(
        each.attributes["href"] for each in listed.all("a") if each.attributes.get("href", "").startswith("/invoices/0")
    )
    assert here in {each.attributes.get("href") for each in mia.open("/").all("a")}
    assert here in {each.attributes.get("href") for each in dan.open("/").all("a")}, "as it waits for somebody else"
    page = mia.open(here)
    action = address_in(page, "/decision")
    decided = mia.send(action, verdict="approve")
    assert "You have approved this invoice" in decided.text
    waits = dan.open(here).text
    assert "Release for payment" in waits
    assert "next: Released for payment" in " ".join(waits.split())
    assert "seal" not in waits, "nobody seals an invoice"
    released = dan.send(f"{here}/release").text
    assert "Released for payment" in released
    assert "next:" not in released, "nothing comes by itself any more"
    paid = dan.send(f"{here}/payment", paid_on="2026-06-01").text
    assert "The payment is noted" in paid
    assert "was paid on" in dan.open(f"{here}/history").text


def test_what_the_pages_of_a_plain_pdf_say_is_typed(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    dan.open("/invoices/new")
    shown = dan.send("/invoices", file=("scan.pdf", plain_pdf("Invoice 77"), "application/pdf"))
    assert "It does not say how much is to be paid." in shown.text
    assert "It cannot be decided on yet" in dan.open("/").text
    here = next(
        each.attributes["href"]
        for each in dan.open("/invoices").all("a")
        if each.attributes.get("href", "").startswith("/invoices/0")
    )
    dan.open(here)
    words: dict[str, Any] = {
        "supplier": "새벽리스",
        "supplier_number": "77",
        "issued_on": "2026-05-02",
        "currency": "KRW",
    }
    refused = dan.send(f"{here}/data", status=422, **words, payable="1100.5")
    assert "Amounts in KRW have no decimals." in refused.text
    kept = dan.send(f"{here}/data", **words, payable="1100")
    assert "Manager is deciding" in kept.text
    assert "새벽리스 77" in kept.text


@pytest.mark.parametrize(("locale", "words"), [("en", "asks you to approve this invoice"), ("ko", "송장")])
def test_the_page_behind_a_link_speaks_of_an_invoice(office: Office, web: TestClient, locale: str, words: str) -> None:
    office.person("yuna", locale=locale)
    office.person("eun", manager="yuna", password="correct horse battery")
    eun = Browser(web, "eun")
    eun.open("/invoices/new")
    eun.send("/invoices", file=XML)
    [mail] = [each for each in office.deliver() if "yuna" in each["To"]]
    for text in (text_of(mail), Browser(web).open(link_in(mail)).text):
        assert "contract" not in text.lower()
        assert "계약" not in text.replace("등록된 발주서, 계약, 기계", "")  # with which it was compared
    page = Browser(web).open(link_in(mail))
    assert words in page.text
    assert "2026-0001" in page.text
    decided = Browser(web)
    decided.open(link_in(mail))
    action = next(
        each.attributes["action"]
        for each in decided.page.all("form")
        if each.attributes["action"].endswith("/decision")
    )
    done = decided.send(action, verdict="approve").text
    assert "2026-0001" in done
    assert {"en": "can be withdrawn until it is released", "ko": "송장을 회수할 수 있습니다"}[locale] in done
    for text in (page.text, done):
        assert "seal" not in text.lower(), "nobody seals an invoice"
        assert "봉인" not in text


def test_wrong_sums_are_told_with_their_numbers_in_the_readers_language(office: Office, web: TestClient) -> None:
    office.person("eun", locale="ko", password="correct horse battery")
    eun = Browser(web, "eun")
    eun.open("/invoices/new")
    shown = eun.send("/invoices", file=("invoice.xml", einvoices.ubl(total="118.00"), "application/xml")).text
    assert "금액 계산 과정" in shown
    assert "송장 기재 금액" in shown
    assert "부가세 포함 합계: 100.00 + 19.00 = 119.00인데 송장에는 118.00로 적혀 있습니다." in shown
    assert "부가세 포함 합계가 부가세 제외 합계에 부가세를 더한 금액과 다릅니다." in shown


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en", ("Mia approved", "Forklift, one month", "Released for payment", "EUR 119.00", "sha256", "Rather late.")),
        ("ko", ("Mia 님 승인", "Forklift, one month", "지급 승인", "EUR 119.00", "sha256", "Rather late.")),
    ],
)
def test_the_print_view_has_all_of_it_and_no_forms(
    office: Office, web: TestClient, locale: str, words: tuple[str, ...]
) -> None:
    office.person("eun", manager="mia", locale=locale, password="correct horse battery")
    eun, mia = Browser(web, "eun"), Browser(web, "mia")
    eun.open("/invoices/new")
    eun.send("/invoices", file=XML)
    here = next(
        each.attributes["href"]
        for each in eun.open("/invoices").all("a")
        if each.attributes.get("href", "").startswith("/invoices/0")
    )
    mia.send(address_in(mia.open(here), "/decision"), verdict="approve", comment="Rather late.")
    eun.open(here)
    eun.send(f"{here}/release")
    printed = eun.open(f"{here}/print")
    for each in words:
        assert each in " ".join(printed.text.split())
    assert [each for each in printed.one("main").all("form") if each.attributes.get("method") == "post"] == []
    pages = [each.attributes["src"] for each in printed.all("img") if "/pages/" in each.attributes["src"]]
    assert len(pages) == 1


def test_the_inbox_offers_what_its_reader_may_do(office: Office, web: TestClient) -> None:
    page = Browser(web, "dan").open("/")
    assert page.all("a", href="/invoices/new")
    assert page.all("a", href="/contracts/new")
    with office.transaction() as session:
        session.merge(office.people["mia"]).organisation_id = None
    page = Browser(web, "mia").open("/")
    assert not page.all("a", href="/invoices/new")
    assert not page.all("a", href="/contracts/new")


def test_lists_tell_credit_notes_apart(office: Office, web: TestClient) -> None:
    words: dict[str, Any] = {"kind": "credit note", "supplier": "Aurora", "currency": "EUR", "payable": "100.00"}
    dan = Browser(web, "dan")
    dan.open("/invoices/new")
    dan.send("/invoices", file=("credit.pdf", plain_pdf("Credit"), "application/pdf"), **words)
    assert "Credit note" in dan.open("/").one("table").text, "it has no number yet: it is Dan's to complete"
    assert "Credit note" in dan.open("/invoices").one("table").text
    more: dict[str, Any] = {"supplier_number": "7", "issued_on": "2026-05-20"}
    dan.open("/invoices/new")
    dan.send("/invoices", file=("other.pdf", plain_pdf("Other"), "application/pdf"), **words, **more)
    assert "Credit note" in Browser(web, "mia").open("/").one("table").text


def test_a_rules_own_words_are_marked_with_their_language(office: Office, tmp_path: Path) -> None:
    told = '<svrl:failed-assert id="HOUSE-1" flag="error"><svrl:text>Never on Fridays.</svrl:text></svrl:failed-assert>'
    (tmp_path / "house.xsl").write_text(stylesheet(told))
    settings = office.runtime.settings.model_copy(update={"invoice_rules": tmp_path})
    office.person("eun", locale="ko", password="correct horse battery")
    with TestClient(create_app(runtime=replace(office.runtime, settings=settings)), follow_redirects=False) as web:
        for name, languages in (("eun", ["en"]), ("dan", [])):
            browser = Browser(web, name)
            browser.open("/invoices/new")
            shown = browser.send("/invoices", file=XML)
            assert "Never on Fridays." in shown.text
            marked = [each.attributes.get("lang") for each in shown.all("span") if each.text == "Never on Fridays."]
            assert marked == languages
