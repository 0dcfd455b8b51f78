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


@pytest.mark.parametrize(
    "unseen",
    ["\n", "\r\nBcc: eve@example.com\r\n\r\n", "\u202e", "\u2066", "\u200b", "\u2028", "\x85", "\x7f", "&#13;", "&#9;"],
    ids=ascii,
)
def test_what_cannot_be_seen_turns_no_text_round_and_ends_no_line(office: Office, web: TestClient, unseen: str) -> None:
    """A supplier could write a number that reads as another one, or a head of a mail into its name."""
    names = (("Aurora Leasing GmbH", f"Aurora{unseen}GmbH"), ("2026-0001", f"2026{unseen}0001"))
    lines = (("Forklift, one month", f"Forklift{unseen}month"),)
    made = Program(web, office, "dan").hand_in(changed(whole_ubl(EN), *names, *lines))
    (mail,) = office.deliver()

    for text in (made["title"], made["supplier"], made["supplier_number"], made["lines"][0]["name"], mail["Subject"]):
        assert text.isprintable(), ascii(text)
    assert made["supplier"].startswith("Aurora")
    assert (mail["To"], mail["Bcc"]) == ("Mia <mia@haneul.example>", None)
    page = Browser(web, "dan").open(f"/invoices/{made['id']}").text
    assert not {"\u202e", "\u2066", "\u200b", "\u2028", "\x85", "\x7f"} & set(page)
