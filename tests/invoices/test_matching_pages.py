"""What an invoice was held against, at the desk, in English and in Korean."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.support.office import Office, link_in
from tests.support.web import Browser
from workflows.inventory.operations import keep_machines
from workflows.inventory.rules import MachineSaid
from workflows.orders.operations import keep_orders
from workflows.orders.rules import read_file

ORDERS = "order,supplier,currency,line,name,quantity,price\nPO-7,Aurora Leasing GmbH,EUR,10,Forklift,3,100.00\n"


def handed_in(browser: Browser, **words: str) -> str:
    browser.open("/invoices/new")
    browser.send("/invoices", file=("invoice.xml", sound_ubl(**words), "application/xml"))
    links = [each.attributes.get("href", "") for each in browser.open("/invoices").all("a")]
    return next(each for each in links if each.startswith("/invoices/0"))


@pytest.fixture
def office(office: Office) -> Office:
    ada = office.actor("ada")
    with office.transaction() as session:
        keep_orders(session, read_file(ORDERS), by=ada, now=office.now)
        machine = MachineSaid("004711000123456789", removed_on=date(2026, 3, 3))
        keep_machines(session, [machine], by=ada, now=office.now)
    return office


def test_a_line_is_matched_by_hand_and_the_match_undone(office: Office, web: TestClient) -> None:
    dan = Browser(web, "dan")
    here = handed_in(dan)
    assert "without an order" in dan.open(here).text
    by_hand: dict[str, Any] = {"position": "1", "order": "PO-7", "order_line": "10"}
    refused = dan.send(f"{here}/matches", status=422, **by_hand, reason=" ").text
    assert "Say why: whoever decides reads it." in refused
    shown = dan.send(f"{here}/matches", **by_hand, reason="Ordered by phone.").text
    assert "as ordered" in shown
    assert "PO-7 / 10" in shown
    assert "matched by Dan: Ordered by phone." in shown
    assert "Dan matched 1: Forklift, one month with PO-7 / 10" in shown
    undo = next(each.attributes["action"] for each in dan.page.all("form") if "/undoing" in each.attributes["action"])
    shown = dan.send(undo, reason="Another order.").text
    assert "The match is undone" in shown
    assert "without an order" in shown
    assert "Held once more against what is known now" in dan.send(f"{here}/matching").text


def test_a_removed_machine_is_told_of_in_the_readers_language(office: Office, web: TestClient) -> None:
    office.person("suji", password="correct horse battery", locale="ko", manager="mia")
    name = "Forklift 004711000123456789"
    shown = Browser(web, "dan")
    here = handed_in(shown, name=name, order="PO-7")
    words = shown.open(here).text
    assert "Billed for the machine 004711000123456789, which was removed on 3 Mar 2026." in words
    assert "not as ordered" in words
    suji = Browser(web, "suji")
    here = handed_in(suji, name=name, number="2026-0002", order="PO-7")
    words = suji.open(here).text
    assert "2026년 3월 3일에 철거된 기계 004711000123456789에 대한 청구입니다." in words
    assert "발주 대조" in words
    assert "기계 004711000123456789" in words
    assert "또는 계약 번호" in words


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "was removed on 3 Mar 2026"), ("ko", "2026년 3월 3일에 철거된 기계")]
)
def test_whoever_decides_by_link_reads_what_differs_and_matches_nothing(
    office: Office, web: TestClient, lang: str, words: str
) -> None:
    handed_in(Browser(web, "dan"), name="Forklift 004711000123456789", order="PO-7")
    office.deliver()
    page = Browser(web).open(f"{link_in(office.mails.to('mia@')[-1])}?lang={lang}")
    shown = page.one("section", aria_labelledby="matching")
    assert words in shown.text
    assert not shown.all("form")


def test_lines_that_differ_in_the_same_are_told_of_once(office: Office, web: TestClient) -> None:
    xml = sound_ubl(order="PO-404").decode()
    start, line, end = re.split("(<cac:InvoiceLine>.*</cac:InvoiceLine>)", xml)
    half = line.replace("100.00", "50.00")
    both = start + half + half.replace("<cbc:ID>1<", "<cbc:ID>2<", 1) + end
    dan = Browser(web, "dan")
    dan.open("/invoices/new")
    told = dan.send("/invoices", file=("two.xml", both.encode(), "application/xml")).one(
        "section", aria_labelledby="matching"
    )
    assert [each.text for each in told.all("h3")] == ["Lines 1–2"]
    assert told.text.count("PO-404") == 1
