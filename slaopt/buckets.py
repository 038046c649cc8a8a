"""Buckets of duration: exponential ones, and the bounds at which counts are exact.

Exponential buckets are those of OpenTelemetry and of Prometheus native histograms: `base = 2 ** (2 ** -scale)`, upper
bounds inclusive. Candidates for a threshold are round numbers, so they are known before any measurement is read and are
counted exactly beside the exponential buckets.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "DIVISORS",
    "bucket_bounds",
    "counted_bounds",
    "exponential_bound",
    "exponential_index",
    "refined_bounds",
    "round_thresholds",
]

Floats = NDArray[np.float64]

ROUND_NUMBERS = (1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 2.8, 3.2, 3.6, 4, 4.5, 5, 5.6, 6.3, 7, 8, 9)
DIVISORS = (1.0, 1.5, 2.0, 4.0)  # an execution slowed by k violates c where it violated c / k before
SHORTEST, LONGEST = 1e-6, 1e10  # seconds; what lies outside is counted, but at no candidate
SAME = 1e-9  # relative distance below which two bounds are one


def round_thresholds(low: float, high: float) -> Floats:
    """List the round numbers, 20 a decade, from `low` to `high` seconds, both included.

    >>> round_thresholds(0.9, 1.3).tolist()
    [0.9, 1.0, 1.1, 1.25]
    """
    if not 0 < low <= high:
        return np.empty(0)
    decades = range(int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 1)
    grid = np.array([float(f"{number}e{decade}") for decade in decades for number in ROUND_NUMBERS])
    return grid[(grid >= low * (1 - SAME)) & (grid <= high * (1 + SAME))]


def counted_bounds(low: float = SHORTEST, high: float = LONGEST, *, thresholds: Iterable[float] = ()) -> Floats:
    """List the bounds at which counts are exact: round thresholds, those given, and each over 1.5, 2 and 4.

    Parameters
    ----------
    low, high
        Range in seconds of the bounds that are of use; those given are kept wherever they lie.
    thresholds
        Further thresholds, seconds.
    """
    return _counted_bounds(low, high, tuple(t for t in thresholds if t > 0))


@lru_cache(maxsize=256)
def _counted_bounds(low: float, high: float, thresholds: tuple[float, ...]) -> Floats:
    given = np.array(thresholds, dtype=float)
    wanted = np.concatenate([round_thresholds(low, high * DIVISORS[-1]), given])
    bounds = np.unique(_significant(np.concatenate([wanted / divisor for divisor in DIVISORS])))
    kept = (bounds >= low) & (bounds <= high)
    extra = np.concatenate([given / divisor for divisor in DIVISORS])
    counted = np.unique(np.concatenate([bounds[kept], _significant(extra)]))
    counted.setflags(write=False)  # many share it
    return counted


def _significant(values: Floats, digits: int = 12) -> Floats:
    """Round to significant digits, so that 0.9 / 1.5 and 1.2 / 2 are one bound."""
    return np.array([float(f"{value:.{digits}g}") for value in values], dtype=float)


def exponential_index(values: ArrayLike, *, scale: int = 7) -> NDArray[np.int64]:
    """Give the index i of the bucket (base**(i-1), base**i] that holds each positive value."""
    index = np.ceil(np.log2(np.asarray(values, dtype=float)) * 2.0**scale - SAME)
    return np.asarray(index, dtype=np.int64)


def exponential_bound(index: ArrayLike, *, scale: int = 7) -> Floats:
    """Give the upper bound base**index, seconds, of each bucket."""
    return np.asarray(np.exp2(np.asarray(index, dtype=float) / 2.0**scale), dtype=float)


def refined_bounds(
    fine: NDArray[np.int64], coarse: NDArray[np.int64], counted: Floats, *, scale: int = 7
) -> tuple[Floats, Floats]:
    """Give lower and upper bound of the cells (exponential bucket `fine` ∩ counted bucket `coarse`).

    Parameters
    ----------
    fine : (cells,)
        Exponential index of each cell.
    coarse : (cells,)
        Number of counted bounds that lie below the cell's durations: 0 to len(counted).
    counted : (bounds,)
        Counted bounds, increasing, seconds.
    """
    below = np.concatenate([[0.0], counted])[coarse]
    above = np.concatenate([counted, [np.inf]])[coarse]
    # the logarithm may err at a bound, the comparison with a counted bound does not: the comparison wins
    fine = np.where(exponential_bound(fine, scale=scale) <= below, fine + 1, fine)
    fine = np.where(exponential_bound(fine - 1, scale=scale) >= above, fine - 1, fine)
    low = np.maximum(exponential_bound(fine - 1, scale=scale), below)
    return low, np.minimum(exponential_bound(fine, scale=scale), above)


def bucket_bounds(values: Floats, counted: Floats, scale: int | None) -> tuple[Floats, Floats]:
    """Give lower and upper bound of the cell that each duration falls into."""
    zero = values == 0
    safe = np.where(zero, 1.0, values)
    coarse = np.searchsorted(counted, safe, side="left")
    if scale is None:
        # what lies outside the counted range still needs finite ends
        low = np.concatenate([[0.0], counted])[coarse]
        high = np.concatenate([counted, [np.finfo(float).max]])[coarse]
    else:
        low, high = refined_bounds(exponential_index(safe, scale=scale), coarse, counted, scale=scale)
    return np.where(zero, 0.0, low), np.where(zero, 0.0, high)
