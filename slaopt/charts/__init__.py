"""Pictures: results → Altair charts whose title is the finding, one module for each question of the report."""

from __future__ import annotations

from slaopt.charts.attainment import attainment_by_week
from slaopt.charts.course import percentiles_per_day
from slaopt.charts.figure import Absent, Figure, Table
from slaopt.charts.outlook import forecasts
from slaopt.charts.performance import hour_and_weekday, quantiles
from slaopt.charts.power import power_by_days, power_by_effect
from slaopt.charts.replay import replayed_pages
from slaopt.charts.thresholds import pages_against_tightness, rates_by_threshold
from slaopt.charts.violations import violations_per_day

__all__ = [
    "Absent",
    "Figure",
    "Table",
    "attainment_by_week",
    "forecasts",
    "hour_and_weekday",
    "pages_against_tightness",
    "percentiles_per_day",
    "power_by_days",
    "power_by_effect",
    "quantiles",
    "rates_by_threshold",
    "replayed_pages",
    "violations_per_day",
]
