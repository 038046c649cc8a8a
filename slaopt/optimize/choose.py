"""The choice: the least loss among the thresholds that keep the objective likely enough, but no looser than needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slaopt.result import Result

__all__ = ["ENOUGH", "LIKELY", "Choice", "choose"]

Floats = NDArray[np.float64]

LIKELY = 0.8  # a threshold that keeps the objective with less than this probability is not chosen …
ENOUGH = 0.9  # … and none that is looser than this probability needs
TIE = 1e-9  # pages a month


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Result):
    """The place of the chosen threshold; `reached` tells whether any candidate keeps the objective likely enough."""

    index: int
    reached: bool


def choose(thresholds: Floats, losses: Floats, achievability: Floats, *, current: float | None) -> Choice:
    """Choose among candidates of increasing threshold; all arrays (candidates,).

    Least loss from the tightest with achievability ≥ 0.8 to the tightest with ≥ 0.9; without one at 0.8 the loosest.
    Of equal losses the smaller change wins, else the tighter.
    """
    likely = np.flatnonzero(achievability >= LIKELY)
    if not len(likely):
        return Choice(index=len(thresholds) - 1, reached=False)
    enough = np.flatnonzero(achievability >= ENOUGH)
    allowed = np.arange(likely[0], (enough[0] if len(enough) else len(thresholds) - 1) + 1)
    best = allowed[losses[allowed] <= losses[allowed].min() + TIE]
    change = np.abs(np.log(thresholds[best] / current)) if current else np.zeros(len(best))
    return Choice(index=int(best[np.argmin(change)]), reached=True)
