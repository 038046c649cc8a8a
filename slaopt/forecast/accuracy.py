"""Scores of forecasts against what came, on bare arrays; rates are 0–1.

References
----------
Gneiting, Raftery: Strictly proper scoring rules, prediction, and estimation. JASA 102 (2007).
Gneiting: Making and evaluating point forecasts. JASA 106 (2011).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIT", "QUANTILES", "covered", "hits", "pinball", "relative_errors"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HIT = 0.15  # relative error of a hit
QUANTILES = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])  # the ends of both intervals among them
EXACT = 1e-9  # a rate on the border counts as inside


def hits(forecast: Floats, rate: Floats) -> Flags:
    """Tell whether each forecast is within 15 % of the rate that came; where none violated, none hits."""
    return np.asarray((np.abs(forecast - rate) <= HIT * rate + EXACT) & (rate > 0))


def relative_errors(forecast: Floats, rate: Floats) -> Floats:
    """Distance of each forecast from the rate that came, relative to it; NaN where none violated."""
    return np.asarray(np.divide(np.abs(forecast - rate), rate, out=np.full(rate.shape, np.nan), where=rate > 0))


def covered(low: Floats, high: Floats, rate: Floats) -> Flags:
    """Tell whether each rate lies inside its interval, ends included."""
    return np.asarray((low - EXACT <= rate) & (rate <= high + EXACT))


def pinball(quantiles: Floats, rate: Floats) -> Floats:
    """Mean pinball loss of the `QUANTILES`, in violations of 1,000 executions: (..., 7), (...,) → (...,)."""
    above = rate[..., None] - quantiles
    return np.asarray(1_000 * np.maximum(QUANTILES * above, (QUANTILES - 1) * above).mean(axis=-1))
