"""Boundaries of planned looks: published values, the error they spend, and what is said at a look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slaopt.experiment.boundaries import (
    LEAST_P,
    boundaries,
    constant_shape,
    crossing_probabilities,
    median_unbiased,
    repeated_interval,
    repeated_p_value,
    spent,
)

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]
OBRIEN_FLEMING = {"level": 0.05, "spending": "obrien_fleming", "sides": 2}
UNEVEN = [0.1, 0.15, 0.5, 0.52, 0.9, 1.0]


@pytest.mark.parametrize(
    ("spending", "published"),
    [  # Lan-DeMets, level 0.05, two-sided, five looks
        ("obrien_fleming", [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3860]),
    ],
)
def test_five_looks_have_the_published_boundaries(spending, published):
    assert boundaries(FIVE, level=0.05, spending=spending, sides=2) == pytest.approx(published, abs=1e-4)


@pytest.mark.parametrize(
    ("shape", "looks", "last"),
    [  # Jennison and Turnbull (2000), tables 2.1 and 2.3, level 0.05
        ("pocock", 2, 2.178),
        ("pocock", 5, 2.413),
        ("pocock", 10, 2.555),
        ("obrien_fleming", 2, 1.977),
        ("obrien_fleming", 5, 2.040),
        ("obrien_fleming", 10, 2.087),
    ],
)
def test_classical_shapes_have_the_published_constants(shape, looks, last):
    bounds = constant_shape(looks, level=0.05, shape=shape)
    assert bounds[-1] == pytest.approx(last, abs=1e-3)
    assert bounds[0] == pytest.approx(last * (1 if shape == "pocock" else looks**0.5), abs=2e-3)


def test_one_look_is_the_ordinary_test():
    assert boundaries([1.0], **OBRIEN_FLEMING) == pytest.approx([stats.norm.isf(0.025)])
    assert boundaries([1.0], level=0.05, spending="pocock", sides=1) == pytest.approx([stats.norm.isf(0.05)])


@pytest.mark.parametrize("sides", [1, 2])
def test_the_chance_of_no_crossing_is_that_of_the_multivariate_normal_distribution(sides):
    fractions = np.array([0.3, 0.7, 1.0])
    bounds = boundaries(fractions, level=0.1, spending="pocock", sides=sides)
    correlation = np.sqrt(np.minimum.outer(fractions, fractions) / np.maximum.outer(fractions, fractions))
    lower = -bounds if sides == 2 else None
    rng = np.random.default_rng(1)
    stays = stats.multivariate_normal(np.zeros(3), correlation, abseps=1e-7, seed=rng).cdf(bounds, lower_limit=lower)
    assert 1 - stays == pytest.approx(0.1, abs=2e-5)


fractions = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=8, unique=True).map(sorted)


@settings(max_examples=30, deadline=None)
@given(
    fractions, st.sampled_from(["obrien_fleming", "pocock"]), st.sampled_from([1, 2]), st.floats(0.01, 0.1),
    st.floats(1e-3, 1e6),
)  # fmt: skip
def test_each_look_spends_what_is_due_on_any_scale_of_information(looks, spending, sides, level, scale):
    looks = [t for t, before in zip(looks, [0, *looks], strict=False) if t > before * 1.001]
    information = [scale * t for t in looks]
    bounds = boundaries(looks, level=level, spending=spending, sides=sides, information=information)
    up, down = crossing_probabilities(information, bounds, sides=sides)
    due = np.diff([0, *(spent(t, level=level, spending=spending, sides=sides) for t in looks)])
    assert up + down == pytest.approx(due, abs=1e-8)
    shorter = boundaries(looks[:-1], level=level, spending=spending, sides=sides, information=information[:-1])
    assert shorter == pytest.approx(bounds[:-1])


def walks(information, *, drift=0.0, runs=40_000, seed=0):
    """Scores z of Brownian motion at each information, (runs, looks)."""
    steps = np.diff([0, *information])
    draws = np.random.default_rng(seed).normal(drift * steps, np.sqrt(steps), (runs, len(steps)))
    return np.cumsum(draws, axis=1) / np.sqrt(information)


@pytest.mark.parametrize("last", [0.6, 1.4])
def test_a_last_look_with_less_or_more_than_planned_spends_what_is_left(last):
    information = [0.2, 0.35, 0.5, last]
    bounds = boundaries([*information[:3], 1.0], information=information, **OBRIEN_FLEMING)
    found = (np.abs(walks(information)) > bounds).any(axis=1).mean()
    assert found == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 40_000))
    assert sum(map(sum, crossing_probabilities(information, bounds))) == pytest.approx(0.05, abs=1e-8)


def test_a_look_without_more_information_spends_nothing_and_the_last_one_spends_the_rest():
    bounds = boundaries([0.3, 0.3, 0.2, 1.0], information=[0.3, 0.3, 0.2, 0.25], **OBRIEN_FLEMING)
    assert np.isinf(bounds[1:3]).all()
    assert bounds[3] == pytest.approx(stats.norm.isf(0.025), abs=1e-3)  # the first look spent next to nothing


def test_looks_that_come_close_together_are_resolved():
    looks = [0.5, 0.502, 0.504, 1.0]
    bounds = boundaries(looks, level=0.05, spending="pocock", sides=2)
    found = (np.abs(walks(looks, runs=100_000)) > bounds).any(axis=1).mean()
    assert found == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 100_000))


def test_power_by_the_recursion_is_that_of_simulated_walks():
    bounds = boundaries(UNEVEN, **OBRIEN_FLEMING)
    up, down = crossing_probabilities(UNEVEN, bounds, drift=3.0)
    z = walks(UNEVEN, drift=3.0)
    crossed = np.abs(z) > bounds
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), -1)
    for look in range(len(UNEVEN)):
        found = np.mean(first == look)
        assert found == pytest.approx(up[look] + down[look], abs=4 * np.sqrt(0.25 / 40_000))
    assert down.sum() < 1e-5


def test_the_repeated_p_value_is_the_smallest_level_at_which_a_look_so_far_rejects():
    for z in walks(UNEVEN, drift=1.5, runs=4, seed=3):
        p = 1.0
        for look in range(1, len(UNEVEN) + 1):
            p = repeated_p_value(z[look - 1], UNEVEN[:look], spending="obrien_fleming", sides=2, so_far=p)
            for level in (0.01, 0.05, 0.2, 0.6):
                bounds = boundaries(UNEVEN[:look], level=level, spending="obrien_fleming", sides=2)
                assert bool((np.abs(z[:look]) > bounds).any()) == (p < level)


def test_one_look_has_the_ordinary_p_value_and_none_is_nought():
    assert repeated_p_value(2.2, [1.0], spending="obrien_fleming", sides=2) == pytest.approx(
        2 * stats.norm.sf(2.2), rel=1e-3
    )
    assert repeated_p_value(30.0, [1.0], spending="obrien_fleming", sides=2) == LEAST_P
    assert repeated_p_value(-3.0, [1.0], spending="pocock", sides=1) > 0.99


def test_the_repeated_interval_covers_at_all_looks_at_once():
    effect = 2.0
    bounds = boundaries(UNEVEN, **OBRIEN_FLEMING)
    error = np.array(UNEVEN) ** -0.5
    estimates = walks(UNEVEN, drift=effect, seed=5) * error
    covered = (np.abs(estimates - effect) <= bounds * error).all(axis=1).mean()
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / 40_000))
    one = repeated_interval(estimates[0, 2], error[2], bounds[2], 0.95)
    assert (one.low, one.high) == pytest.approx(estimates[0, 2] + np.array([-1, 1]) * bounds[2] * error[2])


def test_few_degrees_of_freedom_widen_the_interval_to_the_same_tail():
    interval = repeated_interval(0.0, 1.0, stats.norm.isf(0.025), 0.95, degrees=8)
    assert interval.high == pytest.approx(stats.t.isf(0.025, 8))


def test_the_estimate_at_stopping_is_as_often_too_low_as_too_high():
    effect, runs = -2.5, 1500
    bounds = boundaries(FIVE, **OBRIEN_FLEMING)
    z = walks(FIVE, drift=effect, runs=runs, seed=7)
    crossed = np.abs(z) > bounds
    stop = np.where(crossed.any(axis=1), crossed.argmax(axis=1), len(FIVE) - 1)
    plain = z[np.arange(runs), stop] / np.sqrt(np.array(FIVE)[stop])
    medians = [median_unbiased(p, FIVE[: k + 1], bounds[: k + 1]) for p, k in zip(plain, stop, strict=True)]
    assert np.mean(np.array(medians) < effect) == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / runs))
    assert np.mean(plain < effect) > 0.5 + 3 * np.sqrt(0.25 / runs)  # what it mends


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_level_is_a_probability(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        boundaries([1.0], level=level, spending="pocock", sides=1)


def test_each_look_needs_its_information():
    with pytest.raises(ValueError, match="one fraction and one information"):
        boundaries([0.5, 1.0], information=[1.0], **OBRIEN_FLEMING)
