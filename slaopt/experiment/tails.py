"""How a quantile of the durations differs between arms, from counts of buckets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.behaviour import reach_of, too_few, unknown
from slaopt.experiment.clusters import arm_ratio, intraclass_correlation
from slaopt.experiment.design import Metric
from slaopt.experiment.found import Effect
from slaopt.experiment.observed import ArmUnits
from slaopt.experiment.quantiles import ENOUGH_ABOVE, ranks
from slaopt.result import Interval
from slaopt.wording import number

__all__ = ["QUANTILES", "quantile_effect"]

Floats = NDArray[np.float64]

QUANTILES: dict[Metric, float] = {"p95": 0.95, "p99": 0.99}
LEVEL = 0.95  # of the ranks that give a standard error: its normal width is 2 × 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tail:
    """A quantile of one arm, seconds, and the standard error of its logarithm; NaN with the reason in `why`."""

    value: float
    error: float = math.nan
    degrees: float = math.inf
    design_effect: float = 1.0
    why: str | None = None


def quantile_effect(
    control: ArmUnits, test: ArmUnits, *, metric: Metric, q: float | None = None, confidence_level: float = 0.95
) -> Effect:
    """Compare the q-th quantile of both arms, as a difference of logarithms.

    Where units have many executions, the share above the quantile varies as between units. Where each execution was
    assigned by itself it is binomial: both arms ran in the same hours, so that what these do to durations is no part of
    the arms' difference. `q` asks for another quantile than the metric's.
    """
    q = QUANTILES[metric] if q is None else q
    tails = [_tail(arm, q, name) for name, arm in (("control", control), ("test", test))]
    why = too_few(control, test) or tails[0].why or tails[1].why
    if why is not None:
        return unknown(metric, tails[0].value, tails[1].value, why)
    squares = [tail.error**2 for tail in tails]
    error = math.sqrt(sum(squares))
    if not error > 0:
        return unknown(metric, tails[0].value, tails[1].value, "The durations around the quantile do not vary.")
    degrees = None
    if not control.each_row:
        shares = sum(square**2 / tail.degrees for square, tail in zip(squares, tails, strict=True))
        degrees = sum(squares) ** 2 / shares
    difference = math.log(tails[1].value) - math.log(tails[0].value)
    half = reach_of(degrees, confidence_level) * error
    low, high = difference - half, difference + half
    return Effect(
        metric=metric,
        control=tails[0].value,
        test=tails[1].value,
        difference=difference,
        standard_error=error,
        degrees=degrees,
        interval=Interval(low=low, high=high, level=confidence_level),
        ratio=math.exp(difference),
        ratio_interval=Interval(low=math.exp(low), high=math.exp(min(high, 700.0)), level=confidence_level),
        design_effect=None if control.each_row else max(tail.design_effect for tail in tails),
    )


def _tail(arm: ArmUnits, q: float, name: str) -> _Tail:
    totals = np.bincount(arm.counts.indices, weights=arm.counts.data, minlength=arm.counts.shape[1]).astype(float)
    n = float(totals.sum())
    if n == 0:
        return _Tail(value=math.nan, why=f"The durations of the {name} arm were not counted by buckets.")
    cumulative = np.cumsum(totals)
    value = _at_rank(arm.bounds, totals, cumulative, q * n + 0.5)
    effective, degrees, design_effect = _worth(arm, q, n, cumulative)
    if not effective > 0:
        return _Tail(value=value, why=f"The {name} arm has one unit: by how much units differ cannot be seen.")
    low, high = ranks(n, q, effective, confidence_level=LEVEL)
    above = effective * (1 - q)
    if high > n or above < ENOUGH_ABOVE:
        bound = "so that its upper bound is not identified" if high > n else f"and {ENOUGH_ABOVE:.0f} are needed"
        few = f"{number(above)} effective executions above it, {bound}"
        return _Tail(value=value, why=f"The {100 * q:g}th percentile of the {name} arm has {few}.")
    ends = [_at_rank(arm.bounds, totals, cumulative, rank) for rank in (low, high)]
    if not min(ends[0], value) > 0:
        return _Tail(value=value, why=f"The {100 * q:g}th percentile of the {name} arm is 0 s.")
    error = math.log(ends[1] / ends[0]) / (2 * float(special.ndtri((1 + LEVEL) / 2)))
    return _Tail(value=value, error=error, degrees=degrees, design_effect=design_effect)


def _worth(arm: ArmUnits, q: float, n: float, cumulative: Floats) -> tuple[float, float, float]:
    """Independent executions that would say as much of the quantile; degrees of freedom; design effect."""
    if arm.each_row:
        return n, math.inf, 1.0
    cut = int(np.abs(cumulative / n - q).argmin())  # the bound whose share below is next to q
    share = float(cumulative[cut]) / n
    row = np.repeat(np.arange(arm.counts.shape[0]), np.diff(arm.counts.indptr))
    some = arm.counts.indices <= cut
    below = np.bincount(row[some], weights=arm.counts.data[some], minlength=arm.counts.shape[0]).astype(float)
    counted = np.bincount(row, weights=arm.counts.data, minlength=arm.counts.shape[0]).astype(float)
    if (counted > 0).sum() < 2:
        return 0.0, 1.0, math.nan
    found = arm_ratio(below, counted, correlation=intraclass_correlation([(below, below, counted)]))
    plain = share * (1 - share) / n
    design_effect = found.variance / plain if plain > 0 else 1.0
    return n / max(design_effect, 1.0), found.degrees, design_effect


def _at_rank(bounds: Floats, totals: Floats, cumulative: Floats, rank: float) -> float:
    """Duration at a rank from 1 to n, log-linear within its bucket."""
    n = float(cumulative[-1])
    place = min(max(rank, 1.0), n) - 0.5  # the k-th execution stands for the span from k - 1 to k
    at = min(int(np.searchsorted(cumulative, place, side="left")), len(bounds) - 1)
    part = (place - float(cumulative[at] - totals[at])) / float(totals[at])
    high = float(bounds[at])
    low = float(bounds[at - 1]) if at else high
    return high if low <= 0 else low * (high / low) ** min(max(part, 0.0), 1.0)
