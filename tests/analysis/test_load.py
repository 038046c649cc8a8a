"""How durations go with load: against the truth, and when it is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slaopt.analysis import load
from slaopt.analysis.load import load_correlation
from tests.analysis.test_levels import of
from tests.statistical.changes import loaded
from tests.statistical.simulated import Service


def test_the_elasticity_is_found_though_counts_are_noisy(rng):
    found = [load_correlation(loaded(0.4, 150, 0.3, 0.6, rng)) for _ in range(6)]
    assert np.mean([each.elasticity for each in found]) == pytest.approx(0.4, abs=0.03)
    assert all(each.claimed for each in found)
    assert found[0].sentence.startswith("At twice the load durations are ")


def test_means_taken_out_take_noise_with_them(rng):
    """On few hours a day: if all of the noise of counts were still in them, 0.4 would be found as 0.5."""
    slots = np.concatenate([day * 24 + 8 + np.arange(6) for day in range(14)])
    found = []
    for _ in range(40):
        busy = np.exp(0.11 * rng.standard_normal(len(slots)))
        counts = rng.poisson(150 * busy)
        found.append(load_correlation(of(np.repeat(slots, counts), np.repeat(busy**0.4, counts), days=14)).elasticity)
    told = np.array([one for one in found if one is not None])
    assert told.mean() == pytest.approx(0.4, abs=2 * told.std() / np.sqrt(len(told)) + 0.02)


def test_no_elasticity_is_no_evidence(rng):
    found = load_correlation(loaded(0.0, 1000, 0.3, 0.6, rng))
    assert not found.claimed
    assert found.sentence.startswith("No evidence that durations go with load: ")


def test_means_of_hours_and_days_are_those_of_least_squares(rng):
    import statsmodels.api as sm

    day, hour = np.divmod(np.arange(20 * 24), 24)
    kept = rng.random(len(day)) < 0.8
    day, hour = day[kept], hour[kept]
    values = rng.normal(size=len(day)) + day / 10 + np.sin(hour)
    columns = np.column_stack([day[:, None] == np.arange(20), hour[:, None] == np.arange(1, 24)]).astype(float)
    assert load._free(values, day, hour) == pytest.approx(sm.OLS(values, columns).fit().resid, abs=1e-9)


def test_under_100_an_hour_it_is_refused_with_the_reason(rng):
    found = load_correlation(loaded(0.4, 20, 0.3, 0.6, rng))
    assert (found.elasticity, found.interval, found.claimed) == (None, None, False)
    assert found.why is not None
    assert "an hour, and under 100 the chance in counts hides the load" in found.why
    assert found.why in found.sentence


def test_load_that_only_repeats_daily_is_refused(rng):
    found = load_correlation(replace(Service(), per_day=10_000).profile(rng, hours=1))
    assert found.why is not None
    assert "varies hardly more than counts do by chance" in found.why


def test_few_days_are_refused(rng):
    found = load_correlation(Service(per_day=10_000, days=7).profile(rng, hours=1))
    assert found.why == "7 days to compare, and at least 14 are needed"


def test_hours_partly_excluded_are_left_out(rng):
    profile = loaded(0.4, 150, 0.3, 0.6, rng)
    excluded = np.zeros(profile.slots)
    excluded[:24] = 0.5
    less = replace(profile, slot_sums=replace(profile.slot_sums, excluded=excluded))
    assert load_correlation(less).hours == load_correlation(profile).hours - 24
