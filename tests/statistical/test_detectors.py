"""Short versions of the proofs that `make evidence` makes at length."""

from __future__ import annotations

import pytest

from tests.statistical import detectors
from tests.statistical.durations import SHAPES


@pytest.mark.parametrize("shape", list(SHAPES))
def test_outliers(shape):
    assert detectors.outliers(shape, runs=10, seed=1).misses() == []


@pytest.mark.parametrize("name", list(detectors.ODD)[:2])
def test_odd_hours(name):
    assert detectors.odd_hours(name, runs=8, seed=2).misses() == []


@pytest.mark.parametrize("name", list(detectors.GAPS))
def test_gaps(name):
    assert detectors.gaps(name, runs=40, seed=3).misses() == []


@pytest.mark.parametrize("name", list(detectors.UNITS))
def test_unit_jump(name):
    assert detectors.unit_jump(name, runs=12, seed=4).misses() == []


@pytest.mark.parametrize("name", list(detectors.CUTS))
def test_truncation(name):
    assert detectors.truncation(name, runs=12, seed=5).misses() == []
