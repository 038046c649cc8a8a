"""Distributions around a forecast: scipy's beta-binomial, and constants found again from simulated windows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from slaopt.forecast.calibration import CONSTANTS, Cells, Constants, Spread, fit, log_likelihood, outlook_of, spread_of


def spread(rng, cells: int) -> Spread:
    return Spread(
        center=rng.uniform(-5, 0, cells),
        daily=np.exp(rng.uniform(-3.5, 0, cells)),
        apart=np.exp(rng.uniform(-3.5, 0, cells)),
    )


def correlations(one: Spread, constants: Constants) -> tuple[np.ndarray, np.ndarray]:
    rate = special.expit(one.center)
    logs = np.log(rate * (1 - rate)), np.log(one.daily), np.log(one.apart)
    n, w = constants.narrow, constants.wide
    narrow = special.expit(np.clip(logs[0] + n[0] + n[1] * logs[1] + n[2] * logs[2], -14, 2))
    return narrow, np.minimum(special.expit(np.clip(logs[0] + w[0] + w[1] * logs[2], -14, 2)), 0.8)


def parameters(rate: np.ndarray, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = (1 - correlation) / correlation
    return rate * total, (1 - rate) * total


def test_the_likelihood_is_that_of_a_mixture_of_beta_binomials(rng):
    one, executions = spread(rng, 50), rng.integers(1, 400, 50).astype(float)
    violations = np.floor(executions * rng.random(50) * 0.3)
    rate, weight = special.expit(one.center + CONSTANTS.shift), special.expit(CONSTANTS.weight) / 2
    parts = [stats.betabinom.pmf(violations, executions, *parameters(rate, c)) for c in correlations(one, CONSTANTS)]
    expected = np.log((1 - weight) * parts[0] + weight * parts[1])
    cells = Cells(spread=one, executions=executions, violations=violations, weight=np.ones(50))
    ways = special.gammaln(executions + 1) - special.gammaln(violations + 1)
    ways -= special.gammaln(executions - violations + 1)
    assert log_likelihood(cells, CONSTANTS) + ways == pytest.approx(expected)


def test_tabulated_distributions_are_close_to_exact_counts():
    one = Spread(center=special.logit([0.05, 0.2]), daily=np.array([0.05, 0.1]), apart=np.array([0.05, 0.03]))
    outlook = outlook_of(one, np.array([200.0, 1000.0]))
    rate, weight = special.expit(one.center + CONSTANTS.shift), special.expit(CONSTANTS.weight) / 2
    narrow, wide = correlations(one, CONSTANTS)
    for row, n in enumerate((200, 1000)):
        for count in (n // 50, n // 20, n // 8, n // 4):
            exact = (1 - weight) * stats.betabinom.cdf(count, n, *parameters(rate, narrow))
            exact += weight * stats.betabinom.cdf(count, n, *parameters(rate, wide))
            assert outlook.at_most(row, (count + 0.5) / n) == pytest.approx(exact, abs=0.02)


def test_quantiles_and_probabilities_are_each_others_inverse(rng):
    outlook = outlook_of(spread(rng, 5), np.array([500.0]))
    u = np.array([0.1, 0.5, 0.9])
    for place, told in enumerate(outlook.quantiles(0, u)):
        back = [outlook.at_most(0, float(rate))[place] for rate in told]
        assert back == pytest.approx(u, abs=1e-6)


def test_constants_are_found_again(rng):
    """Windows drawn from the mixture: the fit must give about as wide parts as were drawn from."""
    true = Constants(shift=0.2, narrow=(0.0, 0.6, 0.3), wide=(3.0, 0.6), weight=-1.0)
    one, n = spread(rng, 6000), rng.integers(20, 2000, 6000)
    narrow, wide = correlations(one, true)
    chosen = np.where(rng.random(6000) < special.expit(true.weight) / 2, wide, narrow)
    rate = rng.beta(*parameters(special.expit(one.center + true.shift), chosen))
    cells = Cells(spread=one, executions=n.astype(float), violations=rng.binomial(n, rate).astype(float),
                  weight=np.full(6000, 1 / 6))  # fmt: skip
    found = fit(cells)
    assert found.shift == pytest.approx(true.shift, abs=0.06)
    assert special.expit(found.weight) == pytest.approx(special.expit(true.weight), abs=0.05)
    for told, expected in zip(correlations(one, found), (narrow, wide), strict=True):
        assert np.median(np.abs(np.log(told / expected))) < 0.15


def test_a_wild_month_spreads_wider_than_a_calm_one(rng):
    n = np.full(30, 200.0)
    calm = rng.binomial(200, 0.1, (1, 30)).astype(float)
    wild = rng.binomial(200, rng.beta(2, 18, 30), (1, 30)).astype(float)
    rate = np.array([0.1])
    one, other = (spread_of(above, n, rate) for above in (calm, wild))
    assert other.daily > 5 * one.daily
    ends = [np.diff(outlook_of(s, np.array([1000.0])).quantiles(0, np.array([0.1, 0.9]))[0])[0] for s in (one, other)]
    assert ends[1] > 1.3 * ends[0]


def test_one_day_or_one_execution_have_a_spread():
    told = spread_of(np.array([[1.0]]), np.array([1.0]), np.array([0.5]))
    assert np.isfinite([told.center, told.daily, told.apart]).all()
    outlook = outlook_of(told, np.array([0.0, 1.0]))
    assert np.isfinite(outlook.below).all()
    assert (np.diff(outlook.below, axis=-1) >= -1e-12).all()
