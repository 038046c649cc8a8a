"""How sure a change is: the probability that it lowers the loss of the coming month, as it turned out before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.result import Result

__all__ = ["ASKED", "CALIBRATION", "Calibration", "chance_of_gain", "own_spread"]

Floats = NDArray[np.float64]

ASKED: dict[Literal["conservative", "balanced", "aggressive"], float] = {  # the confidence asked for before a change
    "conservative": 0.9,
    "balanced": 0.8,
    "aggressive": 0.65,
}
DAYS_A_MONTH = 30
CLUSTERED = 1.5  # pages of a month vary more than days that are independent would
LEAST_VARIANCE = 0.3  # (pages a month)²
BLUR = 3.0  # pages a month by which the loss of a month errs, whatever was drawn
STRETCH = 1.5  # logits of the raw probability are too modest by so much
EDGES = (0.02, 0.995)  # nothing is surer than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Result):
    """Of the changes whose confidence lay in [low, high), how many lowered the loss of the month after."""

    low: float
    high: float
    said: float  # mean
    better: float  # share
    cases: int


CALIBRATION = (  # tests/evidence/decisions.py: simulated services from four starts and none, 30 → 30 days
    Calibration(low=0.0, high=0.5, said=0.409, better=0.431, cases=153),
    Calibration(low=0.5, high=0.65, said=0.579, better=0.725, cases=153),
    Calibration(low=0.65, high=0.75, said=0.699, better=0.8, cases=90),
    Calibration(low=0.75, high=0.85, said=0.8, better=0.838, cases=80),
    Calibration(low=0.85, high=0.92, said=0.891, better=0.861, cases=72),
    Calibration(low=0.92, high=0.97, said=0.95, better=0.966, cases=118),
    Calibration(low=0.97, high=1.0, said=0.991, better=1.0, cases=300),
)


def own_spread(daily_difference: Floats) -> float:
    """Standard deviation of what a month of its own adds to the difference of pages, from its daily values (days,)."""
    varies = float(daily_difference.var(ddof=1)) if len(daily_difference) > 1 else 0.0
    return float(np.sqrt(CLUSTERED * DAYS_A_MONTH * varies + LEAST_VARIANCE))


def chance_of_gain(gains: Floats, spread: float) -> float:
    """Give the calibrated probability that a change gains, from what it gains in each draw (draws,), pages a month.

    The draws know how unsure the level is, `spread` what a month of its own brings. The stretch was fitted to what came
    in simulated and in real months (docs/evidence.md).
    """
    raw = float(np.clip(special.ndtr(gains / (spread + BLUR)).mean(), *EDGES))
    return float(special.expit(STRETCH * special.logit(raw)))
