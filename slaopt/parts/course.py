"""How the service performed over its history: what changed, what repeats, which months kept the objective."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.charts.attainment import level_of, span_of, thresholds_of, verdict_of
from slaopt.parts.markup import Part, render
from slaopt.parts.tables import Cell, Row, parenthesised, table

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.analysis.attainment import Attainment

__all__ = ["course", "low_traffic", "months"]

MARKS = {True: "✓ kept", False: "✕ missed", None: "open"}


def course(analysis: Analysis) -> Part:
    """Say in a sentence each which changes, trend, season and dependence on load there are."""
    told = list(_course(analysis))
    return render("reasons.html", text=" ".join(told), reasons=told)


def _course(analysis: Analysis) -> Iterator[str]:
    trend = analysis.trend_analysis
    changes = [change.sentence for change in trend.change_points]
    yield " ".join(changes) if changes else "The level changed on no day of the period by more than chance."
    if analysis.baseline_since is not None:
        since = wording.day(analysis.baseline_since, analysis.timezone)
        yield (
            f"Statistics and the measured violation rate rest on what came from {since} on, after the change; the "
            "forecast learns from all of it."
        )
    yield _ended(trend.sentence)
    yield from (_ended(pattern.sentence) for pattern in trend.seasonal_patterns)
    yield from (_ended(load.sentence) for load in trend.load_correlations)


def _ended(sentence: str) -> str:
    """Close a sentence that has no end of its own."""
    return sentence if sentence.endswith(".") else f"{sentence[0].upper()}{sentence[1:]}."


def months(analysis: Analysis) -> Part:
    """List the attainment of each calendar month with the threshold in force."""
    found = [month for month in analysis.attainment if month.kind == "month" and month.attainment is not None]
    if not found:
        return Part(html="", text="")
    columns = ("Month", "Executions", "Violations", "Attainment", "Objective", "Threshold")
    below = "In parentheses: where the level of such a month lies." if any(month.interval for month in found) else ""
    return table("Attainment by month", columns, [_month(month) for month in found], kind="months", below=below)


def _month(month: Attainment) -> Row:
    return Row(
        name=span_of(month),
        cells=(
            Cell(text=wording.count(month.executions)),
            Cell(text=wording.count(month.violations)),
            Cell(text=wording.percent(month.attainment or 0.0), small=parenthesised(level_of(month))),
            Cell(text=f"{wording.percent(month.objective)} {MARKS[month.met]}", kind=f"was-{verdict_of(month)}"),
            Cell(text=thresholds_of(month)),
        ),
    )


def low_traffic(analysis: Analysis) -> Part:
    """Say what the service would need for alerts to tell chance from trouble, where it has too few executions."""
    found = analysis.low_traffic
    if found is None:
        return Part(html="", text="")
    slow = found.one_slow_share
    rows = [
        ("Executions a week", wording.number(found.executions_per_week, 2)),
        ("One slow one uses of a week’s budget", wording.percent(slow)),
        ("Needed a week", wording.count(found.needed_per_week)),
        ("Or an objective over", f"{wording.count(math.ceil(found.window_days))} days"),
    ]
    return render("fields.html", text=found.sentence, title="What it would take", rows=rows)
