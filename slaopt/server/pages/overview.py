"""The overview told: totals, and one line for each service, those first that need attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from slaopt.charts.scales import threshold_name
from slaopt.parts import portfolio as parts
from slaopt.report.portfolio import PortfolioRow, portfolio_of
from slaopt.server.pages.links import about_service, report_page
from slaopt.server.pages.trend import Chart, attainment_chart, objectives_chart
from slaopt.wording import count, day, moment

if TYPE_CHECKING:
    from slaopt.server.answers import Advice, Line, Overview, Performance

__all__ = ["Row", "Told", "standing", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A service, written."""

    service: str
    line: parts.Line | None  # None: there is no report
    threshold: str  # that the store holds, where there is no report
    standing: str  # what becomes of the recommendation, or why nothing does
    standing_kind: Literal["waits", "watched", "off", "stale", ""]
    known: bool  # whether the store has a row for it
    auto: bool
    adjust: str  # address of the dialog
    configure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the overview says."""

    sentence: str
    as_of: str
    figures: tuple[tuple[str, str, str, str], ...]  # name, figure, note, address
    charts: tuple[Chart, ...]
    rows: tuple[Row, ...]


def told(overview: Overview) -> Told:
    """Write an overview."""
    lines = {line.service: line for line in overview.lines}
    reported = [
        _portfolio_row(line.advice, line.performance) for line in overview.lines if line.advice and line.performance
    ]
    portfolio = portfolio_of(reported)
    closed = {line.service for line in overview.lines if not line.opportunity}
    ordered = [(lines.pop(row.service), parts.line_of(row)) for row in portfolio.rows]
    charts = (
        attainment_chart(overview.days),
        objectives_chart(line.performance for line in overview.lines if line.performance is not None),
    )
    return Told(
        sentence=_sentence(reported, closed),
        as_of=moment(portfolio.as_of) if portfolio.as_of else "",
        figures=_figures(overview),
        charts=tuple(chart for chart in charts if chart is not None),
        rows=(*(_row(line, shown) for line, shown in ordered), *(_row(line, None) for line in lines.values())),
    )


def _sentence(reported: list[PortfolioRow], closed: set[str]) -> str:
    """Say how many thresholds should change, and what that would save, without recommendations that no longer hold."""
    gone = sum(row.change and row.service in closed for row in reported)
    left = portfolio_of([replace(row, verdict="keep") if row.service in closed else row for row in reported])
    if left.changes or not gone:
        return parts.totals(left).text
    if gone == 1:
        return "No recommendation is open: the one there was is decided, or no longer holds."
    return f"No recommendation is open: the {count(gone)} there were are decided, or no longer hold."


def standing(line: Line) -> tuple[str, Literal["waits", "watched", "off", "stale", ""]]:
    """Say what becomes of a service's recommendation: that it waits, is watched, or why nothing can be done."""
    proposal = line.proposal
    if proposal is not None:
        if proposal.state == "scheduled" and proposal.scheduled_at is not None:
            return f"scheduled for {moment(proposal.scheduled_at)}", "waits"
        words = {"approved": "approved, not in force yet", "draft": "a draft"}.get(proposal.state, "waits for approval")
        return f"A/B test: {words}" if proposal.implementation_type == "ab_test" else words, "waits"
    if line.experiment is not None:
        until = f" until {day(line.experiment.planned_end)}" if line.experiment.planned_end is not None else ""
        return f"A/B test of {threshold_name(line.experiment.test_threshold)} runs{until}", "watched"
    if line.state == "unusable":
        return f"cannot be used: {line.problem}", "stale"
    if line.state in ("disabled", "not active"):
        return "optimisation is off" if line.state == "disabled" else "not active", "off"
    if line.watched_until is not None:
        return f"changed, watched until {day(line.watched_until)}", "watched"
    if line.change is not None and line.change.in_force and line.change.previous is None:
        return "has its first threshold, not watched: there is nothing to go back to", ""
    if line.advice is not None and line.advice.change and line.why_not is not None:
        return line.why_not, "stale"
    return "", ""


def _row(line: Line, shown: parts.Line | None) -> Row:
    words, kind = standing(line)
    return Row(
        service=line.service,
        line=shown,
        threshold="" if line.threshold is None else threshold_name(line.threshold),
        standing=words,
        standing_kind=kind,
        known=line.state != "unknown to the store",
        auto=line.auto_adjust,
        adjust=about_service(line.service, "adjust"),
        configure=about_service(line.service, "configure"),
    )


def _figures(overview: Overview) -> tuple[tuple[str, str, str, str], ...]:
    return (
        ("Services", count(overview.monitored), "looked after", ""),
        ("Opportunities", count(overview.opportunities), "another threshold is recommended", "recommendations"),
        ("Waiting", count(overview.waiting), "for an approval or their time", "recommendations"),
        ("Watched", count(overview.watched), "changes that would be taken back", "history"),
        ("Automatic", count(overview.auto_adjusted), "services that adjust by themselves", ""),
        ("A/B tests", count(len(overview.experiments)), "running", "experiments"),
    )


def _portfolio_row(advice: Advice, performance: Performance) -> PortfolioRow:
    """Give the line that the index page of reports would have."""
    now, then = advice.now or {}, advice.then or {}
    month = {row["name"]: row for row in (advice.impact or {}).get("rows", ())}
    violations = performance.violations
    return PortfolioRow(
        service=advice.service,
        href=report_page(advice.report_path),
        verdict=advice.verdict,
        words=advice.words,
        sentence=advice.sentence,
        current_threshold=advice.current_threshold,
        recommended_threshold=advice.recommended_threshold,
        violation_rate_now=now.get("violation_rate"),
        violation_rate_then=then.get("violation_rate"),
        pages_now=now.get("pages_per_week"),
        pages_then=then.get("pages_per_week"),
        at_stake=advice.gain if advice.change else None,
        month_now=_value(month.get("pages"), "now"),
        month_then=_value(month.get("pages"), "then"),
        cost_change=_value(month.get("cost"), "change"),
        currency=(advice.impact or {}).get("currency"),
        sparkline=performance.p95 if violations is None else violations,
        sparkline_of="p95" if violations is None else "violation_rate",
        confidence_score=advice.confidence_score,
        quality=performance.quality,
        data_quality_score=performance.data_quality_score,
        quality_sentence=performance.quality_sentence,
        as_of=performance.end,
        age_days=0.0,
    )


def _value(figure: Mapping[str, Any] | None, side: str) -> float | None:
    return figure[side]["value"] if figure and figure[side] else None
