"""One side of now → then: what a threshold means."""

from __future__ import annotations

from dataclasses import dataclass

from slaopt.optimize.scores import EXAMPLE, Ladder
from slaopt.result import Interval, Result

__all__ = ["Outcome", "outcome_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Result):
    """What a threshold means over the coming 30 days. Rates and probabilities are 0–1."""

    threshold: float
    violation_rate: float  # forecast
    interval: Interval  # 80 % prediction
    past_rate: float  # what happened in the period, or since its last change of level
    exact: bool  # whether violations were counted at this threshold, not only bracketed
    achievability: float  # probability that the objective is met
    pages_per_week: float
    tickets_per_week: float
    tightness: float
    tightness_relative: float  # tightness / greatest of any threshold in the period
    example_caught: float  # slowdowns that double the duration of half the executions for an hour


def outcome_at(ladder: Ladder, index: int) -> Outcome:
    """Read what the threshold at a place of the ladder means."""
    rate, replayed, seen = ladder.rates[index], ladder.replays[index], ladder.tightness[index]
    return Outcome(
        threshold=rate.threshold,
        violation_rate=float(ladder.expected[index]),
        interval=ladder.expected_interval(index),
        past_rate=rate.rate,
        exact=rate.exact,
        achievability=float(ladder.achievability[index]),
        pages_per_week=replayed.pages_per_week,
        tickets_per_week=replayed.tickets_per_week,
        tightness=seen.value,
        tightness_relative=seen.value / ladder.most_seen,
        example_caught=seen.caught(**EXAMPLE),
    )
