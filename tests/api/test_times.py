"""One moment, told to readers in several zones: each sees it in their own, with the zone's name, everywhere alike."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from documents.rendering import Reader, moment_exact, zone_name
from tests.signing.builders import text_of
from tests.support.office import PASSWORD, QUICK_ROUTE, Office
from tests.support.web import Browser
from workflows.audit.queries import history
from workflows.signatures.model import Signing

OPENED = datetime(2026, 1, 25, 21, 19, tzinfo=UTC)
"""25 January, 23:19 Eastern European Time; the 26th in Seoul already."""
ZONES = {"dan": "Europe/Helsinki", "mia": "Asia/Seoul", "lee": "America/New_York"}


@pytest.fixture
def office(office: Office) -> Office:
    office.now = OPENED
    office.person("mia", password=PASSWORD, timezone=ZONES["mia"])
    office.person("dan", manager="mia", password=PASSWORD, timezone=ZONES["dan"])
    office.person("lee", roles=["reader"], password=PASSWORD, timezone=ZONES["lee"])
    office.route(QUICK_ROUTE)
    return office


def test_history_and_certificate_tell_the_same_moments(office: Office, web: TestClient) -> None:
    contract = office.contract()
    office.later(hours=24, minutes=31)
    office.decide("mia", contract=contract)
    office.carry_on(contract)
    with office.reading() as session:
        events = {each.action: each for each in history(session, "contract", contract.id)}
        [signing] = session.exec(select(Signing)).all()
    assert signing.sealed_key is not None
    sealed = office.runtime.blobs.get(signing.sealed_key)
    with pikepdf.open(io.BytesIO(sealed)) as pdf:
        record = json.loads(bytes(pdf.attachments["approval-record.json"].get_file().read_bytes()))
    [decision] = record["decisions"]
    approved = events["approved"].at
    assert approved == datetime(2026, 1, 26, 21, 51, tzinfo=UTC)
    assert datetime.fromisoformat(decision["at"]) == approved
    by_action = {each["action"]: each for each in record["events"]}
    for action in ("handed_in", "asked", "approved"):
        assert datetime.fromisoformat(by_action[action]["at"]) == events[action].at, action

    page = text_of(sealed, -1)
    assert "Mon 26 Jan 2026, 23:51:00 EET" in " ".join(page.split()), "the record is told in its owner's zone"
    for name, zone in ZONES.items():
        told = Browser(web, name).open(f"/contracts/{contract.id}/history")
        shown = {each.text for each in told.all("time")}
        for action in ("handed_in", "approved"):
            assert moment_exact(events[action].at, Reader("en", zone)) in shown, (name, action)
        machine = {datetime.fromisoformat(each.attributes["datetime"]) for each in told.all("time")}
        assert approved in machine


@pytest.mark.parametrize("name", ZONES)
def test_every_time_on_a_page_names_its_zone(office: Office, web: TestClient, name: str) -> None:
    contract = office.contract()
    office.later(hours=24, minutes=31)
    office.decide("mia", contract=contract)
    office.carry_on(contract)
    reader = Browser(web, name)
    zone = ZoneInfo(ZONES[name])
    for address in ("", "/history", "/print"):
        page = reader.open(f"/contracts/{contract.id}{address}")
        with_clock = [each for each in page.all("time") if re.search(r"\d\d:\d\d", each.text)]
        assert with_clock
        for each in with_clock:
            at = datetime.fromisoformat(each.attributes["datetime"]).astimezone(zone)
            assert f"{at:%H:%M}" in each.text
            assert zone_name(at) in each.text
