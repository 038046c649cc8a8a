"""What baseline and violation rate rest on: the level that a service has now, where enough followed the last change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from slaopt.analysis import Analysis, analyze, violation_rate
from slaopt.analysis.changepoints import ChangePoint
from slaopt.analysis.incidents import without_hours
from slaopt.analysis.level import is_stable, level_since, level_warnings
from slaopt.analysis.outliers import OddHour, find_odd_hours
from slaopt.analysis.trend import TrendAnalysis
from slaopt.intake import ServiceIntake
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from tests.statistical.new_level import CASES, held
from tests.statistical.simulated import START, Service, profile_of

DAY = timedelta(days=1)


def profiles(profile: Profile) -> Profiles:
    n = round(float(profile.executions.sum()))
    intake = ServiceIntake(service="simulated", rows=n, accepted=n)
    return Profiles(service="simulated", hours=profile, steps=profile, intake=intake)


def analysed(profile: Profile, **params: object) -> Analysis:
    result = analyze(profiles(profile), Params(**params))
    assert isinstance(result, Analysis)
    return result


def steady(per_day: float = 1_000, *, days: int = 30) -> Profile:
    return Service(per_day=per_day, days=days).profile(np.random.default_rng(1), hours=1)


def change(day: float, *, abrupt: bool = True) -> ChangePoint:
    at = START + day * DAY
    return ChangePoint(
        start=at.date(), at=at, earliest=at.date(), latest=at.date(), factor=1.4, abrupt=abrupt, likelihood_ratio=30.0,
        sentence="Durations rose by 40 %.",
    )  # fmt: skip


def trend(*changes: ChangePoint, direction: str | None = "stable", slope: float | None = 0.0) -> TrendAnalysis:
    return TrendAnalysis(
        direction=direction, trend_slope=slope, trend_confidence=None, slope_interval=None, seasonal_patterns=(),
        load_correlations=(), change_points=changes, since=date(2026, 8, 3), days=30, sentence="No trend.", why=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("per_day", "day", "cuts"),
    [(1_000, 20, True), (1_000, 23, True), (1_000, 24, False), (30, 20, False), (60, 20, True), (30, 5, True)],
)
def test_a_change_cuts_where_seven_days_and_five_hundred_executions_followed(per_day, day, cuts):
    profile = steady(per_day)
    assert level_since(profile, trend(change(day))) == (START + day * DAY if cuts else None)
    assert level_since(profile, trend(change(day, abrupt=False))) is None
    (said,) = level_warnings(profile, trend(change(day)), START + day * DAY if cuts else None)
    assert ("are of the whole period, old and new level together" in said) != cuts
    assert f"the {30 - day} days since" in said


def test_the_last_abrupt_change_counts():
    profile = steady()
    assert level_since(profile, trend(change(5), change(15), change(20, abrupt=False))) == START + 15 * DAY
    assert level_since(profile, trend(change(5), change(28))) is None
    assert level_since(profile, trend()) is None


def test_a_level_is_stable_where_neither_trend_nor_change_is_in_what_it_rests_on():
    since = START + 15 * DAY
    assert is_stable(trend(), None) is True
    assert is_stable(trend(direction="degrading"), None) is False
    assert is_stable(trend(change(15)), since) is True
    assert is_stable(trend(change(15)), None) is False
    assert is_stable(trend(change(15), change(20, abrupt=False)), since) is False
    assert is_stable(trend(change(15), direction=None), since) is None


def test_a_trend_is_said_of_the_baseline():
    (said,) = level_warnings(steady(), trend(direction="degrading", slope=0.01), None)
    assert said == "The baseline is an average over a level that rose by about 35 % meanwhile."
    assert list(level_warnings(steady(), trend(), None)) == []


def test_after_a_change_baseline_and_rate_are_those_of_the_new_level():
    profile = Service(per_day=3_000, jump=(18.0, 1.5)).profile(np.random.default_rng(3), hours=1)
    result = analysed(profile, threshold=3.0)
    since = START + 18 * DAY
    assert result.baseline_since == since
    assert result.violation_rate == violation_rate(profile.between(since, profile.end), 3.0)
    assert result.baseline_performance.baseline_value > result.performance_statistics.mean
    assert result.daily.dates[0] == START.date()
    assert "Baseline and violation rate are of the 12 days since, statistics of the whole period." in result.warnings[0]


@pytest.mark.parametrize("name", ["x1.5 12 days ago", "x1.3 10 days ago, sd 0.1"])
def test_intervals_after_a_change_hold_the_new_level(name):
    result = held(CASES[name], runs=25, seed=20261303)
    assert result.misses(name) == []
    assert result.cut > 0.9
    assert result.uncut.min() < result.found.min()


def test_a_change_some_days_ago_keeps_all_and_warns():
    service = Service(jump=(26.0, 2.0), per_day=3_000, sd=0.1)
    result = analysed(service.profile(np.random.default_rng(5), hours=1), threshold=3.0)
    assert result.trend_analysis.change_points
    assert result.baseline_since is None
    assert result.baseline_performance.is_stable is False
    assert "are too few to tell the new one (7 days and 500 executions are needed)." in result.warnings[0]


def slowed(profile: Profile, hours: list[int], factor: float) -> Profile:
    counts = profile.counts.toarray()
    counts[hours] = np.roll(counts[hours], round(128 * np.log2(factor)), axis=1)
    return profile_of(counts, profile.bounds, step=profile.step)


def test_rates_are_told_with_and_without_the_hours_of_incidents():
    calm = Service(per_day=3_000, sd=0.1).profile(np.random.default_rng(2), hours=1)
    hours = [100, 101, 102, 400]
    result = analysed(slowed(calm, hours, 4.0), threshold=3.0)
    assert {(odd.start - START) // timedelta(hours=1) for odd in result.incident_hours} >= set(hours)
    assert result.incident_hours == result.outliers.odd_hours
    without, all_of_it = result.violation_rate_without_incidents, result.violation_rate
    assert all_of_it.rate > 1.2 * without.rate
    assert without.rate == pytest.approx(violation_rate(calm, 3.0).rate, rel=0.02)
    assert without.n < all_of_it.n
    assert not result.trend_analysis.change_points
    assert analysed(calm.between(START, calm.end), threshold=3.0).violation_rate_without_incidents is None


def test_hours_after_a_lasting_change_are_no_incidents():
    profile = Service(per_day=3_000, sd=0.1, jump=(22.0, 4.0)).profile(np.random.default_rng(4), hours=1)
    assert len(find_odd_hours(profile)) > 50
    assert len(find_odd_hours(profile, changed=[START + 22 * DAY])) <= 2
    assert len(analysed(profile, threshold=3.0).incident_hours) <= 2


def test_hours_outside_a_profile_leave_it_whole():
    profile = steady(days=8)
    assert without_hours(profile, ()) is None
    assert (
        without_hours(profile, [OddHour(start=START - DAY, factor=3.0), OddHour(start=profile.end, factor=3.0)]) is None
    )
    emptied = without_hours(profile, [OddHour(start=START, factor=3.0)])
    assert emptied.executions[0] == 0
    assert np.array_equal(emptied.executions[1:], profile.executions[1:])
    assert replace(emptied, counts=profile.counts).slots == profile.slots
