"""Short versions of the proofs on forecasts; the public series stand beside the repository, or the test is skipped."""

from __future__ import annotations

import numpy as np
import pytest

from slaopt.forecast.calibration import fit
from tests.statistical.forecasts import available, cells_of, real_windows, scores_of, simulated_windows

needs_series = pytest.mark.skipif(not available(), reason="needs the public measurements beside the repository")


def test_intervals_hold_simulated_windows():
    scores = scores_of(simulated_windows(services=60, seed=3), {})["slaopt"]
    error = 2 * scores.error_of(scores.covers(0.95).astype(float))
    assert scores.covers(0.95).mean() >= 0.93 - error
    assert scores.covers(0.8).mean() >= 0.78 - error


@needs_series
def test_forecasts_of_public_series_are_no_worse_than_simple_rules():
    told = scores_of(real_windows([(30, 14)], every=5), {})
    ours = told["slaopt"]
    error = 2 * ours.error_of(ours.covers(0.95).astype(float))
    assert 0.93 - error <= ours.covers(0.95).mean() <= 0.98 + error
    assert np.nanmedian(ours.error) <= 0.40
    assert ours.loss.mean() < min(told[rule].loss.mean() for rule in ("whole period", "last week"))
    low, high = (ours.hit[ours.confidence == level].mean() for level in ("low", "high"))
    assert high > 1.8 * low


@needs_series
def test_the_fit_to_a_part_gives_about_the_shipped_constants():
    windows = real_windows([(30, 14)], every=8) + simulated_windows(services=30)
    cells = cells_of(windows)
    assert cells.weight.sum() == pytest.approx(1000)
    found = fit(cells)
    assert abs(found.shift) < 0.3
    assert 0.2 < sum(found.narrow[1:]) < 1.5
