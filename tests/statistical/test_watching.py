"""Short versions of the proofs on watch, drift and the starts of slowdowns."""

from __future__ import annotations

import numpy as np
import pytest

from tests.statistical.simulated import Service
from tests.statistical.watching import (
    DRIFTS,
    WATCHES,
    drift_misses,
    drifted,
    rare_values,
    start_errors,
    watch_misses,
    watched,
)


@pytest.mark.parametrize("case", [case for case in WATCHES if case.short], ids=lambda case: case.service.name)
def test_watch(case):
    assert watch_misses(case, watched(case.service, runs=8, seed=1, starts=10)) == []


@pytest.mark.parametrize("name", ["1,000 a day, sd 0.1, rho 0.6", "1,000 a day, sd 0.2, rho 0.6"])
def test_drift(name):
    case = next(case for case in DRIFTS if case.name == name)
    assert drift_misses(case, drifted(case.service, runs=6, seed=2)) == []


def test_a_drift_of_durations_is_no_matter_of_traffic():
    busy, quiet = (drifted(Service(per_day=per_day, sd=0.1), runs=2, seed=3) for per_day in (1e5, 300))
    assert busy.seen.mean() == 1
    assert quiet.seen.mean() > 0.8


def test_starts():
    off, said = start_errors(services=3, seed=4)
    assert np.sqrt((off**2).mean()) < 0.01 * (1 + 2 / np.sqrt(2 * off.size))
    assert np.sqrt((said**2).mean()) < 0.02


def test_rare_values():
    found = rare_values(days=30, runs=60, seed=5)
    truth = float(found["truth"][0])
    for values in (found["L-moments"], found["maximum likelihood"]):
        assert abs(values.mean() - truth) < 3 * values.std() / np.sqrt(len(values)) + 0.1
    assert found["L-moments"].std() < 1.3 * found["maximum likelihood"].std()
