"""Exchange rates that administrators keep, and the documents that are compared by them; on either database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from tests.support.office import PASSWORD, Office
from tests.support.web import Browser, notice, token
from workflows.approvals.exchange import HISTORY, PROCESS, checked_units, keep_rates, kept_on, rates_on, read_file
from workflows.approvals.model import StageState
from workflows.approvals.operations import stages_of
from workflows.audit.queries import history
from workflows.contracts.model import Contract
from workflows.errors import Forbidden, Refused
from workflows.parties.model import Person

ROUTE = """\
name: by-amount
document: contract
priority: 10
currency: EUR
stages:
  - {name: manager, approvers: {people: [mia@haneul.example]}}
  - {name: cfo, when: amount >= 50000, approvers: {people: [ann@haneul.example]}}
"""
THURSDAY = date(2026, 5, 21)


@pytest.fixture
def office(office: Office) -> Office:
    for name in ("mia", "ann", "dan"):
        office.person(name, password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.route(ROUTE)
    return office


def keep(office: Office, day: date, base: str = "EUR", *, by: str = "root", **units: str) -> None:
    actor = office.actor(by)
    with office.transaction() as session:
        keep_rates(session, day, base, units, by=actor, now=office.now)


def stages(office: Office, contract: Contract) -> list[str]:
    with office.reading() as session:
        found = stages_of(session, office.round(contract).id)
        return [each.name for each in found if each.state is not StageState.SKIPPED]


def test_a_document_in_another_currency_is_compared_at_the_rate_of_its_day(office: Office) -> None:
    keep(office, THURSDAY - timedelta(days=1), KRW="1600")
    keep(office, THURSDAY + timedelta(days=1), KRW="1000")
    below = office.contract(amount="79999000", currency="KRW")
    at = office.contract(amount="80000000", currency="KRW")
    assert stages(office, below) == ["manager"]
    assert stages(office, at) == ["manager", "cfo"]
    assert office.round(at).rates == {"base": "EUR", "on": "2026-05-20", "units": {"KRW": "1600"}}


def test_a_document_under_way_keeps_the_rates_it_was_handed_in_with(office: Office) -> None:
    keep(office, THURSDAY, KRW="1600")
    contract = office.contract(amount="80000000", currency="KRW")
    keep(office, THURSDAY, KRW="2000")
    office.decide("mia")
    assert office.open_tasks(contract) == ["ann"]
    rates = office.round(contract).rates
    assert rates is not None
    assert rates["units"] == {"KRW": "1600"}


def test_without_a_rate_a_document_is_refused_and_a_rate_of_tomorrow_is_none(office: Office) -> None:
    keep(office, THURSDAY + timedelta(days=1), KRW="1600")
    with pytest.raises(Refused, match="compares amounts in EUR, and this one is in KRW, for which there is no rate"):
        office.contract(amount="80000000", currency="KRW")
    assert stages(office, office.contract(amount="80000", currency="EUR")) == ["manager", "cfo"]


def test_the_day_is_that_of_the_submitters_zone(office: Office) -> None:
    office.later(hours=15)  # Thu 15:31 UTC is Fri 00:31 in Seoul
    keep(office, date(2026, 5, 22), KRW="1600")
    assert stages(office, office.contract(amount="80000000", currency="KRW")) == ["manager", "cfo"]


def test_rates_of_another_base_serve_where_they_name_both(office: Office) -> None:
    keep(office, THURSDAY, base="USD", EUR="0.9", KRW="1440")
    keep(office, THURSDAY - timedelta(days=9), KRW="1000")
    with office.reading() as session:
        found = rates_on(session, THURSDAY, {"EUR", "KRW"}, rather="EUR")
    assert found is not None
    assert (found.base, found.on) == ("USD", THURSDAY), "the newest that name both"
    assert stages(office, office.contract(amount="80000000", currency="KRW")) == ["manager", "cfo"]


def test_a_newer_day_without_the_currency_is_passed_over(office: Office) -> None:
    keep(office, THURSDAY - timedelta(days=2), KRW="1600", USD="1.1")
    keep(office, THURSDAY, USD="1.2")
    with office.reading() as session:
        krw, usd = rates_on(session, THURSDAY, {"EUR", "KRW"}), rates_on(session, THURSDAY, {"EUR", "USD"})
        assert rates_on(session, THURSDAY, {"EUR", "JPY"}) is None
    assert krw is not None
    assert usd is not None
    assert (krw.on, usd.on) == (THURSDAY - timedelta(days=2), THURSDAY)


def test_limits_of_authority_in_other_currencies_count_at_the_rates_of_the_day(office: Office) -> None:
    keep(office, THURSDAY, KRW="1600")
    office.route(
        "name: by-authority\ndocument: contract\npriority: 99\ncurrency: EUR\nstages:\n"
        "  - {name: a, approvers: {authority: {people: [ann@haneul.example, mia@haneul.example]}}}\n"
    )
    with office.transaction() as session:
        for name, limit in (("ann", "16000000"), ("mia", "160000000")):
            person = session.get_one(Person, office.people[name].id)
            person.authority_limit, person.authority_currency = Decimal(limit), "KRW"
    for amount, expected in (("10000.00", "ann"), ("10000.01", "mia")):
        assert office.open_tasks(office.contract(amount=amount, currency="EUR")) == [expected]


def test_routes_are_chosen_by_amounts_in_other_currencies(office: Office) -> None:
    office.route(ROUTE.replace("by-amount", "large").replace("10\n", "20\nwhen: amount >= 50000\n", 1))
    keep(office, THURSDAY, KRW="1600")
    assert office.round(office.contract(amount="80000000", currency="KRW")).route_name == "large"
    assert office.round(office.contract(amount="1000", currency="KRW")).route_name == "by-amount"


def test_only_administrators_keep_rates_and_the_history_tells_of_it(office: Office) -> None:
    with pytest.raises(Forbidden):
        keep(office, THURSDAY, by="dan", KRW="1600")
    keep(office, THURSDAY, KRW="1600")
    keep(office, THURSDAY)
    with office.reading() as session:
        assert kept_on(session, THURSDAY) == [], "with no units nothing is kept"
        told = [(each.actor, each.data["units"]) for each in history(session, PROCESS, HISTORY)]
    assert told == [("Root", {"KRW": "1600"}), ("Root", {})]


@pytest.mark.parametrize(
    ("base", "units", "sentence"),
    [
        ("EURO", {"KRW": "1"}, "is not a currency"),
        ("EUR", {"WON": "1"}, "is not a currency"),
        ("EUR", {"EUR": "1"}, "leave it out"),
        *(("EUR", {"KRW": each}, "is not a rate") for each in ("0", "-1", "", "many", "NaN", "Infinity", "1" * 16)),
    ],
)
def test_what_is_no_rate_is_refused(office: Office, base: str, units: dict[str, str], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        keep(office, THURSDAY, base, **units)
    with pytest.raises(Refused, match="still to come"):
        keep(office, THURSDAY + timedelta(days=2), KRW="1")


@given(st.decimals(min_value="0.000001", max_value=999_999_999, places=6))
def test_a_rate_is_kept_as_it_was_written(units: Decimal) -> None:
    assert checked_units(f"{units:f}") == units


def test_a_file_is_read_day_by_day_and_a_wrong_line_is_named() -> None:
    text = (
        "\ufeffday,base,currency,units\n2026-05-20,EUR,KRW,1571.3\n2026-05-20,EUR,USD,1.08\n2026-05-21,eur,KRW,1580\n"
    )
    assert [(each.day.isoformat(), each.base, dict(each.units)) for each in read_file(text)] == [
        ("2026-05-20", "EUR", {"KRW": Decimal("1571.3"), "USD": Decimal("1.08")}),
        ("2026-05-21", "EUR", {"KRW": Decimal("1580")}),
    ]
    with pytest.raises(Refused, match="Line 3 is not a day"):
        read_file("day,base,currency,units\n2026-05-20,EUR,KRW,1\n20/05/2026,EUR,KRW,1\n")
    with pytest.raises(Refused, match="names the columns"):
        read_file("when,what\n")


def test_programs_keep_and_read_rates(office: Office, web: TestClient) -> None:
    root, dan = token(office, "root"), token(office, "dan")
    sent = {"base": "EUR", "units": {"KRW": "1571.3", "USD": "1.0842"}}
    made = web.put("/api/rates/2026-05-20", json=sent, headers=root)
    assert made.status_code == 200, made.text
    read = web.get("/api/rates/2026-05-20", headers=root).json()
    assert read == made.json() == {"day": "2026-05-20", "rates": [sent]}
    assert web.get("/api/rates/2026-05-19", headers=root).json()["rates"] == []
    for answer in (
        web.put("/api/rates/2026-05-20", json=sent, headers=dan),
        web.get("/api/rates/2026-05-20", headers=dan),
    ):
        assert answer.status_code == 403
    wrong = web.put("/api/rates/2026-05-20", json={"base": "EUR", "units": {"KRW": "0"}}, headers=root)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "units")
    assert web.get("/api/rates/2026-05-20", headers=root).json() == read, "nothing was changed"


def test_administrators_keep_rates_on_their_page(office: Office, web: TestClient) -> None:
    root = Browser(web, "root")
    assert "No rates yet" in root.open("/rates").text
    page = root.send("/rates", day="2026-05-20", base="eur", units="KRW 1,571.3\nUSD: 1.0842\n")
    assert "Kept." in notice(page)
    assert "KRW 1571.3, USD 1.0842" in " ".join(page.text.split())
    page = root.open("/rates?day=2026-05-20&base=EUR")
    assert page.one("textarea", id="units").text.split() == ["KRW", "1571.3", "USD", "1.0842"]
    page = root.send("/rates", 422, day="2026-05-20", base="EUR", units="KRW nothing")
    assert "is not a rate" in notice(page)
    assert page.one("textarea", id="units").text == "KRW nothing"
    assert "1571.3" in page.text, "what is kept stays"
    Browser(web, "dan").open("/rates", 403)
