"""Calendar days of a Profile: the units over which every interval is computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["DailyCounts", "Days", "bucket_middles", "days_of", "local_times", "pooled"]

Floats = NDArray[np.float64]
HALF_A_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days(Result):
    """The calendar days that a Profile's slots belong to, in the service's zone."""

    dates: tuple[date, ...]  # (D,)
    weekday: NDArray[np.int64]  # (D,) Monday is 0
    slot_day: NDArray[np.int64]  # (slots,) index of the day of each slot

    def total(self, values: Floats) -> Floats:
        """Sum a figure of the slots over each day: (slots,) → (D,)."""
        return np.bincount(self.slot_day, weights=values, minlength=len(self.dates)).astype(float)


def local_times(profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give day number since 1970, weekday (Monday 0) and hour at the start of each slot in the service's zone."""
    import pandas as pd

    stamps = pd.DatetimeIndex(profile.times, tz="UTC").tz_convert(profile.timezone)
    wall = stamps.tz_localize(None).to_numpy().astype("datetime64[us]")
    day = wall.astype("datetime64[D]").astype(np.int64)
    hour = (wall - wall.astype("datetime64[D]")) // np.timedelta64(1, "h")
    return day, (day + 3) % 7, hour.astype(np.int64)


def days_of(profile: Profile) -> Days:
    """Assign each slot to the calendar day on which it starts.

    A day at either end of which the Profile holds less than half (12 hours) is joined to its neighbour, so that no
    day of an hour's traffic counts as much as a whole one.
    """
    number = local_times(profile)[0]
    unique, slot_day = np.unique(number, return_inverse=True)
    slot_day = slot_day.reshape(-1).astype(np.int64)
    slots = np.bincount(slot_day, minlength=len(unique))
    if len(unique) > 1 and slots[0] * profile.step < HALF_A_DAY:
        unique, slot_day = unique[1:], np.maximum(slot_day - 1, 0)
    if len(unique) > 1 and slots[-1] * profile.step < HALF_A_DAY:
        unique, slot_day = unique[:-1], np.minimum(slot_day, len(unique) - 2)
    dates = tuple(date(1970, 1, 1) + timedelta(days=int(day)) for day in unique)
    return Days(dates=dates, weekday=(unique + 3) % 7, slot_day=slot_day)


def pooled(profile: Profile, group: NDArray[np.int64], groups: int) -> Floats:
    """Add up the bucket counts of the slots of each group, (groups, buckets); slots of group -1 are left out."""
    slot = np.flatnonzero(group >= 0)
    member = csr_array((np.ones(len(slot)), (group[slot], slot)), shape=(groups, profile.slots))
    return np.asarray((member @ profile.counts).toarray(), dtype=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCounts:
    """Executions of a Profile by day and bucket, D days."""

    profile: Profile
    day: NDArray[np.int64]  # (slots,) index among the days, -1 elsewhere
    n: Floats  # (D,) valid executions
    counts: Floats = field(repr=False)  # (D, buckets) durations
    above: Floats = field(repr=False)  # (D, buckets + 1) violations of a threshold on bounds[i - 1]; all at 0

    @classmethod
    def of(cls, profile: Profile, day: NDArray[np.int64], days: int, **more: Any) -> Self:
        """Sum the slots over their days; `more` are the fields that a kind of daily counts has beside these."""
        counts = pooled(profile, day, days)
        failures = profile.slot_sums.failures if profile.failures_are_violations else np.zeros(profile.slots)
        above = np.zeros((days, counts.shape[1] + 1))
        above[:, :-1] = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        above += _daily(day, failures, days)[:, None]
        return cls(profile=profile, day=day, n=above[:, 0].copy(), counts=counts, above=above, **more)

    @property
    def days(self) -> int:
        """D, the number of days."""
        return len(self.n)

    def daily(self, values: Floats) -> Floats:
        """Sum over each day: (slots,) → (D,)."""
        return _daily(self.day, values, self.days)

    def violations(self, thresholds: Floats) -> tuple[Floats, Floats]:
        """Lower and upper daily counts of violations, each (thresholds, D)."""
        bounds = self.profile.bounds
        at = np.searchsorted(bounds, thresholds * (1 - SAME))
        inside = at < len(bounds)
        lower = self.above[:, np.where(inside, at + 1, len(bounds))].T.copy()
        upper = lower.copy()
        for i in np.flatnonzero(inside):
            if bounds[at[i]] > thresholds[i] * (1 + SAME) and self.counts[:, at[i]].any():
                counted = self.profile.violations(float(thresholds[i]))
                lower[i], upper[i] = self.daily(counted.lower), self.daily(counted.upper)
        return lower, upper


def _daily(day: NDArray[np.int64], values: Floats, days: int) -> Floats:
    inside = day >= 0
    return np.bincount(day[inside], weights=values[inside], minlength=days).astype(float)


def bucket_middles(bounds: Floats) -> Floats:
    """Geometric middle of each bucket with these upper bounds, seconds; 0 for the bucket of zeros."""
    lower = np.concatenate([[0.0], bounds[:-1]])
    return np.where(lower > 0, np.sqrt(lower) * np.sqrt(bounds), bounds)
