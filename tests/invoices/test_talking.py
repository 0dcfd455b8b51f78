"""What is said about an invoice before it travels a route."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.support.office import Office, text_of


def test_an_invoice_on_no_route_yet_is_talked_about_and_colleagues_hear_of_it(office: Office, web: TestClient) -> None:
    dan = Program(web, office, "dan")
    made = dan.hand_in(sound_ubl(said_tax="18.00"))
    assert (made["state"], office.open_tasks()) == ("received", [])
    said = dan.post(f"/api/invoices/{made['id']}/comments", {"text": "18 or 19?", "mentions": ["mia@haneul.example"]})
    assert said["version"] == 1
    [mail] = office.deliver()
    assert "18 or 19?" in text_of(mail)
    assert made["number"] in mail["Subject"]
    assert Program(web, office, "mia").get(f"/api/invoices/{made['id']}/comments")["items"][0]["text"] == "18 or 19?"
    dan.post(f"/api/invoices/{made['id']}/comments/{said['id']}/withdrawal")
