from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from slaopt.experiment.hierarchical import hierarchical_posterior
from slaopt.experiment.posterior import beta_posterior

COUNTS = [(500, 10_000, 400, 10_000), (2, 400, 2, 400), (0, 400, 0, 400), (0, 10, 3, 100_000), (1000, 1000, 990, 1000)]


@pytest.mark.parametrize("counts", COUNTS)
def test_the_beta_posterior_is_that_of_the_paper_formulas(counts):
    """Independent: P and loss as means over the control's quantiles, with scipy's Beta distributions."""
    x_c, n_c, x_t, n_t = counts
    control, test = stats.beta(0.5 + x_c, 0.5 + n_c - x_c), stats.beta(0.5 + x_t, 0.5 + n_t - x_t)
    p = control.ppf((np.arange(60_000) + 0.5) / 60_000)
    more = stats.beta(1.5 + x_t, 0.5 + n_t - x_t)
    found = beta_posterior(*counts, rope=0.001)
    assert found.probability_better == pytest.approx(test.cdf(p).mean(), abs=1e-4)
    loss = (test.mean() * more.sf(p) - p * test.sf(p)).mean()
    assert found.expected_loss_of_shipping == pytest.approx(loss, rel=0.03, abs=1e-12)
    net = found.expected_loss_of_shipping - found.expected_loss_of_keeping
    assert net == pytest.approx(test.mean() - control.mean(), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("counts", COUNTS)
def test_quantiles_and_interval_are_those_of_draws(counts):
    x_c, n_c, x_t, n_t = counts
    rng = np.random.default_rng(1)
    d = rng.beta(0.5 + x_t, 0.5 + n_t - x_t, 400_000) - rng.beta(0.5 + x_c, 0.5 + n_c - x_c, 400_000)
    found = beta_posterior(*counts, rope=0.001)
    for u, value in [*found.quantiles, (0.025, found.interval.low), (0.975, found.interval.high)]:
        error, near = 4 * np.sqrt(u * (1 - u) / len(d)) + 1e-4, 5e-4 * d.std()
        assert (d <= value - near).mean() - error <= u <= (d <= value + near).mean() + error
    assert (np.diff([value for _, value in found.quantiles]) >= 0).all()
    assert found.probability_equivalent == pytest.approx((np.abs(d) <= 0.001).mean(), abs=0.004)


def test_a_prior_of_the_past_is_said_and_pulls_both_arms():
    free = beta_posterior(500, 4000, 380, 4000, rope=0.005)
    held = beta_posterior(500, 4000, 380, 4000, rope=0.005, prior_rate=0.05, prior_size=400)
    assert "5 %" in held.prior and "400" in held.prior
    assert abs(held.difference) < abs(free.difference)


def test_a_past_that_rates_have_left_makes_no_difference_of_arms_of_unequal_size():
    rng = np.random.default_rng(6)
    better = []
    for _ in range(60):
        arms = []
        for units in (45, 5):
            n = np.full(units, 250)
            arms.append((rng.binomial(n, rng.beta(1.9, 17.1, units)).astype(float), n.astype(float)))
        found = hierarchical_posterior(*arms, rope=0.01, prior_rate=0.05, prior_size=400)
        better.append(found.probability_better > 0.95)
    assert np.mean(better) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    rows = beta_posterior(400, 4000, 40, 400, rope=0.01, prior_rate=0.05, prior_size=400)
    assert rows.probability_better < 0.7


def _brute(control, test, draws=200_000):
    """Draws of D from a dense, fixed grid of both parameters, made in another way."""
    logs, logits = np.linspace(-3, 12, 151), np.linspace(-14, 3, 851)
    kappa, mu = np.exp(logs)[:, None], special.expit(logits)
    rng = np.random.default_rng(5)
    arms, weight = [], -((logs - np.log(20)) ** 2) / 2
    for x, n in (control, test):
        density = np.log(mu) + 19 * np.log1p(-mu) + np.zeros((len(logs), 1))
        for each, size in zip(x, n, strict=True):
            density = density + special.betaln(each + mu * kappa, size - each + (1 - mu) * kappa)
            density = density - special.betaln(mu * kappa, (1 - mu) * kappa)
        arms.append(density)
        weight = weight + special.logsumexp(density, axis=1)
    row = rng.choice(len(logs), draws, p=special.softmax(weight))
    rates = []
    for density in arms:
        cumulative = np.cumsum(special.softmax(density, axis=1), axis=1)
        u, chosen = rng.random(draws), np.empty(draws)
        for value in np.unique(row):
            some = row == value
            chosen[some] = np.interp(u[some], cumulative[value], logits + (logits[1] - logits[0]) / 2)
        rates.append(special.expit(chosen))
    return rates[1] - rates[0]


@pytest.mark.parametrize("rates, units", [((0.05, 0.04), (20, 20)), ((0.05, 0.05), (5, 8)), ((0.02, 0.0), (8, 8))])
def test_the_hierarchical_posterior_is_that_of_a_dense_grid(rates, units):
    rng = np.random.default_rng(2)
    arms = []
    for rate, size in zip(rates, units, strict=True):
        n = rng.integers(30, 300, size)
        p = rng.beta(19 * rate, 19 * (1 - rate), size) if rate else np.zeros(size)
        arms.append((rng.binomial(n, p).astype(float), n.astype(float)))
    found, d = hierarchical_posterior(*arms, rope=0.005, prior_rate=0.05, prior_size=20), _brute(*arms)
    assert found.probability_better == pytest.approx((d < 0).mean(), abs=0.005)
    assert found.probability_equivalent == pytest.approx((np.abs(d) <= 0.005).mean(), abs=0.006)
    assert found.expected_loss_of_shipping == pytest.approx(np.maximum(d, 0).mean(), rel=0.05, abs=1e-6)
    for u, value in [(0.025, found.interval.low), (0.975, found.interval.high), *found.quantiles[:3]]:
        assert (d <= value).mean() == pytest.approx(u, abs=4 * np.sqrt(u * (1 - u) / len(d)) + 1e-3 * min(u, 0.5) * 2)


def test_arms_that_are_alike_are_a_toss_up_and_mirror_each_other():
    x, n = np.array([2.0, 0, 7, 3, 4, 9]), np.array([100.0, 80, 300, 120, 60, 200])
    same = hierarchical_posterior((x, n), (x, n), rope=0.005)
    assert same.probability_better == pytest.approx(0.5, abs=1e-6)
    one = hierarchical_posterior((x, n), (x / 2, n), rope=0.005)
    other = hierarchical_posterior((x / 2, n), (x, n), rope=0.005)
    assert one.probability_better == pytest.approx(1 - other.probability_better, abs=1e-4)
    assert one.expected_loss_of_shipping == pytest.approx(other.expected_loss_of_keeping, rel=1e-3)


def test_tails_are_as_right_as_the_middle():
    """Arms far apart: what is next to impossible is small, not nothing, and not negative."""
    n = np.full(30, 400.0)
    rng = np.random.default_rng(3)
    low, high = (rng.binomial(400, rng.beta(200 * p, 200 * (1 - p), 30)).astype(float) for p in (0.03, 0.055))
    found = hierarchical_posterior((low, n), (high, n), rope=0.005)
    assert 0 < found.expected_loss_of_keeping < 1e-6
    assert 0 < found.probability_better < 1e-3


@pytest.mark.parametrize("rate", [0.004, 0.3, 0.6, 0.95])
def test_an_arm_with_few_units_is_not_pulled_to_another_rate_than_one_with_many(rate):
    """Every violation rate is as common among 5 units as among 45: nothing speaks for either arm."""
    n = np.full(5, 1000.0)
    x = np.round(1000 * rate + 1000 * np.sqrt(0.05 * rate * (1 - rate)) * np.linspace(-1, 1, 5)).clip(0, 1000)
    found = hierarchical_posterior((np.tile(x, 9), np.tile(n, 9)), (x, n), rope=0.1 * rate)
    assert found.probability_better == pytest.approx(0.5, abs=0.12)
    mirrored = hierarchical_posterior((np.tile(n - x, 9), np.tile(n, 9)), (n - x, n), rope=0.1 * rate)
    assert mirrored.probability_better == pytest.approx(1 - found.probability_better, abs=0.02)
    assert "both arms'" in found.prior
