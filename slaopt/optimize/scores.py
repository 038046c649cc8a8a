"""Scores of a threshold: rate, pages, tightness, and the loss in pages a month that joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.alerts import Replay, Tightness, replay, tightness
from slaopt.analysis.intervals import RateEstimate, violation_rates
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result

__all__ = ["EXAMPLE", "CandidateScore", "Ladder", "Losses", "Prices", "ladder_of", "losses_of"]

Floats = NDArray[np.float64]

DRAWS = (np.arange(21) + 0.5) / 21  # quantiles of the rate that are tried, the same for all thresholds
EXAMPLE = {"factor": 2.0, "hours": 1.0, "share": 0.5}  # the slowdown that sentences speak of
FREE_SHARE = 0.5  # of the error budget costs nothing: violations inside it are what it is for
BUDGET_PRICE = 20.0  # pages a month for each whole error budget used beyond
BUDGET_MOST = 100.0
PAGE_PRICE = 1.0
MISSED_PRICE = 50.0  # pages a month for each degradation a month that nobody would see
PRIORITY = 3.0
LEAST_TIGHTNESS = 0.05  # of the best threshold: where all see next to nothing, none sees "all there is"
WEEKS_A_MONTH = 30 / 7
RELIABLE = 10  # violations from which the shape of the tail is read


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateScore(Result):
    """One threshold considered. Losses are pages a month, means over the draws of the rate."""

    threshold: float
    current: bool
    rate: RateEstimate  # expected violation rate, "if the coming weeks are like these"
    achievability: float | None  # probability that the objective is met
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
    """What the period showed at each of the thresholds, increasing."""

    thresholds: Floats  # (thresholds,)
    objective: float
    rates: tuple[RateEstimate, ...]
    replays: tuple[Replay, ...]
    tightness: tuple[Tightness, ...]
    failed: float = 0.0  # share of valid executions that failed and violate every threshold

    @property
    def budget(self) -> float:
        """The error budget."""
        return 1 - self.objective

    @property
    def achievability(self) -> Floats:
        """Probability that the objective is met at each threshold, (thresholds,)."""
        return np.array([rate.probability_at_most(self.budget) for rate in self.rates], dtype=float)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses(Result):
    """Pages a month that each threshold costs, by part; means over the draws, (thresholds,)."""

    budget: Floats
    pages: Floats
    missed: Floats
    drawn: Floats  # (thresholds, draws) the whole loss of each draw

    @property
    def total(self) -> Floats:
        """The sum of the parts."""
        return self.budget + self.pages + self.missed


def ladder_of(profiles: Profiles, thresholds: Sequence[float], *, objective: float, confidence_level: float) -> Ladder:
    """Estimate the rates and replay the alerts at each threshold."""
    return Ladder(
        thresholds=np.asarray(thresholds, dtype=float),
        objective=objective,
        rates=tuple(violation_rates(profiles.hours, thresholds, confidence_level=confidence_level)),
        replays=tuple(replay(profiles.steps, thresholds, objective=objective)),
        tightness=tuple(tightness(profiles.steps, thresholds, objective=objective)),
        failed=_failed(profiles.hours),
    )


def _failed(hours: Profile) -> float:
    return float(hours.slot_sums.failures.sum() / hours.valid.sum()) if hours.failures_are_violations else 0.0


def losses_of(ladder: Ladder, prices: Prices) -> Losses:
    """Give the loss of each threshold, as the mean over what its rate may be.

    Pages and tightness hang on the rate: for each draw they are read at the threshold whose rate in the period was
    the one drawn, so no second replay is needed.
    """
    drawn = np.array([rate.quantile(DRAWS) for rate in ladder.rates])  # (thresholds, draws)
    middle = np.array([float(rate.quantile(0.5)) for rate in ladder.rates])
    scale = _log_rates(ladder, middle)
    moved = scale[:, None] + np.log(drawn / middle[:, None])
    pages = np.interp(-moved, -scale, ladder.pages_a_month)
    seen = np.interp(-moved, -scale, ladder.seen)
    used = np.minimum(prices.budget_most, prices.budget * np.maximum(0, drawn / ladder.budget - FREE_SHARE))
    pages *= prices.pages
    missed = prices.missed * (1 - np.minimum(1, seen / ladder.most_seen))
    return Losses(
        budget=used.mean(axis=1),
        pages=pages.mean(axis=1),
        missed=missed.mean(axis=1),
        drawn=used + pages + missed,
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
