"""What was spent, by month, supplier and cost centre; on either database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from tests.invoices.ledgers import book
from tests.invoices.test_journey import Program
from tests.support.office import Office
from tests.support.web import Browser
from workflows.invoices.cost_centers import keep_cost_centers
from workflows.invoices.model import InvoiceState
from workflows.invoices.spending import MOST_MONTHS, a_year_until, months_between

YEAR = "/api/spending?since=2026-01-01&until=2026-12-31"


@pytest.fixture
def dan(web: TestClient, office: Office) -> Program:
    return Program(web, office, "dan")


def told(parts: list[dict[str, Any]], by: str = "name") -> dict[str, str]:
    return {each[by]: each["amount"] for each in parts if Decimal(each["amount"])}


def test_it_is_told_by_month_supplier_and_cost_centre(office: Office, dan: Program) -> None:
    with office.transaction() as session:
        keep_cost_centers(
            session, {"4711": ("Warehouse", "mia@haneul.example")}, by=office.actor("ada"), now=office.now
        )
    book(office, "100.10", cost_center="4711")
    book(office, "0.20", issued_on=date(2026, 5, 31), supplier="Birch", supplier_key="birch")
    book(office, "50.00", kind="credit note", cost_center="4711", state=InvoiceState.PAID, paid_on=date(2026, 4, 1))
    book(office, "38400000", currency="KRW", issued_on=date(2026, 12, 31))
    euro, won = dan.get(YEAR)["items"]
    assert (euro["currency"], euro["total"], euro["invoices"]) == ("EUR", "50.30", 3)
    assert told(euro["months"], "month") == {"2026-03": "50.10", "2026-05": "0.20"}
    assert [each["month"] for each in euro["months"]] == [f"2026-{month:02d}" for month in range(1, 13)]
    assert told(euro["suppliers"]) == {"Aurora Leasing GmbH": "50.10", "Birch": "0.20"}
    assert told(euro["cost_centers"]) == {"Warehouse": "50.10", "": "0.20"}
    assert (won["currency"], told(won["months"], "month")) == ("KRW", {"2026-12": "38400000"})


@pytest.mark.parametrize("state", [state for state in InvoiceState if state not in ("approved", "released", "paid")])
def test_what_nobody_has_approved_is_not_spent(office: Office, dan: Program, state: InvoiceState) -> None:
    book(office, "100.00", state=state)
    assert dan.get(YEAR)["items"] == []


def test_what_others_may_see_is_in_no_sum(office: Office, web: TestClient, dan: Program) -> None:
    book(office, "100.00")
    book(office, "1.00", by="mia")
    mia, ada = Program(web, office, "mia"), Program(web, office, "ada")
    assert [each.get(YEAR)["items"][0]["total"] for each in (dan, mia, ada)] == ["100.00", "1.00", "101.00"]


def test_the_largest_are_named_and_all_others_are_one(office: Office, dan: Program) -> None:
    for number in range(1, 13):
        book(office, f"{number}.00", supplier=f"S{number}", supplier_key=f"s{number}")
    (euro,) = dan.get(YEAR)["items"]
    assert [each["name"] for each in euro["suppliers"]] == [f"S{number}" for number in range(12, 2, -1)]
    assert (euro["other_suppliers"]["amount"], euro["other_suppliers"]["invoices"]) == ("3.00", 2)


def test_a_period_is_whole_and_can_be_drawn(dan: Program) -> None:
    assert dan.get("/api/spending?since=2026-02-02&until=2026-02-01", 422)["detail"] == (
        "The period ends before it begins."
    )
    assert dan.get("/api/spending?since=2020-01-01&until=2026-01-01", 422)["detail"] == (
        f"At most {MOST_MONTHS} months can be shown."
    )


@given(st.dates(date(1901, 1, 1), date(2199, 12, 31)))
def test_a_year_has_twelve_months_and_ends_with_its_last_day(day: date) -> None:
    months = months_between(a_year_until(day), day)
    assert len(months) == 12
    assert months[-1] == day.replace(day=1)


def test_the_page_draws_it_and_has_its_numbers(office: Office, web: TestClient) -> None:
    book(office, "100.00")
    book(office, "50.00", issued_on=date(2026, 2, 1))
    page = Browser(web, "dan").open("/spending?since=2026-01-01&until=2026-03-31")
    figure = page.one("figure")
    heights = [float(each.attributes["height"]) for each in figure.all("rect")]
    assert heights == [0.0, heights[2] / 2, heights[2]]
    cells = [each.text for each in figure.one("tbody").all("td")]
    assert cells == ["0", "EUR 0.00", "1", "EUR 50.00", "1", "EUR 100.00"]
