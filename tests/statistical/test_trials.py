"""Slow-downs that were injected are found, halves of the same requests are not told apart, and looks cost nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.statistical.simulated import monte_carlo_error
from tests.statistical.trials import LATENCY, TOTALS, halves, latencies, slowed, totals


@pytest.mark.skipif(not LATENCY.exists(), reason="the measured latencies are not here")
@pytest.mark.parametrize("arm", ["slow_1", "slow_2"])
def test_every_injected_slowdown_is_stopped_for_harm(arm):
    for _, rows in latencies():
        evaluation = slowed(rows, arm)
        assert evaluation.look.decision.verdict == "stop_harm"
        assert evaluation.to_dict()["recommendation"] == "reject"
        assert evaluation.comparison.primary.test > 5 * evaluation.comparison.primary.control
        assert not [remark for remark in evaluation.remarks if remark.decisive]


@pytest.mark.skipif(not LATENCY.exists(), reason="the measured latencies are not here")
def test_halves_of_the_same_requests_are_told_apart_as_often_as_the_level_says():
    rng = np.random.default_rng(20261130)
    looks = [halves(rows, rng).look for _, rows in latencies() for _ in range(15)]
    error = monte_carlo_error(0.05, len(looks))
    assert np.mean([look.is_significant for look in looks]) <= 0.05 + 2.5 * error
    assert np.mean([look.decision.verdict == "ship" for look in looks]) <= 0.025 + 2.5 * error


@pytest.mark.skipif(not TOTALS.exists(), reason="the running totals are not here")
def test_many_looks_find_hardly_more_than_the_last_one_would():
    found = list(totals((1,)))
    ended, plain, planned, open_ended = (
        sum(getattr(one, rule) for one in found)
        for rule in ("plain_at_end", "plain_at_some_look", "planned", "open_ended")
    )
    assert plain >= 1.5 * ended  # a plain test calls at some look what its last look takes back
    assert planned <= ended + 0.05 * len(found)
    assert open_ended <= planned
