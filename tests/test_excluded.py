"""Excluded time in local hours, over midnight and over clock changes."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.excluded import BusinessHours, Excluded, Maintenance, WeeklyMaintenance, excluded_steps, spans

START = datetime(2026, 10, 19, tzinfo=UTC)  # a Monday; clocks in Berlin go back on the 25th
WEEK = timedelta(days=7)


def marked(excluded: Excluded, timezone: str = "UTC") -> list[tuple[datetime, datetime]]:
    mask = excluded_steps(excluded, timezone=timezone, start=START, end=START + WEEK)
    step = timedelta(minutes=5)
    return [(START + first * step, START + last * step) for first, last in spans(mask)]


def test_nothing_is_excluded_by_default():
    assert marked(Excluded()) == []


def test_business_hours_are_local_hours():
    excluded = Excluded(business_hours=BusinessHours(days=("mon",), start=time(8), end=time(18)))
    opened = datetime(2026, 10, 19, 6, tzinfo=UTC)  # 8 in Berlin, summer time
    assert marked(excluded, "Europe/Berlin") == [
        (START, opened),
        (opened + timedelta(hours=10), START + WEEK),
    ]


def test_a_holiday_has_25_hours_when_the_clock_goes_back():
    ((first, last),) = marked(Excluded(holidays=(date(2026, 10, 25),)), "Europe/Berlin")
    assert last - first == timedelta(hours=25)


def test_weekly_maintenance_may_run_over_midnight():
    weekly = WeeklyMaintenance(weekday="tue", start=time(23), end=time(1))
    tuesday = datetime(2026, 10, 20, 23, tzinfo=UTC)
    assert marked(Excluded(weekly=(weekly,))) == [(tuesday, tuesday + timedelta(hours=2))]


def test_a_step_that_maintenance_touches_is_excluded_whole():
    span = Maintenance(start=START + timedelta(minutes=7), end=START + timedelta(minutes=11))
    assert marked(Excluded(maintenance=(span,))) == [(START + timedelta(minutes=5), START + timedelta(minutes=15))]


def test_maintenance_beyond_the_period_marks_nothing():
    span = Maintenance(start=START - WEEK, end=START - timedelta(hours=1))
    assert marked(Excluded(maintenance=(span,))) == []


@given(st.lists(st.booleans(), max_size=40).map(lambda bits: np.array(bits, dtype=bool)))
def test_spans_tell_the_mask(mask):
    told = np.zeros(len(mask), dtype=bool)
    for first, last in spans(mask):
        assert first < last
        told[first:last] = True
    assert np.array_equal(told, mask)


def test_times_without_a_zone_are_refused():
    with pytest.raises(ValueError, match="timezone"):
        Maintenance(start=datetime(2026, 10, 19), end=datetime(2026, 10, 20))
