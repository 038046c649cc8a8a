from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from statsmodels.stats.proportion import proportion_confint

from slaopt.analysis import mean_estimate, quantile_estimate, violation_rate, violation_rates
from slaopt.analysis.intervals import standard_deviation
from slaopt.profile import Profile
from tests.statistical.durations import profile_of_durations, spread
from tests.statistical.simulated import START, Service, heavy_tail


@pytest.fixture
def profile(rng) -> Profile:
    return Service(rho=0.9).profile(rng)


def from_days(durations_by_day: list[list[float]], thresholds: tuple[float, ...] = (), **settings) -> Profile:
    """A Profile of the given durations on consecutive days from a Monday on."""
    days = np.repeat(np.arange(len(durations_by_day)), [len(durations) for durations in durations_by_day])
    times = np.datetime64(START.replace(tzinfo=None), "us") + (days * 24 + 12) * np.timedelta64(1, "h")
    return Profile.from_durations(
        times, np.concatenate([np.asarray(d, dtype=float) for d in durations_by_day]), service="a", start=START,
        end=START + timedelta(days=len(durations_by_day)), thresholds=thresholds, **settings,
    )  # fmt: skip


def effective_by_hand(x: list[float], n: list[float], weekday: list[int], level: float = 0.95) -> float:
    """The formulas, step by step for one rate, as a check on the vectorised ones."""
    days = len(n)
    weight = [min(2, max(0.5, days / len(set(weekday)) / weekday.count(w))) for w in weekday]
    x, n_executions = [w * a for w, a in zip(weight, x, strict=True)], sum(n)
    n = [w * a for w, a in zip(weight, n, strict=True)]
    rate = sum(x) / sum(n)
    e = [(a - rate * b) / sum(n) for a, b in zip(x, n, strict=True)]
    kinds = [w >= 5 for w in weekday]
    means = {kind: np.mean([a for a, k in zip(e, kinds, strict=True) if k == kind]) for kind in set(kinds)}
    e = [a - means[k] for a, k in zip(e, kinds, strict=True)]
    s2 = days / (days - len(means)) * sum(a * a for a in e)
    r1 = sum(a * b for a, b in pairwise(e)) / sum(a * a for a in e)
    r = min(0.7, max(0.0, r1 + (1 + 3 * r1) / days))
    f = (1 + r) / (1 - r)
    variance = max(f * s2, rate * (1 - rate) / n_executions)
    t = stats.t.ppf((1 + level) / 2, max(3, (days - len(means)) / f))
    return min(n_executions, rate * (1 - rate) / variance * (stats.norm.ppf((1 + level) / 2) / t) ** 2)


@pytest.mark.parametrize("days", [7, 8, 10, 30])
def test_the_effective_number_is_that_of_the_formulas(days, rng):
    profile = Service(rho=0.9, days=days).profile(rng)
    threshold = float(profile.bounds[np.searchsorted(profile.bounds, 2.0)])
    estimate = violation_rate(profile, threshold)
    x, n = profile.violations(threshold).middle.tolist(), profile.executions.tolist()
    assert estimate.n_effective == pytest.approx(effective_by_hand(x, n, [i % 7 for i in range(days)]), rel=1e-9)
    assert estimate.design_effect == pytest.approx(estimate.n / estimate.n_effective)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_ends_are_clopper_pearson_of_the_effective_number(profile, level):
    thresholds = profile.bounds[np.searchsorted(profile.bounds, [0.5, 1.0, 2.0, 4.0])]
    for estimate in violation_rates(profile, thresholds, confidence_level=level):
        hits = estimate.n_effective * estimate.average_week
        low, high = proportion_confint(hits, estimate.n_effective, alpha=1 - level, method="beta")
        assert (estimate.interval.low, estimate.interval.high) == pytest.approx((low, high), rel=1e-9)


def test_the_level_of_a_rate_is_a_beta_distribution(profile):
    estimate = violation_rate(profile, float(profile.bounds[np.searchsorted(profile.bounds, 2.0)]))
    beta = stats.beta(
        estimate.n_effective * estimate.average_week + 0.5, estimate.n_effective * (1 - estimate.average_week) + 0.5
    )
    assert estimate.probability_at_most(0.1) == pytest.approx(beta.cdf(0.1), rel=1e-9)
    u = (np.arange(21) + 0.5) / 21
    assert estimate.quantile(u) == pytest.approx(beta.ppf(u), rel=1e-6)
    assert estimate.probability_at_most(1.0) == 1
    assert estimate.probability_at_most(0.0) == 0


@given(st.integers(min_value=0, max_value=2**32 - 1), st.integers(min_value=-300, max_value=300))
def test_slower_by_a_factor_moves_every_figure_by_it(seed, steps):
    rng = np.random.default_rng(seed)
    profile = profile_of_durations(rng.lognormal(0, 1, 400), rng, days=9)
    factor = 2.0 ** (steps / 128)
    slower = profile.scaled(factor)
    one, other = quantile_estimate(profile, 0.9), quantile_estimate(slower, 0.9)
    assert other.interval.low == pytest.approx(factor * one.interval.low, rel=1e-9)
    assert other.interval.high == pytest.approx(factor * one.interval.high, rel=1e-9)
    means = mean_estimate(profile), mean_estimate(slower)
    assert means[1].interval.high == pytest.approx(factor * means[0].interval.high, rel=1e-9)
    threshold = float(profile.bounds[len(profile.bounds) // 2])
    assert violation_rate(slower, threshold * factor).interval == violation_rate(profile, threshold).interval


def test_only_daily_sums_matter(rng):
    times, durations = spread(5000, rng), rng.lognormal(0, 1, 5000)
    end = START + timedelta(days=30)
    whole = Profile.from_durations(times, durations, service="a", start=START, end=end, thresholds=[2.0])
    shuffled = times.astype("datetime64[D]") + rng.permutation(times - times.astype("datetime64[D]"))
    other = Profile.from_durations(shuffled, durations, service="a", start=START, end=end, thresholds=[2.0])
    assert violation_rate(whole, 2.0) == violation_rate(other, 2.0)
    assert quantile_estimate(whole, 0.99) == quantile_estimate(other, 0.99)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.95, 0.99])
def test_quantiles_are_those_of_the_raw_measurements(q, rng):
    durations = rng.lognormal(0, 1, 5000)
    estimate = quantile_estimate(profile_of_durations(durations, rng), q)
    exact = np.quantile(durations, q, method="inverted_cdf")
    assert estimate.bucket_low < exact <= estimate.bucket_high * (1 + 1e-12)
    assert estimate.value == pytest.approx(exact, rel=0.003)
    assert estimate.interval.low < exact < estimate.interval.high


def test_mean_and_deviation_are_those_of_the_raw_measurements(rng):
    durations = np.concatenate([rng.lognormal(0, 1, 5000), np.zeros(500)])
    profile = profile_of_durations(durations, rng)
    estimate = mean_estimate(profile)
    assert estimate.value == pytest.approx(durations.mean(), rel=1e-12)
    assert estimate.interval.low < estimate.value < estimate.interval.high
    assert standard_deviation(profile) == pytest.approx(durations.std(ddof=1), rel=0.003)


def test_independent_executions_give_nearly_the_classic_interval(rng):
    durations = rng.lognormal(0, 1, 30_000)
    estimates = [
        violation_rate(profile_of_durations(durations, np.random.default_rng(seed)), 1.0).n_effective
        for seed in range(20)
    ]
    assert 0.5 * 30_000 < np.median(estimates) <= 30_000


def test_sixty_thresholds_in_twenty_milliseconds(rng):
    profile = Service().profile(rng, hours=1)
    thresholds = profile.bounds[np.linspace(0, len(profile.bounds) - 1, 60).astype(int)]
    violation_rates(profile, thresholds)
    before = process_time()
    violation_rates(profile, thresholds)
    assert process_time() - before < 0.02


def test_one_threshold_or_many_gives_the_same(profile):
    thresholds = [0.3, 1.0, 1.97, 8.0, 1e6]
    assert violation_rates(profile, thresholds) == [violation_rate(profile, threshold) for threshold in thresholds]
    assert violation_rates(profile, []) == []


def test_few_violations_take_the_design_effect_of_a_lower_threshold(profile):
    ladder = np.array([profile.violations(bound).middle.sum() for bound in profile.bounds])
    few = float(profile.bounds[np.flatnonzero((ladder > 0) & (ladder < 10))[0]])
    enough = float(profile.bounds[np.flatnonzero(ladder >= 10)[-1]])
    one, other = violation_rates(profile, [few, enough])
    assert one.design_effect == pytest.approx(other.design_effect)


def test_no_violation_leaves_the_rule_of_three(profile):
    estimate = violation_rate(profile, 1e6)
    assert (estimate.rate, estimate.violations, estimate.worst_day_share) == (0, 0, None)
    assert estimate.interval.low == 0
    assert estimate.interval.high == pytest.approx(1 - 0.025 ** (1 / estimate.n_effective))
    assert estimate.interval.high == pytest.approx(3.7 / estimate.n_effective, rel=0.01)


def test_all_violations_leave_the_same_at_the_other_end(profile):
    estimate = violation_rate(profile, 1e-6)
    assert estimate.rate == estimate.interval.high == 1
    assert 0.9 < estimate.interval.low < 1


def test_an_uncounted_threshold_is_answered_from_both_its_neighbours(rng):
    durations = rng.lognormal(0, 0.5, 20_000)
    profile = Profile.from_durations(
        spread(20_000, rng), durations, service="a", start=START, end=START + timedelta(days=30), thresholds=[2.0]
    )
    exact, inexact = violation_rates(profile, [2.0, 2.03])
    assert exact.exact
    assert exact.violations == (durations > 2.0).sum()
    assert not inexact.exact
    assert inexact.violations_lower <= (durations > 2.03).sum() <= inexact.violations_upper
    assert "2.03 s was not counted exactly" in inexact.counted
    assert inexact.counted.startswith(f"between {inexact.violations_lower:,.0f} and {inexact.violations_upper:,.0f} ")
    below, above = (float(profile.bounds[np.searchsorted(profile.bounds, 2.03) + i]) for i in (-1, 0))
    assert inexact.interval.high == pytest.approx(violation_rate(profile, below).interval.high, rel=0.02)
    assert inexact.interval.low == pytest.approx(violation_rate(profile, above).interval.low, rel=0.02)


def test_under_seven_days_there_is_no_interval_but_a_reason(rng):
    profile = from_days([rng.lognormal(0, 1, 50).tolist() for _ in range(6)])
    rate = violation_rate(profile, 1.0)
    for estimate in (rate, quantile_estimate(profile, 0.9), mean_estimate(profile)):
        assert estimate.interval is None
        assert estimate.why == "only 6 days with executions; an interval needs 7"
    assert rate.rate == pytest.approx(0.5, abs=0.1)
    assert (rate.n_effective, rate.design_effect, rate.probability_at_most(0.5)) == (None, None, None)
    with pytest.raises(ValueError, match="only 6 days"):
        rate.quantile(0.5)


def test_days_without_executions_are_no_days(rng):
    days = [rng.lognormal(0, 1, 50).tolist() for _ in range(14)]
    for i in (5, 6, 12, 13):
        days[i] = []  # closed at weekends
    with_gaps = violation_rate(from_days(days, (1.0,)), 1.0)
    x = [sum(d > 1 for d in day) for day in days if day]
    weekday = [i % 7 for i, day in enumerate(days) if day]
    assert with_gaps.n_effective == pytest.approx(effective_by_hand(x, [50.0] * 10, weekday))
    assert with_gaps.average_week == pytest.approx(with_gaps.rate)  # every weekday was there twice
    assert violation_rate(from_days([*days[:7], [], []]), 1.0).why == "only 5 days with executions; an interval needs 7"


def test_a_weekday_seen_twice_counts_no_more_than_one_seen_once():
    slow, fast = [2.0] * 10 + [0.5] * 10, [0.5] * 20
    estimate = violation_rate(from_days([slow, *[fast] * 6, slow], (1.0,)), 1.0)
    assert estimate.rate == pytest.approx(1 / 8)
    assert estimate.average_week == pytest.approx(1 / 14)
    assert estimate.worst_day_share == 0.5


@pytest.mark.parametrize("value", [1.0, 0.3, 1e-9, 1e300])
def test_constant_durations_have_a_rate_but_no_spread(value):
    profile = from_days([[value] * 50 for _ in range(10)])
    over, under = violation_rates(profile, [value / 2, value * 2])
    assert (over.rate, under.rate) == (1, 0)
    assert 0.5 < over.interval.low < over.interval.high == 1
    assert 0 == under.interval.low < under.interval.high < 0.5
    assert under.n_effective == 10  # nothing tells how alike executions of a day are: a day counts as one
    for estimate in (quantile_estimate(profile, 0.5), mean_estimate(profile)):
        assert estimate.value == pytest.approx(value, rel=0.003)
        assert estimate.interval is None
        assert estimate.why.startswith("every execution took ")
    assert standard_deviation(profile) == pytest.approx(0, abs=0.003 * value)


def test_durations_that_are_all_zero():
    profile = from_days([[0.0] * 50 for _ in range(10)])
    assert violation_rate(profile, 1.0).rate == 0
    assert (quantile_estimate(profile, 0.5).value, mean_estimate(profile).value) == (0, 0)
    assert quantile_estimate(profile, 0.5).why == "every execution took 0 s"
    assert standard_deviation(profile) == 0


def test_zeros_among_the_durations_leave_no_interval_empty(rng):
    days = [[0.0] * 60 + rng.lognormal(0, 1, 40).tolist() for _ in range(10)]
    profile = from_days(days)
    median = quantile_estimate(profile, 0.5)
    assert median.value == median.interval.low == 0
    assert 0 < median.interval.high <= min(min(day[60:]) for day in days)
    assert quantile_estimate(profile, 0.9).interval.low > 0


@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
def test_ties_leave_no_interval_empty(share, rng):
    durations = np.where(rng.random(3000) < share, 1.0, rng.lognormal(0, 1, 3000))
    profile = profile_of_durations(durations, rng)
    for q in (0.05, 0.5, 0.95, 0.99):
        estimate = quantile_estimate(profile, q)
        assert estimate.interval.low < estimate.interval.high
        assert estimate.interval.low <= estimate.value <= estimate.interval.high


def test_an_end_that_the_sample_does_not_have_is_open(rng):
    profile = profile_of_durations(rng.lognormal(0, 1, 150), rng, days=10)
    high, low = quantile_estimate(profile, 0.99).interval, quantile_estimate(profile, 0.01).interval
    assert high.high == float("inf")
    assert quantile_estimate(profile, 0.99).to_dict()["interval"]["high"] is None
    assert low.low == 0
    assert 0 < high.low < profile.quantile(0.99)


def test_failures_that_violate_enter_rates_alone(rng):
    durations = rng.lognormal(0, 1, 3000)
    times, failed = spread(3000, rng, days=10), rng.random(3000) < 0.1
    settings = {"service": "a", "start": START, "end": START + timedelta(days=10), "thresholds": [2.0]}
    counted = Profile.from_durations(times, durations, failed=failed, failures_are_violations=True, **settings)
    left_out = Profile.from_durations(times, durations, failed=failed, **settings)
    rate = violation_rate(counted, 2.0)
    assert rate.violations == (failed | (durations > 2)).sum()
    assert rate.n == 3000
    assert violation_rate(counted, 1e9).violations == failed.sum()
    assert violation_rate(left_out, 2.0).violations == (~failed & (durations > 2)).sum()
    assert quantile_estimate(counted, 0.9) == quantile_estimate(left_out, 0.9)
    assert mean_estimate(counted) == mean_estimate(left_out)


def test_nothing_but_failures_violates_always():
    start, end = START, START + timedelta(days=10)
    times = np.datetime64(START.replace(tzinfo=None), "us") + np.repeat(np.arange(10), 5) * np.timedelta64(24, "h")
    profile = Profile.from_durations(
        times, np.ones(50), failed=np.ones(50, dtype=bool), service="a", start=start, end=end,
        failures_are_violations=True,
    )  # fmt: skip
    estimate = violation_rate(profile, 2.0)
    assert (estimate.rate, estimate.n) == (1, 50)
    assert estimate.interval.low < 1
    assert quantile_estimate(profile, 0.5).why == "only 0 days with executions; an interval needs 7"


def test_counts_need_not_be_whole_numbers(rng):
    profile = Service(days=10).profile(rng)
    odd = replace(profile, counts=csr_array(profile.counts * 0.37))
    threshold = float(profile.bounds[np.searchsorted(profile.bounds, 2.0)])
    one, other = violation_rate(profile, threshold), violation_rate(odd, threshold)
    assert other.rate == pytest.approx(one.rate)
    assert other.n == pytest.approx(0.37 * one.n)
    assert other.interval.low < other.rate < other.interval.high


def test_violations_of_one_day_are_named_as_such(rng):
    days = [[0.5] * 100 for _ in range(30)]
    days[12] = [0.5] * 60 + [2.0] * 40
    estimate = violation_rate(from_days(days, (1.0,)), 1.0)
    assert estimate.worst_day_share == 1
    assert estimate.design_effect > 30
    assert estimate.interval.high > 3 * estimate.rate


@pytest.mark.parametrize("per_day", [30, 1e6])
def test_intervals_of_a_heavy_tail_are_finite_where_they_can_be(per_day, rng):
    profile = Service(per_day=per_day, shape=heavy_tail, log_high=13).profile(rng)
    for q in (0.5, 0.95, 0.99):
        interval = quantile_estimate(profile, q).interval
        assert 0 < interval.low < interval.high < np.inf


def test_coarse_buckets_make_an_interval_wider_but_not_wrong(rng):
    durations = rng.lognormal(0, 1, 20_000)
    fine = profile_of_durations(durations, rng)
    bounds = fine.bounds[:: len(fine.bounds) // 15]
    coarse = fine.coarsen(np.append(bounds[bounds < 9], 1e300))  # as a histogram whose last bucket is open
    for q in (0.5, 0.9, 0.99):
        narrow, wide = quantile_estimate(fine, q), quantile_estimate(coarse, q)
        assert wide.bucket_low <= narrow.bucket_low < narrow.bucket_high <= wide.bucket_high
        assert wide.interval.low < np.quantile(durations, q) < wide.interval.high
        assert wide.interval.high <= durations.max()
