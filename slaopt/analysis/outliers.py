"""Outliers: single executions and hours far beyond what the rest leads one to expect. Marked, never removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import local_times
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import count, seconds

__all__ = ["OddHour", "Outliers", "find_odd_hours", "find_outliers"]

Floats = NDArray[np.float64]

FEWEST = 200  # executions from which the tail can be fitted
SHOWN = 20
FEWEST_IN_HOUR = 10
ODD = 4.5  # deviations, in units of 1.4826 MAD


@dataclass(frozen=True, slots=True, kw_only=True)
class OddHour(Result):
    """An hour whose median is far above what that hour of such a day usually has."""

    start: datetime  # UTC
    factor: float  # median / usual median


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers(Result):
    """Executions beyond `upper_bound`: fewer than 1 in 100 samples of this tail would hold even one."""

    count: int | None  # None where the tail could not be fitted; `method` says why
    percentage: float | None  # of the executions, 0–100
    values: tuple[float, ...]  # seconds, largest first, the middles of their buckets; at most 20
    lower_bound: float | None  # None: a short duration breaks no promise
    upper_bound: float | None  # seconds
    method: str
    odd_hours: tuple[OddHour, ...] = ()


def find_outliers(profile: Profile) -> Outliers:
    """Find executions far beyond the tail that the upper 5 % of durations show, and odd hours.

    The log excess over the 95th percentile is fitted as exponential (a Pareto tail), censored at the percentile 99.5 so
    that outliers do not shape the bound that is to find them. A second mode or a heavy tail is no outlier.
    """
    odd_hours = find_odd_hours(profile)
    totals = profile.bucket_totals
    n = float(totals.sum())
    u, v = profile.quantile(0.95), profile.quantile(0.995)
    if n < FEWEST or not u > 0:
        reason = f"{count(n)} executions are too few" if n < FEWEST else "95 % of the durations are 0"
        return Outliers(
            count=None, percentage=None, values=(), lower_bound=None, upper_bound=None,
            method=f"Outliers were not sought: {reason}.", odd_hours=odd_hours,
        )  # fmt: skip
    middles = _middles(profile)
    beyond = middles > u * (1 + 1e-9)
    logs = np.log(np.where(beyond, np.minimum(middles, v) / u, 1.0))
    uncensored = totals[beyond & (middles < v)].sum()
    gamma = float((totals * logs).sum() / uncensored) if uncensored > 0 else 0.0
    gamma = max(gamma, float(np.log(v / u)) / 4)
    bound = float(np.exp(np.minimum(np.log(u) + gamma * np.log(5 * n), 709.0)))
    flagged = middles > bound
    found = float(totals[flagged].sum())
    values = np.repeat(middles[flagged][::-1], np.minimum(np.ceil(totals[flagged][::-1]), SHOWN).astype(int))
    return Outliers(
        count=round(found),
        percentage=100 * found / n,
        values=tuple(float(value) for value in values[:SHOWN]),
        lower_bound=None,
        upper_bound=bound,
        method=(
            f"Above {seconds(bound)} lies an outlier: with the tail that the slowest 5 % show, fewer than 1 in 100 "
            f"samples of {count(n)} executions would hold even one."
        ),
        odd_hours=odd_hours,
    )


def _middles(profile: Profile) -> Floats:
    upper = profile.bounds
    lower = np.concatenate([[0.0], upper[:-1]])
    return np.where(lower > 0, np.sqrt(lower) * np.sqrt(upper), upper)


def _slot_medians(profile: Profile) -> Floats:
    """Median of each slot, seconds, (slots,); NaN where fewer than ten executions ran."""
    table = profile.counts.sorted_indices()
    executions = profile.executions
    known = executions >= FEWEST_IN_HOUR
    cumulative = np.cumsum(table.data)
    before = np.concatenate([[0.0], cumulative])[table.indptr[:-1]]
    middle = np.searchsorted(cumulative, (before + executions / 2)[known] * (1 - 1e-12))
    medians = np.full(profile.slots, np.nan)
    medians[known] = _middles(profile)[table.indices[middle]]
    return medians


def find_odd_hours(profile: Profile) -> tuple[OddHour, ...]:
    """Find slots whose log median lies far above that of their hour and day type."""
    _, weekday, hour = local_times(profile)
    medians = _slot_medians(profile)
    known = medians > 0
    if known.sum() < 7 * 24 / 4:
        return ()
    logs = np.log(np.where(known, medians, 1.0))
    kind = hour + 24 * (weekday >= 5)
    usual = np.zeros(profile.slots)
    for group in np.unique(kind[known]):
        usual[kind == group] = np.median(logs[known & (kind == group)])
    excess = logs - usual
    spread = 1.4826 * float(np.median(np.abs(excess[known])))
    odd = np.flatnonzero(known & (excess > ODD * spread)) if spread > 0 else np.empty(0, dtype=int)
    return tuple(
        OddHour(start=profile.start + int(slot) * profile.step, factor=float(np.exp(excess[slot]))) for slot in odd
    )
