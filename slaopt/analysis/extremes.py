"""How high the greatest value of a day rises: Gumbel's distribution, fitted by L-moments.

References
----------
Hosking: L-moments: analysis and estimation of distributions using linear combinations of order statistics. Journal of
the Royal Statistical Society B 52 (1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.result import Result

__all__ = ["Gumbel", "fit_gumbel", "greatest_of_days"]

Floats = NDArray[np.float64]
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gumbel(Result):
    """P(greatest of a day ≤ x) = exp(−exp(−(x − location) / scale))."""

    location: float
    scale: float

    def once_in(self, days: float) -> float:
        """Give the value that is passed on one day in so many."""
        return self.location - self.scale * float(np.log(-np.log1p(-1 / days)))

    def exceeded(self, value: float) -> float:
        """Give the probability that a day passes the value."""
        if self.scale == 0:
            return float(value < self.location)
        return float(-np.expm1(-np.exp(-(value - self.location) / self.scale)))


def fit_gumbel(maxima: Floats) -> Gumbel:
    """Fit to the greatest values of some days, (days,) with at least two, from the first two L-moments.

    >>> fitted = fit_gumbel(np.array([1.0, 2.0, 3.0]))
    >>> round(fitted.location, 3), round(fitted.scale, 3)
    (1.445, 0.962)
    """
    ordered = np.sort(np.asarray(maxima, dtype=float))
    n = len(ordered)
    half = float(np.mean(np.arange(n) / (n - 1) * ordered))
    second = max(2 * half - float(ordered.mean()), 0.0)  # half the mean difference of two days
    scale = second / np.log(2)
    return Gumbel(location=float(ordered.mean() - np.euler_gamma * scale), scale=float(scale))


def greatest_of_days(values: Floats, executed: Floats, step: timedelta) -> Floats:
    """Give the greatest value of each 24 hours, counted from the end, in which something ran: (slots,) → (days,)."""
    per_day = DAY // step
    days = len(values) // per_day
    first = len(values) - days * per_day
    ran = executed[first:].reshape(days, per_day).sum(axis=1) > 0
    return np.asarray(values[first:].reshape(days, per_day).max(axis=1)[ran])
