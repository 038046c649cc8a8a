"""Scores of a threshold: rate, pages, tightness, and the loss in pages a month that joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.alerts import Replay, Tightness, replay, tightness
from slaopt.analysis.intervals import RateEstimate, violation_rates
from slaopt.forecast import Curve
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Interval, Result

__all__ = ["EXAMPLE", "FREE_SHARE", "LEVEL", "CandidateScore", "Ladder", "Losses", "Prices", "ladder_of", "losses_of"]

Floats = NDArray[np.float64]

DRAWS = (np.arange(21) + 0.5) / 21  # quantiles of the rate that are tried, the same for all thresholds
MONTH = 30.0  # days that a decision looks ahead
LEVEL = 0.8  # of its prediction intervals
EXAMPLE = {"factor": 2.0, "hours": 1.0, "share": 0.5}  # the slowdown that sentences speak of
FREE_SHARE = 0.5  # of the error budget costs nothing: violations inside it are what it is for
BUDGET_PRICE = 20.0  # pages a month for each whole error budget used beyond
BUDGET_MOST = 100.0
PAGE_PRICE = 1.0
MISSED_PRICE = 50.0  # pages a month for each degradation a month that nobody would see
PRIORITY = 3.0
LEAST_TIGHTNESS = 0.05  # of the best threshold: where all see next to nothing, none sees "all there is"
WEEKS_A_MONTH = 30 / 7
LEAST_RATE = 1e-12  # a drawn rate of 0 has no logarithm
RELIABLE = 10  # violations from which the shape of the tail is read


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateScore(Result):
    """One threshold considered. Losses are pages a month, means over the draws of the rate."""

    threshold: float
    current: bool
    rate: RateEstimate  # what happened, and what level that shows
    expected_rate: float  # forecast over the coming 30 days
    expected_interval: Interval  # 80 % prediction
    achievability: float  # probability that the objective is met over the coming 30 days
    pages_per_week: float
    tickets_per_week: float
    tightness: float
    tightness_relative: float  # tightness / greatest of any threshold in the period
    example_caught: float  # 0–1: slowdowns that double the duration of half the executions for an hour
    stability: float | None  # |log(threshold / current)|
    loss: float
    loss_budget: float  # of the budget used beyond a half
    loss_pages: float
    loss_missed: float  # of what would not be seen
    on_front: bool
    recommended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices(Result):
    """What each part of the loss costs, pages a month."""

    budget: float = BUDGET_PRICE
    budget_most: float = BUDGET_MOST
    pages: float = PAGE_PRICE
    missed: float = MISSED_PRICE

    @classmethod
    def of(cls, params: Params) -> Prices:
        """The prices under the settings of a service."""
        prices = cls(missed=MISSED_PRICE * params.degradations_per_month)
        match params.business_priority:
            case "reliability":
                return replace(prices, budget=PRIORITY * BUDGET_PRICE, budget_most=PRIORITY * BUDGET_MOST)
            case "efficiency":
                return replace(prices, pages=PRIORITY * PAGE_PRICE)
            case "cost":
                return replace(prices, missed=PRIORITY * prices.missed)
        return prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder(Result):
    """What the period showed at each of the thresholds, increasing, and what is forecast for the 30 days after it."""

    thresholds: Floats  # (thresholds,)
    objective: float
    start: datetime  # from which alerts count, UTC
    days: int
    rates: tuple[RateEstimate, ...]
    replays: tuple[Replay, ...]
    tightness: tuple[Tightness, ...]
    drawn: Floats  # (thresholds, draws) quantiles of the forecast rate
    achievability: Floats  # (thresholds,) probability that the objective is met
    expected: Floats  # (thresholds,) forecast rate
    ends: Floats  # (thresholds, 2) of its 80 % prediction interval
    executions: float  # forecast
    failed: float = 0.0  # share of valid executions that failed and violate every threshold

    @property
    def budget(self) -> float:
        """The error budget."""
        return 1 - self.objective

    @property
    def seen(self) -> Floats:
        """Tightness of each threshold, (thresholds,)."""
        return np.array([one.value for one in self.tightness])

    @property
    def most_seen(self) -> float:
        """Greatest tightness of any threshold in the period."""
        return max(float(self.seen.max()), LEAST_TIGHTNESS)

    @property
    def pages_a_month(self) -> Floats:
        """Pages in 30 days at each threshold, (thresholds,)."""
        return np.array([one.pages_per_week for one in self.replays]) * WEEKS_A_MONTH

    def expected_interval(self, index: int) -> Interval:
        """The 80 % prediction interval of the rate at the threshold of a place."""
        low, high = self.ends[index].tolist()
        return Interval(low=low, high=high, level=LEVEL, kind="prediction")

    def daily_pages(self, index: int) -> Floats:
        """Pages on each day that counts, at the threshold of a place, (days,)."""
        days = [(page - self.start) // timedelta(days=1) for page in self.replays[index].pages]
        return np.bincount(np.clip(np.array(days, dtype=np.int64), 0, self.days - 1), minlength=self.days).astype(float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses(Result):
    """Pages a month that each threshold costs, by part; means over the draws, (thresholds,)."""

    budget: Floats
    pages: Floats
    missed: Floats
    drawn: Floats  # (thresholds, draws) the whole loss of each draw
    paged: Floats  # (thresholds, draws) pages a month of each draw, without their price

    @property
    def total(self) -> Floats:
        """The sum of the parts."""
        return self.budget + self.pages + self.missed


def ladder_of(
    period: Profiles,
    thresholds: Sequence[float],
    *,
    curve: Curve,
    objective: float,
    confidence_level: float,
    since: datetime | None = None,
) -> Ladder:
    """Estimate the rates and replay the alerts at each threshold.

    Parameters
    ----------
    period
        What is described and replayed.
    curve
        The forecast at the same thresholds, over 30 days at least.
    since
        Rates, pages and injected slowdowns count from then on; the alerts' windows look at all of the period.
    """
    start = max(since or period.hours.start, period.hours.start)
    hours, steps = period.hours.between(start, period.hours.end), period.steps
    month = int(np.argmax(curve.horizons == MONTH))
    executions = float(curve.executions[month])
    return Ladder(
        thresholds=np.asarray(thresholds, dtype=float),
        objective=objective,
        start=start,
        days=max(1, round((hours.end - start) / timedelta(days=1))),
        rates=tuple(violation_rates(hours, thresholds, confidence_level=confidence_level)),
        replays=tuple(replay(steps, thresholds, objective=objective, since=since)),
        tightness=tuple(tightness(steps, thresholds, objective=objective, since=since)),
        drawn=np.maximum(curve.quantiles(DRAWS), LEAST_RATE),
        achievability=curve.probability_at_most(1 - objective),
        expected=curve.rates[month],
        ends=_whole(curve.quantiles([(1 - LEVEL) / 2, (1 + LEVEL) / 2]), executions),
        executions=executions,
        failed=_failed(hours),
    )


def _whole(ends: Floats, executions: float) -> Floats:
    """Move the ends of intervals outwards to rates that whole counts can have, (thresholds, 2)."""
    n = max(executions, 1.0)
    return np.column_stack([np.floor(ends[:, 0] * n) / n, np.minimum(1.0, np.ceil(ends[:, 1] * n) / n)])


def _failed(hours: Profile) -> float:
    return float(hours.slot_sums.failures.sum() / hours.valid.sum()) if hours.failures_are_violations else 0.0


def losses_of(ladder: Ladder, prices: Prices) -> Losses:
    """Give the loss of each threshold, as the mean over what its rate may be.

    Pages and tightness hang on the rate: for each draw they are read at the threshold whose rate in the period was
    the one drawn, so no second replay is needed.
    """
    middle = np.array([float(rate.quantile(0.5)) for rate in ladder.rates])
    scale = _log_rates(ladder, middle)
    moved = scale[:, None] + np.log(ladder.drawn / middle[:, None])
    paged = np.interp(-moved, -scale, ladder.pages_a_month)
    seen = np.interp(-moved, -scale, ladder.seen)
    used = np.minimum(prices.budget_most, prices.budget * np.maximum(0, ladder.drawn / ladder.budget - FREE_SHARE))
    pages = prices.pages * paged
    missed = prices.missed * (1 - np.minimum(1, seen / ladder.most_seen))
    return Losses(
        budget=used.mean(axis=1),
        pages=pages.mean(axis=1),
        missed=missed.mean(axis=1),
        drawn=used + pages + missed,
        paged=paged,
    )


def _log_rates(ladder: Ladder, middle: Floats) -> Floats:
    """Log rate of each threshold, strictly falling, (thresholds,).

    Beyond the longest durations no violation tells the thresholds apart, yet a looser one sees less: there the tail
    goes on falling as it did where there were violations.
    """
    logs, places = np.log(middle), np.log(ladder.thresholds)
    violations = np.array([rate.violations for rate in ladder.rates])
    known = np.flatnonzero(violations >= RELIABLE)
    slope = 1.0
    if len(known) > 1:
        first, last = known[0], known[-1]
        slope = max(slope, (logs[first] - logs[last]) / (places[last] - places[first]))
    scale = logs.copy()
    for i in range(1, len(scale)):
        same = violations[i] == violations[i - 1] or logs[i] >= scale[i - 1]
        scale[i] = scale[i - 1] - slope * (places[i] - places[i - 1]) if same else min(logs[i], scale[i - 1])
    return scale
