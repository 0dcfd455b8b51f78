"""What the pages of a plain PDF seem to say is offered, and nothing of it is data before a person says so."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.invoices.test_journey import Program
from tests.support.office import Office
from tests.support.pdfs import plain_pdf
from tests.support.web import Browser

LINES = ("Invoice No. 2026-77", "Invoice date: 2026-05-02", "Total due EUR 1,190.00", "IBAN DE89370400440532013000 ")
PAGE = ") Tj 0 -24 Td (".join(LINES)
"""As the content of a page has them, one below the other."""


def handed_in(office: Office, web: TestClient, text: str = PAGE) -> str:
    return f"/invoices/{Program(web, office, 'dan').hand_in(plain_pdf(text), 'scan.pdf')['id']}"


def typed_in(page: Browser) -> dict[str, str]:
    names = ("supplier_number", "issued_on", "payable", "currency", "iban", "supplier")
    return {name: page.page.one("input", name=name).attributes.get("value", "") for name in names}


def test_suggestions_fill_the_form_and_say_where_they_stand(office: Office, web: TestClient) -> None:
    here = handed_in(office, web)
    dan = Browser(web, "dan")
    page = dan.open(here)
    assert typed_in(dan) == {
        "supplier_number": "2026-77",
        "issued_on": "2026-05-02",
        "payable": "1190.00",
        "currency": "EUR",
        "iban": "DE89370400440532013000",
        "supplier": "",
    }
    assert "Suggested: page 1 says “2026-77”." in page.text
    marked = {each.attributes["name"] for each in page.all("input") if each.attributes.get("class") == "suggested"}
    assert marked == {"supplier_number", "issued_on", "payable", "currency", "iban"}


def test_a_suggestion_is_no_data_before_a_person_says_that_they_compared_it(office: Office, web: TestClient) -> None:
    here = handed_in(office, web)
    program, dan = Program(web, office, "dan"), Browser(web, "dan")
    dan.open(here)
    before = program.get(f"/api{here}")
    assert (before["payable"], before["supplier_number"], before["state"]) == (None, "", "received")
    form = dan.page
    refused = dan.send(f"{here}/data", status=422, supplier="새벽리스")
    assert "Compare the suggestions with the pages first, and say so below." in refused.text
    assert program.get(f"/api{here}")["payable"] is None
    assert typed_in(dan)["supplier"] == "새벽리스", "what was typed stays"
    dan.page = form
    dan.send(f"{here}/data", supplier="새벽리스", payable="1200.00", compared="1")
    after = program.get(f"/api{here}")
    assert (after["payable"], after["supplier_number"], after["currency"]) == ("1200.00", "2026-77", "EUR")
    assert after["state"] == "in_approval"


def test_what_somebody_typed_is_not_overwritten_by_a_suggestion(office: Office, web: TestClient) -> None:
    here = handed_in(office, web)
    Program(web, office, "dan").post(f"/api{here}/data", {"supplier_number": "77-A"})
    dan = Browser(web, "dan")
    page = dan.open(here)
    assert typed_in(dan)["supplier_number"] == "77-A"
    assert "page 1 says “2026-77”" not in page.text


def test_pages_that_say_nothing_suggest_nothing(office: Office, web: TestClient) -> None:
    here = handed_in(office, web, "A letter")
    dan = Browser(web, "dan")
    assert "compared the suggestions" not in dan.open(here).text
    assert Program(web, office, "dan").get(f"/api{here}/suggestions") == {"items": []}


def test_programs_get_the_suggestions_with_their_places(office: Office, web: TestClient) -> None:
    items = Program(web, office, "dan").get(f"/api{handed_in(office, web)}/suggestions")["items"]
    assert {"field": "payable", "value": "1190.00", "text": "1,190.00", "page": 1} in items
