"""The daily digest: who gets it, when, how often, and what stands in it."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from api.main import create_app
from tests.support.office import PASSWORD, Office, text_of
from tests.support.web import Browser
from workflows.approvals.digest import MOST_LISTED, choose_digest, day_due, give_digest, wants_digest
from workflows.approvals.leaving import see_off
from workflows.approvals.model import Task
from workflows.business_time import Calendar, why_not_worked
from workflows.outbox import MailState, OutgoingMail
from workflows.upkeep.steps import give_digests

SEOUL = ZoneInfo("Asia/Seoul")
THURSDAY = date(2026, 5, 21)
ROUTE = """\
name: one-stage
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
stages:
  - {name: manager, approvers: {manager_of: submitter}, due: 2 business days}
"""


def at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = SEOUL) -> datetime:
    return datetime.combine(day, time(hour, minute), zone).astimezone(UTC)


@pytest.fixture
def office(office: Office) -> Office:
    office.now = at(THURSDAY, 7)
    office.person("mia", password=PASSWORD)
    office.person("dan", manager="mia", password=PASSWORD)
    office.route(ROUTE)
    return office


def choose(office: Office, name: str = "mia", *, wanted: bool = True) -> None:
    with office.transaction() as session:
        choose_digest(session, office.people[name].id, wanted, now=office.now)


def digests(office: Office, now: datetime) -> list[OutgoingMail]:
    """Those that upkeep gives now."""
    before = {each.id for each in office.queued()}
    given = give_digests(office.runtime, now=now)
    new = [each for each in office.queued() if each.id not in before]
    assert len(new) == given
    assert {each.kind for each in new} <= {"digest"}
    return new


def test_it_comes_at_eight_and_once_a_day_however_often_upkeep_looks(office: Office) -> None:
    office.contract()
    choose(office)
    assert digests(office, at(THURSDAY, 7, 59)) == []
    [mail] = digests(office, at(THURSDAY, 8))
    assert mail.to_email == "mia@haneul.example"
    for hour in (8, 9, 23):
        assert digests(office, at(THURSDAY, hour, 1)) == []
    assert len(digests(office, at(THURSDAY + timedelta(days=1), 8))) == 1


def test_it_names_what_waits_the_longest_waiting_first_and_leads_to_the_inbox(office: Office) -> None:
    for title in ("Forklifts", "Cleaning", "Guards"):
        office.contract(title=title)
        office.later(minutes=5)
    choose(office)
    digests(office, at(THURSDAY, 8))
    office.mails.messages.clear()
    with office.transaction() as session:  # so that it is young enough to be sent
        for each in session.exec(select(OutgoingMail)):
            each.created_at = datetime.now(UTC)
    office.deliver()
    [mail] = [each for each in office.mails.messages if "wait for you" in str(each["Subject"])]
    words = text_of(mail)
    assert mail["Subject"] == "3 requests wait for you"
    assert sorted(("Forklifts", "Cleaning", "Guards"), key=words.index) == ["Forklifts", "Cleaning", "Guards"]
    assert "To approve, asked by Dan on Thu 21 May" in words
    assert "Due Tue 26 May 2026" in words
    assert "\nhttp://127.0.0.1:8000/\n" in words
    assert "/t/" not in words
    assert "Answering this mail decides nothing." in words


def test_with_nothing_waiting_nothing_comes_that_day(office: Office) -> None:
    choose(office)
    assert digests(office, at(THURSDAY, 8)) == []
    office.contract()
    assert digests(office, at(THURSDAY, 10)) == [], "what comes later has a mail of its own"
    office.decide("mia")
    assert digests(office, at(THURSDAY + timedelta(days=1), 8)) == []


def test_it_comes_to_those_only_who_want_it(office: Office) -> None:
    office.contract()
    assert digests(office, at(THURSDAY, 8)) == []
    choose(office)
    choose(office)
    choose(office, wanted=False)
    choose(office, wanted=False)
    assert digests(office, at(THURSDAY, 9)) == []


def test_whoever_chooses_it_during_the_day_gets_it_from_the_next_one_on(office: Office) -> None:
    office.contract()
    office.now = at(THURSDAY, 14)
    choose(office)
    assert digests(office, at(THURSDAY, 14, 1)) == []
    assert len(digests(office, at(THURSDAY + timedelta(days=1), 8))) == 1


def test_it_comes_later_that_day_where_nothing_ran_at_eight(office: Office) -> None:
    office.contract()
    choose(office)
    assert len(digests(office, at(THURSDAY, 16, 30))) == 1
    assert len(digests(office, at(THURSDAY + timedelta(days=1), 8))) == 1, "and at eight again"


def test_days_on_which_nothing_ran_are_not_made_up_for(office: Office) -> None:
    office.contract()
    choose(office)
    assert len(digests(office, at(THURSDAY, 8))) == 1
    assert len(digests(office, at(THURSDAY + timedelta(days=11), 8))) == 1


def test_none_comes_on_saturday_and_sunday(office: Office) -> None:
    office.contract()
    choose(office)
    came = [bool(digests(office, at(THURSDAY + timedelta(days=n), 12))) for n in range(7)]
    assert came == [True, True, False, False, False, True, True], "Mon 25 May is a holiday as well"


def test_the_morning_is_that_of_its_reader(office: Office) -> None:
    office.person("kai", timezone="America/New_York", password=PASSWORD)
    office.person("eve", manager="kai", password=PASSWORD)
    office.contract("eve")
    office.contract("dan")
    choose(office, "mia")
    choose(office, "kai")
    assert [each.to_name for each in digests(office, at(THURSDAY, 9))] == ["Mia"]
    new_york = ZoneInfo("America/New_York")
    assert digests(office, at(THURSDAY, 7, 59, new_york)) == []
    assert [each.to_name for each in digests(office, at(THURSDAY, 8, 0, new_york))] == ["Kai"]


def test_people_without_an_account_and_those_who_left_get_none(office: Office) -> None:
    office.person("out")
    office.person("boss", roles=["administrator"])
    office.person("eve", manager="out", password=PASSWORD)
    office.contract("eve")
    choose(office, "out")
    choose(office, "mia")
    office.contract()
    with office.transaction() as session:
        see_off(session, office.people["mia"].id, by=office.actor("boss"), now=office.now)
    assert digests(office, at(THURSDAY, 8)) == []


def test_two_looks_at_once_give_one(office: Office) -> None:
    office.contract()
    choose(office)
    together, given_now = threading.Barrier(4), list[bool]()

    def look() -> None:
        together.wait()
        with office.transaction() as session:
            given_now.append(give_digest(session, office.people["mia"].id, now=at(THURSDAY, 8)))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given_now) == [False, False, False, True]


def test_a_look_that_dies_before_its_commit_has_given_nothing(office: Office) -> None:
    office.contract()
    choose(office)
    with office.transaction() as session:
        assert give_digest(session, office.people["mia"].id, now=at(THURSDAY, 8))
        session.rollback()
    assert [each.kind for each in office.queued()] == ["task"]
    assert len(digests(office, at(THURSDAY, 8, 1))) == 1


def test_a_long_list_is_cut_and_says_how_much_more_there_is(office: Office) -> None:
    office.contract()
    choose(office)
    with office.transaction() as session:
        [task] = session.exec(select(Task))
        for _ in range(MOST_LISTED + 2):
            session.add(Task(**task.model_dump(exclude={"id"})))
    [mail] = digests(office, at(THURSDAY, 8))
    assert len(mail.payload["tasks"]) == MOST_LISTED
    assert mail.payload["waiting"] == MOST_LISTED + 3


def test_a_digest_that_could_not_leave_for_a_day_is_not_sent_any_more(office: Office) -> None:
    office.contract()
    choose(office)
    digests(office, at(THURSDAY, 8))  # which is long ago
    office.deliver()
    assert [each.state for each in office.queued() if each.kind == "digest"] == [MailState.DROPPED]
    assert [each["Subject"] for each in office.mails.messages if "waits for you" in str(each["Subject"])] == []


def test_everybody_chooses_on_their_settings_page(office: Office) -> None:
    with TestClient(create_app(runtime=office.runtime), headers={"Accept": "text/html"}, follow_redirects=False) as web:
        mia = Browser(web, "mia")
        for chosen, wanted in (("daily", True), ("daily", True), ("", False)):
            mia.open("/settings")
            page = mia.send("/settings/mails", digest=chosen)
            [option] = [
                each for each in page.one("select", name="digest").all("option") if "selected" in each.attributes
            ]
            assert option.attributes["value"] == chosen
            with office.reading() as session:
                assert wants_digest(session, office.people["mia"].id) is wanted
                assert not wants_digest(session, office.people["dan"].id)


COUNTRIES = {
    "Asia/Seoul": "KR",
    "America/New_York": "US",
    "Europe/Berlin": "DE",
    "Australia/Lord_Howe": "AU",
    "Pacific/Apia": "WS",
    "Africa/Casablanca": "MA",
}


@given(
    zone=st.sampled_from(list(COUNTRIES)),
    start=st.integers(0, 700 * 24 * 60),
    minutes=st.lists(st.integers(1, 60 * 30), min_size=1, max_size=60),
)
def test_each_working_day_has_one_at_most_and_one_where_upkeep_looked_after_eight(
    zone: str, start: int, minutes: list[int]
) -> None:
    """Across clock changes, and whenever upkeep happens to look."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    last: date | None = None
    given_on, looked = list[date](), set[date]()
    for step in minutes:
        now += timedelta(minutes=step)
        there = now.astimezone(ZoneInfo(zone))
        if there.hour >= 8 and there.weekday() < 5 and not why_not_worked(there.date(), Calendar(COUNTRIES[zone])):
            looked.add(there.date())
        if day := day_due(now, zone, last):
            assert there.date() == day
            given_on.append(day)
            last = day
    assert given_on == sorted(looked)


def test_a_clock_that_goes_back_over_eight_brings_no_second_one() -> None:
    """As when somebody moves to the west, where the same day has yet to reach eight."""
    assert day_due(at(THURSDAY, 8), "Asia/Seoul", None) == THURSDAY
    assert day_due(at(THURSDAY, 8, 0, ZoneInfo("America/New_York")), "America/New_York", THURSDAY) is None


def test_on_public_holidays_of_the_office_nobody_who_lives_by_its_clocks_gets_one(office: Office) -> None:
    childrens_day = date(2027, 5, 5)
    office.person("ned", password=PASSWORD, timezone="Europe/Amsterdam")
    for name in ("mia", "ned"):
        choose(office, name)
    office.contract()
    with office.transaction() as session:
        session.merge(office.people["dan"]).manager_id = office.people["ned"].id
    office.contract(title="Another lease")
    noon = at(childrens_day, 12, zone=ZoneInfo("Europe/Amsterdam"))
    assert [each.to_name for each in digests(office, noon)] == ["Ned"]
    assert [each.to_name for each in digests(office, at(date(2027, 5, 7), 8))] == ["Mia"]


def test_everybody_has_the_public_holidays_of_where_they_live(office: Office) -> None:
    office.person("ned", password=PASSWORD, timezone="Europe/Amsterdam")
    office.person("uma", password=PASSWORD, timezone="UTC")
    with office.transaction() as session:
        session.merge(office.people["dan"]).manager_id = office.people["ned"].id
    office.contract()
    with office.transaction() as session:
        session.merge(office.people["dan"]).manager_id = office.people["uma"].id
    office.contract(title="Another lease")
    for name in ("ned", "uma"):
        choose(office, name)
    whit_monday = date(2026, 5, 25)
    assert [each.to_name for each in digests(office, at(whit_monday, 12, zone=ZoneInfo("UTC")))] == ["Uma"]
    tuesday = at(date(2026, 5, 26), 12, zone=ZoneInfo("UTC"))
    assert sorted(each.to_name for each in digests(office, tuesday)) == ["Ned", "Uma"]
