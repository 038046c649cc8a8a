"""Seasons: tests against statsmodels, factors against the truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from slaopt.analysis import seasonality
from slaopt.analysis.changepoints import change_points
from slaopt.analysis.levels import DailyLevels, daily_levels
from slaopt.analysis.seasonality import hour_pattern, seasonal_patterns, weekday_pattern
from tests.analysis.test_levels import of
from tests.statistical.simulated import Service, monte_carlo_error

FLAT = Service(sd=0.05, daily=0.0, weekend=0.0)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_the_f_test_at_one_rho_is_that_of_statsmodels(rng, monkeypatch, rho):
    import statsmodels.api as sm

    monkeypatch.setattr(seasonality, "RHOS", (rho,))
    days = np.delete(np.arange(30), [7, 8, 21])
    values = rng.normal(size=27)
    plain = np.column_stack([np.ones(27), days - days.mean()])
    weekend = (days % 7 >= 5).astype(float)[:, None]
    sigma = rho ** np.abs(days[:, None] - days[None, :])
    fit = sm.GLS(values, np.column_stack([plain, weekend]), sigma=sigma).fit()
    p_value = seasonality._f_test(values, days, plain, weekend)
    assert p_value == pytest.approx(float(fit.f_test([[0, 0, 1]]).pvalue))


def test_restricted_likelihoods_weigh_rho(rng):
    """The weighted p-value lies among those of single rhos, and near that of the true one on a long series."""
    values = np.empty(300)
    values[0] = rng.normal()
    for day in range(1, 300):
        values[day] = 0.8 * values[day - 1] + rng.normal()
    days = np.arange(300)
    weekend = (days % 7 >= 5).astype(float)[:, None]
    plain = np.column_stack([np.ones(300), days - days.mean()])
    p_value = seasonality._f_test(values, days, plain, weekend)
    import statsmodels.api as sm

    fit = sm.GLSAR(values, np.column_stack([plain, weekend]), rho=1).iterative_fit(20)
    assert p_value == pytest.approx(float(fit.pvalues[2]), abs=0.05)


def test_the_strength_of_nothing_is_nothing_on_average(rng):
    """Other than the share of the variance itself, which six free weekdays raise by chance."""
    shares, plain_shares = [], []
    for _ in range(300):
        values, days = rng.normal(size=28), np.arange(28) % 7
        columns = (days[:, None] == np.arange(1, 7)).astype(float)
        ones = np.ones((28, 1))
        shares.append(seasonality._effects(values, ones, columns)[0])
        fitted = np.array([values[days == day].mean() for day in days])
        plain_shares.append(1 - ((values - fitted) ** 2).sum() / ((values - values.mean()) ** 2).sum())
    assert np.mean(shares) < 0.08
    assert np.mean(plain_shares) > 0.18


def test_hours_of_day_are_found_with_their_factors(rng):
    service = replace(FLAT, daily=0.3)
    pattern = hour_pattern(service.profile(rng, hours=1))
    assert pattern is not None
    assert pattern.claimed
    truth = np.exp(service.season()[1][:24])
    assert pattern.factors == pytest.approx(truth / np.exp(np.log(truth).mean()), abs=0.06)
    assert pattern.strength > 0.7
    assert "By hour of day durations are longest at 1" in pattern.sentence


def test_random_signs_are_those_of_scipys_permutation_test(rng):
    """On one hour the statistic is the mean's square, whose exact test under all signs scipy makes."""
    blocks = rng.normal(0.5, 1, size=10)
    shape = np.zeros((20, 24))
    shape[::2, 0] = blocks
    exact = stats.permutation_test(
        (blocks, np.zeros(10)), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples"
    ).pvalue
    assert seasonality._sign_test(shape) == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 399) + 0.005)


def test_weekends_and_weekdays_are_found_with_their_factors(rng):
    levels = daily_levels(replace(FLAT, weekend=-0.3).profile(rng, hours=6))
    pattern = weekday_pattern(levels)
    assert pattern is not None
    assert pattern.claimed
    assert pattern.factors[5] / pattern.factors[0] == pytest.approx(np.exp(-0.3), abs=0.08)
    assert np.log(pattern.factors).mean() == pytest.approx(0, abs=1e-9)
    assert pattern.sentence


def test_two_tests_of_weekdays_claim_no_more_than_one(rng):
    dates = tuple(date(2026, 8, 3) + timedelta(days=number) for number in range(28))
    weekend, executions = np.arange(28) % 7 >= 5, np.full(28, 100.0)
    found = [
        weekday_pattern(DailyLevels(dates=dates, values=values, weekend=weekend, executions=executions))
        for values in rng.normal(0, 0.1, (400, 28))
    ]
    significant = np.mean([pattern.p_value <= 0.05 for pattern in found])
    assert significant <= 0.05 + 2 * monte_carlo_error(0.05, 400)  # twice as many where the smaller counts once


def test_one_slow_weekday_is_named(rng):
    hours = rng.uniform(0, 28 * 24, 28_000)
    monday = (hours // 24) % 7 == 0
    profile = of(hours, rng.lognormal(0, 0.3, 28_000) * np.where(monday, 1.5, 1.0), days=28)
    pattern = seasonal_patterns(profile)[1]
    assert pattern.claimed
    assert pattern.sentence.startswith("By weekday durations are longest on Mondays (4")


def test_weekends_alone_are_tested_under_three_weeks(rng):
    pattern = weekday_pattern(daily_levels(replace(FLAT, days=14, weekend=-0.4).profile(rng, hours=6)))
    assert pattern is not None
    assert pattern.claimed
    assert pattern.sentence.startswith("On weekends durations are 3")
    assert len(set(np.round(pattern.factors, 9))) == 2


def test_a_change_is_no_season_and_hides_none(rng):
    profile = replace(FLAT, weekend=-0.2, jump=(17, 2.0)).profile(rng, hours=6)
    levels, changes = daily_levels(profile), change_points(profile)
    with_changes, without = weekday_pattern(levels, changes), weekday_pattern(levels)
    assert with_changes is not None
    assert without is not None
    assert with_changes.claimed
    assert with_changes.strength > without.strength


def test_too_few_days_have_no_season(rng):
    assert seasonal_patterns(replace(FLAT, days=13).profile(rng, hours=1)) == ()


def test_a_service_of_working_days_alone_is_tested_by_weekday(rng):
    hours = rng.uniform(0, 28 * 24, 28_000)
    hours = hours[(hours // 24) % 7 < 5]
    monday = (hours // 24) % 7 == 0
    profile = of(hours, rng.lognormal(0, 0.3, len(hours)) * np.where(monday, 1.5, 1.0), days=28)
    pattern = weekday_pattern(daily_levels(profile))
    assert pattern is not None
    assert pattern.claimed
    assert pattern.factors[5:] == pytest.approx([1.0, 1.0])


def test_office_hours_alone_are_tested_by_hour(rng):
    hours = rng.uniform(0, 28 * 24, 40_000)
    hours = hours[(hours % 24 >= 8) & (hours % 24 < 18)]
    durations = rng.lognormal(0, 0.3, len(hours)) * np.where(hours % 24 >= 16, 1.5, 1.0)
    pattern = hour_pattern(of(hours, durations, days=28))
    assert pattern is not None
    assert pattern.claimed
    assert pattern.factors[:8] == pytest.approx(np.ones(8))
    assert pattern.factors[16] / pattern.factors[9] == pytest.approx(1.5, abs=0.1)


def test_equal_durations_have_no_season():
    patterns = seasonal_patterns(of(np.arange(0, 480, 1.0), np.ones(480)))
    assert not any(pattern.claimed for pattern in patterns)
