"""Gaps: stretches without executions that chance does not explain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import local_times
from slaopt.excluded import spans
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["Gap", "find_gaps"]

Floats = NDArray[np.float64]

MISSED = 12.0  # expected executions, halved, that an empty stretch must sum to; exp(-12) even at half the usual traffic
THREE_WEEKS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Result):
    """A stretch [start, end) in which nothing was measured though `expected` executions are usual."""

    start: datetime
    end: datetime
    expected: float
    at_end: bool  # the stretch reaches to the end of the period


def usual_executions(profile: Profile) -> Floats:
    """Executions usual for the hour and day type of each slot, less where part of it is excluded time, (slots,).

    From three weeks on, an hour of the week that never has executions expects none: a Sunday job misses no Saturday.
    """
    _, weekday, hour = local_times(profile)
    ended = profile.executions + profile.slot_sums.failures
    open_share = 1 - profile.slot_sums.excluded
    usual = _mean_of(hour + 24 * (weekday >= 5), ended, open_share)
    if profile.slots * profile.step.total_seconds() >= THREE_WEEKS * 86400:
        usual = np.minimum(usual, _mean_of(hour + 24 * weekday, ended, open_share))
    return usual * open_share


def _mean_of(group: NDArray[np.int64], ended: Floats, open_share: Floats) -> Floats:
    total = np.bincount(group, weights=ended)
    time = np.bincount(group, weights=open_share)
    return np.divide(total, time, where=time > 0, out=np.zeros_like(total))[group]


def find_gaps(profile: Profile) -> list[Gap]:
    """Find empty stretches after the first execution; the one that reaches the end is `at_end`."""
    ended = profile.executions + profile.slot_sums.failures
    ran = np.flatnonzero(ended > 0)
    if not len(ran):
        return []
    begun = profile.between(profile.start + int(ran[0]) * profile.step, profile.end)
    expected = usual_executions(begun)
    gaps = []
    for first, after in spans((begun.executions + begun.slot_sums.failures) == 0):
        missed = float(expected[first:after].sum())
        if missed / 2 >= MISSED:
            start, end = begun.start + first * begun.step, begun.start + after * begun.step
            gaps.append(Gap(start=start, end=end, expected=missed, at_end=after == begun.slots))
    return gaps
