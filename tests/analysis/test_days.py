from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from slaopt.analysis.days import days_of, local_times, pooled
from slaopt.profile import Profile


def empty(start: datetime, hours: int, timezone: str = "UTC") -> Profile:
    end = start + timedelta(hours=hours)
    return Profile.from_durations([], [], service="a", start=start, end=end, timezone=timezone)


def test_days_are_those_of_the_zone():
    days = days_of(empty(datetime(2026, 11, 2, 23, tzinfo=UTC), 24, "Europe/Berlin"))
    assert days.dates == (date(2026, 11, 3),)
    assert days.weekday.tolist() == [1]


@pytest.mark.parametrize(
    ("first_hour", "hours", "dates"),
    [
        (13, 48, [date(2026, 11, 3), date(2026, 11, 4)]),  # 11 hours join the next day, 13 at the end stand
        (12, 48, [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)]),  # halves stand
        (0, 29, [date(2026, 11, 2)]),  # 5 hours at the end join the day before
        (20, 3, [date(2026, 11, 2)]),  # a Profile of one part of a day has one day
    ],
)
def test_less_than_half_a_day_at_an_end_joins_its_neighbour(first_hour, hours, dates):
    days = days_of(empty(datetime(2026, 11, 2, first_hour, tzinfo=UTC), hours))
    assert list(days.dates) == dates
    assert days.slot_day.min() == 0
    assert days.slot_day.max() == len(dates) - 1


@pytest.mark.parametrize("start", [datetime(2026, 3, 20, hour, tzinfo=UTC) for hour in range(24)])
def test_seven_times_24_hours_never_have_fewer_than_seven_days(start):
    assert len(days_of(empty(start, 7 * 24, "America/New_York")).dates) in (7, 8)
    assert len(days_of(empty(start + timedelta(days=6), 7 * 24, "Europe/Berlin")).dates) in (7, 8)  # clocks change


def test_the_clock_change_makes_a_day_of_25_hours():
    days = days_of(empty(datetime(2026, 10, 24, 22, tzinfo=UTC), 25, "Europe/Berlin"))
    assert days.dates == (date(2026, 10, 25),)
    hour = local_times(empty(datetime(2026, 10, 24, 22, tzinfo=UTC), 25, "Europe/Berlin"))[2]
    assert np.bincount(hour).tolist() == [1, 1, 2] + [1] * 21


def test_pooling_by_day_keeps_every_execution(rng):
    start = datetime(2026, 11, 2, tzinfo=UTC)
    times = np.datetime64("2026-11-02", "us") + rng.integers(0, 5 * 86400 * 10**6, 1000)
    profile = Profile.from_durations(
        times, rng.lognormal(0, 1, 1000), service="a", start=start, end=start + timedelta(days=5)
    )
    days = days_of(profile)
    counts = pooled(profile, days.slot_day, 5)
    assert counts.sum(axis=0).tolist() == profile.bucket_totals.tolist()
    assert counts.sum(axis=1) == pytest.approx(days.total(profile.executions))
    assert pooled(profile, np.full(profile.slots, -1), 5).sum() == 0
