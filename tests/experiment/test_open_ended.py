"""Tests without a horizon: exact where violations are few, asymptotic elsewhere, and alike from all sides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from slaopt.experiment.open_ended import (
    anytime_boundary,
    anytime_p_value,
    event_concentration,
    event_interval,
)
from slaopt.experiment.shares import share_evidence


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_evidence_has_mean_one_where_the_share_is_true(share, sides):
    violations = np.arange(61)
    evidence = share_evidence(60 - violations, violations, share, split=0.5, concentration=40, sides=sides)
    assert stats.binom.pmf(violations, 60, share) @ np.exp(evidence) == pytest.approx(1)


def test_one_sided_evidence_is_no_more_than_one_in_mean_where_the_share_is_less():
    violations = np.arange(61)
    evidence = share_evidence(60 - violations, violations, 0.5, split=0.5, concentration=40, sides=1)
    for share in (0.2, 0.4, 0.49):
        assert stats.binom.pmf(violations, 60, share) @ np.exp(evidence) < 1


def test_arms_of_fixed_sizes_give_no_more_evidence_than_random_ones():
    violations = np.arange(61)  # of 60 among 200 executions, half of them in test
    evidence = share_evidence(60 - violations, violations, 0.5, split=0.5, concentration=40)
    assert stats.hypergeom(200, 60, 100).pmf(violations) @ np.exp(evidence) < 1


@pytest.mark.parametrize(("control", "test", "split"), [(12, 40, 0.5), (0, 25, 0.3), (30, 0, 0.5), (20, 20, 0.8)])
def test_the_interval_of_the_share_ends_where_the_evidence_reaches_the_level(control, test, split):
    both = event_interval(control, test, traffic_split=split, concentration=30, level=0.05)
    for end in (both.low, both.high):
        if 0 < end < 1:
            evidence = share_evidence(control, test, end, split=split, concentration=30)
            assert np.exp(evidence) == pytest.approx(20, rel=1e-4)
    assert both.low < test / (control + test) < both.high or not control or not test
    above = event_interval(control, test, traffic_split=split, concentration=30, level=0.05, sides=1)
    assert above.high == 1
    assert both.low <= above.low
    if above.low:
        evidence = share_evidence(control, test, above.low, split=split, concentration=30, sides=1)
        assert np.exp(evidence) == pytest.approx(20, rel=1e-4)


def test_the_prior_of_shares_is_sharpest_at_its_number_of_violations():
    def fewest(concentration):
        """Violations of 600 that must fall to test before the split is left."""

        def excess(test):
            return share_evidence(600 - test, test, 0.5, split=0.5, concentration=concentration) - np.log(20)

        return optimize.brentq(excess, 300, 600)

    best = event_concentration(600, level=0.05)
    assert fewest(best) < min(fewest(best / 1.5), fewest(best * 1.5))


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("information", [0.05, 0.7, 3.0])
def test_the_p_value_is_the_level_at_the_boundary(information, sides):
    given = {"optimal": 0.7, "level": 0.05, "sides": sides}
    boundary = anytime_boundary(information, **given)
    assert anytime_p_value(boundary, information, **given) == pytest.approx(0.05)
    assert anytime_p_value(boundary + 0.1, information, **given) < 0.05
    assert anytime_p_value(0.0, information, **given) == 1


def test_the_half_width_is_least_at_the_optimal_information():
    halves = [anytime_boundary(i, optimal=1.0, level=0.05) / np.sqrt(i) for i in (0.5, 1.0, 2.0)]
    assert halves == sorted(halves, reverse=True)  # the interval shrinks on
    spared = [anytime_boundary(1.0, optimal=o, level=0.05) for o in (0.5, 1.0, 2.0)]
    assert spared[1] == min(spared)  # tuned elsewhere it is wider here
