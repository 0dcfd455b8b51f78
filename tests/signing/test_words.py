from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from signing.words import KOREAN, moment, word

AT = datetime(2026, 5, 27, 9, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "timezone", "shown"),
    [
        ("en", "Asia/Seoul", "Wed 27 May 2026, 18:00:05 KST"),
        ("ko", "Asia/Seoul", "2026년 5월 27일(수) 18:00:05 KST"),
        ("en", "Europe/Prague", "Wed 27 May 2026, 11:00:05 CEST"),
        ("en", "Asia/Kolkata", "Wed 27 May 2026, 14:30:05 IST"),
        ("en", "America/Sao_Paulo", "Wed 27 May 2026, 06:00:05 UTC-03:00"),
        ("en", "Asia/Kathmandu", "Wed 27 May 2026, 14:45:05 UTC+05:45"),
        ("en", "UTC", "Wed 27 May 2026, 09:00:05 UTC"),
        ("en", "Nowhere/At all", "Wed 27 May 2026, 09:00:05 UTC"),
        ("en", "../../etc/passwd", "Wed 27 May 2026, 09:00:05 UTC"),
    ],
)
def test_times_are_told_in_the_readers_zone_with_its_name(locale: str, timezone: str, shown: str) -> None:
    assert moment(AT, locale, timezone) == shown


def test_the_name_of_the_zone_tells_summer_from_winter() -> None:
    assert moment(datetime(2026, 10, 25, 0, 59, tzinfo=UTC), "en", "Europe/Prague").endswith("02:59:00 CEST")
    assert moment(datetime(2026, 10, 25, 1, 1, tzinfo=UTC), "en", "Europe/Prague").endswith("02:01:00 CET")


def test_every_word_has_the_same_places_in_both_languages() -> None:
    for english, korean in KOREAN.items():
        assert sorted(re.findall(r"%\(\w+\)s", english)) == sorted(re.findall(r"%\(\w+\)s", korean))


def test_another_language_is_told_in_english() -> None:
    assert word("Decisions", "de") == "Decisions"
    assert word("Decisions", "ko-KR") == "결재 내용"
