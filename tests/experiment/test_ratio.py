"""The sizes of both arms against the split."""

from __future__ import annotations

import pytest
from scipy import stats

from slaopt.experiment import sample_ratio


def test_arms_of_the_planned_sizes_are_not_flagged():
    found = sample_ratio(7_020, 2_980, traffic_split=0.3, final=True)
    assert not found.flagged
    assert found.expected_test_share == 0.3
    assert found.p_value == pytest.approx(stats.chisquare([7020, 2980], [7000, 3000]).pvalue)
    assert "2,980 in test (29.8 %), where 30 % was planned" in found.sentence


def test_a_mismatch_is_flagged_and_said():
    found = sample_ratio(10_400, 9_600, traffic_split=0.5)
    assert found.flagged
    assert found.evidence > 100
    assert found.sentence.endswith("Nothing can be concluded.")


def test_the_chi_square_test_counts_at_the_end_only():
    sizes = (10_240, 9_760)  # p = 0.0007, evidence below 100
    assert not sample_ratio(*sizes, traffic_split=0.5).flagged
    assert sample_ratio(*sizes, traffic_split=0.5, final=True).flagged


def test_a_few_units_are_a_mismatch_only_where_nearly_all_fall_to_one_arm():
    assert not sample_ratio(9, 3, traffic_split=0.5, final=True).flagged
    assert sample_ratio(24, 1, traffic_split=0.5, final=True).flagged


def test_nothing_assigned_is_no_mismatch():
    found = sample_ratio(0, 0, traffic_split=0.5, final=True)
    assert (found.evidence, found.p_value, found.flagged) == (1.0, 1.0, False)


def test_hopeless_arms_have_finite_evidence():
    assert sample_ratio(1e7, 1e3, traffic_split=0.5).to_dict()["evidence"] > 1e300
