"""The few lines by which an analysis is told: rows of a table in a notebook, aligned lines on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

from slaopt.analysis.intervals import QuantileEstimate, RateEstimate
from slaopt.result import Interval
from slaopt.wording import count, day, number, per_thousand, percent, seconds, span

if TYPE_CHECKING:
    from slaopt.analysis.describe import Analysis

__all__ = ["Fact", "facts", "table", "within"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One row: what, its value and where it lies, in words."""

    name: str
    value: str
    interval: str = ""


def within(interval: Interval | None) -> str:
    """Write an interval of durations; one end alone where the sample has no other.

    >>> within(Interval(low=2.1, high=float("inf"), level=0.95)), within(None)
    ('2.1 s or more', '–')
    """
    if interval is None:
        return "–"
    if isfinite(interval.high):
        return span(seconds(interval.low), seconds(interval.high))
    return f"{seconds(interval.low)} or more"


def facts(analysis: Analysis) -> list[Fact]:
    """List what matters most of an analysis."""
    statistics, baseline = analysis.performance_statistics, analysis.baseline_performance
    low, high = baseline.confidence_interval_lower, baseline.confidence_interval_upper
    of_mean = Interval(low=low, high=high, level=analysis.confidence_level) if low and high else None
    return [
        Fact("executions", count(analysis.sample_size)),
        Fact("mean", seconds(statistics.mean), within(of_mean)),
        *(_quantile_fact(estimate) for estimate in baseline.quantiles),
        *([_rate_fact(analysis.violation_rate)] if analysis.violation_rate else []),
        Fact("outliers", *_outliers(analysis)),
        Fact("quality", f"{analysis.quality.word}, {number(analysis.data_quality_score, 2)} of 1"),
    ]


def _quantile_fact(estimate: QuantileEstimate) -> Fact:
    name = "median" if estimate.q == 0.5 else f"p{100 * estimate.q:g}"
    return Fact(name, seconds(estimate.value), within(estimate.interval))


def _rate_fact(rate: RateEstimate) -> Fact:
    ends = rate.interval
    interval = "–"
    if ends:
        low = ends.low if ends.low > ends.high / 1000 else 0.0  # 0.00003 would only look like knowledge
        interval = span(per_thousand(low), per_thousand(ends.high))
    return Fact(f"over {seconds(rate.threshold)}", f"{per_thousand(rate.rate)} of 1,000", interval)


def _outliers(analysis: Analysis) -> tuple[str, str]:
    outliers = analysis.outliers
    if outliers.count is None or outliers.upper_bound is None:
        return "not sought", ""
    return count(outliers.count), f"above {seconds(outliers.upper_bound)}" if outliers.count else ""


def table(analysis: Analysis) -> str:
    """Write an analysis as an HTML table with its warnings."""
    rows = "".join(
        f'<tr><th scope="row">{escape(fact.name)}</th>'
        f"<td>{escape(fact.value)}</td><td>{escape(fact.interval)}</td></tr>"
        for fact in facts(analysis)
    )
    period = f"{day(analysis.start, analysis.timezone)} to {day(analysis.end, analysis.timezone)}"
    level = percent(analysis.confidence_level)
    remarks = [f"{check.sentence} {check.remedy}" for check in analysis.quality.checks] + list(analysis.warnings)
    listed = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return (
        f'<table class="analysis"><caption>{escape(analysis.service)}, {escape(period)}</caption>'
        '<thead><tr><th scope="col">figure</th><th scope="col">measured</th>'
        f'<th scope="col">{level} interval</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>" + (f"<ul>{listed}</ul>" if listed else "")
    )
