"""Right truncation: an export of finished executions lacks the slow ones among those started last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.profile import Profile, Profiles
from slaopt.result import Result

__all__ = ["Truncation", "find_truncation"]

Floats = NDArray[np.float64]

SURPRISE = 12.0  # exceeded with probability exp(-12) where nothing is cut
WEEK = timedelta(days=7)
FEWEST = 100  # executions from which the share within a limit is learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation(Result):
    """Executions started after `complete_until` are not all there."""

    surprise: float  # about exponential with mean 1 where nothing is cut
    complete_until: datetime  # 99 % of the executions started until then had time to finish


def find_truncation(profiles: Profiles) -> Truncation | None:
    """Find whether slow executions are missing among the last started.

    The end of observation is taken to be the latest completion. Had nothing been cut there, the executions of the
    second half would all have finished by then with a probability that is uniform, since the end is a maximum; where
    the export was cut, that probability is tiny. How long executions take is learned from the first half, or from the
    last week that had time to finish where those were faster. Stamps of completions show no such cut.
    """
    hours, steps = profiles.hours, profiles.steps
    if hours.executions.sum() < FEWEST:
        return None
    ran = np.flatnonzero(steps.executions > 0)
    middle = hours.start + (hours.end - hours.start) / 2
    first_half = hours.between(hours.start, middle)
    if hours.timestamp_is == "end" or not len(ran) or first_half.executions.sum() < FEWEST:
        return None
    step = steps.step.total_seconds()
    latest = float((ran * step + step + steps.slot_sums.maxima[ran]).max())  # seconds after the start, at most
    had_time = np.clip(latest - first_half.quantile(0.99), 0, steps.slots * step)  # nanoseconds read as seconds: years
    complete = steps.start + timedelta(seconds=float(had_time))
    last_week = hours.between(max(middle, complete - WEEK), complete)
    second = ran[ran >= steps.slots / 2]
    left = np.asarray(latest - second * step, dtype=float)
    within = np.maximum(_share_within(first_half, left), _share_within(last_week, left))
    surprise = float(-(steps.executions[second] * np.log(within)).sum())
    return Truncation(surprise=surprise, complete_until=complete) if surprise > SURPRISE else None


def _share_within(profile: Profile, limits: Floats) -> Floats:
    """Share of the durations that are at most each limit, seconds; never 0, next to 0 where too few ran to tell."""
    totals = profile.bucket_totals
    n = totals.sum()
    if n < FEWEST:
        return np.full(len(limits), np.finfo(float).tiny)
    cumulative = np.concatenate([[0.0], np.cumsum(totals)])
    return np.asarray(np.maximum(cumulative[np.searchsorted(profile.bounds, limits, side="right")], 0.5) / n)
