"""Warnings before the last day to cancel and before the end, exactly once each; on either database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.office import QUICK_ROUTE, Office
from workflows.contracts.model import Contract, ContractState
from workflows.contracts.rules import Warning, last_day_to_cancel, warnings_due
from workflows.upkeep.steps import warn_and_expire

DISTANCES = (90, 60, 30, 7)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia", timezone="Europe/Berlin")
    office.route(QUICK_ROUTE)
    return office


def in_force(office: Office, *, ends_on: date, notice_days: int | None = None) -> Contract:
    contract = office.contract(
        ends_on=ends_on.isoformat(),
        notice_days=str(notice_days) if notice_days is not None else "",
        contact_email="contracts@nordwerk.example",
    )
    office.decide("mia")
    office.carry_on(contract)
    office.deliver()
    assert office.state(contract) == "in_force"
    return contract


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def days_told(office: Office) -> list[int]:
    """What the owner's warnings say is left."""
    return [mail.payload["days_left"] for mail in office.queued() if mail.kind == "expiry" and mail.to_name == "Dan"]


def test_owner_and_counterparty_are_warned_once_at_each_distance(office: Office) -> None:
    end = date(2028, 12, 31)
    in_force(office, ends_on=end)
    for day in range(100, -3, -1):
        for hour in (1, 6, 22):
            warn_and_expire(office.runtime, now=at(end - timedelta(days=day), hour))
    assert days_told(office) == [90, 60, 30, 7]
    assert sum(mail.to_email == "contracts@nordwerk.example" and mail.kind == "expiry" for mail in office.queued()) == 4


def test_the_last_day_to_cancel_is_warned_of_as_well(office: Office) -> None:
    end = date(2029, 6, 30)
    contract = in_force(office, ends_on=end, notice_days=90)
    assert contract.cancel_by == date(2029, 4, 1)
    for day in range(200, -1, -1):
        warn_and_expire(office.runtime, now=at(end - timedelta(days=day)))
    what = [
        (mail.payload["what"], mail.payload["days_left"])
        for mail in office.queued()
        if mail.kind == "expiry" and mail.to_name == "Dan"
    ]
    assert what == [
        *(("cancel", left) for left in (90,)),
        ("cancel", 60),
        ("cancel", 30),
        ("cancel", 7),
        ("end", 90),
        ("end", 60),
        ("end", 30),
        ("end", 7),
    ]


def test_after_a_time_without_service_one_warning_says_what_is_left(office: Office) -> None:
    end = date(2028, 12, 31)
    in_force(office, ends_on=end)
    warn_and_expire(office.runtime, now=at(end - timedelta(days=20)))
    warn_and_expire(office.runtime, now=at(end - timedelta(days=19)))
    assert days_told(office) == [20]


def test_a_clock_change_neither_doubles_nor_drops_a_warning(office: Office) -> None:
    end = date(2028, 11, 28)  # 30 days before lies the end of summer time in Berlin, 29 October 2028
    in_force(office, ends_on=end)
    moment = datetime(2028, 10, 28, 20, tzinfo=UTC)
    while moment < datetime(2028, 10, 30, 4, tzinfo=UTC):
        warn_and_expire(office.runtime, now=moment)
        moment += timedelta(minutes=30)
    assert days_told(office)[-1] == 30
    assert days_told(office).count(30) == 1


def test_on_the_day_after_its_last_a_contract_is_expired(office: Office) -> None:
    end = date(2028, 12, 31)
    contract = in_force(office, ends_on=end)
    warn_and_expire(office.runtime, now=at(end, 12))
    assert office.state(contract) == "in_force"
    for _ in range(2):
        warn_and_expire(office.runtime, now=at(end + timedelta(days=1), 12))
    assert office.state(contract) == "expired"
    assert sum(mail.kind == "expired" and mail.to_name == "Dan" for mail in office.queued()) == 1


@given(
    st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    st.integers(0, 400),
    st.lists(st.integers(0, 250), min_size=1, max_size=40),
)
def test_however_often_it_is_looked_at_no_warning_is_given_twice(end: date, notice: int, looks: list[int]) -> None:
    contract = Contract(
        number="C",
        organisation_id=None,  # type: ignore[arg-type]  # of no interest here
        owner_id=None,  # type: ignore[arg-type]  # of no interest here
        title="x",
        kind="other",
        signers=[],
        fields={},
        ends_on=end,
        cancel_by=last_day_to_cancel(end, notice),
        state=ContractState.IN_FORCE,
        state_since=datetime(2026, 1, 1, tzinfo=UTC),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    given_already: set[Warning] = set()
    for before in sorted(looks, reverse=True):
        due = warnings_due(
            contract, today=end - timedelta(days=before), distances=DISTANCES, given=frozenset(given_already)
        )
        assert given_already.isdisjoint(due)
        assert all(warning.day >= end - timedelta(days=before) for warning in due)
        given_already.update(due)
