"""Few executions: what they cannot show is said with figures, and they are described all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from slaopt.analysis import Analysis, analyze
from slaopt.analysis.traffic import low_traffic
from slaopt.params import Params
from slaopt.result import Skipped
from tests.statistical.durations import profiles_of, spread, stamps
from tests.statistical.simulated import START


def a_week(per_week: int, *, weeks: int = 4):
    """So many executions in every week."""
    times = stamps((np.arange(per_week * weeks) + 0.1) * 7 / per_week)
    return profiles_of(times, np.linspace(1, 2, per_week * weeks), days=7 * weeks)


@pytest.mark.parametrize("objective", [0.9, 0.99, 0.999])
def test_five_violations_a_month_are_the_border(objective):
    needed = round(5 / (1 - objective) * 7 / 30 + 0.5)
    assert low_traffic(a_week(needed).hours, objective=objective) is None
    found = low_traffic(a_week(needed - 2).hours, objective=objective)
    assert found.executions_per_week == needed - 2
    assert found.needed_per_week == pytest.approx(5 / (1 - objective) * 7 / 30)
    assert found.window_days > 30
    assert found.one_slow_share == pytest.approx(1 / ((1 - objective) * (needed - 2)))
    assert found.window_days / 7 * found.executions_per_week * (1 - objective) == pytest.approx(5)


def test_the_sentence_says_what_one_slow_execution_costs_and_what_is_needed():
    assert low_traffic(a_week(30).hours, objective=0.99).sentence == (
        "With about 30 executions a week, one slow one is 3.3 times the weekly error budget: too few to judge an "
        "objective of 99 %. It needs about 120 executions a week, or a window of 17 weeks."
    )
    assert "one slow one is 91 % of the weekly" in low_traffic(a_week(22).hours, objective=0.95).sentence
    assert "even two years hold too few" in low_traffic(a_week(1, weeks=8).hours, objective=0.99).sentence


def test_nothing_that_ran_is_no_low_traffic():
    nothing = profiles_of(np.empty(0, dtype="datetime64[us]"), np.empty(0))
    assert low_traffic(nothing.hours, objective=0.99) is None


@pytest.mark.parametrize("per_week", [3, 7, 20, 70])
def test_few_executions_are_described_with_intervals_and_the_reason(per_week):
    result = analyze(a_week(per_week), Params(threshold=5.0, days=28))
    assert isinstance(result, Analysis)
    assert result.low_traffic is not None
    assert result.violation_rate.rate == 0
    assert 0 < result.violation_rate.interval.high < 1
    assert result.sample_size == 4 * per_week


def test_fewer_than_seven_days_that_ran_have_no_interval_and_say_why():
    weekly = profiles_of(stamps(np.repeat(np.arange(4) * 7.0, 5) + 0.01 * np.tile(np.arange(5), 4)), np.arange(1.0, 21))
    result = analyze(weekly, Params(threshold=50.0))
    assert isinstance(result, Analysis)
    assert (result.violation_rate.interval, result.violation_rate.why) == (
        None, "only 4 days with executions; an interval needs 7"
    )  # fmt: skip
    assert "Mean and quantiles have no interval: only 4 days with executions; an interval needs 7." in result.warnings


def test_few_because_most_rows_were_lost_are_skipped_and_the_rows_named(rng):
    times = spread(60, rng)
    lost = analyze(profiles_of(times, np.ones(60), rows=1_560, accepted=60, rejected=1_500), Params(threshold=2.0))
    assert isinstance(lost, Skipped)
    assert "(of 1,560 rows read, 1,500 rejected); most rows could not be used" in lost.reason
    failing = profiles_of(times, np.ones(60), rows=1_560, accepted=60, failed=1_500)
    assert "`failures: violations` in params counts them" in analyze(failing, Params(threshold=2.0)).reason
    some = profiles_of(times, np.ones(60), rows=90, accepted=60, rejected=30)
    assert isinstance(analyze(some, Params(threshold=2.0)), Analysis)


def test_many_executions_are_described_though_more_rows_were_lost(rng):
    n = 20_000
    result = analyze(profiles_of(spread(n, rng), rng.lognormal(0, 0.5, n), rows=3 * n, rejected=2 * n), Params())
    assert isinstance(result, Analysis)
    assert result.low_traffic is None


def test_failures_that_count_as_violations_are_executions():
    few = a_week(20)
    failing = np.ones(few.hours.slots)
    sums = replace(few.hours.slot_sums, failures=failing)
    counted = replace(few.hours, slot_sums=sums, failures_are_violations=True)
    assert low_traffic(counted, objective=0.99) is None
    assert low_traffic(few.hours, objective=0.99) is not None


def test_a_short_period_is_judged_by_its_own_pace():
    tenth = a_week(200).hours.between(START, START + timedelta(days=10))
    assert low_traffic(tenth, objective=0.99) is None
