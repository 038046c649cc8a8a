"""How the level of a service moves: its trend, what repeats, what changed, and how it goes with load."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from slaopt.analysis.changepoints import ChangePoint, change_points
from slaopt.analysis.days import days_of
from slaopt.analysis.load import LoadCorrelation, load_correlation
from slaopt.analysis.seasonality import SeasonalPattern, seasonal_patterns
from slaopt.profile import Profile
from slaopt.result import Interval, Result

__all__ = ["TrendAnalysis", "analyze_trend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendAnalysis(Result):
    """Trend of the daily p95 since the last abrupt change, and what was found beside it."""

    direction: Literal["improving", "degrading", "stable"] | None  # None where no trend is computed
    trend_slope: float | None  # share of the level per day
    trend_confidence: float | None  # 0.5–1, one-sided probability of the slope's sign
    slope_interval: Interval | None
    seasonal_patterns: tuple[SeasonalPattern, ...]
    load_correlations: tuple[LoadCorrelation, ...]
    change_points: tuple[ChangePoint, ...]
    since: date  # first day that the trend is of
    days: int  # with executions, from then on
    sentence: str
    why: str | None  # why no trend is computed


def analyze_trend(profile: Profile) -> TrendAnalysis:
    """Describe how the level moves over a Profile."""
    dates = days_of(profile).dates
    why = "days are too few"
    return TrendAnalysis(
        direction=None, trend_slope=None, trend_confidence=None, slope_interval=None,
        seasonal_patterns=seasonal_patterns(profile), load_correlations=(load_correlation(profile),),
        change_points=change_points(profile), since=dates[0], days=len(dates), sentence=why, why=why,
    )  # fmt: skip
