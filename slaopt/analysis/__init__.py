"""What was: estimates from Profiles, each with its interval, and how far the measurements can be trusted."""

from __future__ import annotations

from slaopt.analysis.attainment import Attainment, attainments
from slaopt.analysis.changepoints import ChangePoint, change_points, last_abrupt
from slaopt.analysis.daily import DailyPercentiles, HourWeekday, daily_percentiles, hour_weekday
from slaopt.analysis.days import Days, days_of
from slaopt.analysis.describe import Analysis, analyze
from slaopt.analysis.intervals import (
    MeanEstimate,
    QuantileEstimate,
    RateEstimate,
    mean_estimate,
    quantile_estimate,
    violation_rate,
    violation_rates,
)
from slaopt.analysis.load import LoadCorrelation
from slaopt.analysis.outliers import OddHour, Outliers, find_outliers
from slaopt.analysis.quality import Quality, QualityCheck, check_quality
from slaopt.analysis.seasonality import SeasonalPattern
from slaopt.analysis.statistics import Baseline, Statistics, baseline, statistics
from slaopt.analysis.traffic import LowTraffic, low_traffic
from slaopt.analysis.trend import TrendAnalysis, analyze_trend

__all__ = [
    "Analysis",
    "Attainment",
    "Baseline",
    "ChangePoint",
    "DailyPercentiles",
    "Days",
    "HourWeekday",
    "LoadCorrelation",
    "LowTraffic",
    "MeanEstimate",
    "OddHour",
    "Outliers",
    "Quality",
    "QualityCheck",
    "QuantileEstimate",
    "RateEstimate",
    "SeasonalPattern",
    "Statistics",
    "TrendAnalysis",
    "analyze",
    "analyze_trend",
    "attainments",
    "baseline",
    "change_points",
    "check_quality",
    "daily_percentiles",
    "days_of",
    "find_outliers",
    "hour_weekday",
    "last_abrupt",
    "low_traffic",
    "mean_estimate",
    "quantile_estimate",
    "statistics",
    "violation_rate",
    "violation_rates",
]
