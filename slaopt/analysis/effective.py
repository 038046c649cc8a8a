"""Daily sums of a Profile, and the number of independent executions that would say as much about a rate.

Executions of one hour share their hour's level, and hours of a day their day's, so the day is the unit of variation. A
rate is linearised (a ratio of daily sums), its residuals vary from day to day beside a weekend effect, and what one day
passes on to the next inflates their variance.

References
----------
Korn, Graubard: Confidence intervals for proportions with small expected number of positive counts estimated from
survey data. Survey Methodology 24 (1998).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.days import DailyCounts, days_of
from slaopt.profile import Profile

__all__ = ["FEWEST_COUNT", "FEWEST_DAYS", "Sample", "effective_number", "ends", "linearised", "sample_of", "t_quantile"]

Floats = NDArray[np.float64]

FEWEST_DAYS = 7  # with fewer, days vary for reasons that the period has not shown
FEWEST_COUNT = 10  # violations from which their own variation between days says something
WEEKEND = (5, 6)
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(DailyCounts):
    """Daily sums of a Profile; only days on which something ran, D of them."""

    number: NDArray[np.int64]  # (D,) days since 1970
    weight: Floats  # (D,) makes every weekday count alike
    group: NDArray[np.bool_]  # (D,) weekend

    @property
    def groups(self) -> int:
        """2 where there are weekdays and weekends, else 1."""
        return len(set(self.group.tolist()))

    @property
    def total(self) -> float:
        """N, the valid executions of all days."""
        return float(self.n.sum())

    @property
    def why(self) -> str | None:
        """Why there can be no interval."""
        if self.days >= FEWEST_DAYS:
            return None
        return f"only {self.days} days with executions; an interval needs {FEWEST_DAYS}"

    def part(self, days: NDArray[np.bool_]) -> Sample:
        """Keep some of the days, (D,)."""
        index = np.append(np.where(days, np.cumsum(days) - 1, -1), -1)  # the last one for slots of no day
        return replace(
            self, number=self.number[days], day=index[self.day], counts=self.counts[days], above=self.above[days],
            n=self.n[days], weight=_weights(self.number[days]), group=self.group[days],
        )  # fmt: skip

    def average_week(self, totals: Floats) -> Floats:
        """Ratio of daily totals to executions with every weekday counted alike: (ratios, D) → (ratios,)."""
        weighted = float((self.n * self.weight).sum())
        return np.asarray((totals * self.weight).sum(axis=1) / weighted if weighted else np.full(len(totals), np.nan))


def sample_of(profile: Profile) -> Sample:
    """Sum a Profile over its days, leaving out those without executions."""
    days = days_of(profile)
    ran = np.flatnonzero(days.total(profile.valid) > 0)
    index = np.full(len(days.dates), -1)
    index[ran] = np.arange(len(ran))
    day = index[days.slot_day]
    number = np.array([(days.dates[place] - EPOCH).days for place in ran], dtype=np.int64)
    weight, group = _weights(number), np.isin(_weekday(number), WEEKEND)
    return Sample.of(profile, day, len(ran), number=number, weight=weight, group=group)


def _weekday(number: NDArray[np.int64]) -> NDArray[np.int64]:
    return (number + 3) % 7  # 1 January 1970 was a Thursday


def _weights(number: NDArray[np.int64]) -> Floats:
    """Weight of each day that makes every weekday among them count alike, (D,)."""
    weekday = _weekday(number)
    per_weekday = np.bincount(weekday, minlength=7)
    weight = np.clip(len(number) / max(int((per_weekday > 0).sum()), 1) / np.maximum(per_weekday, 1), 0.5, 2)
    return np.asarray(weight[weekday])


def linearised(sample: Sample, totals: Floats) -> tuple[Floats, Floats, Floats]:
    """Ratio of daily totals to executions, its variance and degrees of freedom; totals (ratios, D) → each (ratios,)."""
    days = sample.days
    n = sample.n * sample.weight
    ratio = sample.average_week(totals)
    e = (totals * sample.weight - ratio[:, None] * n) / n.sum()
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


def t_quantile(degrees: Floats, confidence_level: float) -> Floats:
    """Give Student's quantile for the upper end of an interval."""
    return np.asarray(special.stdtrit(degrees, (1 + confidence_level) / 2))


def _plain_number(sample: Sample, totals: Floats, confidence_level: float) -> Floats:
    """Effective number of executions for rates of daily counts (rates, D), each neither 0 nor 1 → (rates,)."""
    rate, variance, degrees = linearised(sample, totals)
    spread = rate * (1 - rate)
    variance = np.maximum(variance, spread / sample.total)
    shrink = (special.ndtri((1 + confidence_level) / 2) / t_quantile(degrees, confidence_level)) ** 2
    return np.minimum(sample.total, spread / variance * shrink)


def effective_number(sample: Sample, totals: Floats, confidence_level: float) -> Floats:
    """Effective number for any daily counts (rates, D), those with fewer than ten of a kind too → (rates,).

    Few violations take the design effect of the nearest lower threshold that has ten, few others that of the nearest
    higher one. A day counts as one execution at least: so it does where no threshold has both, and a design effect that
    was learned from a handful of executions may be anything.
    """
    violations = totals.sum(axis=1)
    few = violations < FEWEST_COUNT
    most = ~few & (sample.total - violations < FEWEST_COUNT)
    effective = np.empty(len(totals))
    plain = ~few & ~most
    if plain.any():
        effective[plain] = _plain_number(sample, totals[plain], confidence_level)
    ladder = sample.above.sum(axis=0)
    both = np.flatnonzero((ladder >= FEWEST_COUNT) & (sample.total - ladder >= FEWEST_COUNT))
    for chosen, end in ((few, -1), (most, 0)):
        if chosen.any():
            effective[chosen] = min(sample.total, sample.days)
            if len(both):
                near = _plain_number(sample, sample.above[:, [both[end]]].T, confidence_level)[0]
                effective[chosen] = np.maximum(effective[chosen], near)
    return effective


def ends(rate: Floats, effective: Floats, confidence_level: float) -> tuple[Floats, Floats]:
    """Ends of the interval of a rate as if `effective` independent executions had been seen (Clopper-Pearson)."""
    tail = (1 - confidence_level) / 2
    hits, misses = effective * rate, effective * (1 - rate)
    low = special.betaincinv(np.where(hits > 0, hits, 1), misses + 1, tail)
    high = special.betaincinv(hits + 1, np.where(misses > 0, misses, 1), 1 - tail)
    return np.where(hits > 0, low, 0.0), np.where(misses > 0, high, 1.0)
