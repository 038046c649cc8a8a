"""How sure a change is: the probability that it lowers the loss of the coming month, as it turned out before."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["ASKED", "chance_of_gain", "own_spread"]

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
