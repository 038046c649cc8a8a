"""Pictures: results → Altair charts whose title is the finding, one module for each question of the report."""

from __future__ import annotations

from slaopt.charts.attainment import attainment_by_week
from slaopt.charts.course import percentiles_per_day
from slaopt.charts.effects import mechanical_and_behaviour, posterior_of_effect, quantile_differences
from slaopt.charts.figure import Absent, Figure, Table
from slaopt.charts.looks import effect_by_look, looks_and_boundaries, sample_ratio
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
    "effect_by_look",
    "forecasts",
    "hour_and_weekday",
    "looks_and_boundaries",
    "mechanical_and_behaviour",
    "pages_against_tightness",
    "percentiles_per_day",
    "posterior_of_effect",
    "power_by_days",
    "power_by_effect",
    "quantile_differences",
    "quantiles",
    "rates_by_threshold",
    "replayed_pages",
    "sample_ratio",
    "violations_per_day",
]
