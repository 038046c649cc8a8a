from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from slaopt.analysis import find_outliers
from tests.statistical.durations import SHAPES, profile_of_durations
from tests.statistical.simulated import Service, profile_of


def test_sentinels_are_marked_and_shown(rng):
    durations = np.concatenate([rng.lognormal(0, 0.5, 10_000), [86400.0] * 3, [9e5] * 2])
    result = find_outliers(profile_of_durations(durations, rng))
    assert result.count == 5
    assert result.percentage == pytest.approx(100 * 5 / 10_005)
    assert result.values == pytest.approx((9e5, 9e5, 86400, 86400, 86400), rel=0.003)
    assert durations[:10_000].max() < result.upper_bound < 86400
    assert result.lower_bound is None
    assert "1 in 100 samples of 10,005" in result.method


def test_values_shown_are_capped_at_twenty(rng):
    durations = np.concatenate([rng.lognormal(0, 0.5, 20_000), rng.uniform(1e6, 2e6, 39)])
    result = find_outliers(profile_of_durations(durations, rng))
    assert (result.count, len(result.values)) == (39, 20)
    assert list(result.values) == sorted(result.values, reverse=True)


def test_sentinels_beyond_a_small_second_mode_are_found(rng):
    durations = np.concatenate([SHAPES["second mode 3 %"](rng, 10_000), [1e6] * 20])
    assert find_outliers(profile_of_durations(durations, rng)).count == 20


@pytest.mark.parametrize("durations", [np.ones(500), np.zeros(500), np.r_[np.ones(490), np.full(10, 2.0)]])
def test_few_different_values_hold_no_outlier(durations, rng):
    assert find_outliers(profile_of_durations(durations, rng)).count in (0, None)


def test_too_few_are_not_searched(rng):
    result = find_outliers(profile_of_durations(np.r_[np.ones(198), 1e6], rng))
    assert (result.count, result.percentage, result.upper_bound) == (None, None, None)
    assert "199 executions are too few" in result.method


def test_mostly_zeros_say_why_they_are_not_searched(rng):
    result = find_outliers(profile_of_durations(np.r_[np.zeros(990), np.full(10, 5.0)], rng))
    assert result.count is None
    assert "nearly all durations are 0" in result.method


def test_an_unbounded_tail_has_a_finite_bound(rng):
    wild = np.exp(np.minimum(rng.exponential(60, 2000), 600))
    result = find_outliers(profile_of_durations(wild, rng))
    assert result.count == 0
    assert np.isfinite(result.upper_bound)


def test_an_odd_hour_is_named_with_its_factor(rng):
    service = Service(per_day=30_000, sd=0.1)
    profile = service.profile(rng, hours=1)
    counts = profile.counts.toarray()
    hour = 14 * 24 + 10
    counts[hour] = np.roll(counts[hour], 2 * 128)  # four times as slow
    found = find_outliers(profile_of(counts, profile.bounds, step=profile.step)).odd_hours
    assert [(odd.start - profile.start) / profile.step for odd in found] == [hour]
    assert found[0].factor == pytest.approx(4, rel=0.5)


def test_a_season_is_not_odd():
    hours = np.arange(30 * 24)
    counts = np.zeros((len(hours), 40))
    counts[hours, np.where(hours % 24 == 3, 30, 5) + hours % 3] = 100  # a nightly job is slow every night
    profile = profile_of(counts, np.geomspace(0.1, 100, 40), step=timedelta(hours=1))
    assert find_outliers(profile).odd_hours == ()
