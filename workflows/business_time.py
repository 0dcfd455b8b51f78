"""Due times in an office's own time: its country's holidays, its hours, its zone. Pure.

Holidays, substitute ones included, come from the ``holidays`` package. They change by law, often at short notice: a due
time is kept with the version of that package, and with the days that were counted and passed over.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.dates import format_date

CALENDAR_VERSION = f"holidays {version('holidays')}"

Unit = Literal["business days", "business hours", "days"]
MOST: Mapping[Unit, int] = {"business days": 250, "business hours": 500, "days": 730}
SHORTEST_DAY = 1  # hour
LONGEST_SEARCH = 1500  # days; enough for the most hours in the shortest days


@dataclass(frozen=True)
class Hours:
    """When an office is open, by its own clocks. On one day: ``opens`` is before ``closes``."""

    opens: time
    closes: time

    def __str__(self) -> str:
        return f"{self.opens:%H:%M}-{self.closes:%H:%M}"


@dataclass(frozen=True)
class Calendar:
    """An office's working time. ``country``: ISO 3166 alpha-2; without one every Monday to Friday is worked."""

    country: str | None = None
    timezone: str = "UTC"
    hours: Hours = Hours(time(9), time(18))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class Due:
    """A time allowed, such as three business days. ``amount`` is at least 1."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


def due_of(text: str) -> Due | None:
    """What “2 business days”, “4 business hours” or “14 days” means; None where it is none of these."""
    found = re.fullmatch(r"([1-9][0-9]{0,3}) (business day|business hour|day)(s?)", text, re.ASCII)
    if found is None or (found[1] == "1") is bool(found[3]):
        return None
    units: Mapping[str, Unit] = {"business day": "business days", "business hour": "business hours", "day": "days"}
    return Due(int(found[1]), units[found[2]])


def hours_of(text: str) -> Hours | None:
    """What “09:00-18:00” means; None where it is no such range within one day, or is shorter than an hour."""
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", text, re.ASCII)
    if found is None:
        return None
    first_hour, first_minute, last_hour, last_minute = (int(each) for each in found.groups())
    if (last_hour - first_hour) * 60 + last_minute - first_minute < SHORTEST_DAY * 60:
        return None
    return Hours(time(first_hour, first_minute), time(last_hour, last_minute))


def knows_country(code: str) -> bool:
    return re.fullmatch("[A-Z]{2}", code) is not None and code in countries()


@lru_cache(1)
def countries() -> frozenset[str]:
    """Countries whose holidays are known, by their ISO 3166 alpha-2 codes."""
    # from its register: ``list_supported_countries`` would import the holidays of all of them, which takes a second
    from holidays.registry import EntityLoader

    return frozenset(code for code in EntityLoader.get_country_codes(include_aliases=False) if len(code) == 2)


@cache
def timezones() -> frozenset[str]:
    """All that this machine knows. Asked once: it looks through six hundred files."""
    return frozenset(available_timezones())


def knows_timezone(name: str) -> bool:
    if re.fullmatch(r"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+){0,2}", name) is None:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@dataclass(frozen=True)
class Step:
    """A day that counts. For business hours with the part of the day that was counted, by the office's clocks."""

    day: date
    begins: time | None = None
    ends: time | None = None


@dataclass(frozen=True)
class Skipped:
    """A day passed over. ``english`` and ``korean`` name its holiday, and are empty where it is none."""

    day: date
    why: Literal["weekend", "holiday", "clock change"]
    english: str = ""
    korean: str = ""


@dataclass(frozen=True)
class DueDate:
    """A due time, with how it was reckoned."""

    at: datetime
    """UTC."""
    opened_at: datetime
    """UTC."""
    due: Due
    timezone: str
    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]
    calendar_version: str

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it: instants and days in ISO 8601, ``explained`` reads it."""
        return {
            "text": str(self.due),
            "amount": self.due.amount,
            "unit": self.due.unit,
            "at": self.at.isoformat(),
            "opened_at": self.opened_at.isoformat(),
            "timezone": self.timezone,
            "calendar_version": self.calendar_version,
            "steps": [
                {"day": step.day.isoformat()}
                | (
                    {"begins": f"{step.begins:%H:%M}", "ends": f"{step.ends:%H:%M}"}
                    if step.begins and step.ends
                    else {}
                )
                for step in self.steps
            ],
            "skipped": [
                {"day": each.day.isoformat(), "why": each.why}
                | ({"english": each.english, "korean": each.korean} if each.why == "holiday" else {})
                for each in self.skipped
            ],
        }


def due_after(opened_at: datetime, due: Due | str, calendar: Calendar) -> DueDate:
    """When something opened at this instant is due.

    Business days are counted from the day after, and end when the office closes. Days are the calendar's; where the
    last one is not worked, the next worked one takes its place. Business hours count while the office is open.

    Raises:
        ValueError: ``opened_at`` has no zone, or ``due`` is not one of the forms of ``due_of``.
    """
    if opened_at.tzinfo is None:
        raise ValueError("A time needs its zone.")
    allowed = due_of(due) if isinstance(due, str) else due
    if allowed is None:
        raise ValueError(f"{due!r} is not a time such as “2 business days”.")
    if allowed.unit == "business hours":
        return _after_hours(opened_at, allowed, calendar)
    return _after_days(opened_at, allowed, calendar)


def _after_days(opened_at: datetime, due: Due, calendar: Calendar) -> DueDate:
    opened_on = opened_at.astimezone(calendar.zone).date()
    steps: list[Step] = []
    skipped: list[Skipped] = []
    first = opened_on + timedelta(days=due.amount if due.unit == "days" else 1)
    wanted = 1 if due.unit == "days" else due.amount
    for day in _days_from(first):
        if why := why_not_worked(day, calendar):
            skipped.append(why)
            continue
        steps.append(Step(day))
        if len(steps) == wanted:
            break
    closes = _closing(steps[-1].day, calendar)
    return _reckoned(closes, opened_at, due, calendar, steps, skipped)


def _after_hours(opened_at: datetime, due: Due, calendar: Calendar) -> DueDate:
    left = timedelta(hours=due.amount)
    steps: list[Step] = []
    skipped: list[Skipped] = []
    moment = opened_at.astimezone(UTC)
    for day in _days_from(opened_at.astimezone(calendar.zone).date()):
        if why := why_not_worked(day, calendar):
            skipped.append(why)
            continue
        begins, closes = max(moment, _opening(day, calendar)), _closing(day, calendar)
        if begins >= closes:
            continue
        ends = min(begins + left, closes)
        steps.append(Step(day, begins.astimezone(calendar.zone).time(), ends.astimezone(calendar.zone).time()))
        left -= ends - begins
        if not left:
            return _reckoned(ends, opened_at, due, calendar, steps, skipped)
    raise AssertionError("the days never end")


def _reckoned(
    at: datetime, opened_at: datetime, due: Due, calendar: Calendar, steps: list[Step], skipped: list[Skipped]
) -> DueDate:
    return DueDate(
        at=at,
        opened_at=opened_at.astimezone(UTC),
        due=due,
        timezone=calendar.timezone,
        steps=tuple(steps),
        skipped=tuple(skipped),
        calendar_version=CALENDAR_VERSION,
    )


def before(at: datetime, lead: Due, calendar: Calendar) -> datetime:
    """The instant, in UTC, that lies this much working time ahead of another: when to warn of what is due at ``at``.

    Business hours are counted backwards while the office is open. Days keep the time of day; a warning that would
    fall on a day not worked is given on the last worked day ahead of it.
    """
    local = at.astimezone(calendar.zone)
    left = timedelta(hours=lead.amount) if lead.unit == "business hours" else timedelta()
    to_go = lead.amount if lead.unit == "business days" else 1
    start = local.date() - timedelta(days={"business hours": 0, "business days": 1, "days": lead.amount}[lead.unit])
    for day in _days_from(start, step=-1):
        if why_not_worked(day, calendar):
            continue
        opens, closes = _opening(day, calendar), _closing(day, calendar)
        if lead.unit != "business hours":
            to_go -= 1
            if not to_go:
                return min(max(instant(day, local.time(), calendar.zone), opens), closes)
            continue
        ends = min(at.astimezone(UTC), closes)
        if ends > opens:
            begins = max(opens, ends - left)
            left -= ends - begins
            if not left:
                return begins
    raise AssertionError("the days never end")


def next_open(at: datetime, calendar: Calendar) -> datetime:
    """This instant where the office is open then, the one at which it closes included; else when it opens next. UTC."""
    moment = at.astimezone(UTC)
    for day in _days_from(at.astimezone(calendar.zone).date()):
        if why_not_worked(day, calendar) is None and moment <= _closing(day, calendar):
            return max(moment, _opening(day, calendar))
    raise AssertionError("the days never end")


def _days_from(day: date, step: int = 1) -> Iterator[date]:
    for distance in range(LONGEST_SEARCH):
        yield day + timedelta(days=step * distance)


def why_not_worked(day: date, calendar: Calendar) -> Skipped | None:
    """Why nobody works on this day; None where it is worked."""
    year = _year(calendar.country, day.year)
    if day.weekday() in year.weekend and day not in year.worked_weekends:
        return Skipped(day, "weekend")
    if names := year.holidays.get(day):
        return Skipped(day, "holiday", *names)
    if _opening(day, calendar) >= _closing(day, calendar):
        return Skipped(day, "clock change")
    return None


@dataclass(frozen=True)
class _Year:
    weekend: frozenset[int]
    worked_weekends: frozenset[date]
    holidays: Mapping[date, tuple[str, str]]
    """Names in English and Korean; the country's own language where there is none."""


@lru_cache(512)
def _year(country: str | None, year: int) -> _Year:
    # The package fills a calendar while it is read, which two threads may not do at once: hence a copy of each year.
    if country is None:
        return _Year(frozenset({5, 6}), frozenset(), {})
    holidays = _package()
    english = holidays.country_holidays(country, years=year, language="en_US", expand=False)
    korean = holidays.country_holidays(country, years=year, language="ko", expand=False)
    has_korean = "ko" in (korean.supported_languages or ())
    return _Year(
        frozenset(english.weekend),
        frozenset(english.weekend_workdays),
        {day: (name, korean.get(day, name) if has_korean else name) for day, name in english.items()},
    )


@cache
def _package() -> Any:
    """``holidays``, for those processes alone that reckon, and without loading every country along with the first.

    Its folder of countries imports all 200 of them (8 MB, half a second) unless it is there already; each is found by
    its own name all the same.
    """
    import holidays

    folder = ModuleType("holidays.countries")
    folder.__path__ = [str(Path(holidays.__file__).parent / "countries")]
    sys.modules.setdefault(folder.__name__, folder)
    return holidays


def _opening(day: date, calendar: Calendar) -> datetime:
    """Where the clocks change, an hour that is there twice or not at all counts as closed: hence the later reading."""
    return max(_readings(day, calendar.hours.opens, calendar.zone))


def _closing(day: date, calendar: Calendar) -> datetime:
    return min(_readings(day, calendar.hours.closes, calendar.zone))


def _readings(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = datetime.combine(day, at, zone)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The one instant, in UTC, that something at this time of day happens on this day.

    A time that a clock change repeats means its first passing; one that it leaves out means as long after the change.
    """
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)


class Sentence(Protocol):
    """Translates a message id and fills it: ``documents.rendering.sentence``."""

    def __call__(self, text: str, locale: str, /, **values: object) -> str: ...


MOST_DAYS_SHOWN = 5


def explained(reckoned: Mapping[str, Any], locale: str, sentence: Sentence) -> str:
    """The arithmetic of a due time in one line: “+2 business days: Tue 26 May, Wed 27 May (Mon 25 May is …)”.

    ``reckoned``: what ``DueDate.as_data`` gave. Days are those of the office's zone, whoever reads.
    """
    due = spoken(Due(reckoned["amount"], reckoned["unit"]), locale, sentence)
    steps = [_shown_step(each, locale) for each in reckoned["steps"]]
    if len(steps) > MOST_DAYS_SHOWN:
        steps = [*steps[:2], "…", steps[-1]]
    days = ", ".join(steps)
    off = [each for each in reckoned["skipped"] if each["why"] == "holiday"]
    if not off:
        return sentence("+%(due)s: %(days)s", locale, due=due, days=days)
    named = [
        sentence(
            "%(day)s is a holiday: %(name)s",
            locale,
            day=shown_day(date.fromisoformat(each["day"]), locale),
            name=each["korean"] if locale == "ko" else each["english"],
        )
        for each in off[:MOST_DAYS_SHOWN]
    ]
    holidays_named = "; ".join([*named, "…"] if len(off) > MOST_DAYS_SHOWN else named)
    return sentence("+%(due)s: %(days)s (%(holidays)s)", locale, due=due, days=days, holidays=holidays_named)


def spoken(due: Due, locale: str, sentence: Sentence) -> str:
    """“2 business days”, in the reader's language."""
    if due.amount == 1:
        match due.unit:
            case "business days":
                return sentence("1 business day", locale)
            case "business hours":
                return sentence("1 business hour", locale)
            case "days":
                return sentence("1 day", locale)
    match due.unit:
        case "business days":
            return sentence("%(count)s business days", locale, count=due.amount)
        case "business hours":
            return sentence("%(count)s business hours", locale, count=due.amount)
        case "days":
            return sentence("%(count)s days", locale, count=due.amount)


def _shown_step(step: Mapping[str, str], locale: str) -> str:
    day = shown_day(date.fromisoformat(step["day"]), locale)
    return f"{day} {step['begins']}–{step['ends']}" if "begins" in step else day


def shown_day(day: date, locale: str) -> str:
    if locale == "ko":
        return format_date(day, "M월 d일(EEE)", locale="ko")
    return format_date(day, "EEE d MMM", locale="en_GB")
