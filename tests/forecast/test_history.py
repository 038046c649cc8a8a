"""Days of 24 hours back from the end of a Profile."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from slaopt.forecast.history import TAIL, day_counts
from tests.forecast.builders import END, lognormal, profile_of


def test_days_end_where_the_profile_ends():
    counts = day_counts(profile_of([[0.5], [3.0, 0.5], [], [3.0, 3.0, 0.1]]))
    assert counts.n.tolist() == [1, 2, 0, 3]
    lower, upper = counts.violations(np.array([1.0, 5.0]))
    assert lower.tolist() == upper.tolist() == [[0, 1, 0, 2], [0, 0, 0, 0]]


def test_time_before_the_first_execution_is_no_history():
    assert day_counts(profile_of([[], [], [1.0], [], [1.0]])).days == 3


def test_a_first_day_that_begins_late_is_a_day():
    hours = profile_of([[1.0]] * 8)
    assert day_counts(hours.between(hours.start + timedelta(hours=6), hours.end)).days == 8
    assert day_counts(hours.between(hours.start + timedelta(hours=1), hours.end - timedelta(hours=20))).days == 7


def test_nothing_at_all():
    assert day_counts(profile_of([[], []])).days == 0


def test_failures_that_violate_are_above_every_threshold():
    hours = profile_of([[0.5, 0.5, 0.5]] * 8, failed=[True, False, False] * 8, failures_are_violations=True)
    history = day_counts(hours).learned([1.0], slice(0, 8))
    assert history.n.tolist() == [3.0] * 8
    assert history.above.tolist() == [[1.0] * 8]
    assert history.tail.min() >= 1


def test_the_tail_is_counted_at_the_quantiles(rng):
    hours = profile_of(lognormal(rng, days=20, per_day=50))
    counts = day_counts(hours)
    history = counts.learned([1.0], slice(0, 20))
    shares = history.tail.sum(axis=1) / history.executions
    assert shares == pytest.approx(1 - np.array(TAIL), abs=0.02)
    assert [hours.violations(t).middle.sum() for t in counts.quantiles(slice(0, 20))] == history.tail.sum(
        axis=1
    ).tolist()


def test_thresholds_between_bounds_are_in_doubt():
    hours = profile_of([[1.5, 1.501, 0.2]] * 9)
    exact, within = day_counts(hours).learned([1.0, 1.5005], slice(0, 9)).doubt
    assert exact == 0
    assert within > 0.5


def test_expected_traffic_leans_on_the_last_week():
    history = day_counts(profile_of([[1.0] * 10] * 23 + [[1.0] * 20] * 7)).learned([2.0], slice(0, 30))
    assert history.expected(np.array([7.0])) == pytest.approx(7 * (20 + 370 / 30) / 2)
    assert END.tzinfo is not None
