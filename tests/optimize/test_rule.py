"""The rule on services whose future is known: the figures of the design that need no forecast.

Each bar may be missed by two standard errors of a share of so few services; `make evidence` has many more.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.statistical.decisions import Case, cases, results


def within(share: float, bar: float, n: int) -> bool:
    return share >= bar - 2 * np.sqrt(bar * (1 - bar) / n)


@pytest.fixture(scope="module")
def some() -> list[Case]:
    return list(cases(services=30, seed=5, each=False))


def test_a_fitting_threshold_is_kept_and_meets_its_objective(some):
    found = results(some, 1.0)
    assert within(found.kept.mean(), 0.85, len(some))
    assert within(found.met.mean(), 0.86, len(some))


def test_without_a_current_threshold_the_choice_meets_the_objective_near_the_reference(some):
    found = results(some, None)
    assert within(found.met.mean(), 0.84, len(some))
    assert within(np.mean(np.abs(found.steps) <= 3.01), 0.6, len(some))
    assert np.quantile(np.abs(found.steps), 0.9) <= 9


def test_far_too_tight_is_raised_and_far_too_loose_never_is(some):
    few = some[::3]
    assert within(results(few, 0.4).raised.mean(), 0.97, len(few))
    loose = results(few, 2.0)
    assert not loose.raised.any()
    assert loose.lowered.mean() >= 0.5
