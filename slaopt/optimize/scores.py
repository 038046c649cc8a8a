"""Scores of a candidate threshold: rate, pages, tightness, and the loss in pages a month that joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.analysis.intervals import RateEstimate

__all__ = ["CandidateScore"]


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
