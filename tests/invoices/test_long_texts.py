"""Invoices say what their writers like, as long as they like: it is received, found and shown, or refused in words."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.invoices.test_journey import Program
from tests.support.office import Office
from tests.support.web import Browser
from tests.support.whole_invoices import EN, changed, whole_ubl

WORD = "9" * 49_000
WORDS = "가나다 " * 12_000
PLACES = {
    "seller": ("Aurora Leasing GmbH", WORD),
    "buyer": ("Haneul Logistik GmbH", WORDS),
    "VAT number": ("DE136695976", WORD),
    "town": ("Hamburg", WORDS),
    "country": (">DE<", f">{WORD}<"),
    "e-mail": ("mia@aurora.example", f"{WORD}@aurora.example"),
    "account": ("DE02120300000000202051", WORD),
    "reference": ("04011000-12345-34", WORD),
    "specification": (EN, WORD),
    "type": (">380<", f">{WORD}<"),
    "order": ("<cac:AccountingSupplierParty>", f"<cac:OrderReference><cbc:ID>{WORD}</cbc:ID></cac:OrderReference>"),
    "terms": ("30 days", WORDS),
    "line": ("<cbc:ID>1</cbc:ID><cbc:InvoicedQuantity", f"<cbc:ID>{WORD}</cbc:ID><cbc:InvoicedQuantity"),
    "unit": ("unitCode='C62'", f"unitCode='{WORD}'"),
    "item": ("Forklift, one month", WORD),
    "category": ("<cbc:ID>S</cbc:ID>", f"<cbc:ID>{WORD}</cbc:ID>"),
}


def long_in(*places: str) -> bytes:
    pairs = [PLACES[each] for each in places]
    return changed(whole_ubl(EN), *((old, new + old if new.startswith("<cac:") else new) for old, new in pairs))


@pytest.mark.parametrize(
    "places", [("seller", "buyer", "order", "line", "item", "terms"), tuple(PLACES)], ids=["where people write", "all"]
)
def test_long_texts_are_received_found_and_shown(office: Office, web: TestClient, places: tuple[str, ...]) -> None:
    made = Program(web, office, "dan").hand_in(long_in(*places))
    browser = Browser(web, "dan")
    for page in (f"/invoices/{made['id']}", f"/invoices/{made['id']}/history", "/invoices", "/", "/statements"):
        assert "2026-0001" in browser.open(page).text or page in ("/", "/statements")
    found = Program(web, office, "dan").get("/api/invoices?q=2026-0001")["items"]
    assert [each["id"] for each in found] == [made["id"]]
    for export in ("/api/invoices.xlsx", "/api/invoices.csv"):
        assert web.get(export, headers=Program(web, office, "dan").headers).status_code == 200
