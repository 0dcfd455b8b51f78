"""Substitutes who stand in for invoices alone, or for credit notes alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from tests.invoices.samples import sound_ubl
from tests.invoices.test_journey import Program
from tests.support.office import QUICK_ROUTE, Office
from tests.support.pdfs import plain_pdf
from tests.support.web import Browser


@pytest.mark.parametrize(("kind", "invoices"), [("invoice", "ada"), ("credit note", "mia"), ("lease", "mia")])
def test_a_substitute_for_a_kind_stands_in_for_it_alone(
    office: Office, web: TestClient, kind: str, invoices: str
) -> None:
    office.now = datetime.now(UTC)
    office.route(QUICK_ROUTE)
    today = office.now.date()
    body = {
        "substitute": office.email("ada"),
        "first_day": str(today - timedelta(days=1)),
        "last_day": str(today + timedelta(days=3)),
        "kinds": [kind],
    }
    Program(web, office, "mia").post("/api/substitutions", body)
    contract = office.contract("dan", kind="service", pdf=plain_pdf("A contract"))
    assert office.open_tasks(contract) == ["mia"]
    Program(web, office, "dan").hand_in(sound_ubl())
    assert sorted(office.open_tasks()) == sorted(["mia", invoices])


def test_the_page_offers_invoices_and_credit_notes(office: Office, web: TestClient) -> None:
    page = Browser(web, "mia").open("/settings")
    offered = {each.attributes["value"] for each in page.all("input", name="kinds")}
    assert {"lease", "invoice", "credit note"} <= offered
