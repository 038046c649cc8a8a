"""The point forecast: a discounted rate whose speed of forgetting is learned from the days themselves.

Old days say less than new ones; how much less differs from service to service, and changes after a shift of level.
So six speeds of forgetting foretell every day of the learning period from those before it, and each counts in the
forecast by how well it did. A steady service keeps all its days, one whose level moved yesterday forgets the rest.

Everything works on daily counts, oldest day first, along the last axis. Days without executions weigh nothing.

References
----------
West, Harrison: Bayesian Forecasting and Dynamic Models (1997), discount factors.
Raftery, Kárný, Ettler: Online prediction under model uncertainty via dynamic model averaging. Technometrics 52 (2010).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["DISCOUNTS", "expected_rates", "last_week", "speed_weights", "whole_period"]

Floats = NDArray[np.float64]

DISCOUNTS = (0.0, 0.03, 0.07, 0.15, 0.3, 0.5)  # share of what was known that a day takes away
START = 2.0  # executions that the whole period's rate counts for where the speeds are compared
PRIOR = 1.0  # violations that the whole period counts for in each forecast, yet never more than its executions
MOST_KNOWN, MOST_DAY = 60.0, 30.0  # executions a forecast and a day may count for: busy days must not decide alone
FIRST_DAY = 3  # days before the first that is foretold
WEEK = 7


def whole_period(above: Floats, n: Floats) -> Floats:
    """Rate of the whole period, half a violation added: (T, D) → (T,).

    >>> whole_period(np.array([[0.0, 1.0]]), np.array([1.0, 1.0])).tolist()
    [0.5]
    """
    return np.asarray((above.sum(axis=-1) + 0.5) / (n.sum() + 1))


def last_week(above: Floats, n: Floats) -> Floats:
    """Rate of the last seven days, half a violation added: (T, D) → (T,)."""
    return whole_period(above[..., -WEEK:], n[-WEEK:])


def expected_rates(above: Floats, n: Floats, tail: Floats) -> Floats:
    """Forecast of the violation rate: daily violations (T, D), executions (D,), tail counts (4, D) → (T,).

    Falls with the threshold, as every discounted rate does.
    """
    whole = whole_period(above, n)
    prior = np.minimum(PRIOR / whole, n.sum())  # executions
    age = np.arange(len(n))[::-1]
    weight = (1 - np.array(DISCOUNTS))[:, None] ** age  # (speeds, D)
    rates = (weight @ above.T + prior * whole) / ((weight @ n)[:, None] + prior)
    return np.asarray(speed_weights(tail, n) @ rates)


def speed_weights(tail: Floats, n: Floats) -> Floats:
    """How much each speed of forgetting counts, by how well it foretold the tail of each day: (4, D) → (speeds,).

    The score is that of a beta-binomial forecast of the day's counts, added up over days, the mean of the thresholds.
    """
    keep = 1 - np.array(DISCOUNTS)[:, None]
    whole = whole_period(tail, n)
    hits, known = np.zeros((len(keep), len(tail))), np.zeros((len(keep), 1))
    score = np.zeros(len(keep))
    for day, executions in enumerate(n):
        if day >= FIRST_DAY and executions:
            score += _log_score(hits + START * whole, known + START, tail[:, day], executions).mean(axis=-1)
        hits, known = keep * hits + tail[:, day], keep * known + executions
    return np.asarray(special.softmax(score))


def _log_score(a: Floats, total: Floats, hits: Floats, executions: float) -> Floats:
    """Log score of a day's counts, without what all speeds share: (speeds, T)."""
    scale = np.minimum(1, MOST_KNOWN / total)
    day = min(1.0, MOST_DAY / executions)
    a, b = a * scale, (total - a) * scale
    return np.asarray(special.betaln(a + hits * day, b + (executions - hits) * day) - special.betaln(a, b))
