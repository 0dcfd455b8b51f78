"""Due times, as an office reckons them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.business_time import (
    MOST,
    Calendar,
    Due,
    DueDate,
    Hours,
    Unit,
    before,
    due_after,
    due_of,
    explained,
    hours_of,
    instant,
    knows_country,
    knows_timezone,
    why_not_worked,
)

SEOUL = Calendar("KR", "Asia/Seoul", Hours(time(9), time(18)))
BERLIN = Calendar("DE", "Europe/Berlin", Hours(time(8), time(18)))


def at(text: str, calendar: Calendar = SEOUL) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone)


def local(due: DueDate) -> str:
    return due.at.astimezone(ZoneInfo(due.timezone)).strftime("%a %Y-%m-%d %H:%M")


def english(text: str, locale: str, /, **values: object) -> str:
    return text % values if values else text


def test_two_business_days_end_when_the_office_closes_on_the_second_day_after() -> None:
    due = due_after(at("2026-05-11 10:00"), "2 business days", SEOUL)
    assert local(due) == "Wed 2026-05-13 18:00"
    assert due.at.tzinfo is UTC


def test_a_substitute_holiday_counts_as_one() -> None:
    """Buddha's Birthday of 2026 is a Sunday, 24 May: Monday the 25th is off in its place."""
    due = due_after(at("2026-05-22 10:00"), "1 business day", SEOUL)
    assert local(due) == "Tue 2026-05-26 18:00"
    assert [(each.day.day, each.why) for each in due.skipped] == [(23, "weekend"), (24, "weekend"), (25, "holiday")]
    assert due.skipped[-1].english == "Alternative holiday for Buddha's Birthday"
    assert due.skipped[-1].korean == "부처님오신날 대체 휴일"


def test_the_same_day_is_worked_where_it_is_no_holiday() -> None:
    assert local(due_after(at("2026-05-22 10:00", BERLIN), "2 business days", BERLIN)) == "Wed 2026-05-27 18:00"
    plain = Calendar(None, "Europe/Berlin", BERLIN.hours)
    assert local(due_after(at("2026-05-22 10:00", plain), "2 business days", plain)) == "Tue 2026-05-26 18:00"


def test_four_business_hours_from_monday_17_00_are_over_on_tuesday_at_11_00() -> None:
    due = due_after(at("2026-06-08 17:00", BERLIN), "4 business hours", BERLIN)
    assert local(due) == "Tue 2026-06-09 11:00"
    warning = before(due.at, Due(1, "business hours"), BERLIN).astimezone(BERLIN.zone)
    assert warning.strftime("%a %H:%M") == "Tue 10:00"


def test_a_warning_before_an_early_deadline_is_given_the_day_before_and_not_at_night() -> None:
    warning = before(at("2026-06-09 08:30", BERLIN), Due(1, "business hours"), BERLIN).astimezone(BERLIN.zone)
    assert warning.strftime("%a %H:%M") == "Mon 17:30"


def test_a_warning_one_business_day_ahead_passes_over_holidays() -> None:
    warning = before(at("2026-05-26 18:00"), Due(1, "business days"), SEOUL).astimezone(SEOUL.zone)
    assert warning.strftime("%a %d %H:%M") == "Fri 22 18:00"


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-06-08 07:00", "Mon 2026-06-08 11:00"),
        ("2026-06-08 08:00", "Mon 2026-06-08 11:00"),
        ("2026-06-08 15:00", "Mon 2026-06-08 18:00"),
        ("2026-06-08 18:00", "Tue 2026-06-09 11:00"),
        ("2026-06-08 23:30", "Tue 2026-06-09 11:00"),
        ("2026-06-06 12:00", "Mon 2026-06-08 11:00"),
    ],
)
def test_hours_outside_of_business_hours_do_not_count(opened: str, due: str) -> None:
    assert local(due_after(at(opened, BERLIN), "3 business hours", BERLIN)) == due


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-06-09 10:00", "Tue 2026-06-16 18:00"),
        ("2026-06-06 10:00", "Mon 2026-06-15 18:00"),  # the seventh day is a Saturday
        ("2026-05-18 10:00", "Tue 2026-05-26 18:00"),  # it is the substitute holiday
    ],
)
def test_a_week_that_ends_on_a_day_off_ends_on_the_next_day_worked(opened: str, due: str) -> None:
    assert local(due_after(at(opened), "7 days", SEOUL)) == due


def test_the_country_decides_which_days_are_the_weekend() -> None:
    riyadh = Calendar("SA", "Asia/Riyadh")
    assert local(due_after(at("2026-06-11 10:00", riyadh), "1 business day", riyadh)) == "Sun 2026-06-14 18:00"


def test_a_weekend_that_is_worked_in_place_of_a_holiday_counts() -> None:
    beijing = Calendar("CN", "Asia/Shanghai")
    assert why_not_worked(date(2025, 1, 26), beijing) is None, "a Sunday, worked for the Spring Festival"
    assert why_not_worked(date(2025, 1, 19), beijing) is not None


def test_the_office_closes_at_the_same_hour_on_either_side_of_a_clock_change() -> None:
    assert due_after(at("2026-10-22 10:00", BERLIN), "1 business day", BERLIN).at == datetime(
        2026, 10, 23, 16, tzinfo=UTC
    )
    assert due_after(at("2026-10-23 10:00", BERLIN), "1 business day", BERLIN).at == datetime(
        2026, 10, 26, 17, tzinfo=UTC
    )


def test_hours_across_a_clock_change_are_hours_that_pass() -> None:
    """On Sunday 25 October 2026 Berlin's clocks go from 3 back to 2: between 1 and 4 four hours pass."""
    nights = Calendar("SA", "Europe/Berlin", Hours(time(1), time(4)))  # whose weekend is Friday and Saturday
    due = due_after(at("2026-10-25 00:00", nights), "4 business hours", nights)
    assert due.at == datetime(2026, 10, 25, 3, tzinfo=UTC)
    assert local(due) == "Sun 2026-10-25 04:00"


def test_what_happens_daily_happens_once_on_the_day_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for month, day in ((3, 29), (10, 25)):
        days = [date(2026, month, day) + timedelta(days=step) for step in (-1, 0, 1)]
        moments = [instant(each, time(2, 30), berlin) for each in days]
        assert [each.astimezone(berlin).date() for each in moments] == days
        assert all(timedelta(hours=22) < after - earlier < timedelta(hours=26) for earlier, after in pairwise(moments))


def test_an_hour_that_the_clocks_leave_out_is_not_worked() -> None:
    gap = Calendar("SA", "Europe/Berlin", Hours(time(2), time(3)))
    off = why_not_worked(date(2026, 3, 29), gap)
    assert off is not None
    assert off.why == "clock change"


def test_a_due_time_is_kept_with_its_arithmetic_and_the_calendars_version() -> None:
    kept = due_after(at("2026-05-22 10:00"), "2 business days", SEOUL).as_data()
    assert json.loads(json.dumps(kept)) == kept
    assert kept["calendar_version"].startswith("holidays 0.")
    assert kept["timezone"] == "Asia/Seoul"
    assert [step["day"] for step in kept["steps"]] == ["2026-05-26", "2026-05-27"]
    assert kept["at"] == "2026-05-27T09:00:00+00:00"


def test_the_arithmetic_is_one_line_to_read() -> None:
    kept = due_after(at("2026-05-22 10:00"), "2 business days", SEOUL).as_data()
    assert explained(kept, "en", english) == (
        "+2 business days: Tue 26 May, Wed 27 May (Mon 25 May is a holiday: Alternative holiday for Buddha's Birthday)"
    )
    kept = due_after(at("2026-06-08 17:00", BERLIN), "4 business hours", BERLIN).as_data()
    assert explained(kept, "en", english) == "+4 business hours: Mon 8 Jun 17:00–18:00, Tue 9 Jun 08:00–11:00"
    kept = due_after(at("2026-06-09 10:00"), "1 day", SEOUL).as_data()
    assert explained(kept, "en", english) == "+1 day: Wed 10 Jun"


def test_a_long_arithmetic_is_cut_short() -> None:
    kept = due_after(at("2026-06-08 10:00"), "30 business days", SEOUL).as_data()
    assert len(kept["steps"]) == 30
    assert explained(kept, "en", english).startswith("+30 business days: Tue 9 Jun, Wed 10 Jun, …, Tue 21 Jul")


def test_days_are_written_in_the_readers_language() -> None:
    kept = due_after(at("2026-05-22 10:00"), "2 business days", SEOUL).as_data()
    assert "5월 26일(화), 5월 27일(수)" in explained(kept, "ko", english)
    assert "부처님오신날 대체 휴일" in explained(kept, "ko", english)


@pytest.mark.parametrize(
    "text", ["2 business days", "1 business day", "4 business hours", "1 business hour", "14 days", "1 day"]
)
def test_a_time_allowed_is_written_as_it_is_read(text: str) -> None:
    due = due_of(text)
    assert due is not None
    assert str(due) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "days",
        "0 days",
        "-1 days",
        "1 days",
        "2 day",
        "2  days",
        "2 weeks",
        "1.5 days",
        "٢ days",
        "02 days",
        "2 days\n",
    ],
)
def test_what_is_no_time_allowed_is_none(text: str) -> None:
    assert due_of(text) is None
    with pytest.raises(ValueError):
        due_after(datetime(2026, 1, 1, tzinfo=UTC), text, SEOUL)


@pytest.mark.parametrize(
    "text",
    ["9:00-18:00", "09:00-24:00", "18:00-09:00", "09:00-09:59", "09:00–18:00", "09:00", "09:60-18:00", "22:00-06:00"],
)
def test_what_are_no_business_hours_is_none(text: str) -> None:
    assert hours_of(text) is None


def test_hours_are_written_as_they_are_read() -> None:
    assert str(hours_of("08:30-17:45")) == "08:30-17:45"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        due_after(datetime(2026, 1, 1), "1 day", SEOUL)  # noqa: DTZ001  that is the point


def test_countries_and_zones_are_known_by_their_own_names_only() -> None:
    assert knows_country("KR")
    assert knows_country("NO")
    assert not any(map(knows_country, ["kr", "KOR", "XX", "", "Korea"]))
    assert knows_timezone("Asia/Seoul")
    assert knows_timezone("America/Argentina/Buenos_Aires")
    assert not any(map(knows_timezone, ["Asia/Seul", "", "/etc/passwd", "../UTC", "Asia", "Asia/Seoul\0", "KST+9"]))


zones = st.sampled_from(
    # half-hour and quarter-hour zones, half-hour summer time, a skipped day (Apia), changes at midnight (Cairo)
    [
        *("UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
        *("America/St_Johns", "Pacific/Apia", "Africa/Cairo", "Africa/Casablanca", "Pacific/Chatham"),
    ]
)
opening_hours = st.tuples(st.integers(0, 22 * 4), st.integers(4, 95)).map(
    lambda quarters: Hours(_time(quarters[0]), _time(min(quarters[0] + quarters[1], 95)))
)
calendars = st.builds(Calendar, st.sampled_from([None, "KR", "DE", "SA", "CN", "IL", "US", "NO"]), zones, opening_hours)
instants = st.datetimes(datetime(2011, 6, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  as asked for
units = st.sampled_from(sorted(MOST))


def _time(quarters: int) -> time:
    return time(quarters // 4, quarters % 4 * 15)


@given(instants, st.integers(1, 20), units, calendars)
def test_a_due_time_never_falls_outside_business_hours(
    opened: datetime, amount: int, unit: Unit, calendar: Calendar
) -> None:
    due = due_after(opened, Due(amount, unit), calendar)
    assert due.at > opened
    clock = due.at.astimezone(calendar.zone)
    assert why_not_worked(clock.date(), calendar) is None
    assert calendar.hours.opens <= clock.time() <= calendar.hours.closes
    assert clock.date() == due.steps[-1].day


@given(instants, st.integers(1, 20), st.integers(1, 20), units, calendars)
def test_more_time_is_never_due_earlier(
    opened: datetime, amount: int, more: int, unit: Unit, calendar: Calendar
) -> None:
    assert due_after(opened, Due(amount, unit), calendar).at <= due_after(opened, Due(amount + more, unit), calendar).at


@given(instants, st.timedeltas(timedelta(0), timedelta(days=9)), st.integers(1, 20), units, calendars)
def test_what_opens_later_is_never_due_earlier(
    opened: datetime, later: timedelta, amount: int, unit: Unit, calendar: Calendar
) -> None:
    assert (
        due_after(opened, Due(amount, unit), calendar).at <= due_after(opened + later, Due(amount, unit), calendar).at
    )


@given(instants, st.integers(1, 30), calendars)
def test_as_many_business_days_pass_as_were_allowed(opened: datetime, amount: int, calendar: Calendar) -> None:
    due = due_after(opened, Due(amount, "business days"), calendar)
    assert len(due.steps) == amount
    counted = [step.day for step in due.steps] + [each.day for each in due.skipped]
    first = opened.astimezone(calendar.zone).date() + timedelta(days=1)
    assert sorted(counted) == [first + timedelta(days=step) for step in range(len(counted))], "each day once"
    assert due.at.astimezone(calendar.zone).date() == max(counted)


@given(instants, st.integers(1, 30), calendars)
def test_business_hours_backwards_from_where_they_end_lead_to_where_they_began(
    opened: datetime, amount: int, calendar: Calendar
) -> None:
    lead = Due(amount, "business hours")
    due = due_after(opened, lead, calendar)
    begun = before(due.at, lead, calendar)
    assert due_after(begun, lead, calendar).at == due.at
    assert opened <= begun
    first = due.steps[0]
    assert begun.astimezone(calendar.zone).date() == first.day


@pytest.mark.parametrize(("unit", "most"), MOST.items())
def test_the_longest_times_are_found_even_where_an_office_opens_for_an_hour_a_day(unit: Unit, most: int) -> None:
    due = due_after(at("2026-01-05 10:00"), Due(most, unit), Calendar("KR", "Asia/Seoul", Hours(time(9), time(10))))
    assert due.at > at("2026-01-05 10:00")


def test_knowing_the_countries_imports_the_holidays_of_none() -> None:
    """All of them take a second, which the first route that is read would have to wait."""
    program = (
        "import sys; from workflows.business_time import countries, knows_country\n"
        "assert knows_country('KR') and not knows_country('ZZ')\n"
        "print(len(countries()), sum(each.startswith('holidays.countries.') for each in sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    known, imported = (int(each) for each in told.stdout.split())
    assert known > 200
    assert imported == 0


def test_every_country_is_found_though_only_those_asked_for_are_loaded() -> None:
    """In a process of its own: what others imported before would hide what is missing."""
    ask = (
        "import sys; from workflows import business_time as b;"
        "b._year('KR', 2026); few = sum(name.startswith('holidays.countries.') for name in sys.modules);"
        "assert few < 5, few;"
        "assert all(b._year(each, 2026).weekend for each in b.countries())"
    )
    subprocess.run([sys.executable, "-c", ask], check=True, timeout=120)
