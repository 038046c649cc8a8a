"""What will happen, in words and by the month: how far the forecast goes, and what a change is worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.charts.scales import threshold_name
from slaopt.charts.thresholds import interval_of
from slaopt.optimize.sentences import frequency
from slaopt.parts.markup import Part, render
from slaopt.parts.tables import Cell, Row, parenthesised, table

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.assess import Assessment
    from slaopt.optimize.impact import Estimate, Impact, MonthlyFigure

__all__ = ["impact", "outlook"]

NAMES = {"violations": "Violations", "pages": "Pages", "cost": "Cost"}


def outlook(assessment: Assessment) -> Part:
    """Say how far the forecast may be trusted, and what incidents did to the rate."""
    told = [*_confidence(assessment), *_incidents(assessment.analysis)]
    return render("reasons.html", text=" ".join(told), reasons=told) if told else Part(html="", text="")


def _confidence(assessment: Assessment) -> Iterator[str]:
    recommendation = assessment.recommendation
    longest = (recommendation.forecast_then or recommendation.forecast_now)[-1:]
    for forecast in longest:
        days, learned = wording.number(forecast.horizon), wording.count(forecast.learned_days)
        why = f", since {forecast.reason}" if forecast.reason else ""
        yield (
            f"The forecast at {threshold_name(forecast.threshold)} over {days} days has {forecast.confidence} "
            f"confidence{why}. It learned from the last {learned} days, and expects about "
            f"{wording.count(forecast.executions)} executions."
        )


def _incidents(analysis: Analysis) -> Iterator[str]:
    rate, without = analysis.violation_rate, analysis.violation_rate_without_incidents
    if not analysis.incident_hours:
        return
    hours = len(analysis.incident_hours)
    told = f"{wording.count(hours)} {'hour was an incident' if hours == 1 else 'hours were incidents'}"
    if rate is None or without is None:
        yield f"{told}: far slower than such hours usually are."
        return
    whole, calm = (frequency(one.average_week) for one in (rate, without))
    if whole == calm:
        yield f"{told}: with or without {'it' if hours == 1 else 'them'} {whole} of 1,000 executions violated."
        return
    yield (
        f"{told}: with {'it' if hours == 1 else 'them'} {whole} of 1,000 executions violated"
        f"{_in_parentheses(interval_of(rate.interval))}, without {'it' if hours == 1 else 'them'} "
        f"{calm}{_in_parentheses(interval_of(without.interval))}."
    )


def _in_parentheses(text: str) -> str:
    return f" ({text})" if text else ""


def impact(assessment: Assessment) -> Part:
    """List what a month brings at the current and at the recommended threshold."""
    found = assessment.recommendation.impact
    if found is None or not found.rows:
        return Part(html="", text="")
    changed = any(row.now is not None and row.change is not None for row in found.rows) and _moves(assessment)
    columns = ("In the coming 30 days", *(("now", "proposed", "change") if changed else ("expected",)))
    rows = [_month(row, found, changed=changed) for row in found.rows]
    below = "In parentheses: 80 % intervals for what will be measured."
    return table("What a month brings", columns, rows, kind="impact", below=below)


def _moves(assessment: Assessment) -> bool:
    recommendation = assessment.recommendation
    return recommendation.current_threshold != recommendation.recommended_threshold


def _month(row: MonthlyFigure, found: Impact, *, changed: bool) -> Row:
    unit = f", {found.currency}" if row.name == "cost" and found.currency else ""
    shown = (row.now, row.then, row.change) if changed else (row.then,)
    signs = (False, False, True) if changed else (False,)
    cells = tuple(
        _estimate(estimate, signed=signed) if estimate else Cell(text="–")
        for estimate, signed in zip(shown, signs, strict=True)
    )
    return Row(name=f"{NAMES[row.name]}{unit}", cells=cells)


def _estimate(estimate: Estimate, *, signed: bool) -> Cell:
    interval = estimate.interval
    small = f"{_amount(interval.low, signed)} to {_amount(interval.high, signed)}" if interval else ""
    return Cell(text=_amount(estimate.value, signed), small=parenthesised(small))


def _amount(value: float, signed: bool) -> str:
    size = abs(value)
    text = wording.count(size) if size >= 100 else wording.number(round(size, 1), 2)
    if text == "0" or not (signed or value < 0):
        return text
    return f"{'+' if value > 0 else '−'}{text}"
