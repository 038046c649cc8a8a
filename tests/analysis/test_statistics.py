from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slaopt.analysis import baseline, daily_percentiles, hour_weekday, statistics
from slaopt.profile import Profile
from tests.statistical.durations import profile_of_durations, profiles_of, spread, stamps
from tests.statistical.simulated import START


def test_statistics_are_those_of_the_raw_measurements(rng):
    durations = rng.lognormal(0, 1, 5000)
    result = statistics(profile_of_durations(durations, rng))
    assert result.mean == pytest.approx(durations.mean(), rel=1e-12)
    assert result.std == pytest.approx(durations.std(ddof=1), rel=0.003)
    assert (result.minimum, result.maximum) == (durations.min(), durations.max())
    for value, q in ((result.median, 0.5), (result.percentile_95, 0.95), (result.percentile_99, 0.99)):
        assert value == pytest.approx(np.quantile(durations, q, method="inverted_cdf"), rel=0.003)
    assert result.coefficient_variation == pytest.approx(result.std / result.mean)


def test_enormous_durations_do_not_overflow(rng):
    result = statistics(profile_of_durations(np.concatenate([rng.lognormal(0, 1, 500), [1e200]]), rng))
    assert np.isfinite(result.std)
    assert result.std == pytest.approx(1e200 / np.sqrt(501), rel=0.01)


def test_durations_of_zero_have_no_coefficient_of_variation(rng):
    result = statistics(profile_of_durations(np.zeros(500), rng))
    assert (result.mean, result.std, result.coefficient_variation) == (0, 0, None)


def test_the_baseline_holds_what_it_estimates(rng):
    profile = profile_of_durations(rng.lognormal(0, 1, 5000), rng)
    result = baseline(profile)
    assert result.confidence_interval_lower < result.baseline_value < result.confidence_interval_upper
    frame = result.to_frame()
    assert frame["q"].tolist() == [0.5, 0.75, 0.9, 0.95, 0.99]
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()
    wider = baseline(profile, confidence_level=0.99).to_frame()
    assert (wider["high"] > frame["high"]).all()


def raw(rng: np.random.Generator, timezone: str = "UTC") -> tuple[np.ndarray, np.ndarray, Profile]:
    times, durations = spread(20_000, rng, days=10), rng.lognormal(0, 1, 20_000)
    kept = (times < stamps(np.array(3.0))) | (times >= stamps(np.array(4.0)))
    times, durations = times[kept], durations[kept]
    hours = profiles_of(times, durations, days=10, thresholds=(2.0,)).hours
    return times, durations, hours


def test_daily_percentiles_are_those_of_each_day(rng):
    times, durations, profile = raw(rng)
    result = daily_percentiles(profile, threshold=2.0)
    day = times.astype("datetime64[D]")
    for i, date in enumerate(result.dates):
        today = durations[day == np.datetime64(date)]
        assert result.executions[i] == len(today)
        if not len(today):
            assert np.isnan([result.p50[i], result.p95[i], result.p99[i], result.violations[i]]).all()
            continue
        for values, q in ((result.p50, 0.5), (result.p95, 0.95), (result.p99, 0.99)):
            assert values[i] == pytest.approx(np.quantile(today, q, method="inverted_cdf"), rel=0.003)
        assert result.violations[i] == pytest.approx((today > 2).mean())
    assert np.flatnonzero(result.executions == 0).tolist() == [3]
    assert result.excluded_share.tolist() == [0] * 10
    assert len(result.to_frame()) == 10
    assert result.to_dict()["p95"][3] is None


def test_the_week_is_that_of_the_zone(rng):
    times, durations, profile = raw(rng)
    result = hour_weekday(profile, threshold=2.0)
    hour = times.astype("datetime64[h]").astype(int) % 24
    weekday = (times.astype("datetime64[D]").astype(int) + 3) % 7
    here = durations[(weekday == 2) & (hour == 5)]
    assert result.executions[2, 5] == len(here)
    assert result.p95[2, 5] == pytest.approx(np.quantile(here, 0.95, method="inverted_cdf"), rel=0.003)
    assert result.violations[2, 5] == pytest.approx((here > 2).mean())
    assert len(result.to_frame()) == 168

    moved = hour_weekday(replace(profile, timezone="Asia/Tokyo"))
    assert moved.executions[2, 14] == len(here)
    assert moved.violations is None
    assert moved.timezone == "Asia/Tokyo"


def test_without_a_threshold_there_is_no_share_of_violations(rng):
    _, _, profile = raw(rng)
    assert daily_percentiles(profile).violations is None
    assert daily_percentiles(profile).to_frame()["violations"].isna().all()
    assert daily_percentiles(profile).dates[0] == START.date()
