from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from slaopt.experiment.clusters import arm_ratio, difference_degrees, intraclass_correlation
from slaopt.experiment.rates import difference_ends, difference_error, rate_difference, share_interval
from slaopt.experiment.scores import score_of
from tests.statistical.arms import interval_coverage
from tests.statistical.libraries import against_scipy, against_statsmodels, against_tea_tasting


@pytest.mark.parametrize("rate, n", [(0.005, 400), (0.05, 400), (0.005, 2000)])
def test_the_interval_of_a_difference_covers_as_it_says(rate, n):
    coverage, width = interval_coverage(rate, n)
    assert 0.94 <= coverage <= 0.96
    assert width > 0


@pytest.mark.parametrize("x", [(0, 0), (0, 12), (400, 400), (400, 380)])
def test_nobody_and_everybody_have_intervals_of_some_width(x):
    interval = rate_difference(x[0], 400, x[1], 400)
    assert interval.low < (x[1] - x[0]) / 400 < interval.high
    assert interval.high - interval.low > 0.005


def test_the_ends_are_where_the_score_test_rejects():
    """Independent: the restricted likelihood maximised numerically, not by the closed form."""
    x_c, n_c, x_t, n_t = 7, 60, 15, 90

    def score(difference: float) -> float:
        def loss(p: float) -> float:
            return -stats.binom.logpmf(x_c, n_c, p) - stats.binom.logpmf(x_t, n_t, p + difference)

        bounds = (max(0.0, -difference) + 1e-12, min(1.0, 1 - difference) - 1e-12)
        p = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        q = p + difference
        variance = (p * (1 - p) / n_c + q * (1 - q) / n_t) * 150 / 149
        return (x_t / n_t - x_c / n_c - difference) / np.sqrt(variance)

    interval = rate_difference(x_c, n_c, x_t, n_t)
    assert score(interval.low) == pytest.approx(1.959964, abs=1e-4)
    assert score(interval.high) == pytest.approx(-1.959964, abs=1e-4)


@given(st.integers(0, 50), st.integers(0, 50), st.floats(0.8, 0.99))
@settings(max_examples=30, deadline=None)
def test_swapping_the_arms_turns_the_interval_round(x, y, level):
    low, high = difference_ends(x, 50, y, 50, confidence_level=level)
    back_low, back_high = difference_ends(y, 50, x, 50, confidence_level=level)
    assert (low, high) == (pytest.approx(-back_high, abs=1e-9), pytest.approx(-back_low, abs=1e-9))
    assert low <= (y - x) / 50 <= high


def test_an_arm_without_violations_borrows_the_error_of_the_common_rate():
    assert difference_error(20, 400, 0, 400) == pytest.approx(np.sqrt(0.025 * 0.975 * 2 / 400))
    assert np.isnan(difference_error(0, 400, 0, 400))
    assert np.isnan(difference_error(10, 10, 30, 30))


def test_a_share_interval_is_wilsons():
    theirs = stats.binomtest(7, 120).proportion_ci(0.9, method="wilson")
    ours = share_interval(7 / 120, 120, confidence_level=0.9)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


@pytest.mark.parametrize("ask", [against_tea_tasting, against_scipy, against_statsmodels])
def test_other_libraries_agree(ask):
    answers = list(ask())
    assert answers
    assert [answer.what for answer in answers if not answer.agrees] == []


def test_units_of_one_size_give_the_textbook_variance():
    rng = np.random.default_rng(1)
    x, n = rng.integers(0, 20, 12).astype(float), np.full(12, 100.0)
    found = arm_ratio(x, n, correlation=0.3)
    assert found.value == pytest.approx(x.sum() / 1200)
    assert found.variance == pytest.approx((x / n).var(ddof=1) / 12)
    assert found.degrees == pytest.approx(11)


def test_the_variance_of_unequal_units_has_no_bias_and_its_degrees_fit():
    rng = np.random.default_rng(2)
    n = np.array([10.0, 20, 20, 40, 80, 300, 30, 5])
    icc, sigma = 0.1, 1.0
    runs = 4000
    noise = np.sqrt(icc) * rng.standard_normal((runs, 8)) + np.sqrt((1 - icc) / n) * rng.standard_normal((runs, 8))
    estimates = [arm_ratio(n * (3 + sigma * row), n, correlation=icc) for row in noise]
    values, variances = np.array([e.value for e in estimates]), np.array([e.variance for e in estimates])
    assert variances.mean() == pytest.approx(values.var(), rel=0.08)
    # the variance of a chi-square over its degrees
    assert 2 * variances.mean() ** 2 / variances.var() == pytest.approx(estimates[0].degrees, rel=0.15)


def test_degrees_are_never_more_than_all_units_less_two():
    one = arm_ratio(np.array([1.0, 2, 3, 4, 9]), np.full(5, 50.0), correlation=0.0)
    other = arm_ratio(np.array([1.0, 2, 4, 9, 3]), np.full(5, 50.0), correlation=0.0)
    assert difference_degrees(one, other) == pytest.approx(8)


def test_the_intraclass_correlation_is_found():
    rng = np.random.default_rng(3)
    n = rng.integers(50, 400, 3000)
    x = rng.binomial(n, rng.beta(0.95, 18.05, 3000)).astype(float)
    assert intraclass_correlation([(x, x, n.astype(float))]) == pytest.approx(0.05, abs=0.006)


def test_scores_have_the_tail_of_students_t():
    assert stats.norm.sf(score_of(3.2, 7.0)) == pytest.approx(stats.t.sf(3.2, 7.0))
    assert score_of(-3.2, 7.0) == -score_of(3.2, 7.0)
    assert np.isfinite(score_of(1e9, 50.0))


@pytest.mark.parametrize("n_control, n_test, rate", [(18_000, 2000, 0.01), (2000, 18_000, 0.01), (9500, 500, 0.02)])
def test_a_small_arm_errs_as_seldom_as_it_says_on_either_side(n_control, n_test, rate):
    """Exact, by enumeration: each side of a two-sided 5 % test, and the one-sided 5 % of harm."""
    x_c, x_t = (np.arange(stats.binom.ppf(1 - 1e-6, n, rate) + 1) for n in (n_control, n_test))
    weight = stats.binom.pmf(x_c, n_control, rate)[:, None] * stats.binom.pmf(x_t, n_test, rate)
    error = np.array([[difference_error(c, n_control, t, n_test) for t in x_t] for c in x_c])
    z = np.nan_to_num((x_t / n_test - x_c[:, None] / n_control) / error)
    assert weight[z < -1.96].sum() < 0.03 and weight[z > 1.96].sum() < 0.03
    assert weight[z > 1.645].sum() < 0.055
