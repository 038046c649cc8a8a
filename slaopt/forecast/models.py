"""Point forecasts of the violation rate from daily counts: a shrunk exponential mean, an averaged discount, a level.

Every function takes daily counts, oldest day first, and works along the last axis, so that one call serves many
thresholds at once. Days without executions weigh nothing.

References
----------
Gardner: Exponential smoothing, the state of the art, part II. International Journal of Forecasting 22 (2006).
West, Harrison: Bayesian Forecasting and Dynamic Models (1997): discount factors.
Raftery, Kárný, Ettler: Online prediction under model uncertainty via dynamic model averaging. Technometrics 52 (2010).
Page: Continuous inspection schemes. Biometrika 41 (1954).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["after_change", "averaged_discount", "change_day", "shrunk_mean", "whole_period"]

Floats = NDArray[np.float64]

DECAY = 0.8  # a day's weight against the next one's: half of all weight lies on the last three days
PRIOR_VIOLATIONS = 10.0  # as which the whole period counts beside the recent days
DISCOUNTS = (0.0, 0.03, 0.07, 0.15, 0.3, 0.5)  # of what was known, each day
START = 2.0  # executions that the whole period's rate counts before the first day
MOST_KNOWN, MOST_DAY = 60.0, 30.0  # executions a forecast and a day may count for: busy days must not decide alone
FIRST_DAY = 3  # days before the first that is predicted
CHANGE = 5.0  # standard errors that two levels lie apart
LEAST_DAYS = 3  # on either side of a change
AFTER_PRIOR = 5.0  # violations as which the whole period counts beside the days after a change


def whole_period(above: Floats, n: Floats) -> Floats:
    """Rate of the whole period, half a violation added: (..., D) counts → (...,)."""
    return np.asarray((above.sum(axis=-1) + 0.5) / (n.sum(axis=-1) + 1))


def shrunk_mean(above: Floats, n: Floats) -> Floats:
    """Exponentially weighted rate, drawn to that of the whole period: (..., D) → (...,).

    The period counts as ten violations, yet never as more executions than it had.
    """
    whole = whole_period(above, n)
    weight = DECAY ** np.arange(n.shape[-1])[::-1]
    known = (weight * n).sum(axis=-1)
    effective = known**2 / np.maximum((weight**2 * n).sum(axis=-1), 1e-300)
    recent = np.divide((weight * above).sum(axis=-1), known, out=whole.copy(), where=known > 0)
    return _drawn(recent, effective, whole, PRIOR_VIOLATIONS, n.sum(axis=-1))


def _drawn(rate: Floats, executions: Floats, whole: Floats, violations: float, most: Floats) -> Floats:
    prior = np.minimum(violations / whole, most)
    return np.asarray((executions * rate + prior * whole) / (executions + prior))


def averaged_discount(above: Floats, n: Floats) -> Floats:
    """Mean of discounted rates, each weighted by how well it foretold every day: (T, D) → (T,).

    The weights are shared by the thresholds.
    """
    whole = whole_period(above, n)
    forecasts, scores = [], []
    for discount in DISCOUNTS:
        hits, known = _discounted(above, 1 - discount), _discounted(n, 1 - discount)
        a = hits[..., :-1] + START * whole[..., None]
        total = known[..., :-1] + START
        scores.append(_log_score(a, total, above, n))
        forecasts.append((hits[..., -1] + START * whole) / (known[..., -1] + START))
    weight = special.softmax(np.array(scores), axis=0)
    return np.asarray((weight[..., None] * np.array(forecasts)).sum(axis=0))


def _discounted(values: Floats, keep: float) -> Floats:
    """Sums before each day and after the last, each day's discounted by the days since: (..., D) → (..., D + 1)."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    for day in range(values.shape[-1]):
        sums[..., day + 1] = keep * sums[..., day] + values[..., day]
    return sums


def _log_score(a: Floats, total: Floats, above: Floats, n: Floats) -> Floats:
    """Beta-binomial log score of all days, the mean of the thresholds: (..., T, D) → (...,)."""
    scale = np.minimum(1, MOST_KNOWN / total)
    day = np.minimum(1, MOST_DAY / np.maximum(n, 1))
    a, b = a * scale, (total - a) * scale
    hits, misses = above * day, (n - above) * day
    score = special.betaln(a + hits, b + misses) - special.betaln(a, b)
    return np.asarray(score[..., FIRST_DAY:].sum(axis=-1).mean(axis=-1))


def change_day(levels: Floats) -> int:
    """First day of the level that holds at the end; 0 where it holds all along.

    Parameters
    ----------
    levels : (D,)
        Daily medians of log durations, NaN on days without executions.
    """
    ran = np.flatnonzero(np.isfinite(levels))
    first = 0
    while (found := _split(levels[ran[first:]])) is not None:
        first += found
    return int(ran[first]) if first else 0


def _split(levels: Floats) -> int | None:
    """Where two levels lie furthest apart, in standard errors, if far enough."""
    n = len(levels)
    if n < 2 * LEAST_DAYS:
        return None
    steps = np.diff(levels)
    noise = 1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2)
    at = np.arange(LEAST_DAYS, n - LEAST_DAYS + 1)
    sums = np.cumsum(levels)
    left = sums[at - 1] / at
    right = (sums[-1] - sums[at - 1]) / (n - at)
    apart = np.abs(left - right) * np.sqrt(at * (n - at) / n)
    best = int(np.argmax(apart))
    return int(at[best]) if apart[best] > CHANGE * max(float(noise), 1e-9) else None


def after_change(above: Floats, n: Floats, first: int) -> Floats:
    """Rate since a change, drawn to that of the whole period; of the whole period without one: (T, D) → (T,)."""
    whole = whole_period(above, n)
    if not first:
        return whole
    after = n[..., first:].sum(axis=-1)
    rate = above[..., first:].sum(axis=-1) / max(float(after), 1e-300)
    return _drawn(np.asarray(rate), after, whole, AFTER_PRIOR, n.sum(axis=-1))
