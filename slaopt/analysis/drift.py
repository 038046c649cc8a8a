"""Drift: whether the last days are unlike those before them, in level or in shape.

The level decides: the mean log median of three days against that of the reference days of the same kind, in units of
what such a mean varies by where one day passes something on to the next. The population stability index of a day says
what changed; its bound is what the reference's own days, each against the others, pass once in 180, since the usual
limits of 0.1 and 0.25 are passed daily by one service and never by another.

References
----------
Siddiqi: Credit Risk Scorecards. Wiley (2006), for the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.days import days_of, pooled
from slaopt.analysis.effective import WEEKEND
from slaopt.analysis.extremes import fit_gumbel
from slaopt.analysis.levels import log_quantiles
from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Interval, Result
from slaopt.wording import number, percent, span

__all__ = ["Drift", "drift", "psi"]

Floats = NDArray[np.float64]

FEWEST_DAYS = 14
RECENT_DAYS = 3
FEWEST_EXECUTIONS = 5  # of a day whose median is looked at
FALSE_ALARM = 1 / 150  # a day, two-sided; neighbouring days share two of three
RARE_DAYS = 180
PARTS = 10  # deciles


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Result):
    """The last three days against the reference days before them; `why` says why nothing is said."""

    alarm: bool  # of the level
    factor: float | None  # level of the last three days / that of the reference
    interval: Interval | None  # of the factor
    psi: float | None  # population stability index of the last day
    psi_bound: float | None  # a day of the reference passes it once in 180
    slowest_tenth: float | None  # 0–1: share of the last three days that was slower than nine tenths of the reference
    since: date | None  # the day with which the alarm began
    days: int  # of the reference
    sentence: str
    why: str | None


def psi(reference: Floats, current: Floats) -> Floats:
    """Give the population stability index of shares of executions in parts: (…, parts) each → (…,)."""
    return np.asarray(((current - reference) * np.log(current / reference)).sum(axis=-1))


def drift(reference: Profile, current: Profile, *, confidence_level: float = 0.95) -> Drift:
    """Compare the last three days of `current` with `reference`, which ends where it begins; Profiles of hours."""
    before, after = _Daily.of(reference), _Daily.of(current)
    if len(before.dates) < FEWEST_DAYS:
        return _nothing(f"only {len(before.dates)} days to compare with; {FEWEST_DAYS} are needed", before)
    if len(after.dates) < RECENT_DAYS:
        return _nothing(f"only {len(after.dates)} days to compare; {RECENT_DAYS} are needed", before)
    kinds = _kinds(before)
    usual = np.array([before.levels[kinds == kind].mean() for kind in (0, 1) if (kinds == kind).any()])
    kind_after = after.weekend * (len(usual) - 1)
    moved = np.convolve(after.levels - usual[kind_after], np.full(RECENT_DAYS, 1 / RECENT_DAYS), mode="valid")
    error = _error(before.levels - usual[kinds])
    free = len(before.dates) - 2
    alarms = np.abs(moved) / error > special.stdtrit(free, 1 - FALSE_ALARM / 2)
    reach = special.stdtrit(free, (1 + confidence_level) / 2) * error
    low, factor, high = (float(np.exp(moved[-1] + sign * reach)) for sign in (-1, 0, 1))
    interval = Interval(low=low, high=high, level=confidence_level)
    index, bound, slowest = _shape(before, after, kinds, kind_after)
    calm = np.flatnonzero(~alarms)
    since = after.dates[RECENT_DAYS - 1 + (calm[-1] + 1 if len(calm) else 0)] if alarms[-1] else None
    return Drift(
        alarm=bool(alarms[-1]), factor=factor, interval=interval, psi=index, psi_bound=bound, slowest_tenth=slowest,
        since=since, days=len(before.dates), sentence=_sentence(bool(alarms[-1]), factor, interval, slowest), why=None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daily:
    """Days with enough executions, D of them."""

    dates: tuple[date, ...]
    weekend: NDArray[np.int64]  # (D,) 0 or 1
    bounds: Floats
    counts: Floats  # (D, buckets)
    levels: Floats  # (D,) log median

    @classmethod
    def of(cls, hours: Profile) -> _Daily:
        days = days_of(hours)
        counts = pooled(hours, days.slot_day, len(days.dates))
        enough = np.flatnonzero(counts.sum(axis=1) >= FEWEST_EXECUTIONS)
        counts = counts[enough]
        return cls(
            dates=tuple(days.dates[i] for i in enough),
            weekend=np.isin(days.weekday[enough], WEEKEND).astype(np.int64),
            bounds=hours.bounds,
            counts=counts,
            levels=log_quantiles(hours, days.slot_day, len(days.dates), 0.5)[enough],
        )

    def above(self, threshold: float) -> Floats:
        """Executions of each day in buckets above a bound, (D,)."""
        return np.asarray(self.counts[:, self.bounds > threshold * (1 + SAME)].sum(axis=1))


def _kinds(days: _Daily) -> NDArray[np.int64]:
    """Weekday 0 or weekend 1, (D,); all 0 where one of them has but a day."""
    few = min(np.bincount(days.weekend, minlength=2)) < 2
    return np.zeros_like(days.weekend) if few else days.weekend


def _error(residuals: Floats) -> float:
    """Standard error of the mean of three days against the reference mean, by the lag-1 correlation of (D,) days."""
    days = len(residuals)
    square = float(residuals @ residuals)
    lag1 = float(residuals[1:] @ residuals[:-1]) / square if square else 0.0
    r = float(np.clip(lag1 + (1 + 4 * lag1) / days, 0, 0.9))
    inflation = (1 + r) / (1 - r)
    variance = max(square / (days - 2), np.finfo(float).tiny)
    return float(np.sqrt(variance * ((3 + 4 * r + 2 * r**2) / 9 + 1.3 * inflation / days)))


def _shape(
    before: _Daily, after: _Daily, kinds: NDArray[np.int64], kind_after: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Index of the last day, its bound, and the share of the last three days in the slowest tenth."""
    roots, slow = np.empty(len(kinds)), np.empty(RECENT_DAYS)
    index = 0.0
    recent = kind_after[-RECENT_DAYS:]
    for kind in (0, 1):
        own = kinds == kind
        if not own.any():
            continue
        edges = _edges(before.counts[own].sum(axis=0), before.bounds)
        parts = _parts(before, edges)[own]
        roots[own] = np.sqrt(psi(_shares(parts.sum(axis=0) - parts), _shares(parts)))
        of_recent = _parts(after, edges)[-RECENT_DAYS:]
        slow[recent == kind] = (of_recent[:, -1] / of_recent.sum(axis=1))[recent == kind]
        if kind_after[-1] == kind:
            index = float(psi(_shares(parts.sum(axis=0)), _shares(of_recent[-1])))
    bound = max(fit_gumbel(roots).once_in(RARE_DAYS), 0.0) ** 2
    return index, bound, float(slow.mean())


def _edges(totals: Floats, bounds: Floats) -> Floats:
    """Bounds that cut the totals of buckets nearest to deciles, (edges,); one only once."""
    sums = np.cumsum(totals)
    wanted = np.arange(1, PARTS) / PARTS * sums[-1]
    above = np.minimum(np.searchsorted(sums, wanted), len(sums) - 1)
    below = np.maximum(above - 1, 0)
    nearest = np.where(np.abs(sums[below] - wanted) < np.abs(sums[above] - wanted), below, above)
    return np.asarray(bounds[np.unique(nearest)])


def _parts(days: _Daily, edges: Floats) -> Floats:
    """Executions of each day between the edges, (D, edges + 1)."""
    above = np.stack([days.counts.sum(axis=1), *(days.above(float(edge)) for edge in edges)], axis=1)
    return -np.diff(above, axis=1, append=0.0)


def _shares(parts: Floats) -> Floats:
    """Shares of the parts, none of them 0: half an execution more in each."""
    return np.asarray((parts + 0.5) / (parts.sum(axis=-1, keepdims=True) + 0.5 * parts.shape[-1]))


def _sentence(alarm: bool, factor: float, interval: Interval, slowest: float) -> str:
    ends = span(f"{number(interval.low)}", f"{number(interval.high)}")
    level = f"{number(factor)} times that of the days before (95 % interval {ends})"
    if not alarm:
        return f"No drift: the level of the last three days is {level}."
    return (
        f"The last three days drifted: their level is {level}, and {percent(slowest)} of their executions took longer "
        "than the slowest tenth began at."
    )


def _nothing(why: str, before: _Daily) -> Drift:
    return Drift(
        alarm=False, factor=None, interval=None, psi=None, psi_bound=None, slowest_tenth=None, since=None,
        days=len(before.dates), sentence=f"Drift cannot be judged: {why}.", why=why,
    )  # fmt: skip
