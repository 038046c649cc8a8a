"""Effects on one scale: how many standard errors they are from none, where degrees of freedom are few too."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy import special

if TYPE_CHECKING:
    from slaopt.experiment.found import Effect

__all__ = ["normal_score", "score_of"]

FARTHEST = 37.0  # beyond it a normal tail is smaller than what a double can hold


def normal_score(effect: Effect) -> float | None:
    """Give the difference in standard errors, as the normal score of the same tail; None without an estimate."""
    if effect.interval is None or not effect.standard_error > 0 or not math.isfinite(effect.difference):
        return None
    return score_of(effect.difference / effect.standard_error, effect.degrees)


def score_of(t: float, degrees: float | None) -> float:
    """Give the normal score whose tail is as likely as that of Student's `t`.

    >>> round(score_of(2.306, 8), 3), score_of(2.0, None)
    (1.96, 2.0)
    """
    if degrees is None or t == 0:
        return t
    tail = float(special.stdtr(degrees, -abs(t)))
    score = min(-float(special.ndtri(tail)), FARTHEST) if tail > 0 else FARTHEST
    return math.copysign(score, t)
