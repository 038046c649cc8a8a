"""Short versions of the proofs that `make evidence` makes at length."""

from __future__ import annotations

import pytest

from tests.statistical.coverage import CASES, SHORT, coverage
from tests.statistical.simulated import Service

CASE = {case.name: case for case in CASES}


@pytest.mark.parametrize("name", SHORT)
def test_intervals_hold_the_truth(name):
    case = CASE[name]
    result = coverage(case.service, runs=150, seed=20261103)
    assert result.misses(case.bars()) == []
    assert result.narrowest > 0


def test_intervals_that_take_executions_as_independent_do_not():
    assert coverage(Service(rho=0.9, per_day=1e6), runs=20, seed=1).independent < 0.5


@pytest.mark.parametrize("level", [0.8, 0.99])
def test_other_levels_hold_too(level):
    result = coverage(Service(), runs=60, seed=2, confidence_level=level)
    assert result.misses([level - 0.03] * 7) == []
