"""Daily counts of a Profile from which forecasts learn: days of 24 hours each, counted back from its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import DailyCounts
from slaopt.buckets import SAME
from slaopt.profile import Profile

__all__ = ["TAIL", "WEEK", "DayCounts", "History", "day_counts"]

Floats = NDArray[np.float64]

TAIL = (0.75, 0.9, 0.95, 0.99)  # quantiles of the learning period at which forgetting is judged
WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one forecast learns from; oldest day first."""

    thresholds: Floats  # (T,) seconds, increasing
    n: Floats  # (D,) valid executions
    above: Floats  # (T, D) violations, the middle of their bounds
    tail: Floats  # (4, D) executions above the quantiles `TAIL` of these days
    doubt: Floats  # (T,) half the distance of the bounds / violations, where buckets do not tell them apart

    @property
    def days(self) -> int:
        """D, the number of days."""
        return len(self.n)

    @property
    def executions(self) -> float:
        """Valid executions of all days."""
        return float(self.n.sum())

    def expected(self, horizons: Floats) -> Floats:
        """Executions to expect: the mean of the whole period's traffic and the last week's, (H,) days → (H,)."""
        daily = (self.n.mean() + self.n[-WEEK:].mean()) / 2
        return np.asarray(horizons * daily, dtype=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts(DailyCounts):
    """Executions by day and bucket, from the first execution to the end of a Profile; oldest day first."""

    def quantiles(self, span: slice) -> Floats:
        """Upper bounds of the buckets that hold the quantiles `TAIL` of some days, seconds, (4,); none: empty."""
        at = self._tail(span)
        return np.asarray(self.profile.bounds[at[at >= 0]])

    def _tail(self, span: slice) -> NDArray[np.int64]:
        """Buckets of the quantiles, (4,); -1 where no duration was measured, so that all counts as above."""
        total = np.cumsum(self.counts[span].sum(axis=0))
        if not total.any():
            return np.full(len(TAIL), -1)
        rank = np.array(TAIL) * total[-1] * (1 - SAME)
        return np.asarray(np.searchsorted(total, np.maximum(rank, SAME)).clip(max=len(total) - 1))

    def learned(self, thresholds: Sequence[float] | Floats, span: slice) -> History:
        """Take what a forecast learns from some of the days."""
        ordered = np.unique(np.asarray(thresholds, dtype=float))
        lower, upper = (counts[:, span] for counts in self.violations(ordered))
        middle = (lower + upper) / 2
        return History(
            thresholds=ordered,
            n=self.n[span],
            above=middle,
            tail=self.above[span][:, self._tail(span) + 1].T,
            doubt=(upper - lower).sum(axis=1) / 2 / np.maximum(middle.sum(axis=1), 0.5),
        )


def day_counts(hours: Profile) -> DayCounts:
    """Sum a Profile over days of 24 hours, counted back from its end, so that each is whole.

    Days before the first execution are none. What lies before the first day is joined to it if it is less than half a
    day, so that a file of seven days that begins five minutes late has seven.
    """
    ran = np.flatnonzero(hours.valid > 0)
    a_day = round(timedelta(days=1) / hours.step)
    first = int(ran[0]) if len(ran) else hours.slots
    days = round((hours.slots - first) / a_day)
    back = np.arange(hours.slots)[::-1] // a_day
    late = (back == days) & (np.arange(hours.slots) >= first)
    day = np.where(back < days, days - 1 - back, np.where(late & (days > 0), 0, -1))
    return DayCounts.of(hours, day.astype(np.int64), days)
