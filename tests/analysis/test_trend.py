"""Trends: slopes, intervals and p-values against scipy, and what is said of them."""

from __future__ import annotations

import time
from datetime import date
from math import erf, sqrt

import numpy as np
import pytest
from scipy import signal, stats

from slaopt.analysis import trend as module
from slaopt.analysis.trend import analyze_trend, sen_trend
from tests.analysis.test_levels import of
from tests.statistical.simulated import Service


@pytest.fixture
def independent(monkeypatch):
    """Without inflation, with as many degrees of freedom as a normal distribution has."""
    monkeypatch.setattr(module, "_inflation", lambda residuals, days: 1e-9 + 1)
    monkeypatch.setattr(module.special, "stdtr", lambda freedom, t: (1 + erf(t / sqrt(2))) / 2)
    monkeypatch.setattr(module.special, "stdtrit", lambda freedom, p: stats.norm.ppf(p))


def test_slope_and_interval_are_those_of_scipy(rng, independent):
    days = np.delete(np.arange(40), [3, 17, 18])
    values = 0.01 * days + rng.normal(0, 0.1, len(days))
    found = sen_trend(values, days, np.zeros(len(days)))
    slope, _, low, high = stats.theilslopes(values, days, alpha=0.95)
    assert (found.slope, found.low, found.high) == pytest.approx((slope, low, high))


@pytest.mark.parametrize("ties", [False, True])
def test_without_inflation_the_p_value_is_that_of_kendalls_tau(rng, independent, ties):
    """But for the continuity correction, which scipy does not make: one pair is given back."""
    days = np.arange(30)
    values = 0.005 * days + rng.normal(0, 0.1, 30)
    values = np.round(values, 1) if ties else values
    found = sen_trend(values, days, np.zeros(30))
    tau = stats.kendalltau(days, values, method="asymptotic")
    pairs = np.sign(np.subtract.outer(values, values))[np.tril_indices(30, -1)].sum()
    z = stats.norm.isf(tau.pvalue / 2) * (abs(pairs) - 1) / abs(pairs)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(z))


def test_correlation_from_day_to_day_widens_the_interval(rng):
    import statsmodels.api as sm

    values = np.empty(400)
    values[0] = rng.normal()
    for day in range(1, 400):
        values[day] = 0.6 * values[day - 1] + rng.normal()
    found = sen_trend(values, np.arange(400), np.zeros(400))
    correlation = sm.tsa.acf(sm.tsa.detrend(values, order=1), nlags=1)[1]
    assert found.inflation == pytest.approx((1 + correlation) / (1 - correlation), rel=0.1)


def test_half_of_the_bias_of_correlation_on_short_series_is_undone(rng):
    weekend = (np.arange(30) % 7 >= 5).astype(float)
    inflation = []
    for _ in range(600):
        shocks = rng.normal(size=60)
        values = signal.lfilter([1.0], [1.0, -0.5], shocks)[30:]
        inflation.append(sen_trend(values, np.arange(30), weekend).inflation)
    told = (np.array(inflation) - 1) / (np.array(inflation) + 1)
    assert 0.37 < told.mean() < 0.5  # 0.33 as the residuals have it


def test_a_trend_of_little_in_all_is_stable(rng):
    found = analyze_trend(Service(per_day=100_000, sd=0.002, trend=0.001).profile(rng, hours=1))
    assert found.slope_interval is not None
    assert found.slope_interval.low > 0
    assert found.direction == "stable"


def test_a_weekend_effect_is_no_trend(rng):
    days = np.arange(28)
    weekend = (days % 7 >= 5).astype(float)
    found = sen_trend(0.02 * days - 0.5 * weekend + rng.normal(0, 0.01, 28), days, weekend)
    assert found.slope == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize(("slope", "direction"), [(0.02, "degrading"), (-0.02, "improving"), (0.0, "stable")])
def test_direction_says_whether_durations_get_worse(rng, slope, direction):
    found = analyze_trend(Service(sd=0.05, trend=slope).profile(rng, hours=1))
    assert found.direction == direction
    assert found.slope_interval is not None
    assert found.slope_interval.covers(np.expm1(slope))
    assert found.trend_slope == pytest.approx(np.expm1(slope), abs=0.005)
    assert found.trend_confidence is not None
    assert 0.5 <= found.trend_confidence <= 1
    word = {"degrading": "p95 rose by about 2", "improving": "p95 fell by about 2", "stable": "No trend: "}[direction]
    assert found.sentence.startswith(word)


def test_after_an_abrupt_change_only_the_last_stretch_counts(rng):
    profile = Service(sd=0.05, jump=(12, 2.0)).profile(rng, hours=1)
    found = analyze_trend(profile)
    assert (found.since, found.days, found.direction) == (date(2026, 8, 15), 18, "stable")
    assert found.sentence.startswith("No trend since 15 Aug 2026: ")


def test_why_there_is_no_trend_is_said(rng):
    late = analyze_trend(Service(sd=0.05, jump=(21, 2.0)).profile(rng, hours=1))
    assert (late.direction, late.trend_slope, late.slope_interval) == (None, None, None)
    assert late.sentence == (
        "No trend is computed: 9 days with executions since the change of 24 Aug 2026, and under 14 no test tells a "
        "trend from chance."
    )
    few = analyze_trend(Service(days=7).profile(rng, hours=1))
    assert few.why is not None
    assert few.why.startswith("No trend is computed: 7 days with executions, and")


def test_equal_durations_are_stable():
    found = analyze_trend(of(np.arange(0, 480, 1.0), np.ones(480)))
    assert (found.direction, found.trend_slope, found.trend_confidence) == ("stable", 0.0, 0.5)
    assert found.change_points == ()


@pytest.mark.parametrize("per_day", [1.0, 0.3])
@pytest.mark.parametrize("days", [8, 30, 200])
def test_sparse_services_are_described(rng, per_day, days):
    found = analyze_trend(Service(per_day=per_day, days=days).profile(rng, hours=1))
    assert found.sentence
    assert found.to_dict()["change_points"] == []


def test_one_execution_in_all_is_described():
    found = analyze_trend(of([100.0], [2.0]))
    assert (found.direction, found.days, found.since) == (None, 1, date(2026, 8, 7))


def test_the_same_profile_gives_the_same_figures(rng):
    profile = Service(per_day=5000).profile(rng, hours=1)
    assert analyze_trend(profile).to_dict() == analyze_trend(profile).to_dict()


def test_a_long_history_of_hours_is_analysed_quickly(rng):
    profile = Service(days=120, per_day=5000, jump=(90, 1.3)).profile(rng, hours=1)
    analyze_trend(profile)
    begun = time.process_time()
    analyze_trend(profile)
    assert time.process_time() - begun < 0.3
