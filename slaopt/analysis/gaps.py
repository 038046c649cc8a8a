"""Gaps: stretches without executions that chance does not explain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import local_times
from slaopt.excluded import spans
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["Gap", "find_gaps"]

Floats = NDArray[np.float64]

MISSED = 12.0  # expected executions, halved, that an empty stretch must sum to; exp(-12) even at half the usual traffic
THREE_WEEKS = timedelta(days=21)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Result):
    """A stretch [start, end) in which nothing was measured though `expected` executions are usual."""

    start: datetime
    end: datetime
    expected: float
    at_end: bool  # the stretch reaches to the end of the period


def find_gaps(profile: Profile) -> list[Gap]:
    """Find empty stretches after the first execution; the one that reaches the end is `at_end`."""
    ended = profile.executions + profile.slot_sums.failures
    ran = np.flatnonzero(ended > 0)
    if ended.sum() / 2 < MISSED:  # no stretch can miss more than all that ran
        return []
    begun = profile.between(profile.start + int(ran[0]) * profile.step, profile.end)
    ended = ended[ran[0] :]
    expected = _usual(begun, ended, known=np.ones(len(ended), dtype=bool))
    stretches = [(first, after) for first, after in spans(ended == 0) if expected[first:after].sum() / 2 >= MISSED]
    known = np.ones(len(ended), dtype=bool)
    for first, after in stretches:
        known[first:after] = False  # a gap is no evidence of what is usual
    expected = _usual(begun, ended, known=known)
    return [
        Gap(
            start=begun.start + first * begun.step,
            end=begun.start + after * begun.step,
            expected=float(expected[first:after].sum()),
            at_end=after == len(ended),
        )
        for first, after in stretches
    ]


def _usual(profile: Profile, ended: Floats, *, known: NDArray[np.bool_]) -> Floats:
    """Executions usual for the hour and day type of each slot, less where part of it is excluded time, (slots,).

    From three weeks on, an hour of the week that never has executions expects none: a Sunday job misses no Saturday.
    """
    _, weekday, hour = local_times(profile)
    time = (1 - profile.slot_sums.excluded) * known
    usual = _mean_of(hour + 24 * (weekday >= 5), ended, time)
    if profile.slots * profile.step >= THREE_WEEKS:
        usual = np.minimum(usual, _mean_of(hour + 24 * weekday, ended, time))
    return usual * (1 - profile.slot_sums.excluded)


def _mean_of(group: NDArray[np.int64], ended: Floats, time: Floats) -> Floats:
    total = np.bincount(group, weights=ended)
    length = np.bincount(group, weights=time)
    return np.asarray(np.divide(total, length, where=length > 0, out=np.zeros(len(total)))[group])
