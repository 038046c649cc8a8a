"""Short version of the proof on few executions."""

from __future__ import annotations

import pytest

from tests.statistical.low_traffic import CASES, SHORT, coverage

CASE = {case.name: case for case in CASES}


@pytest.mark.parametrize("name", SHORT)
def test_intervals_of_few_executions_hold_the_truth_and_none_is_of_no_width(name):
    assert coverage(CASE[name], runs=80, seed=20261203).misses() == []


def test_a_rate_without_violations_has_an_upper_end_that_is_sharp_as_well_as_honest():
    result = coverage(CASE["1 a day, 30 days, rho 0.6"], runs=80, seed=3)
    independent = 1 - 0.025 ** (1 / 30)  # Clopper-Pearson of 30 independent executions
    assert independent < result.width[0] < 2 * independent
