"""Intervals of rates, quantiles and means that respect autocorrelation: the day-linearised Korn-Graubard method.

Two questions are never mixed. *What happened* in the period is known up to the bounds of buckets. *What level the
service has* is known up to an interval, whose estimand is the traffic-weighted average week.

References
----------
Korn, Graubard: Confidence intervals for proportions with small expected number of positive counts estimated from
survey data. Survey Methodology 24 (1998). Woodruff: Confidence intervals for medians and other position measures.
JASA 47 (1952).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from slaopt.analysis.days import bucket_middles
from slaopt.analysis.effective import Sample, effective_number, ends, linearised, sample_of, t_quantile
from slaopt.profile import Profile
from slaopt.result import Interval, Result
from slaopt.wording import count, seconds

__all__ = [
    "MeanEstimate",
    "QuantileEstimate",
    "RateEstimate",
    "mean_estimate",
    "quantile_estimate",
    "standard_deviation",
    "violation_rate",
    "violation_rates",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEstimate(Result):
    """Share of valid executions that took longer than `threshold` seconds: what happened, and what level it shows."""

    threshold: float
    rate: float  # violations / n: what happened
    interval: Interval | None  # of the level; None with the reason in `why`
    average_week: float  # the level: the rate of the traffic-weighted average week
    n: float  # valid executions
    violations: float  # middle of the two below
    violations_lower: float  # equal where the threshold was counted exactly
    violations_upper: float
    n_effective: float | None  # independent executions that would say as much
    design_effect: float | None  # n / n_effective
    worst_day_share: float | None  # share of the violations that fell on the worst day
    why: str | None = None  # there is no interval

    @property
    def exact(self) -> bool:
        """Whether violations were counted at this very threshold."""
        return self.violations_lower == self.violations_upper

    @property
    def counted(self) -> str:
        """Say how many violations there were, and between what figures where the threshold was not counted."""
        if self.exact:
            return f"{count(self.violations)} violations of {seconds(self.threshold)} in {count(self.n)} executions"
        return (
            f"between {count(self.violations_lower)} and {count(self.violations_upper)} violations in "
            f"{count(self.n)} executions: {seconds(self.threshold, 6)} was not counted exactly"
        )

    def probability_at_most(self, rate: float) -> float | None:
        """Give the probability that the level is at most `rate`, if the coming weeks are like these."""
        if self.n_effective is None:
            return None
        return float(special.betainc(*self._beta(), np.clip(rate, 0, 1)))

    def quantile(self, u: ArrayLike) -> Floats:
        """Give the quantiles `u` of what the level may be.

        Raises
        ------
        ValueError
            If there is no interval.
        """
        if self.n_effective is None:
            raise ValueError(f"the level of {self.threshold:g} s has no distribution: {self.why}")
        return np.asarray(special.betaincinv(*self._beta(), np.asarray(u, dtype=float)))

    def _beta(self) -> tuple[float, float]:
        effective = self.n_effective or 0.0
        return effective * self.average_week + 0.5, effective * (1 - self.average_week) + 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileEstimate(Result):
    """The q-th quantile of durations, seconds; `high` of the interval is infinite where the sample has no such end."""

    q: float
    value: float  # geometric middle of its bucket
    bucket_low: float  # the exact order statistic lies in (bucket_low, bucket_high]
    bucket_high: float
    interval: Interval | None
    why: str | None = None  # there is no interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate(Result):
    """Mean duration, seconds."""

    value: float
    interval: Interval | None
    why: str | None = None  # there is no interval


def violation_rates(
    profile: Profile, thresholds: Sequence[float], *, confidence_level: float = 0.95
) -> list[RateEstimate]:
    """Estimate the violation rate at each threshold, seconds.

    Where a threshold was not counted, the interval reaches from the low end of the lower count to the high end of the
    upper one.
    """
    sample = sample_of(profile)
    wanted = np.asarray(thresholds, dtype=float)
    if not len(wanted):
        return []
    lower, upper = sample.violations(wanted)
    if sample.why:
        return [_rate(sample, *counts, None, None) for counts in zip(wanted, lower, upper, strict=True)]
    effective = effective_number(sample, (lower + upper) / 2, confidence_level)
    low = ends(sample.average_week(lower), effective, confidence_level)[0]
    high = ends(sample.average_week(upper), effective, confidence_level)[1]
    intervals = [Interval(low=float(a), high=float(b), level=confidence_level) for a, b in zip(low, high, strict=True)]
    return [_rate(sample, *row) for row in zip(wanted, lower, upper, effective, intervals, strict=True)]


def _rate(
    sample: Sample, threshold: float, lower: Floats, upper: Floats, effective: float | None, interval: Interval | None
) -> RateEstimate:
    """Put together what is known of one threshold: daily counts (D,), effective number and interval."""
    middle = (lower + upper) / 2
    violations, n = float(middle.sum()), sample.total
    return RateEstimate(
        threshold=float(threshold),
        rate=violations / n if n else float("nan"),
        interval=interval,
        average_week=float(sample.average_week(middle[None])[0]),
        n=n,
        violations=violations,
        violations_lower=float(lower.sum()),
        violations_upper=float(upper.sum()),
        n_effective=None if effective is None else float(effective),
        design_effect=None if effective is None else n / float(effective),
        worst_day_share=float(middle.max() / violations) if violations > 0 else None,
        why=sample.why,
    )


def violation_rate(profile: Profile, threshold: float, *, confidence_level: float = 0.95) -> RateEstimate:
    """Estimate the violation rate at one threshold, seconds."""
    return violation_rates(profile, [threshold], confidence_level=confidence_level)[0]


def quantile_estimate(profile: Profile, q: float, *, confidence_level: float = 0.95) -> QuantileEstimate:
    """Estimate the q-th quantile of durations with Woodruff's interval: that of the rate above it, sent back."""
    low, high = profile.quantile_bounds(q)
    sample = sample_of(_durations_only(profile))
    why = sample.why or _constant(profile)
    interval = None if why else _woodruff(sample, q, confidence_level)
    return QuantileEstimate(
        q=q, value=profile.quantile(q), bucket_low=low, bucket_high=high, interval=interval, why=why
    )


def _woodruff(sample: Sample, q: float, confidence_level: float) -> Interval:
    bounds = sample.profile.bounds
    executions = sample.counts.sum(axis=0)
    cumulative = np.cumsum(executions)
    at = int(np.searchsorted(cumulative, q * cumulative[-1] * (1 - 1e-12)))
    shares = cumulative[[max(at - 1, 0), at]] / cumulative[-1]
    near = max(at - 1, 0) if abs(shares[0] - q) < abs(shares[1] - q) else at
    effective = effective_number(sample, sample.above[:, [near + 1]].T, confidence_level)[0]
    low, high = ends(np.array([1 - q]), np.array([effective]), confidence_level)
    weighted = np.cumsum(sample.weight @ sample.counts)
    levels = np.array([1 - high[0], 1 - low[0]]) * weighted[-1]
    first, last = np.searchsorted(weighted, levels * (1 - 1e-12))
    first, last = min(int(first), at), max(min(int(last), len(bounds) - 1), at)
    lowest = bounds[first - 1] if first > 0 else 0.0
    highest = bounds[last] if bounds[last] > 0 else bounds[min(last + 1, len(bounds) - 1)]
    highest = min(highest, np.nanmax(sample.profile.slot_sums.maxima))  # the last bucket may have no end
    # an end beyond the largest execution, or below the smallest, is not in the sample
    return Interval(
        low=float(lowest) if (1 - high[0]) * cumulative[-1] >= 1 else 0.0,
        high=float(highest) if low[0] * cumulative[-1] >= 1 else float("inf"),
        level=confidence_level,
    )


def _durations_only(profile: Profile) -> Profile:
    """Failures have no duration: quantiles and means are of executions, whatever rates count."""
    return replace(profile, failures_are_violations=False)


def _constant(profile: Profile) -> str | None:
    """Why the spread of durations cannot be estimated, if it cannot."""
    if not profile.executions.sum() > 0:
        return "no executions"
    smallest, largest = float(np.nanmin(profile.slot_sums.minima)), float(np.nanmax(profile.slot_sums.maxima))
    return f"every execution took {seconds(smallest)}" if smallest == largest else None


def standard_deviation(profile: Profile) -> float:
    """Give the standard deviation of durations, seconds, from the middles of their buckets around the exact mean.

    A bucket of scale 7 is 0.5 % wide, so its middle is off by 0.3 % at most.
    """
    totals = profile.bucket_totals
    n = totals.sum()
    if n < 2:
        return 0.0
    smallest, largest = float(np.nanmin(profile.slot_sums.minima)), float(np.nanmax(profile.slot_sums.maxima))
    if largest == 0:
        return 0.0
    relative = (
        np.clip(bucket_middles(profile.bounds), smallest, largest) / largest
    )  # squares of large durations must not overflow
    mean = profile.slot_sums.sums.sum() / n / largest
    return float(largest * np.sqrt((totals * (relative - mean) ** 2).sum() / (n - 1)))


def mean_estimate(profile: Profile, *, confidence_level: float = 0.95) -> MeanEstimate:
    """Estimate the mean duration; the interval is symmetric in the logarithm."""
    total = float(profile.executions.sum())
    value = float(profile.slot_sums.sums.sum()) / total if total else float("nan")
    sample = sample_of(_durations_only(profile))
    why = sample.why or _constant(profile)
    if why:
        return MeanEstimate(value=value, interval=None, why=why)
    level, variance, degrees = linearised(sample, sample.daily(profile.slot_sums.sums)[None])
    variance = np.maximum(variance, standard_deviation(profile) ** 2 / total)
    reach = t_quantile(degrees, confidence_level) * np.sqrt(variance) / level
    low, high = (level * np.exp(-reach))[0], (level * np.exp(reach))[0]
    return MeanEstimate(
        value=value, interval=Interval(low=float(min(low, value)), high=float(max(high, value)), level=confidence_level)
    )
