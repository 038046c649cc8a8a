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
STRETCH = 1.5  # logits of the raw probability are too modest by so much; maximum likelihood on what came says 1.55
EDGES = (0.02, 0.995)  # nothing is surer than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Result):
    """Of the changes whose confidence lay in [low, high), how many lowered the loss of the month after."""

    low: float
    high: float
    said: float  # mean
    better: float  # share
    cases: int


CALIBRATION = (  # tests/evidence/decisions.py, simulated and fresh services, every start: 30 days and the 30 after
    Calibration(low=0.0, high=0.5, said=0.406, better=0.483, cases=149),
    Calibration(low=0.5, high=0.65, said=0.572, better=0.626, cases=243),
    Calibration(low=0.65, high=0.75, said=0.701, better=0.818, cases=154),
    Calibration(low=0.75, high=0.85, said=0.796, better=0.831, cases=136),
    Calibration(low=0.85, high=0.92, said=0.885, better=0.834, cases=114),
    Calibration(low=0.92, high=0.97, said=0.949, better=0.908, cases=141),
    Calibration(low=0.97, high=1.0, said=0.993, better=0.981, cases=687),
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
