"""Outliers: single executions and hours far beyond what the rest leads one to expect. Marked, never removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import bucket_middles, local_times
from slaopt.analysis.levels import log_quantiles
from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import count, seconds

__all__ = ["OddHour", "Outliers", "find_odd_hours", "find_outliers"]

Floats = NDArray[np.float64]

FEWEST = 200  # executions from which the tail can be fitted
TAILS = ((0.95, 0.995), (0.98, 0.998))  # quantile from which the tail is fitted, and quantile at which it is censored
SURPRISE = 1 / 200  # chance that a sample exceeds the bound of one tail; of the lower of both: 1 in 100
LARGEST_LOG = 709.0  # of a float
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


def find_outliers(profile: Profile, *, changed: Sequence[datetime] = ()) -> Outliers:
    """Find executions far beyond the tail that the slowest ones show, and odd hours.

    `changed` are the moments at which the level changed for good, in order: what is usual is told between them.

    The log excess over a high quantile is fitted as exponential (a Pareto tail), censored at a higher one so that
    outliers do not shape the bound that is to find them. Two pairs of quantiles are fitted, and the lower bound counts:
    where a second mode begins between the quantiles of one pair, the other still sees what lies beyond that mode.
    A second mode or a heavy tail is itself no outlier.
    """
    odd_hours = find_odd_hours(profile, changed=changed)
    n = float(profile.executions.sum())
    bounds = [_tail_bound(profile, start, censored) for start, censored in TAILS] if n >= FEWEST else []
    known = [bound for bound in bounds if bound is not None]
    if not known:
        reason = f"{count(n)} executions are too few" if n < FEWEST else "nearly all durations are 0"
        return Outliers(
            count=None, percentage=None, values=(), lower_bound=None, upper_bound=None,
            method=f"Outliers were not sought: {reason}.", odd_hours=odd_hours,
        )  # fmt: skip
    bound = min(known)
    flagged = bucket_middles(profile.bounds) > bound
    middles, totals = bucket_middles(profile.bounds)[flagged][::-1], profile.bucket_totals[flagged][::-1]
    found = float(totals.sum())
    values = np.repeat(middles, np.minimum(np.ceil(totals), SHOWN).astype(int))[:SHOWN]
    return Outliers(
        count=round(found),
        percentage=100 * found / n,
        values=tuple(values.tolist()),
        lower_bound=None,
        upper_bound=bound,
        method=(
            f"An outlier took longer than {seconds(bound)}: with the tail that the slowest executions show, fewer than "
            f"1 in 100 samples of {count(n)} would hold even one."
        ),
        odd_hours=odd_hours,
    )


def _tail_bound(profile: Profile, start: float, censored: float) -> float | None:
    """Give the duration that 1 of 200 samples of the tail from quantile `start` on exceeds; None if that is 0."""
    u, v = profile.quantile(start), profile.quantile(censored)
    if not u > 0:
        return None
    middles, totals = bucket_middles(profile.bounds), profile.bucket_totals
    beyond = middles > u * (1 + SAME)
    excess = np.log(np.where(beyond, np.minimum(middles, v) / u, 1.0))
    fitted = totals[beyond & (middles < v)].sum()
    gamma = float((totals * excess).sum() / fitted) if fitted > 0 else 0.0
    gamma = max(gamma, float(np.log(v / u)) / 4)  # where ties leave little to fit
    log_bound = np.log(u) + gamma * np.log((1 - start) * totals.sum() / SURPRISE)
    return float(np.exp(min(log_bound, LARGEST_LOG)))


def find_odd_hours(profile: Profile, *, changed: Sequence[datetime] = ()) -> tuple[OddHour, ...]:
    """Find slots whose log median lies far above that of their hour and day type, between changes of the level."""
    _, weekday, hour = local_times(profile)
    known = profile.executions >= FEWEST_IN_HOUR
    if known.sum() < 7 * 24 / 4:
        return ()
    logs = log_quantiles(profile, np.arange(profile.slots), profile.slots, 0.5)
    borders = [-((profile.start - moment) // profile.step) for moment in changed]  # first slot of each new level
    level = np.searchsorted(np.asarray(borders, dtype=int), np.arange(profile.slots), side="right")
    kind = hour + 24 * (weekday >= 5) + 48 * level
    usual = np.zeros(profile.slots)
    for group in np.unique(kind[known]):
        usual[kind == group] = np.median(logs[known & (kind == group)])
    excess = np.where(known, logs - usual, 0.0)
    spread = 1.4826 * float(np.median(np.abs(excess[known])))
    odd = np.flatnonzero(known & (excess > ODD * spread)) if spread > 0 else np.empty(0, dtype=int)
    return tuple(
        OddHour(start=profile.start + int(slot) * profile.step, factor=float(np.exp(excess[slot]))) for slot in odd
    )
