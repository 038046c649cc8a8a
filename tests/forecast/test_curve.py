"""The curve of the coming window: laws, the edges of few data, and reasons for low confidence."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.forecast import Curve, Forecast, forecast_curve
from slaopt.result import Skipped
from tests.forecast.builders import lognormal, profile_of

GRID = [0.5, 1.0, 2.0, 5.0, 50.0]


@st.composite
def histories(draw) -> list[list[float]]:
    duration = st.sampled_from([0.0, 0.3, 0.9, 1.0, 1.2, 2.5, 7.0])
    return draw(st.lists(st.lists(duration, max_size=6), min_size=7, max_size=35).filter(any))


def curve_of(durations, thresholds=GRID, **settings) -> Curve:
    curve = forecast_curve(profile_of(durations), thresholds, **settings)
    assert isinstance(curve, Curve)
    return curve


@given(histories())
def test_laws_of_a_curve(durations):
    curve = forecast_curve(profile_of(durations), GRID)
    if isinstance(curve, Skipped):
        assert curve.reason
        return
    assert (np.diff(curve.rates, axis=1) <= 1e-12).all()
    assert (np.diff(curve.ends, axis=1) <= 1e-12).all()
    for horizon in (7, 14, 30):
        assert (np.diff(curve.quantiles([0.1, 0.5, 0.9], horizon), axis=0) <= 1e-12).all()
        assert (np.diff(curve.probability_at_most(0.1, horizon)) >= -1e-12).all()
    for told in curve.forecasts():
        assert 0 <= told.interval_95.low <= told.interval_80.low
        assert told.interval_80.high <= told.interval_95.high <= 1
        assert told.interval_80.covers(told.violation_rate)
        assert (told.reason is None) == (told.confidence != "low")


def test_intervals_hold_the_expected_rate_where_nearly_all_violate(rng):
    before, after = (lognormal(rng, days=days, per_day=500, median=m) for days, m in ((20, 0.4), (10, 400.0)))
    for told in curve_of([*before, *after], [1.0]).forecasts():
        assert told.violation_rate > 0.99
        assert told.interval_80.covers(told.violation_rate)


def test_no_rate_is_above_all_executions():
    days = [[9.0] * count for count in (3, 2, 2, 2, 3)] * 6  # 2.4 a day: 16.8 to expect
    curve = curve_of(days, horizons=[7])
    assert curve.executions == pytest.approx(16.8, rel=0.02)
    assert curve.probability_at_most(1.0, 7) == pytest.approx(1)


def test_a_forecast_does_not_hang_on_what_else_is_asked(rng):
    durations = lognormal(rng, days=30, per_day=40)
    alone, together = curve_of(durations, [2.0]), curve_of(durations)
    assert alone.at(2.0, 14).to_dict() == together.at(2.0, 14).to_dict()
    assert curve_of(durations, [2.0], horizons=[14]).at(2.0, 14).to_dict() == alone.at(2.0, 14).to_dict()


def test_the_whole_last_month_is_learned_from_and_nothing_before(rng):
    month = lognormal(rng, days=30, per_day=40)
    before = lognormal(rng, days=40, per_day=40, median=20)
    assert curve_of(before + month).rates == pytest.approx(curve_of(month).rates)
    assert curve_of(before + month).learned_days == 30


def test_fewer_than_seven_days_give_the_reason(rng):
    told = forecast_curve(profile_of(lognormal(rng, days=6, per_day=40)), [1.0])
    assert isinstance(told, Skipped)
    assert told.reason == "only 6 days of history; a forecast needs 7"


def test_a_month_in_which_nothing_ran_gives_the_reason(rng):
    told = forecast_curve(profile_of([*lognormal(rng, days=20, per_day=40), *([[]] * 31)]), [1.0])
    assert isinstance(told, Skipped)
    assert told.reason == "nothing ran in the last 30 days"


def test_no_violation_at_all_leaves_zero_inside(rng):
    told = curve_of([[0.5] * 20] * 30, [50.0]).at(50.0, 7)
    assert told.interval_80.low == told.interval_95.low == 0
    assert 0 < told.violation_rate < told.interval_95.high < 0.05
    assert told.confidence == "low"
    assert "violations are to be expected" in told.reason


def test_days_left_out_count_as_no_traffic(rng):
    hours = profile_of(lognormal(rng, days=30, per_day=40))
    open_hours = hours.where(np.arange(hours.slots) // 24 % 7 < 5)
    told = forecast_curve(open_hours, [2.0])
    assert isinstance(told, Curve)
    assert told.at(2.0, 7).executions == pytest.approx(5 * 40, rel=0.15)


def test_few_expected_violations_are_low_confidence(rng):
    told = curve_of(lognormal(rng, days=30, per_day=10), [2.0], horizons=[7])
    assert told.at(2.0, 7).confidence == "low"


def test_one_bad_day_is_a_reason(rng):
    durations = [[0.5] * 100 for _ in range(30)]
    durations[12] = [9.0] * 100
    reason = curve_of(durations, [5.0]).at(5.0, 30).reason
    assert reason == "one day brought 100 % of the violations"


def test_little_history_and_coarse_buckets_are_reasons(rng):
    few = curve_of(lognormal(rng, days=9, per_day=200), [1.0]).at(1.0, 30)
    assert few.reason == "only 9 days to learn from"
    coarse = curve_of([[1.5, 1.501, 0.2] * 20] * 30, [1.5005]).at(1.5005, 30)
    assert "too coarse" in coarse.reason


def test_a_steady_busy_service_is_high_confidence(rng):
    told = curve_of(lognormal(rng, days=30, per_day=2000), [1.0]).at(1.0, 30)
    assert (told.confidence, told.reason) == ("high", None)
    assert told.interval_80.covers(0.5)


def test_a_month_of_equal_days_does_not_promise_another(rng):
    told = curve_of([[0.5] * 950 + [1.5] * 50] * 30, [1.0]).at(1.0, 30)
    assert told.violation_rate == pytest.approx(0.05, rel=0.02)
    assert told.interval_95.low < 0.03  # counting alone would leave 4.8 to 5.2 %
    assert told.interval_95.high > 0.07


def test_what_was_not_computed_is_refused(rng):
    curve = curve_of(lognormal(rng, days=30, per_day=40))
    with pytest.raises(ValueError, match="no forecast over 21 days"):
        curve.at(1.0, 21)
    with pytest.raises(ValueError, match=r"no forecast at 1\.5 s"):
        curve.at(1.5, 7)


def test_results_are_plain(rng):
    curve = curve_of(lognormal(rng, days=30, per_day=40))
    told = curve.at(1.0, 7)
    assert isinstance(told, Forecast)
    assert told.to_dict()["horizon"] == "7d"
    assert "outlook" not in curve.to_dict()
    assert len(curve.to_frame()) == len(GRID) * 3


def test_the_end_of_the_profile_is_the_origin(rng):
    hours = profile_of(lognormal(rng, days=45, per_day=40))
    earlier = hours.between(hours.start, hours.end - timedelta(days=7))
    assert isinstance(before := forecast_curve(earlier, [1.0]), Curve)
    assert isinstance(now := forecast_curve(hours, [1.0]), Curve)
    assert before.rates[0, 0] != now.rates[0, 0]


def test_failures_alone_violate_every_threshold():
    hours = profile_of([[0.5] * 5] * 9, failed=[True] * 45, failures_are_violations=True)
    told = forecast_curve(hours, [1.0])
    assert isinstance(told, Curve)
    assert told.at(1.0, 7).violation_rate > 0.95
