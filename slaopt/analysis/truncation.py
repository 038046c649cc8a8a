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


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation(Result):
    """Executions started after `complete_until` are not all there."""

    surprise: float  # about exponential with mean 1 where nothing is cut
    complete_until: datetime  # 99 % of the executions started until then had time to finish


def find_truncation(profiles: Profiles) -> Truncation | None:
    """Find whether slow executions are missing among the last started.

    The end of observation is taken to be the latest completion. Had nothing been cut there, the executions of the
    second half would all have finished by then with a probability that is uniform, since the end is a maximum; where
    the export was cut, that probability is tiny. Stamps of completions show no such cut.
    """
    hours, steps = profiles.hours, profiles.steps
    executions = steps.executions
    ran = np.flatnonzero(executions > 0)
    if hours.timestamp_is == "end" or not len(ran):
        return None
    first_half = hours.between(hours.start, hours.start + (hours.end - hours.start) / 2)
    if not first_half.executions.sum() > 0:
        return None
    step = steps.step.total_seconds()
    completion = ran * step + step + steps.slot_sums.maxima[ran]  # the latest that it can be
    second = ran[ran >= steps.slots / 2]
    left = completion.max() - second * step
    surprise = float(-(executions[second] * np.log(_share_within(first_half, left))).sum())
    if surprise <= SURPRISE:
        return None
    latest = steps.start + timedelta(seconds=float(completion.max()))
    return Truncation(surprise=surprise, complete_until=latest - timedelta(seconds=first_half.quantile(0.99)))


def _share_within(profile: Profile, limits: Floats) -> Floats:
    """Share of the durations that are at most each limit, seconds; never 0."""
    totals = profile.bucket_totals
    n = totals.sum()
    cumulative = np.concatenate([[0.0], np.cumsum(totals)])
    return np.asarray(np.maximum(cumulative[np.searchsorted(profile.bounds, limits, side="right")], 0.5) / n)
