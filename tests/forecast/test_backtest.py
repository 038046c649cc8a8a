"""Rolling origins: how many there are, what they learn from, and that scores are what they are called."""

from __future__ import annotations

import numpy as np
import pytest

from slaopt.forecast import backtest, forecast_curve
from slaopt.forecast.accuracy import QUANTILES, covered, hits, pinball, relative_errors
from slaopt.forecast.backtest import METHODS
from tests.forecast.builders import lognormal, profile_of
from tests.statistical.forecasts import resolvable


@pytest.fixture(scope="module")
def durations():
    return lognormal(np.random.default_rng(7), days=120, per_day=60)


@pytest.mark.parametrize(
    ("days", "learn", "origins", "horizons"),
    [(120, 30, 12, {7, 14, 30}), (65, 30, 5, {7, 14, 30}), (50, 30, 2, {7, 14}), (40, 30, 1, {7}), (30, 14, 2, {7}),
     (20, 7, 1, {7}), (14, 7, 1, {7})],
)  # fmt: skip
def test_learning_follows_history(durations, days, learn, origins, horizons):
    told = backtest(profile_of(durations[-days:]), [1.0])
    assert (told.learn_days, told.origins, {row.horizon for row in told.rows}) == (learn, origins, horizons)
    assert (told.why is None) == (origins >= 5)
    for row in told.rows:
        assert (row.hit_rate is None) == (row.origins < 5)
    assert len(told.to_frame()) == len(METHODS) * len(horizons)


def test_too_short_a_history_gives_the_reason(durations):
    told = backtest(profile_of(durations[-12:]), [1.0])
    assert told.rows == ()
    assert told.why == "12 days of history are too few to forecast one week from another"


def test_the_latest_origin_is_scored_on_the_last_week(durations):
    """One origin, computed here once more from what the Profile holds."""
    hours = profile_of(durations[-37:])
    told = backtest(hours, horizons=[7])
    learned = profile_of(durations[-37:-7], end=hours.start + 30 * (hours.end - hours.start) / 37)
    came = np.concatenate(durations[-7:])
    quantiles = [learned.bounds[np.searchsorted(np.cumsum(learned.bucket_totals), q * learned.bucket_totals.sum())]
                 for q in (0.75, 0.9, 0.95, 0.99)]  # fmt: skip
    curve = forecast_curve(learned, quantiles, horizons=[7])
    rate = np.array([(came > q).mean() for q in quantiles])
    ours = next(row for row in told.rows if row.method == "slaopt")
    assert ours.median_error == pytest.approx(np.median(np.abs(curve.rates[0] - rate) / rate))
    assert ours.pinball == pytest.approx(pinball(curve.quantiles(QUANTILES, 7), rate).mean())


def test_services_without_violations_and_with_pauses_are_scored(durations):
    paused = [list(day) if i % 40 < 25 else [] for i, day in enumerate(durations)]
    told = backtest(profile_of(paused), [500.0])
    assert told.rows
    assert all(np.isfinite([row.pinball, row.coverage_80, row.coverage_95]).all() for row in told.rows)
    calm = backtest(profile_of([[0.5] * 5] * 60), [1.0])
    assert all(row.median_error is None for row in calm.rows)


def test_scores_of_bare_arrays():
    rate = np.array([0.1, 0.1, 0.0, 0.2])
    assert hits(np.array([0.115, 0.116, 0.0, 0.17]), rate).tolist() == [True, False, False, True]
    assert resolvable(rate, np.array([400.0, 399.0, 1e6, 178.0])).tolist() == [True, False, False, True]
    assert relative_errors(np.array([0.2]), np.array([0.1])).tolist() == [1.0]
    assert np.isnan(relative_errors(np.array([0.2]), np.array([0.0]))).all()
    assert covered(np.array([0.1]), np.array([0.2]), np.array([0.2])).all()
    perfect = np.repeat(rate[:, None], len(QUANTILES), axis=1)
    assert pinball(perfect, rate).tolist() == [0.0] * 4
    assert pinball(perfect + 0.01, rate) == pytest.approx(10 * np.mean(1 - QUANTILES))
