"""The difference of two violation rates where each execution was assigned by itself, from four counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from slaopt.result import Interval

__all__ = ["difference_ends", "difference_error", "rate_difference", "share_interval"]

Floats = NDArray[np.float64]

ENOUGH = 200  # violations, and others, in each arm: with fewer the plain error is too small where a rate is, by chance
HALVINGS = 45


def rate_difference(
    x_control: float, n_control: float, x_test: float, n_test: float, *, confidence_level: float = 0.95
) -> Interval:
    """Give the interval of rate(test) - rate(control) by Miettinen and Nurminen (Statistics in Medicine, 1985).

    It inverts a score test, so it has a width even where nothing, or everything, is a violation.

    Parameters
    ----------
    x_control, x_test
        Violations.
    n_control, n_test
        Executions, at least one in each arm.

    >>> interval = rate_difference(48, 80, 56, 70)  # Newcombe, Statistics in Medicine 1998, Table II, column (a)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0528, 0.3382)
    """
    low, high = difference_ends(x_control, n_control, x_test, n_test, confidence_level=confidence_level)
    return Interval(low=float(low), high=float(high), level=confidence_level)


def difference_ends(
    x_control: ArrayLike, n_control: ArrayLike, x_test: ArrayLike, n_test: ArrayLike, *, confidence_level: float
) -> tuple[Floats, Floats]:
    """Give both ends of the interval of many pairs of arms at once; all counts broadcast to one shape."""
    counts = np.broadcast_arrays(*(np.asarray(c, dtype=float) for c in (x_control, n_control, x_test, n_test)))
    x_c, n_c, x_t, n_t = counts
    found = x_t / n_t - x_c / n_c
    reach = special.ndtri((1 + confidence_level) / 2)
    side = np.array([-1.0, 1.0]).reshape(2, *[1] * found.ndim)
    inside, outside = np.broadcast_to(found, (2, *found.shape)), np.broadcast_to(side, (2, *found.shape))
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        near = np.abs(_score(middle, found, x_c, n_c, x_t, n_t)) < reach
        inside, outside = np.where(near, middle, inside), np.where(near, outside, middle)
    low, high = np.clip((inside + outside) / 2, -1.0, 1.0)
    return low, high


def _score(difference: Floats, found: Floats, x_c: Floats, n_c: Floats, x_t: Floats, n_t: Floats) -> Floats:
    """Distance of what was found from a difference, in errors that hold if it is the true one."""
    n = n_c + n_t
    control = _most_likely(difference, x_c, n_c, x_t, n_t)
    test = np.clip(control + difference, 0.0, 1.0)
    variance = (control * (1 - control) / n_c + test * (1 - test) / n_t) * n / np.maximum(n - 1, 1)
    gap = found - difference
    far = np.where(gap == 0, 0.0, np.copysign(np.inf, gap))
    return np.divide(gap, np.sqrt(variance), out=far, where=variance > 0)


def _most_likely(difference: Floats, x_c: Floats, n_c: Floats, x_t: Floats, n_t: Floats) -> Floats:
    """Most likely control rate under a difference: the root of a cubic in closed form (the paper's appendix)."""
    n, x = n_c + n_t, x_c + x_t
    square = ((n_t + 2 * n_c) * difference - n - x) / (3 * n)
    line = ((n_c * difference - n - 2 * x_c) * difference + x) / (3 * n)
    rest = x_c * difference * (1 - difference) / n
    q = square**3 - 1.5 * square * line + rest / 2
    p = np.copysign(np.sqrt(np.maximum(square**2 - line, 0.0)), q)
    cosine = np.divide(q, p**3, out=np.ones_like(q), where=p != 0)
    angle = (np.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3
    return np.asarray(
        np.clip(2 * p * np.cos(angle) - square, np.maximum(0.0, -difference), np.minimum(1.0, 1 - difference))
    )


def difference_error(x_control: float, n_control: float, x_test: float, n_test: float) -> float:
    """Give the standard error of the difference; NaN where nobody, or everybody, violates in both arms.

    Where an arm has few violations it is that under one common rate, if greater: the error of an arm without any would
    be 0, and that of a small arm is the smaller the fewer it happens to have, so that a test of it finds too often that
    it is better than a large one.
    """
    control, test = x_control / n_control, x_test / n_test
    pooled = (x_control + x_test) / (n_control + n_test)
    if pooled in (0.0, 1.0):
        return float("nan")
    apart = control * (1 - control) / n_control + test * (1 - test) / n_test
    if min(x_control, x_test, n_control - x_control, n_test - x_test) >= ENOUGH:
        return float(np.sqrt(apart))
    return float(np.sqrt(max(apart, pooled * (1 - pooled) * (1 / n_control + 1 / n_test))))


def share_interval(share: float, n: float, *, confidence_level: float, reach: float | None = None) -> Interval:
    """Give Wilson's interval (JASA, 1927) of one share among `n` independent executions, or as many as they are worth.

    `reach` is the quantile that bounds it, if another than the normal one.
    """
    z2 = (float(special.ndtri((1 + confidence_level) / 2)) if reach is None else reach) ** 2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Interval(low=float(max(middle - half, 0.0)), high=float(min(middle + half, 1.0)), level=confidence_level)
