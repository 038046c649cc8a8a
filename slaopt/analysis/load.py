"""Whether executions take longer when there are more of them.

Hourly mean log durations against hourly log counts, both less what is usual at that hour of day and on that day. A
count is the load seen through Poisson noise, which would flatten the slope; its part of the variance is known, 1/n, and
taken out (errors in variables). The interval leaves out whole days in turn.

References
----------
Fuller: Measurement Error Models (1987). Efron, Stein: The jackknife estimate of variance. Annals of Statistics 9
(1981).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.days import days_of, local_times
from slaopt.profile import Profile
from slaopt.result import Interval, Result
from slaopt.wording import number, percent

__all__ = ["LoadCorrelation", "load_correlation"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEWEST_AN_HOUR = 100  # below, the noise of counts is too much of their variance to be taken out
FEWEST_DAYS = 14
FEWEST = 10  # executions in an hour that is compared
RELIABLE = 0.5  # share of the variance of counts that is not their own noise
LEVEL = 0.95
ROUNDS = 50  # of taking out means by turns; whole days need one


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCorrelation(Result):
    """How durations go with the number of executions an hour, beyond hour of day and day."""

    elasticity: float | None  # log duration for each log count: 0.4 means 1.1 ** 0.4 as long at 10 % more load
    interval: Interval | None
    claimed: bool  # whether the interval leaves out 0
    hours: int  # hours that were compared
    sentence: str
    why: str | None  # why there is no elasticity


def load_correlation(profile: Profile) -> LoadCorrelation:
    """Estimate how durations go with load; refused under 100 executions an hour and where load only repeats daily."""
    executions, days = profile.executions, days_of(profile)
    # an hour partly excluded has fewer executions for no lack of load
    compared = (executions >= FEWEST) & (profile.slot_sums.excluded == 0) & (executions > profile.zeros)
    day, hour = days.slot_day[compared], local_times(profile)[2][compared]
    an_hour = float(executions.sum() / max(np.count_nonzero(executions), 1))
    if an_hour < FEWEST_AN_HOUR:
        few = f"{number(an_hour, 2)} an hour, and under {FEWEST_AN_HOUR} the chance in counts hides the load"
        return _refused(few, len(day))
    if len(np.unique(day)) < FEWEST_DAYS:
        return _refused(f"{len(np.unique(day))} days to compare, and at least {FEWEST_DAYS} are needed", len(day))
    n = executions[compared]
    count = _free(np.log(n), day, hour)
    level = _free(profile.slot_sums.log_sums[compared] / (n - profile.zeros[compared]), day, hour)
    places = np.unique(day, return_inverse=True)[1].reshape(-1)
    # each mean that was taken out took its part of the noise with it
    left = 1 - (len(np.unique(day)) + len(np.unique(hour)) - 1) / len(n)
    both, own, noise = (np.bincount(places, weights=w).astype(float) for w in (count * level, count**2, left / n))
    if own.sum() <= 0 or 1 - noise.sum() / own.sum() < RELIABLE:
        return _refused("beyond hour of day and day, the load varies hardly more than counts do by chance", len(n))
    return _estimated(both, own - noise, len(n))


def _estimated(both: Floats, own: Floats, hours: int) -> LoadCorrelation:
    """Take the slope from daily sums of products and of squares less noise, both (days,)."""
    days = len(both)
    slope = float(both.sum() / own.sum())
    without = (both.sum() - both) / (own.sum() - own)
    error = float(np.sqrt((days - 1) / days * ((without - without.mean()) ** 2).sum()))
    reach = float(special.stdtrit(days - 1, (1 + LEVEL) / 2)) * error
    interval = Interval(low=slope - reach, high=slope + reach, level=LEVEL)
    claimed = not interval.covers(0.0)
    return LoadCorrelation(
        elasticity=slope,
        interval=interval,
        claimed=claimed,
        hours=hours,
        sentence=_sentence(slope, interval, claimed),
        why=None,
    )


def _free(values: Floats, day: Ints, hour: Ints) -> Floats:
    """Take out the means of days and of hours of the day, by turns until nothing is left of them."""
    free = values
    for _ in range(ROUNDS):
        for group in (day, hour):
            totals, sizes = np.bincount(group, weights=free), np.bincount(group)
            means = totals / np.maximum(sizes, 1)
            free = free - means[group]
        if np.abs(means).max() < 1e-12:
            break
    return np.asarray(free)


def _refused(why: str, hours: int) -> LoadCorrelation:
    sentence = f"Whether durations go with load is not told: {why}."
    return LoadCorrelation(elasticity=None, interval=None, claimed=False, hours=hours, sentence=sentence, why=why)


def _sentence(slope: float, interval: Interval, claimed: bool) -> str:
    doubled, low, high = (2.0**value - 1 for value in (slope, interval.low, interval.high))
    between = f"interval {_signed(low)} to {_signed(high)} %"
    if not claimed:
        return f"No evidence that durations go with load: {_signed(doubled)} % at twice the load, {between}."
    longer = "longer" if doubled > 0 else "shorter"
    return (
        f"At twice the load durations are {percent(abs(doubled))} {longer}, {between}; of the cause this says nothing."
    )


def _signed(share: float) -> str:
    return ("−" if share < 0 else "") + number(100 * abs(share), 2)
