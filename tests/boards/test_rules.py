"""Statistics of how documents get on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.boards.rules import AGES, Neighbours, age_class, months, place, quantile


@given(st.lists(st.floats(0, 1e8), min_size=2, max_size=60), st.integers(1, 99))
def test_a_quantile_is_that_of_the_standard_library(values: list[float], percent: int) -> None:
    ranked = sorted(values)
    behind, _ = place(len(ranked), percent)
    found = quantile(Neighbours(len(ranked), ranked[behind], ranked[min(behind + 1, len(ranked) - 1)]), percent)
    assert found == pytest.approx(quantiles(values, n=100, method="inclusive")[percent - 1], rel=1e-9, abs=1e-6)


def test_of_one_value_each_quantile_is_that_value() -> None:
    assert quantile(Neighbours(1, 7.0, 7.0), 90) == 7.0


@given(
    st.datetimes(timezones=st.just(UTC)).filter(lambda now: 1971 < now.year < 2100),
    st.sampled_from(["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York"]),
)
def test_the_last_month_is_the_current_one_and_none_is_missing(now: datetime, zone: str) -> None:
    found = months(now, zone, 14)
    assert len(found) == 14
    assert found[-1].start <= now < found[-1].end
    assert all(before.end == after.start and before.first < after.first for before, after in pairwise(found))
    assert all(each.first.day == 1 for each in found)


def test_months_begin_where_their_reader_is() -> None:
    now = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert months(now, "Asia/Seoul")[-1].first == date(2027, 1, 1)
    assert months(now, "UTC")[-1].first == date(2026, 12, 1)


@pytest.mark.parametrize(("hours", "found"), [(0, 0), (23.9, 0), (24, 1), (71, 1), (72, 2), (7 * 24, 3), (5000, 4)])
def test_classes_of_age_are_half_open(hours: float, found: int) -> None:
    assert age_class(timedelta(hours=hours)) == found
    assert len(AGES) == 4
