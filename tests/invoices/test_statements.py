"""Statements of account: what is open, how long it has been due, what was paid; on either database."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

from tests.invoices.ledgers import book
from tests.invoices.test_journey import Program
from tests.support.office import Office
from tests.support.spreadsheets import midnight
from tests.support.web import Browser
from workflows.invoices.aging import Age, Period, Side, age_of
from workflows.invoices.model import InvoiceState
from workflows.invoices.statements import all_accounts

AURORA = "/api/statements/suppliers/aurora"


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


def balance(found: dict[str, Any], currency: str = "EUR") -> dict[str, str]:
    """Amounts by name, ages among them; what is zero left out."""
    (one,) = [each for each in found["balances"] if each["currency"] == currency]
    amounts = {name: one[name] for name in ("open", "overdue", "disputed", "paid")}
    amounts |= {each["age"]: each["amount"] for each in one["ages"]}
    return {name: amount for name, amount in amounts.items() if Decimal(amount)}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_with_nothing_around_it_is_refused_in_words(dan: Program, day: str) -> None:
    for name in ("as_of", "since"):
        assert "A year from 1900 to 2999." in str(dan.get(f"{AURORA}?{name}={day}", status=422))


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, Age.NOT_DUE),
        (0, Age.NOT_DUE),
        (1, Age.TO_30),
        (30, Age.TO_30),
        (31, Age.TO_60),
        (60, Age.TO_60),
        (61, Age.TO_90),
        (90, Age.TO_90),
        (91, Age.OVER_90),
    ],
)
def test_an_age_ends_with_its_last_day(office: Office, dan: Program, days: int, age: Age) -> None:
    as_of = date(2026, 8, 1)
    assert age_of(as_of - timedelta(days=days), as_of) is age
    book(office, "100.00", due_on=as_of - timedelta(days=days))
    found = dan.get(f"{AURORA}?as_of={as_of}")
    assert [each["age"] for each in found["items"]] == [age.value]
    shown = {"open": "100.00", age.value: "100.00"}
    assert balance(found) == (shown if age is Age.NOT_DUE else {**shown, "overdue": "100.00"})


def test_what_names_no_day_is_not_overdue(office: Office, dan: Program) -> None:
    book(office, "7.00", due_on=None)
    assert balance(dan.get(f"{AURORA}?as_of=2026-12-01")) == {"open": "7.00", "not_due": "7.00"}


def test_a_credit_note_counts_against_and_what_was_asked_about_is_marked(office: Office, dan: Program) -> None:
    book(office, "100.10")
    book(office, "40.05", kind="credit note")
    book(office, "5.00", state=InvoiceState.DISPUTED)
    found = dan.get(f"{AURORA}?as_of=2026-06-01")
    assert balance(found) == {"open": "65.05", "overdue": "65.05", "disputed": "5.00", "61_to_90": "65.05"}
    assert [each["payable"] for each in found["items"]] == ["100.10", "-40.05", "5.00"]
    assert [each["disputed"] for each in found["items"]] == [False, False, True]


def test_currencies_are_never_added_up(office: Office, dan: Program) -> None:
    book(office, "100.00")
    book(office, "38400000", currency="KRW")
    found = dan.get(f"{AURORA}?as_of=2026-03-31")
    assert [each["currency"] for each in found["balances"]] == ["EUR", "KRW"]
    assert balance(found, "KRW") == {"open": "38400000", "not_due": "38400000"}


def test_a_statement_tells_how_it_stood_on_its_day(office: Office, dan: Program) -> None:
    book(office, "50.00", state=InvoiceState.PAID, paid_on=date(2026, 4, 10), paid_amount=Decimal("50.00"))
    book(office, "8.00", state=InvoiceState.REJECTED, state_since=datetime(2026, 4, 10, 15, 30, tzinfo=UTC))
    before, after = dan.get(f"{AURORA}?as_of=2026-04-09"), dan.get(f"{AURORA}?as_of=2026-04-10")
    assert balance(before) == {"open": "58.00", "overdue": "58.00", "1_to_30": "58.00"}
    assert balance(after) == {"open": "8.00", "overdue": "8.00", "1_to_30": "8.00", "paid": "50.00"}
    later = dan.get(f"{AURORA}?as_of=2026-04-11")
    assert balance(later) == {"paid": "50.00"}, "rejected on the 11th, as it is told in Seoul"
    assert dan.get(f"{AURORA}?as_of=2026-04-11&since=2026-04-11")["balances"] == []
    assert dan.get(f"{AURORA}?as_of=2026-02-28")["balances"] == [], "not issued yet"


def test_everybody_sees_what_they_may_see(office: Office, web: TestClient, dan: Program) -> None:
    book(office, "100.00")
    book(office, "1.00", by="mia")
    ada, mia = Program(web, office, "ada"), Program(web, office, "mia")
    assert [balance(each.get(f"{AURORA}?as_of=2026-03-31"))["open"] for each in (dan, mia, ada)] == [
        "100.00",
        "1.00",
        "101.00",
    ]
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    eve = Program(web, office, "eve")
    assert eve.get(AURORA, 404)["detail"] == "There is no such supplier."
    assert eve.get("/api/statements/suppliers")["items"] == []


def test_accounts_are_listed_page_by_page(office: Office, dan: Program) -> None:
    for name in ("Cedar", "Aurora", "Birch"):
        book(office, "1.00", supplier=name, supplier_key=name.lower())
    book(office, "1.00", supplier="", supplier_key="")
    first = dan.get("/api/statements/suppliers?limit=2")
    assert [each["name"] for each in first["items"]] == ["Aurora", "Birch"]
    rest = dan.get(f"/api/statements/suppliers?limit=2&cursor={first['next_cursor']}")
    assert ([each["name"] for each in rest["items"]], rest["next_cursor"]) == (["Cedar"], None)
    assert [each["name"] for each in dan.get("/api/statements/suppliers?q=irc")["items"]] == ["Birch"]
    (customer,) = dan.get("/api/statements/customers")["items"]
    assert (customer["name"], customer["balances"][0]["invoices"]) == ("Haneul Logistics", 4)


def test_the_invoices_of_an_account_come_page_by_page_by_their_day(office: Office, dan: Program) -> None:
    for day in (3, 1, 2, 2):
        book(office, f"{day}.00", issued_on=date(2026, 3, day))
    cursor, seen = "", []
    while True:
        found = dan.get(f"{AURORA}?limit=2&cursor={cursor}")
        assert len(found["items"]) == 2
        assert balance(found)["open"] == "8.00", "of the whole account"
        seen += [each["payable"] for each in found["items"]]
        if not (cursor := found["next_cursor"]):
            break
    assert seen == ["1.00", "2.00", "2.00", "3.00"]
    assert dan.get(f"{AURORA}?cursor=x", 422)["detail"] == "This cursor is not one of ours."
    assert dan.get(f"{AURORA}?since=2026-06-02&as_of=2026-06-01", 422)["detail"] == "The period ends before it begins."


def test_the_files_say_what_the_page_says(office: Office, web: TestClient, dan: Program) -> None:
    book(office, "1234.50", supplier_number="=2026-1", state=InvoiceState.DISPUTED)
    book(office, "34.50", kind="credit note", supplier_number="0042")
    address = f"{AURORA}/file?as_of=2026-06-01&format="
    book_ = load_workbook(io.BytesIO(web.get(f"{address}xlsx", headers=dan.headers).content))
    balances, rows = (list(sheet.values) for sheet in book_.worksheets)
    assert balances[1][:6] == ("EUR", 1200, 0, 0, 0, 1200)
    assert [row[0] for row in rows[1:]] == ["=2026-1", "0042"], "text, and no formula"
    assert rows[1][3] == midnight(2026, 3, 1), "a day, as spreadsheets have days"
    assert [row[8] for row in rows[1:]] == [1234.5, -34.5]
    pdf = web.get(f"{address}pdf", headers=dan.headers)
    assert pdf.headers["content-type"] == "application/pdf"
    assert web.get(f"{address}pdf", headers=dan.headers).content == pdf.content
    opened = pypdfium2.PdfDocument(pdf.content)
    text = " ".join(opened[0].get_textpage().get_text_bounded().split())
    for each in ("Statement of account", "Aurora Leasing GmbH", "61–90 days EUR 1,200.00", "0042", "EUR -34.50"):
        assert each in text, text
    page = Browser(web, "dan").open("/statements/suppliers/aurora?as_of=2026-06-01")
    words = " ".join(page.one("main").text.split())
    for each in ("EUR 1,200.00", "asked about: EUR 1,234.50", "Overdue for 62 days", "EUR -34.50"):
        assert each in words, words


def test_all_accounts_are_one_sheet(office: Office, web: TestClient, dan: Program) -> None:
    for number in range(3):
        book(office, f"{number + 1}.50", supplier=f"=S{number}", supplier_key=f"s{number}")
    book(office, "700", supplier="=S1", supplier_key="s1", currency="KRW", due_on=date(2026, 7, 1))
    answer = web.get("/api/statements/suppliers.xlsx?as_of=2026-06-01", headers=dan.headers)
    (sheet,) = load_workbook(io.BytesIO(answer.content)).worksheets
    assert [row[:3] for row in list(sheet.values)[1:]] == [
        ("=S0", "EUR", 1.5),
        ("=S1", "EUR", 2.5),
        ("=S1", "KRW", 700),
        ("=S2", "EUR", 3.5),
    ]
    with office.reading() as session:
        shown = Period(date(2026, 1, 1), date(2026, 6, 1))
        one_by_one = all_accounts(session, Side.SUPPLIERS, office.actor("dan"), shown, at_a_time=1)
        assert [each.key for each in one_by_one] == ["s0", "s1", "s2"]


def test_a_long_statement_goes_over_several_pages(office: Office, web: TestClient, dan: Program) -> None:
    for number in range(70):
        book(office, "1.00", supplier_number=f"long-{number:03d}-" + "9" * 60)
    pdf = web.get(f"{AURORA}/file?format=pdf", headers=dan.headers).content
    opened = pypdfium2.PdfDocument(pdf)
    assert len(opened) > 1
    text = " ".join(page.get_textpage().get_text_bounded() for page in opened)
    assert [number for number in range(70) if f"long-{number:03d}" not in text] == []
