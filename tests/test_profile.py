"""The laws of Profiles: counts add up, no order matters, and quantiles stay within 0.3 % of the raw data's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slaopt.buckets import counted_bounds
from slaopt.intake import ServiceIntake
from slaopt.profile import HOURS, STEPS, Profile, Profiles, Resolution

START = datetime(2026, 11, 3, tzinfo=UTC)
DAY = timedelta(days=1)
END = START + DAY
THRESHOLDS = (0.5, 1.0, 2.0, 3.3)
DURATION = st.one_of(st.floats(1e-6, 1e6), st.just(0.0), st.sampled_from([0.5, 1.0, 2.0, 0.25, 3.3]))
EXECUTION = st.tuples(st.integers(0, 86_399), DURATION, st.booleans())


def build(executions, *, resolution=HOURS, start=START, end=END, **settings) -> Profile:
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.array(
        [seconds for seconds, _, _ in executions], dtype="timedelta64[s]"
    )
    return Profile.from_durations(
        times, [duration for _, duration, _ in executions], failed=[failed for _, _, failed in executions],
        service="checkout", start=start, end=end, resolution=resolution, thresholds=THRESHOLDS, **settings,
    )  # fmt: skip


def same(one: Profile, two: Profile) -> bool:
    """Whether two Profiles hold the same counts at the same bounds, and sums but for rounding."""
    if (one.start, one.step, one.slots) != (two.start, two.step, two.slots):
        return False
    if not (np.array_equal(one.bounds, two.bounds) and np.array_equal(one.counts.toarray(), two.counts.toarray())):
        return False
    return all(
        np.allclose(getattr(one.slot_sums, name), getattr(two.slot_sums, name), rtol=1e-9, atol=1e-9, equal_nan=True)
        for name in one.slot_sums.__dataclass_fields__
    )


lists = st.lists(EXECUTION, max_size=60)
some = st.lists(EXECUTION, min_size=1, max_size=200)


@given(lists, lists)
def test_adding_the_parts_is_building_the_whole(one, two):
    assert same(build(one) + build(two), build(one + two)._canonical())


@given(some, st.integers(0, 23), st.integers(1, 24))
def test_totals_of_a_part_are_those_of_its_table(executions, first, last):
    part = build(executions).between(START + first * HOURS.step, START + last * HOURS.step)
    assert part.slots == max(0, last - first)
    assert np.array_equal(part.executions, part.counts.toarray().sum(axis=1))
    assert np.array_equal(part.bucket_totals, part.counts.toarray().sum(axis=0))


@given(lists, lists, lists)
def test_parts_may_be_added_in_any_order(one, two, three):
    a, b, c = build(one), build(two), build(three)
    assert same((a + b) + c, c + (b + a))


@given(lists, lists)
def test_days_join_into_a_longer_span(one, two):
    today, tomorrow = build(one), build(two, start=END, end=END + DAY)
    joined = today + tomorrow
    assert (joined.start, joined.end) == (START, END + DAY)
    assert same(joined.between(START, END), today._canonical())
    assert same(joined.between(END, END + DAY), tomorrow._canonical())


@pytest.mark.parametrize("days", [(-3, -2), (2, 3), (5, 9), (9, 5)])
def test_a_span_outside_the_profile_is_empty(days):
    part = build([(10, 1.0, False), (50_000, 2.0, False)]).between(*(START + day * DAY for day in days))
    assert part.slots == 0
    assert part.executions.sum() == 0


@given(some, st.lists(st.booleans(), min_size=24, max_size=24), lists)
def test_masks_commute_with_addition(one, bits, two):
    mask = np.array(bits)
    a, b = build(one), build(two)
    assert same((a + b).where(mask), a.where(mask) + b.where(mask))


@given(some, lists, st.integers(0, 24), st.integers(0, 24))
def test_selections_commute_with_addition(one, two, first, last):
    a, b = build(one), build(two)
    span = START + timedelta(hours=min(first, last)), START + timedelta(hours=max(first, last))
    if span[0] < span[1]:
        assert same((a + b).between(*span), a.between(*span) + b.between(*span))


@given(some)
def test_rescaling_is_building_coarse(executions):
    fine = build(executions)
    coarse = build(executions, resolution=Resolution(name="1h", step=HOURS.step, scale=None))
    edges = np.concatenate([[0.0], counted_bounds(thresholds=THRESHOLDS), [np.finfo(float).max]])
    assert same(fine.coarsen(edges), coarse._canonical())


@given(some)
def test_quantiles_are_within_three_thousandths_of_the_raw_ones(executions):
    kept = np.array([duration for _, duration, failed in executions if not failed])
    profile = build(executions)
    for q in (0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0):
        if not len(kept):
            assert np.isnan(profile.quantile(q))
            continue
        exact = np.quantile(kept, q, method="inverted_cdf")
        low, high = profile.quantile_bounds(q)
        assert low * (1 - 1e-9) <= exact <= high * (1 + 1e-9)
        assert profile.quantile(q) == pytest.approx(exact, rel=0.003)


@pytest.mark.parametrize("sigma", [0.1, 0.6, 2.0])
def test_quantiles_of_many_durations_are_within_three_thousandths(rng, sigma):
    n = 49_999  # no quantile below falls on the border of two executions
    durations = rng.lognormal(0, sigma, n)
    times = np.datetime64("2026-11-03", "us") + rng.integers(0, 86_400_000_000, n).astype("timedelta64[us]")
    profile = Profile.from_durations(times, durations, service="checkout", start=START, end=END)
    quantiles = np.linspace(0.001, 0.999, 999)
    estimates = [profile.quantile(q) for q in quantiles]
    assert np.abs(estimates / np.quantile(durations, quantiles, method="inverted_cdf") - 1).max() <= 0.003


@given(some, st.one_of(st.floats(1e-6, 1e6), st.sampled_from(THRESHOLDS)), st.sampled_from([HOURS, STEPS]))
def test_lower_and_upper_counts_bracket_the_violations(executions, threshold, resolution):
    # a threshold within 1e-9 of a bound is that bound, so no duration may lie between the two
    assume(threshold in THRESHOLDS or all(abs(duration / threshold - 1) > 1e-8 for _, duration, _ in executions))
    profile = build(executions, resolution=resolution)
    violations = profile.violations(threshold)
    true = np.zeros(profile.slots)
    for second, duration, failed in executions:
        true[second // int(resolution.step.total_seconds())] += duration > threshold and not failed
    assert (violations.lower <= true).all()
    assert (true <= violations.upper).all()
    if threshold in THRESHOLDS:
        assert violations.exact
        assert np.array_equal(violations.middle, true)


@given(some, some)
def test_violations_add_up(one, two):
    a, b = build(one), build(two)
    for threshold in THRESHOLDS:
        both = (a + b).violations(threshold)
        assert np.array_equal(both.lower, a.violations(threshold).lower + b.violations(threshold).lower)


@given(some)
def test_failures_violate_only_where_params_say_so(executions):
    failed = sum(failed for _, _, failed in executions)
    plain, strict = build(executions), build(executions, failures_are_violations=True)
    assert strict.valid.sum() == plain.valid.sum() + failed == len(executions)
    assert strict.violations(1.0).lower.sum() == plain.violations(1.0).lower.sum() + failed
    assert strict.quantile(0.9) == plain.quantile(0.9) or np.isnan(plain.quantile(0.9))


@given(some, st.sampled_from([1.5, 2.0, 4.0, 0.5]))
def test_scaling_is_building_from_scaled_durations(executions, factor):
    slowed = build(executions).scaled(factor)
    rebuilt = build([(second, duration * factor, failed) for second, duration, failed in executions])
    for threshold in THRESHOLDS:
        if factor > 1:  # counted at threshold / factor
            assert np.array_equal(slowed.violations(threshold).lower, rebuilt.violations(threshold).lower)
            assert slowed.violations(threshold).exact
    assert np.allclose(slowed.slot_sums.sums, rebuilt.slot_sums.sums)
    assert np.allclose(slowed.slot_sums.log_sums, rebuilt.slot_sums.log_sums, atol=1e-6)


@given(some)
def test_sums_and_extremes_are_those_of_the_raw_durations(executions):
    profile = build(executions)
    kept = np.array([duration for _, duration, failed in executions if not failed])
    assert profile.executions.sum() == len(kept)
    assert profile.slot_sums.sums.sum() == pytest.approx(kept.sum())
    assert profile.slot_sums.log_sums.sum() == pytest.approx(np.log(kept[kept > 0]).sum(), abs=1e-6)
    assert profile.slot_sums.failures.sum() == len(executions) - len(kept)
    if len(kept):
        assert np.nanmin(profile.slot_sums.minima) == kept.min()
        assert np.nanmax(profile.slot_sums.maxima) == kept.max()


def test_what_does_not_fit_together_is_refused():
    one = build([(0, 1.0, False)])
    for other, words in (
        (replace(one, service="login"), "service differs"),
        (build([(0, 1.0, False)], resolution=STEPS), "step differs"),
        (build([(0, 1.0, False)], timezone="Europe/Berlin"), "timezone differs"),
        (replace(one, start=START + timedelta(minutes=5)), "slots start at different times"),
        (build([(0, 0.95, False)], resolution=Resolution(name="1h", step=HOURS.step, scale=None)), "different bounds"),
    ):
        with pytest.raises(ValueError, match=words):
            build([(0, 0.951, False), (0, 0.957, False)]) + other if "bounds" in words else one + other
    with pytest.raises(ValueError, match="inside an occupied bucket"):
        one.coarsen([0.5, 0.9973, 2.0])
    with pytest.raises(ValueError, match="above the last bound"):
        one.coarsen([0.25, 0.5])
    with pytest.raises(ValueError, match="no time zone"):
        Profile.from_durations([], [], service="x", start=datetime(2026, 11, 3), end=END)
    with pytest.raises(ValueError, match="overlap"):
        Profile.from_buckets(
            service="x", start=START, step=HOURS.step, slot=np.array([0, 0]), low=np.array([1.0, 1.5]),
            high=np.array([2.0, 3.0]), count=np.ones(2), slot_sums=one.slot_sums,
        )  # fmt: skip


@settings(max_examples=20)
@given(some)
def test_the_last_days_of_profiles_are_those_of_both(executions):
    hours, steps = (build(executions, resolution=resolution) for resolution in (HOURS, STEPS))
    profiles = Profiles(
        service="checkout", hours=hours, steps=steps, intake=ServiceIntake(service="checkout", rows=0, accepted=0)
    )
    half = profiles.last(0.5)
    assert (half.hours.start, half.steps.start) == (START + DAY / 2, START + DAY / 2)
    assert half.hours.executions.sum() == half.steps.executions.sum()
    assert half.params is None
