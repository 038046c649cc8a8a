"""Point forecasts: laws, and the same figures from statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from slaopt.forecast.models import DISCOUNTS, START, expected_rates, speed_weights, whole_period
from slaopt.forecast.naive import simple_rules


def daily(rng, rates, *, per_day=20):
    """Executions and violations of nested thresholds: the first is the lowest."""
    n = rng.poisson(per_day, len(rates)).astype(float)
    u = [rng.random(int(k)) for k in n]
    shares = (1.0, 0.6, 0.4, 0.2)
    above = np.array([[(x < rate * share).sum() for x, rate in zip(u, rates, strict=True)] for share in shares])
    return above.astype(float), n


def test_speeds_are_scored_as_scipy_scores_a_beta_binomial(rng):
    above, n = daily(rng, np.full(8, 0.3), per_day=5)  # few, so that no count is capped
    whole, expected = whole_period(above, n), []
    for discount in DISCOUNTS:
        total = 0.0
        for day in range(3, 8):
            keep = (1 - discount) ** np.arange(day)[::-1]
            hits, known = above[:, :day] @ keep, n[:day] @ keep
            a, b = hits + START * whole, known - hits + START * (1 - whole)
            total += stats.betabinom.logpmf(above[:, day], n[day], a, b).mean() if n[day] else 0.0
        expected.append(total)
    assert speed_weights(above, n) == pytest.approx(special.softmax(expected))


def test_a_busy_day_counts_as_thirty_executions_and_what_is_known_as_sixty(rng):
    n = np.full(8, 60.0)
    above = 2.0 * rng.binomial(30, np.array([[0.4], [0.3], [0.2], [0.1]]), (4, 8))  # whole numbers when halved
    whole, expected = whole_period(above, n), []
    for discount in DISCOUNTS:
        total = 0.0
        for day in range(3, 8):
            keep = (1 - discount) ** np.arange(day)[::-1]
            known = n[:day] @ keep + START
            rate = (above[:, :day] @ keep + START * whole) / known
            size = min(known, 60)
            total += stats.betabinom.logpmf(above[:, day] / 2, 30, size * rate, size * (1 - rate)).mean()
        expected.append(total)
    assert speed_weights(above, n) == pytest.approx(special.softmax(expected))


def test_a_steady_service_keeps_its_days_and_a_shifted_one_forgets(rng):
    """Mean share of what was known that a day takes away."""
    steady, shifted = (
        np.mean([speed_weights(*daily(rng, rates)) @ np.array(DISCOUNTS) for _ in range(20)])
        for rates in (np.full(30, 0.3), np.where(np.arange(30) < 25, 0.05, 0.8))
    )
    assert steady < 0.13
    assert shifted > 1.6 * steady


def test_a_shift_of_a_sparse_service_is_seen(rng):
    """An execution or two a day: the whole period must not outweigh the days after a shift."""
    told = []
    for _ in range(40):
        above, n = daily(rng, np.where(np.arange(30) < 18, 0.05, 0.95), per_day=1.5)
        told.append([expected_rates(above, n, above)[0], whole_period(above, n)[0]])
    ours, whole = np.mean(told, axis=0)
    assert whole < 0.5
    assert ours > 0.6


def test_rates_fall_with_the_threshold(rng):
    above, n = daily(rng, rng.uniform(0, 0.6, 30), per_day=3)
    nested = np.array([np.minimum(above[0], cap) for cap in (9, 4, 2, 1, 0)])
    assert (np.diff(expected_rates(nested, n, above)) <= 1e-12).all()


def test_days_without_executions_say_nothing(rng):
    above, n = daily(rng, np.full(20, 0.3))
    above[:, 5], n[5] = 0, 0
    without = np.delete(above, 5, axis=1), np.delete(n, 5)
    assert speed_weights(above, n).sum() == pytest.approx(1)
    assert whole_period(above, n) == pytest.approx(whole_period(*without))
    assert expected_rates(above, n, above) == pytest.approx(expected_rates(*without, without[0]), rel=0.2)


def test_no_violation_leaves_a_small_rate():
    n = np.full(30, 10.0)
    rate = expected_rates(np.zeros((1, 30)), n, np.zeros((4, 30)))[0]
    assert 0 < rate < 2 / 300


def test_the_whole_period_counts_as_its_executions_at_most():
    n, none = np.full(30, 10.0), np.zeros((1, 30))
    tail = np.tile([[3.0], [1.0], [0.5], [0.1]], 30)
    known = ((1 - np.array(DISCOUNTS))[:, None] ** np.arange(30)).sum(axis=1) * 10
    prior = whole_period(none, n) * 300 / (known + 300)  # a violation more would be 602 executions
    assert expected_rates(none, n, tail) == pytest.approx(speed_weights(tail, n) @ prior)


def test_the_weighted_mean_is_that_of_statsmodels(rng):
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    above, n = daily(rng, np.full(30, 0.3))
    n = np.full(30, 50.0)
    smoothed = SimpleExpSmoothing(above[0] / n, initialization_method="known", initial_level=0.0)
    alpha = 1 - 0.5 ** (1 / 7)
    level = smoothed.fit(smoothing_level=alpha, optimized=False).forecast(1)[0]
    assert simple_rules(above, n)[2].rate[0] == pytest.approx(level / (1 - (1 - alpha) ** 30))


def test_simple_rules_are_sums(rng):
    above, n = daily(rng, np.full(30, 0.3))
    whole, week, lately = simple_rules(above, n)
    assert whole.rate == pytest.approx(above.sum(axis=1) / n.sum())
    assert week.rate == pytest.approx(above[:, -7:].sum(axis=1) / n[-7:].sum())
    assert week.executions < lately.executions < whole.executions


def test_a_week_without_executions_is_as_the_whole_period(rng):
    above, n = daily(rng, np.full(30, 0.3))
    above[:, -7:], n[-7:] = 0, 0
    whole, week, _ = simple_rules(above, n)
    assert week is whole


def test_intervals_of_rules_are_those_of_a_beta_binomial(rng):
    above, n = daily(rng, np.full(30, 0.3))
    rule = simple_rules(above, n)[0]
    told = rule.quantiles(200.0, np.array([0.1, 0.5, 0.9]))[0]
    k, total = rule.violations[0], rule.executions
    exact = stats.betabinom.ppf([0.1, 0.5, 0.9], 200, k + 0.5, total - k + 0.5) / 200
    assert told == pytest.approx(exact, abs=0.006)
