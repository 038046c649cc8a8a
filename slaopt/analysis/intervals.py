"""Intervals of rates, quantiles and means that respect autocorrelation: the day-linearised Korn-Graubard method.

Two questions are never mixed. *What happened* in the period is known up to the bounds of buckets. *What level the
service has* is known up to an interval. Its estimand is the traffic-weighted average week; its unit of variation is the
day, since executions of one hour share their hour's level and a million of them say little more than one.

References
----------
Korn, Graubard: Confidence intervals for proportions with small expected number of positive counts estimated from
survey data. Survey Methodology 24 (1998). Woodruff: Confidence intervals for medians and other position measures.
JASA 47 (1952).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from slaopt.analysis.days import bucket_middles, days_of, pooled
from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Interval, Result
from slaopt.wording import count, seconds

__all__ = [
    "FEWEST_COUNT",
    "FEWEST_DAYS",
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

FEWEST_DAYS = 7  # with fewer, days vary for reasons that the period has not shown
FEWEST_COUNT = 10  # violations from which their own variation between days says something
WEEKEND = (5, 6)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Daily sums of a Profile; only days on which something ran, D of them."""

    profile: Profile
    day: NDArray[np.int64]  # (slots,) index among these days, -1 elsewhere
    counts: Floats = field(repr=False)  # (D, buckets) executions
    above: Floats = field(repr=False)  # (D, buckets + 1) violations of a threshold on bounds[i - 1]; all at 0
    n: Floats  # (D,) valid executions
    weight: Floats  # (D,) makes every weekday count alike
    group: NDArray[np.bool_]  # (D,) weekend

    @property
    def days(self) -> int:
        return len(self.n)

    @property
    def groups(self) -> int:
        return len(set(self.group.tolist()))

    @property
    def total(self) -> float:
        return float(self.n.sum())

    @property
    def why(self) -> str | None:
        """Why there can be no interval."""
        if self.days >= FEWEST_DAYS:
            return None
        return f"only {self.days} days with executions; an interval needs {FEWEST_DAYS}"

    def daily(self, values: Floats) -> Floats:
        """Sum over each day: (slots,) → (D,)."""
        inside = self.day >= 0
        return np.bincount(self.day[inside], weights=values[inside], minlength=self.days).astype(float)


def _sample(profile: Profile) -> _Sample:
    days = days_of(profile)
    ran = np.flatnonzero(days.total(profile.valid) > 0)
    index = np.full(len(days.dates), -1)
    index[ran] = np.arange(len(ran))
    day = index[days.slot_day]
    weekday = days.weekday[ran]
    counts = pooled(profile, day, len(ran))
    failures = profile.slot_sums.failures if profile.failures_are_violations else np.zeros(profile.slots)
    failed = np.bincount(day[day >= 0], weights=failures[day >= 0], minlength=len(ran))
    above = np.zeros((len(ran), counts.shape[1] + 1))
    above[:, :-1] = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    above += failed[:, None]
    per_weekday = np.bincount(weekday, minlength=7)
    weight = np.clip(len(ran) / max(int((per_weekday > 0).sum()), 1) / np.maximum(per_weekday, 1), 0.5, 2)
    return _Sample(
        profile=profile, day=day, counts=counts, above=above, n=above[:, 0].copy(),
        weight=weight[weekday], group=np.isin(weekday, WEEKEND),
    )  # fmt: skip


def _linearised(sample: _Sample, totals: Floats) -> tuple[Floats, Floats, Floats]:
    """Ratio of daily totals to executions, its variance and degrees of freedom; totals (ratios, D) → each (ratios,)."""
    days = sample.days
    n = sample.n * sample.weight
    totals = totals * sample.weight
    ratio = totals.sum(axis=1) / n.sum()
    e = (totals - ratio[:, None] * n) / n.sum()
    for weekend in (False, True):
        members = sample.group == weekend
        if members.any():
            e[:, members] -= e[:, members].mean(axis=1, keepdims=True)
    square = (e**2).sum(axis=1)
    product = (e[:, 1:] * e[:, :-1]).sum(axis=1)
    lag1 = np.divide(product, square, where=square > 0, out=np.zeros_like(square))
    r: Floats = np.clip(lag1 + (1 + 3 * lag1) / days, 0, 0.7)  # the bias of lag1 at so few days, undone
    inflation = (1 + r) / (1 - r)
    free = days - sample.groups
    return ratio, inflation * square * days / free, np.maximum(3, free / inflation)


def _t_quantile(degrees: Floats, confidence_level: float) -> Floats:
    return np.asarray(special.stdtrit(degrees, (1 + confidence_level) / 2))


def _n_effective(sample: _Sample, totals: Floats, confidence_level: float) -> Floats:
    """Effective number of executions for rates of daily counts (rates, D), each neither 0 nor 1 → (rates,)."""
    rate, variance, degrees = _linearised(sample, totals)
    spread = rate * (1 - rate)
    variance = np.maximum(variance, spread / sample.total)
    shrink = (special.ndtri((1 + confidence_level) / 2) / _t_quantile(degrees, confidence_level)) ** 2
    return np.minimum(sample.total, spread / variance * shrink)


def _effective(sample: _Sample, totals: Floats, confidence_level: float) -> Floats:
    """Effective number for any daily counts (rates, D), those with fewer than ten of a kind too → (rates,).

    Few violations take the design effect of the nearest lower threshold that has ten, few others that of the nearest
    higher one. Where durations do not differ, no threshold has both, and a day counts as one execution.
    """
    violations = totals.sum(axis=1)
    few = violations < FEWEST_COUNT
    most = ~few & (sample.total - violations < FEWEST_COUNT)
    effective = np.empty(len(totals))
    plain = ~few & ~most
    if plain.any():
        effective[plain] = _n_effective(sample, totals[plain], confidence_level)
    ladder = sample.above.sum(axis=0)
    both = np.flatnonzero((ladder >= FEWEST_COUNT) & (sample.total - ladder >= FEWEST_COUNT))
    for chosen, end in ((few, -1), (most, 0)):
        if chosen.any():
            known = len(both) > 0
            effective[chosen] = (
                _n_effective(sample, sample.above[:, [both[end]]].T, confidence_level)[0]
                if known
                else min(sample.total, sample.days)
            )
    return effective


def _ends(rate: Floats, effective: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Ends of the interval of a rate as if `effective` independent executions had been seen (Clopper-Pearson)."""
    tail = (1 - confidence_level) / 2
    hits, misses = effective * rate, effective * (1 - rate)
    low = special.betaincinv(np.where(hits > 0, hits, 1), misses + 1, tail)
    high = special.betaincinv(hits + 1, np.where(misses > 0, misses, 1), 1 - tail)
    return np.where(hits > 0, low, 0.0), np.where(misses > 0, high, 1.0)


def _daily_violations(sample: _Sample, thresholds: Floats) -> tuple[Floats, Floats]:
    """Lower and upper daily counts of violations, each (thresholds, D)."""
    bounds = sample.profile.bounds
    at = np.searchsorted(bounds, thresholds * (1 - SAME))
    inside = at < len(bounds)
    on_bound = ~inside
    on_bound[inside] = bounds[at[inside]] <= thresholds[inside] * (1 + SAME)
    lower = sample.above[:, np.where(inside, at + 1, len(bounds))].T.copy()
    upper = lower.copy()
    for i in np.flatnonzero(~on_bound):
        violations = sample.profile.violations(float(thresholds[i]))
        lower[i], upper[i] = sample.daily(violations.lower), sample.daily(violations.upper)
    return lower, upper


def violation_rates(
    profile: Profile, thresholds: Sequence[float], *, confidence_level: float = 0.95
) -> list[RateEstimate]:
    """Estimate the violation rate at each threshold, seconds.

    Where a threshold was not counted, the interval reaches from the low end of the lower count to the high end of the
    upper one.
    """
    sample = _sample(profile)
    wanted = np.asarray(thresholds, dtype=float)
    if not len(wanted):
        return []
    lower, upper = _daily_violations(sample, wanted)
    middle = (lower + upper) / 2
    weighted = sample.n * sample.weight
    levels = [(totals * sample.weight).sum(axis=1) / max(weighted.sum(), 1e-300) for totals in (lower, middle, upper)]
    if sample.why is None:
        effective = _effective(sample, middle, confidence_level)
        low = _ends(levels[0], effective, confidence_level)[0]
        high = _ends(levels[2], effective, confidence_level)[1]
    estimates = []
    for i, threshold in enumerate(wanted):
        known = sample.why is None
        violations, total = float(middle[i].sum()), sample.total
        estimates.append(
            RateEstimate(
                threshold=float(threshold),
                rate=violations / total if total else float("nan"),
                interval=Interval(low=float(low[i]), high=float(high[i]), level=confidence_level) if known else None,
                average_week=float(levels[1][i]),
                n=total,
                violations=violations,
                violations_lower=float(lower[i].sum()),
                violations_upper=float(upper[i].sum()),
                n_effective=float(effective[i]) if known else None,
                design_effect=total / float(effective[i]) if known else None,
                worst_day_share=float(middle[i].max() / violations) if violations > 0 else None,
                why=sample.why,
            )
        )
    return estimates


def violation_rate(profile: Profile, threshold: float, *, confidence_level: float = 0.95) -> RateEstimate:
    """Estimate the violation rate at one threshold, seconds."""
    return violation_rates(profile, [threshold], confidence_level=confidence_level)[0]


def quantile_estimate(profile: Profile, q: float, *, confidence_level: float = 0.95) -> QuantileEstimate:
    """Estimate the q-th quantile of durations with Woodruff's interval: that of the rate above it, sent back."""
    low, high = profile.quantile_bounds(q)
    sample = _sample(_durations_only(profile))
    why = sample.why or _constant(profile)
    interval = None if why else _woodruff(sample, q, confidence_level)
    return QuantileEstimate(
        q=q, value=profile.quantile(q), bucket_low=low, bucket_high=high, interval=interval, why=why
    )


def _woodruff(sample: _Sample, q: float, confidence_level: float) -> Interval:
    bounds = sample.profile.bounds
    executions = sample.counts.sum(axis=0)
    cumulative = np.cumsum(executions)
    at = int(np.searchsorted(cumulative, q * cumulative[-1] * (1 - 1e-12)))
    shares = cumulative[[max(at - 1, 0), at]] / cumulative[-1]
    near = max(at - 1, 0) if abs(shares[0] - q) < abs(shares[1] - q) else at
    effective = _effective(sample, sample.above[:, [near + 1]].T, confidence_level)[0]
    low, high = _ends(np.array([1 - q]), np.array([effective]), confidence_level)
    weighted = np.cumsum(sample.weight @ sample.counts)
    levels = np.array([1 - high[0], 1 - low[0]]) * weighted[-1]
    first, last = np.searchsorted(weighted, levels * (1 - 1e-12))
    first, last = min(int(first), at), max(min(int(last), len(bounds) - 1), at)
    lowest = bounds[first - 1] if first > 0 else 0.0
    highest = bounds[last] if bounds[last] > 0 else bounds[min(last + 1, len(bounds) - 1)]
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
    sample = _sample(_durations_only(profile))
    why = sample.why or _constant(profile)
    if why:
        return MeanEstimate(value=value, interval=None, why=why)
    level, variance, degrees = _linearised(sample, sample.daily(profile.slot_sums.sums)[None])
    variance = np.maximum(variance, standard_deviation(profile) ** 2 / total)
    reach = _t_quantile(degrees, confidence_level) * np.sqrt(variance) / level
    low, high = (level * np.exp(-reach))[0], (level * np.exp(reach))[0]
    return MeanEstimate(
        value=value, interval=Interval(low=float(min(low, value)), high=float(max(high, value)), level=confidence_level)
    )
