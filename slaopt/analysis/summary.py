"""The few lines by which an analysis is told: rows of a table in a notebook, aligned lines on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import TYPE_CHECKING

from slaopt.analysis.intervals import QuantileEstimate, RateEstimate
from slaopt.result import Interval
from slaopt.wording import count, day, moment, number, per_thousand, percent, seconds, span

if TYPE_CHECKING:
    from slaopt.analysis.attainment import Attainment
    from slaopt.analysis.describe import Analysis

__all__ = ["Fact", "facts", "stories", "table", "within"]

WEEKS, MONTHS = 4, 3  # the last ones, of which a summary tells


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
    """List what matters most of an analysis; durations and rate are those of the baseline."""
    baseline = analysis.baseline_performance
    low, high = baseline.confidence_interval_lower, baseline.confidence_interval_upper
    of_mean = Interval(low=low, high=high, level=analysis.confidence_level) if low and high else None
    return [
        Fact("executions", count(analysis.sample_size)),
        Fact("mean", seconds(baseline.baseline_value), within(of_mean)),
        *(_quantile_fact(estimate) for estimate in baseline.quantiles),
        *([_rate_fact(analysis.violation_rate)] if analysis.violation_rate else []),
        Fact("outliers", *_outliers(analysis)),
        Fact("quality", f"{analysis.quality.word}, {number(analysis.data_quality_score, 2)} of 1"),
    ]


def stories(analysis: Analysis) -> list[Fact]:
    """List what moved, what repeats, what went wrong and how the promise was kept, each with its sentence."""
    trend = analysis.trend_analysis
    told = [
        ("trend", [trend.sentence]),
        ("season", [pattern.sentence for pattern in trend.seasonal_patterns if pattern.claimed]),
        ("load", [load.sentence for load in trend.load_correlations if load.claimed]),
        ("changes", [change.sentence for change in trend.change_points]),
        ("incidents", [_incidents(analysis)] if analysis.incident_hours else []),
        ("weeks", _kept(analysis, "week", WEEKS)),
        ("months", _kept(analysis, "month", MONTHS)),
    ]
    return [Fact(name, " ".join(sentences)) for name, sentences in told if sentences]


def _incidents(analysis: Analysis) -> str:
    """Say how many hours were odd, which most, and what the violation rate is without them."""
    hours = analysis.incident_hours
    worst = max(hours, key=lambda hour: hour.factor)
    most = f"{number(worst.factor, 2)} times the usual at {moment(worst.start, analysis.timezone)}"
    said = f"{len(hours)} hours with a median far above the usual, most of all {most}"
    said = said if len(hours) > 1 else f"One hour with a median far above the usual: {most}"
    without = analysis.violation_rate_without_incidents
    if without is None:
        return f"{said}."
    fact = _rate_fact(without)
    return f"{said}; without {'them' if len(hours) > 1 else 'it'} {fact.value} violate ({fact.interval})."


def _kept(analysis: Analysis, kind: str, most: int) -> list[str]:
    """Say the attainment of the last weeks or months in one sentence, what was missed by name."""
    ran = [one for one in analysis.attainment if one.kind == kind and one.attainment is not None][-most:]
    return [", ".join(_one_kept(one, analysis.threshold) for one in ran) + "."] if ran else []


def _one_kept(one: Attainment, current: float | None) -> str:
    name = f"{one.start.day} {one.start:%b}" if one.kind == "week" else f"{one.start:%b %Y}"
    judged = ", ".join(seconds(threshold) for threshold in one.thresholds)
    at = "" if one.thresholds == (current,) else f" at {judged}"
    remarks = [{False: "missed", None: "in doubt", True: ""}[one.met], "" if one.whole else "part of it"]
    remark = ", ".join(filter(None, remarks))
    return f"{name} {percent(one.attainment or 0.0)}{at}" + (f" ({remark})" if remark else "")


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
    told = "".join(
        f'<tr><th scope="row">{escape(fact.name)}</th><td colspan="2">{escape(fact.value)}</td></tr>'
        for fact in stories(analysis)
    )
    few = [analysis.low_traffic.sentence] if analysis.low_traffic else []
    remarks = few + [f"{check.sentence} {check.remedy}" for check in analysis.quality.checks] + list(analysis.warnings)
    listed = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return (
        f'<table class="analysis"><caption>{escape(analysis.service)}, {escape(period)}</caption>'
        '<thead><tr><th scope="col">figure</th><th scope="col">measured</th>'
        f'<th scope="col">{level} interval</th></tr></thead>'
        f"<tbody>{rows}{told}</tbody></table>" + (f"<ul>{listed}</ul>" if listed else "")
    )
