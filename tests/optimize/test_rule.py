"""The rule on services whose future is known: the figures of the design, each bar with two standard errors allowed.

So few services leave wide errors; `make evidence` has many more.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.statistical.decisions import RULES, STARTS, Case, cases, losses_of_rules, results, said_and_better


def within(share: float, bar: float, n: int) -> bool:
    return share >= bar - 2 * np.sqrt(bar * (1 - bar) / n)


@pytest.fixture(scope="module")
def some() -> list[Case]:
    return list(cases(services=18, seed=5, each=False))


def test_a_fitting_threshold_is_kept_and_meets_its_objective(some):
    found = results(some, 1.0)
    assert within(found.kept.mean(), 0.85, len(some))
    assert within(found.met.mean(), 0.86, len(some))


def test_without_a_current_threshold_the_choice_meets_the_objective_near_the_reference(some):
    found = results(some, None)
    assert within(found.met.mean(), 0.84, len(some))
    assert within(np.mean(np.abs(found.steps) <= 3.01), 0.6, len(some))
    assert np.quantile(np.abs(found.steps), 0.75) <= 9


def test_far_too_tight_is_raised_and_far_too_loose_never_is(some):
    tight, loose = results(some, 0.4), results(some, 2.0)
    assert within(tight.raised.mean(), 0.9, len(some))
    assert tight.loss.mean() < tight.loss_before.mean() - 20
    assert not loose.raised.any()
    assert loose.lowered.mean() >= 0.3


def test_a_strategy_that_asks_for_less_changes_more(some):
    moved = [(~results(some, 2.0, strategy=s).kept).sum() for s in ("conservative", "balanced", "aggressive")]
    assert moved == sorted(moved)


def test_it_costs_less_than_simple_rules_and_little_more_than_hindsight(some):
    losses = dict(zip(RULES, losses_of_rules(some).T, strict=True))
    rule = losses["the rule"]
    for name, least in (("p99", 25.0), ("tightest that met the objective", 1.0), ("half the budget used", -0.4)):
        differ = losses[name] - rule
        assert differ.mean() >= least - 2 * differ.std() / np.sqrt(len(some)), name
    above = rule - losses["best in hindsight"]
    assert above.mean() <= 5 + 2 * above.std() / np.sqrt(len(some))


def test_the_surer_a_change_the_more_often_it_is_better(some):
    said, better = said_and_better(some, (None, *STARTS)).T[:2]
    assert within(better[said >= 0.92].mean(), 0.9, int((said >= 0.92).sum()))
    assert better[said >= 0.8].mean() > better[said < 0.6].mean()
