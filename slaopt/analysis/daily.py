"""Durations by calendar day and by hour of the week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import bucket_middles, days_of, local_times, pooled
from slaopt.profile import Profile
from slaopt.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DailyPercentiles", "HourWeekday", "daily_percentiles", "hour_weekday"]

Floats = NDArray[np.float64]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyPercentiles(Result):
    """Percentiles of each calendar day, seconds, NaN on days without executions; every array (D,)."""

    dates: tuple[date, ...]
    executions: Floats
    p50: Floats
    p95: Floats
    p99: Floats
    violations: Floats | None  # share 0–1 of the day's executions; None without a current threshold
    excluded_share: Floats  # share 0–1 of the day

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each day."""
        import pandas as pd

        columns = {name: getattr(self, name) for name in ("executions", "p50", "p95", "p99", "violations")}
        frame = pd.DataFrame({"date": pd.to_datetime(list(self.dates))} | columns)
        return frame.assign(excluded_share=self.excluded_share)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourWeekday(Result):
    """The week by weekday (Monday first) and hour, local time: every array (7, 24), NaN where nothing ran."""

    timezone: str
    p95: Floats  # seconds
    executions: Floats
    violations: Floats | None  # share 0–1; None without a current threshold

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each hour of the week."""
        import pandas as pd

        weekday, hour = np.divmod(np.arange(7 * 24), 24)
        return pd.DataFrame(
            {
                "weekday": [WEEKDAYS[day] for day in weekday],
                "hour": hour,
                "executions": self.executions.ravel(),
                "p95": self.p95.ravel(),
                "violations": None if self.violations is None else self.violations.ravel(),
            }
        )


def _quantiles(profile: Profile, counts: Floats, q: float) -> Floats:
    """Give the q-th quantile of each row of bucket counts, seconds: (rows, buckets) → (rows,)."""
    cumulative = np.cumsum(counts, axis=1)
    total = cumulative[:, -1]
    at = (cumulative < (q * total * (1 - 1e-12))[:, None]).sum(axis=1)
    middles = bucket_middles(profile.bounds)
    return np.where(total > 0, middles[np.minimum(at, len(middles) - 1)], np.nan)


def _violation_share(profile: Profile, group: NDArray[np.int64], groups: int, threshold: float | None) -> Floats | None:
    if threshold is None:
        return None
    violations = np.bincount(group, weights=profile.violations(threshold).middle, minlength=groups)
    valid = np.bincount(group, weights=profile.valid, minlength=groups)
    return np.asarray(np.divide(violations, valid, where=valid > 0, out=np.full(groups, np.nan)))


def daily_percentiles(profile: Profile, *, threshold: float | None = None) -> DailyPercentiles:
    """Describe each calendar day of a Profile, those without executions too."""
    days = days_of(profile)
    counts = pooled(profile, days.slot_day, len(days.dates))
    return DailyPercentiles(
        dates=days.dates,
        executions=counts.sum(axis=1),
        p50=_quantiles(profile, counts, 0.5),
        p95=_quantiles(profile, counts, 0.95),
        p99=_quantiles(profile, counts, 0.99),
        violations=_violation_share(profile, days.slot_day, len(days.dates), threshold),
        excluded_share=days.total(profile.slot_sums.excluded) / days.total(np.ones(profile.slots)),
    )


def hour_weekday(profile: Profile, *, threshold: float | None = None) -> HourWeekday:
    """Describe each hour of the week, local time."""
    _, weekday, hour = local_times(profile)
    group = weekday * 24 + hour
    counts = pooled(profile, group, 7 * 24)
    violations = _violation_share(profile, group, 7 * 24, threshold)
    return HourWeekday(
        timezone=profile.timezone,
        p95=_quantiles(profile, counts, 0.95).reshape(7, 24),
        executions=counts.sum(axis=1).reshape(7, 24),
        violations=None if violations is None else violations.reshape(7, 24),
    )
