"""Quantiles of durations with intervals that know of dependence, and how they differ between arms.

A quantile is bounded by order statistics whose ranks follow from the share of executions above it. That share varies as
that of fewer, independent executions would: how many, the batches of a sequence or the units of an arm tell.

References
----------
Meketon and Schmeiser, Overlapping batch means, Winter Simulation Conference 1984; Heidelberger and Lewis, Quantile
estimation in dependent sequences, Operations Research 1984; Hutson, Calculating nonparametric confidence intervals for
quantiles using fractional order statistics, Journal of Applied Statistics 1999.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from slaopt.experiment.clusters import arm_ratio, intraclass_correlation
from slaopt.result import Interval, Result
from slaopt.wording import count, number

__all__ = ["ENOUGH_ABOVE", "QuantileInterval", "quantile_interval", "ranks"]

Floats = NDArray[np.float64]

ENOUGH_ABOVE = 10.0  # effective executions above a quantile; with fewer its interval is a guess


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileInterval(Result):
    """A quantile, in the values' own unit; `high` of the interval is infinite where the sample has no such end."""

    q: float
    value: float
    interval: Interval
    n: int
    n_effective: float  # independent values that would say as much
    warning: str | None = None


def quantile_interval(
    values: ArrayLike, q: float, *, confidence_level: float = 0.95, groups: ArrayLike | None = None
) -> QuantileInterval:
    """Give the q-th quantile of values in the order of time, or of groups whose members are alike.

    Parameters
    ----------
    values : (n,)
        In the order of time where no groups are given.
    q
        0–1, both excluded.
    groups : (n,), optional
        Unit of each value; the values of different units are independent.

    Raises
    ------
    ValueError
        If there are fewer than two values, one that is not finite, or fewer than two groups.
    """
    x = np.asarray(values, dtype=float)
    if len(x) < 2 or not np.isfinite(x).all():
        raise ValueError("a quantile's interval needs two values at least, all of them finite")
    if not 0 < q < 1:
        raise ValueError(f"q is {q:g}: give a share between 0 and 1")
    n = len(x)
    ordered = np.sort(x)
    value = float(ordered[math.ceil(n * q) - 1])
    below = (x <= value).astype(float)
    variance, degrees = _of_batches(below) if groups is None else _of_groups(below, np.asarray(groups))
    spread = q * (1 - q)
    effective = n * min(1.0, spread / variance) if variance > 0 else float(n)
    low, high = ranks(n, q, effective, confidence_level=_widened(confidence_level, degrees))
    identified = high <= n
    ends = [_at_rank(ordered, rank) for rank in (max(low, 1.0), min(high, float(n)))]
    return QuantileInterval(
        q=q,
        value=value,
        interval=Interval(low=ends[0], high=ends[1] if identified else math.inf, level=confidence_level),
        n=n,
        n_effective=effective,
        warning=_warning(effective, q, identified=identified),
    )


def ranks(n: float, q: float, effective: float, *, confidence_level: float) -> tuple[float, float]:
    """Give the fractional ranks that bound the q-th quantile of n values worth `effective` independent ones."""
    tail = (1 - confidence_level) / 2
    a, b = (effective + 1) * q, (effective + 1) * (1 - q)
    return float((n + 1) * special.betaincinv(a, b, tail)), float((n + 1) * special.betaincinv(a, b, 1 - tail))


def _widened(confidence_level: float, degrees: float) -> float:
    """The level at which a normal interval is as wide as Student's at the given one."""
    reach = special.stdtrit(max(degrees, 1.0), (1 + confidence_level) / 2)
    return float(2 * special.ndtr(reach) - 1)


def _of_batches(below: Floats) -> tuple[float, float]:
    """Long-run variance of a sequence by overlapping batch means, and its degrees of freedom."""
    n = len(below)
    size = min(max(round(math.sqrt(n)), 1), n // 2)
    sums = np.concatenate([[0.0], np.cumsum(below - below.mean())])
    means = (sums[size:] - sums[:-size]) / size
    variance = n * size / ((n - size) * (n - size + 1)) * float((means**2).sum())
    return variance, n / size - 1


def _of_groups(below: Floats, groups: NDArray[np.generic]) -> tuple[float, float]:
    """Variance of the share from its variation between groups, times n, and its degrees of freedom."""
    _, member = np.unique(groups, return_inverse=True)
    size = np.bincount(member).astype(float)
    if len(size) < 2:
        raise ValueError("values of one group do not show how much groups differ: give two groups at least")
    inside = np.bincount(member, weights=below).astype(float)
    found = arm_ratio(inside, size, correlation=intraclass_correlation([(inside, inside, size)]))
    return found.variance * len(below), found.degrees


def _at_rank(ordered: Floats, rank: float) -> float:
    """Value at a fractional rank, log-linear between positive neighbours."""
    left = min(int(rank), len(ordered) - 1)
    low, high, part = float(ordered[left - 1]), float(ordered[left]), rank - left
    if low > 0:
        return float(low * (high / low) ** part)
    return low + part * (high - low)


def _warning(effective: float, q: float, *, identified: bool) -> str | None:
    above = effective * (1 - q)
    if not identified:
        return f"The upper bound is not identified: {count(effective)} effective values hold {number(above)} above it."
    if above < ENOUGH_ABOVE:
        return f"Only {number(above)} effective values are above the quantile; its interval needs {ENOUGH_ABOVE:.0f}."
    return None
