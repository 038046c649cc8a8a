"""Closed forms: known values, laws, and what units, splits and looks change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from slaopt.experiment.power import Terms, bounds_of, detectable_effect, fixed_power, needed, planned_power, unit_power

TERMS = Terms(rate=0.05, split=0.5, executions=20_000, shares=np.arange(1, 11) / 10, level=0.05, harm_level=0.05)
UNITS = replace(TERMS, units=60, icc=0.05, variation=1.0)


def test_one_look_has_the_power_of_the_textbook():
    """5 % against 4 %, 10,000 in each arm: 0.9267."""
    assert fixed_power(TERMS, effect=0.2) == pytest.approx(0.9267, abs=1e-4)
    one_look = replace(TERMS, shares=np.array([1.0]))
    assert planned_power(one_look, effect=0.2) == pytest.approx(0.9267, abs=1e-3)


def test_looks_cost_a_little_power_and_no_error():
    assert 0.9 < planned_power(TERMS, effect=0.2) < fixed_power(TERMS, effect=0.2)
    assert planned_power(TERMS, effect=0.0) == pytest.approx(0.025, abs=1e-4)


def test_open_ended_looks_cost_more():
    assert 0.6 < planned_power(replace(TERMS, mode="open_ended"), effect=0.2) < planned_power(TERMS, effect=0.2)


@pytest.mark.parametrize("terms", [TERMS, replace(TERMS, split=0.2), UNITS], ids=["rows", "split", "units"])
def test_what_is_needed_and_what_is_found_are_two_sides_of_the_same(terms):
    effect = detectable_effect(terms, power=0.8)
    assert effect is not None
    assert planned_power(terms, effect=effect) == pytest.approx(0.8, abs=2e-3)
    assert needed(terms, effect=effect, power=0.8) == pytest.approx(terms.executions, rel=0.01)
    assert unit_power(terms, effect=effect, power=0.8) == pytest.approx(terms.units or terms.executions, rel=0.02)


def test_the_sample_size_is_that_of_the_formula_but_for_the_looks():
    """n = (z + z)² (p1 q1 + p2 q2) / d² in each arm."""
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    formula = 2 * z**2 * (0.05 * 0.95 + 0.04 * 0.96) / 0.01**2
    assert formula < (needed(TERMS, effect=0.2, power=0.8) or 0) < 1.08 * formula


def test_units_make_the_variance_greater_by_their_size_and_alikeness():
    each = 20_000 / 60
    assert UNITS.design_effect(20_000) == pytest.approx(1 + (each * 2 - 1) * 0.05)
    assert UNITS.information()[-1] == pytest.approx(TERMS.information()[-1] / UNITS.design_effect(20_000))
    assert replace(UNITS, icc=0.0).information()[-1] == pytest.approx(TERMS.information()[-1])


def test_no_traffic_is_enough_where_units_are_few_and_alike():
    assert needed(UNITS, effect=0.2, power=0.8) is None
    more = unit_power(UNITS, effect=0.2, power=0.8)
    assert more is not None
    assert more > 10 * 60


def test_error_is_never_spent_ahead_of_the_looks():
    """Alike units have nearly all of their information at the first look."""
    found = bounds_of(UNITS)
    assert (found.fractions <= np.arange(1, 11) / 10 + 1e-12).all()
    assert UNITS.information()[0] / UNITS.information()[-1] > 0.3


def test_looks_with_few_violations_ask_nothing():
    rare = replace(TERMS, rate=0.005)
    assert np.isinf(bounds_of(rare).benefit[:1]).all()
    assert np.isfinite(bounds_of(rare).benefit[2:]).all()
