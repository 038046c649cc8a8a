"""Weeks and months of the calendar, each hour judged by the threshold that was in force."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slaopt.analysis.attainment import Attainment, attainments
from slaopt.params import Params, ThresholdChange
from slaopt.profile import HOURS, Profile
from tests.statistical.durations import spread, stamps
from tests.statistical.low_traffic import Batch
from tests.statistical.simulated import START, Service, monte_carlo_error

RUNS = 40


def measured(
    times: np.ndarray, durations: np.ndarray, *, days: float = 40, zone: str = "UTC", thresholds: tuple[float, ...] = ()
) -> Profile:
    return Profile.from_durations(
        times, durations, service="simulated", start=START, end=START + timedelta(days=days), resolution=HOURS,
        thresholds=thresholds, timezone=zone,
    )  # fmt: skip


def by_start(found: tuple[Attainment, ...], kind: str) -> dict[date, Attainment]:
    return {one.start: one for one in found if one.kind == kind}


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_every_week_and_month_counts_what_pandas_counts(zone, rng):
    n = 5_000
    times, durations = spread(n, rng, days=75), rng.lognormal(0, 0.5, n)
    profile = measured(times, durations, days=75, zone=zone, thresholds=(2.0,))
    found = attainments(profile, Params(threshold=2.0, objective=0.9))
    hours = pd.Series(times).dt.floor("h")  # an execution belongs to its hour, and an hour to the day it begins on
    local = hours.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    for kind, period in (("week", "W-SUN"), ("month", "M")):
        grouped = pd.Series(durations > 2.0).groupby(local.dt.to_period(period))
        mine = by_start(found, kind)
        assert [one.executions for one in mine.values() if one.executions] == grouped.size().tolist()
        assert [one.violations for one in mine.values() if one.executions] == grouped.sum().tolist()
        for one in mine.values():
            assert one.attainment is None or one.met == (one.attainment >= 0.9)
            middle = datetime.combine(one.start, datetime.min.time(), tzinfo=ZoneInfo(zone)) >= profile.start
            assert one.whole <= middle


def test_weeks_begin_on_monday_and_parts_are_marked(rng):
    times = spread(4_000, rng, days=40)
    found = attainments(measured(times, np.ones(4_000)), Params(threshold=2.0))  # 3 Aug is a Monday
    weeks, months = by_start(found, "week"), by_start(found, "month")
    assert [(one.start, one.whole) for one in weeks.values()][::5] == [
        (date(2026, 8, 3), True), (date(2026, 9, 7), False)
    ]  # fmt: skip
    assert {start: (one.end, one.whole) for start, one in months.items()} == {
        date(2026, 8, 1): (date(2026, 8, 31), False), date(2026, 9, 1): (date(2026, 9, 30), False)
    }  # fmt: skip
    assert [one.kind for one in found] == ["week"] * 6 + ["month"] * 2
    assert weeks[date(2026, 9, 7)].interval is None  # 5 days
    assert weeks[date(2026, 8, 3)].interval.high == 1
    assert all(one.met for one in found)


def test_each_hour_is_judged_by_the_threshold_in_force():
    """Ten executions of 1 s a day; 2 s hold until noon of the tenth day, then 0.5 s, then 3 s."""
    times = stamps(np.repeat(np.arange(28), 10) + np.tile(np.arange(10) / 10 + 0.01, 28))
    profile = measured(times, np.ones(280), days=28, thresholds=(2.0, 0.5, 3.0))
    changes = [(START + timedelta(days=9.5), 0.5), (START + timedelta(days=15), 3.0)]
    history = tuple(ThresholdChange(since=since, threshold=threshold) for since, threshold in changes)
    begun = (ThresholdChange(since=START - timedelta(days=90), threshold=2.0), *history)
    params = Params(threshold=3.0, threshold_history=begun, objective=0.9)
    first, second, third, fourth = by_start(attainments(profile, params), "week").values()
    assert [one.violations for one in (first, second, third, fourth)] == [0, 45, 10, 0]
    assert [one.thresholds for one in (first, second, third)] == [(2.0,), (2.0, 0.5), (0.5, 3.0)]
    assert [one.met for one in (first, second, third, fourth)] == [True, False, False, True]
    assert not any(one.assumed for one in attainments(profile, params))


def test_before_the_first_known_threshold_the_earliest_is_assumed_and_said_so():
    profile = measured(stamps(np.arange(28) + 0.5), np.ones(28), days=28)
    history = (ThresholdChange(since=START + timedelta(days=10), threshold=0.5),)
    weeks = by_start(attainments(profile, Params(threshold=0.5, threshold_history=history)), "week").values()
    assert [one.violations for one in weeks] == [7, 7, 7, 7]
    assert [one.assumed for one in weeks] == [True, True, False, False]


def test_a_what_if_does_not_rewrite_history():
    profile = measured(stamps(np.arange(28) + 0.5), np.ones(28), days=28)
    history = (ThresholdChange(since=START, threshold=0.5),)
    found = attainments(profile, Params(threshold=9.0, threshold_history=history))
    assert {one.thresholds for one in found} == {(0.5,)}


def test_nothing_is_judged_without_a_threshold_and_nothing_met_where_nothing_ran(rng):
    profile = measured(stamps(rng.random(50) * 7), np.ones(50), days=21)
    assert attainments(profile, Params()) == ()
    empty = by_start(attainments(profile, Params(threshold=2.0)), "week")[date(2026, 8, 10)]
    assert (empty.executions, empty.attainment, empty.met, empty.interval) == (0, None, None, None)
    assert attainments(profile.between(START, START), Params(threshold=2.0)) == ()


def test_violations_that_were_not_counted_may_leave_it_open():
    """Ten of 100 executions share one hour and one bucket, in which the threshold lies."""
    durations = np.concatenate([np.full(90, 1.0), np.linspace(2.001, 2.01, 10)])
    profile = measured(stamps(np.append(np.linspace(0, 6.9, 90), np.full(10, 3.01))), durations, days=7)
    week = attainments(profile, Params(threshold=2.005, objective=0.95))[0]
    assert (week.attainment, week.met) == (pytest.approx(0.95, abs=0.011), None)
    assert attainments(profile, Params(threshold=2.005, objective=0.85))[0].met is True


@pytest.mark.parametrize(
    "service", [Service(days=28), Batch(days=28, per_day=20, rho=0.9)], ids=["1,000 a day", "batch"]
)
def test_the_intervals_of_weeks_hold_the_true_attainment(service, rng):
    threshold, rate = service.truth().threshold(0.05)
    held = [
        one.interval.covers(1 - rate)
        for _ in range(RUNS)
        for one in attainments(service.profile(rng, hours=1), Params(threshold=threshold))[:4]
    ]
    assert np.mean(held) >= 0.92 - 2 * monte_carlo_error(0.92, len(held))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from([0.5, 1.5, 2.5])), max_size=4, unique_by=lambda p: p[0]))
def test_weeks_and_months_add_up_to_the_same(changes):
    rng = np.random.default_rng(1)
    profile = measured(spread(400, rng, days=25), rng.choice([1.0, 2.0, 3.0], 400), days=25)
    history = tuple(ThresholdChange(since=START + timedelta(hours=h), threshold=t) for h, t in changes)
    found = attainments(profile, Params(threshold=1.5, threshold_history=history))
    totals = [
        (sum(one.executions for one in of), sum(one.violations for one in of))
        for of in (by_start(found, "week").values(), by_start(found, "month").values())
    ]
    assert totals[0] == totals[1]
    assert totals[0][0] == 400


def test_the_zone_of_the_service_defines_days():
    """Monday 00:30 in Berlin is Sunday 22:30 UTC."""
    moment = datetime(2026, 8, 9, 22, 30, tzinfo=UTC)
    at = np.array([np.datetime64(moment.replace(tzinfo=None), "us")])
    (berlin,) = (one for one in attainments(measured(at, np.ones(1), zone="Europe/Berlin"), Params(threshold=2.0))
                 if one.kind == "week" and one.executions)  # fmt: skip
    assert berlin.start == date(2026, 8, 10)
