"""Calendar days of a Profile: the units over which every interval is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["Days", "bucket_middles", "days_of", "local_times", "pooled"]

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


def bucket_middles(bounds: Floats) -> Floats:
    """Geometric middle of each bucket with these upper bounds, seconds; 0 for the bucket of zeros."""
    lower = np.concatenate([[0.0], bounds[:-1]])
    return np.where(lower > 0, np.sqrt(lower) * np.sqrt(bounds), bounds)
