"""Buckets: where durations fall, and which bounds are counted exactly."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.buckets import (
    DIVISORS,
    bucket_bounds,
    counted_bounds,
    exponential_bound,
    exponential_index,
    round_thresholds,
)
from slaopt.sources.cells import ZERO
from slaopt.sources.count import Ladder

DURATIONS = st.floats(1e-9, 1e9)
COUNTED = counted_bounds(thresholds=[0.777, 1.2345])


@given(DURATIONS, st.integers(0, 10))
def test_a_bucket_holds_what_its_index_says(value, scale):
    index = exponential_index(value, scale=scale)
    low, high = exponential_bound(index - 1, scale=scale), exponential_bound(index, scale=scale)
    assert low * (1 - 1e-9) < value <= high * (1 + 1e-9)
    assert high / low == pytest.approx(2 ** (2**-scale))


@pytest.mark.parametrize("scale", [0, 3, 7])
def test_upper_bounds_are_inclusive_as_in_open_telemetry(scale):
    indices = np.arange(-300, 300)
    assert np.array_equal(exponential_index(exponential_bound(indices, scale=scale), scale=scale), indices)


def test_round_thresholds_are_twenty_a_decade():
    assert len(round_thresholds(1.0, 9.99)) == 20
    assert np.allclose(round_thresholds(10, 99.9), 10 * round_thresholds(1, 9.99))
    assert round_thresholds(3, 2).size == 0
    assert [len(str(Decimal(str(value)).normalize().as_tuple().digits)) for value in round_thresholds(0.001, 1)]


@given(st.lists(st.floats(0.001, 1000), max_size=5))
def test_every_threshold_is_counted_slowed_down_and_as_it_is(thresholds):
    bounds = counted_bounds(thresholds=thresholds)
    assert (np.diff(bounds) > 0).all()
    for threshold in [*thresholds, 0.25, 2.0, 90.0]:
        for divisor in DIVISORS:
            assert np.abs(bounds / (threshold / divisor) - 1).min() < 1e-9


@given(st.lists(st.one_of(st.just(0.0), DURATIONS, st.sampled_from(COUNTED.tolist())), min_size=1, max_size=50))
def test_cells_hold_their_durations_and_split_no_counted_bound(values):
    durations = np.array(values)
    for scale in (7, None):
        low, high = bucket_bounds(durations, COUNTED, scale)
        zero = durations == 0
        assert (low[zero] == 0).all()
        assert (high[zero] == 0).all()
        assert (low[~zero] * (1 - 1e-9) < durations[~zero]).all()
        assert (durations[~zero] <= high[~zero] * (1 + 1e-9)).all()
        for bound in COUNTED:
            assert not ((low < bound) & (bound < high)).any()
            assert np.array_equal(high[~zero] <= bound, durations[~zero] <= bound)


@given(st.lists(st.one_of(st.just(0.0), DURATIONS, st.sampled_from(COUNTED.tolist())), min_size=1, max_size=50))
def test_a_ladder_numbers_the_same_cells(values):
    durations = np.array(values)
    ladder = Ladder(COUNTED)
    cell, coarse, logs = ladder.cells(durations)
    zero = durations == 0
    assert np.array_equal(coarse == ZERO, zero)
    assert np.array_equal(coarse[~zero], np.searchsorted(COUNTED, durations[~zero], side="left"))
    assert np.array_equal(ladder.coarse[cell], coarse)
    assert np.array_equal(ladder.fine[cell][~zero], exponential_index(durations[~zero]))
    assert np.allclose(logs[~zero], np.log(durations[~zero]), atol=1e-12)
    assert (np.diff(cell[np.argsort(durations)]) >= 0).all()
