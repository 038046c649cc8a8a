"""The level of each day: one figure a day that neither an incident of some hours nor the hours of the day move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.analysis.days import bucket_middles, days_of, local_times
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["DailyLevels", "daily_levels", "log_quantiles"]

Floats = NDArray[np.float64]

BLOCK_HOURS = 6  # an incident of some hours moves one block of four
FEW = 5  # executions a block on average, below which a day is one block


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyLevels(Result):
    """Level of each calendar day, days without executions too; every array (D,)."""

    dates: tuple[date, ...]
    values: Floats  # log seconds, NaN on days without executions
    weekend: NDArray[np.bool_]
    executions: Floats

    @property
    def known(self) -> NDArray[np.int64]:
        """Place of each day that has a level."""
        return np.flatnonzero(np.isfinite(self.values))

    @property
    def number(self) -> NDArray[np.int64]:
        """Days since the first one, (D,): days that the Profile lacks altogether count."""
        return np.array([(day - self.dates[0]).days for day in self.dates], dtype=np.int64)


def log_quantiles(profile: Profile, group: NDArray[np.int64], groups: int, q: float) -> Floats:
    """Give the log of the q-th quantile of each group of slots, log seconds, (groups,); NaN where nothing ran.

    A duration of 0 stands at half the smallest positive bucket. Works on the filled cells alone, so that a year of
    hours costs no more than its cells.
    """
    member = csr_array((np.ones(profile.slots), (group, np.arange(profile.slots))), shape=(groups, profile.slots))
    table = csr_array(member @ profile.counts)
    table.sort_indices()
    cumulative = np.concatenate([[0.0], np.cumsum(table.data)])
    before, total = cumulative[table.indptr[:-1]], np.diff(cumulative[table.indptr])
    cell = np.searchsorted(cumulative[1:], before + q * total * (1 - 1e-9))
    cell = np.clip(cell, table.indptr[:-1], np.maximum(table.indptr[1:] - 1, table.indptr[:-1]))
    middles = bucket_middles(profile.bounds)
    positive = middles[middles > 0]
    logs = np.log(np.where(middles > 0, middles, positive.min() / 2 if len(positive) else 1.0))
    found = total > 0
    values = np.full(groups, np.nan)
    values[found] = logs[table.indices[cell[found]]]
    return values


def daily_levels(profile: Profile, q: float = 0.5) -> DailyLevels:
    """Give the level of the q-th quantile of each day.

    It is the median of the quantiles of four blocks of six hours, each less what is usual in that block of the day; of
    the day as a whole where a block holds fewer than 5 executions on average.
    """
    days = days_of(profile)
    executions = days.total(profile.executions)
    ran = int(np.count_nonzero(executions))
    blocks = 24 // BLOCK_HOURS if executions.sum() >= FEW * (24 // BLOCK_HOURS) * max(ran, 1) else 1
    block = local_times(profile)[2] * blocks // 24
    logs = log_quantiles(profile, days.slot_day * blocks + block, len(days.dates) * blocks, q).reshape(-1, blocks)
    usual = _median(logs, axis=0)
    values = _median(logs - usual, axis=1) + (np.nanmean(usual) if ran else np.nan)
    return DailyLevels(dates=days.dates, values=values, weekend=days.weekday >= 5, executions=executions)


def _median(values: Floats, axis: int) -> Floats:
    """Median of what is known along an axis, NaN where nothing is."""
    some = np.isfinite(values).any(axis=axis, keepdims=True)
    return np.asarray(
        np.where(some, np.nanmedian(np.where(some, values, 0.0), axis=axis, keepdims=True), np.nan)
    ).squeeze(axis)
