"""How such forecasts and recommendations fared before: the backtest on this service, the calibration over many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.optimize.confidence import CALIBRATION, Calibration
from slaopt.parts.markup import Part, render
from slaopt.parts.tables import Cell, Row, table

if TYPE_CHECKING:
    from slaopt.assess import Assessment
    from slaopt.forecast import Backtest, BacktestRow

__all__ = ["backtest", "calibration"]

METHODS = {
    "slaopt": "this forecast",
    "whole period": "as in the whole period",
    "last week": "as in the last week",
    "exponentially weighted": "as lately, weighted",
}


def backtest(assessment: Assessment) -> Part:
    """Tell how forecasts at earlier moments of this service's history turned out, against simple rules."""
    found = assessment.backtest
    if found is None or not found.rows:
        why = f"Forecasts were not tried on this service’s history: {found.why}." if found and found.why else ""
        return render("sentence.html", text=why, sentence=why) if why else Part(html="", text="")
    columns = ("Coming", "Method", "Moments", "Within 15 %", "80 % held", "95 % held", "Loss", "Median error")
    return table(
        "Forecasts tried on this service’s own history", columns, [_row(row, found.rows) for row in found.rows],
        kind="backtest", below=_below(found),
    )  # fmt: skip


def _row(row: BacktestRow, rows: Sequence[BacktestRow]) -> Row:
    best = min(other.pinball for other in rows if other.horizon == row.horizon)
    hits = "–" if row.hit_rate is None else wording.percent(row.hit_rate)
    return Row(
        name=f"{wording.number(row.horizon)} days",
        kind="then" if row.method == "slaopt" else "",
        cells=(
            Cell(text=METHODS[row.method], kind="words"),
            Cell(text=wording.count(row.origins)),
            Cell(text=hits),
            Cell(text=wording.percent(row.coverage_80)),
            Cell(text=wording.percent(row.coverage_95)),
            Cell(text=wording.number(row.pinball, 3), small="least" if row.pinball == best else ""),
            Cell(text="–" if row.median_error is None else wording.percent(row.median_error)),
        ),
    )


def _below(found: Backtest) -> str:
    told = [
        f"At each moment of the past all learned from {wording.count(found.learn_days)} days, at several thresholds, "
        "and were compared with what came. Held: share of the rates that came inside the interval. Loss: pinball loss "
        "of seven quantiles, violations of 1,000; the smaller the better."
    ]
    if found.why:
        told.append(f"No share of hits is given: {found.why}.")
    return " ".join(told)


def calibration(assessment: Assessment) -> Part:
    """Tell how often changes of each confidence turned out better, and where the one of this report lies."""
    score = assessment.recommendation.confidence_score
    if score is None:
        return Part(html="", text="")
    columns = ("Confidence given", "on average", "turned out better", "Changes")
    below = (
        "Simulated services whose next 30 days are known, docs/evidence.md: better is a lower loss than that of the "
        "threshold in force. ±: standard error."
    )
    return table(
        "Confidence given, and what came", columns, [_group(group, score) for group in CALIBRATION],
        kind="calibration", below=below,
    )  # fmt: skip


def _group(group: Calibration, score: float) -> Row:
    error = math.sqrt(group.better * (1 - group.better) / group.cases)
    here = group.low <= score < group.high or score == group.high == 1
    return Row(
        name=wording.span(wording.percent(group.low), wording.percent(group.high)),
        kind="then" if here else "",
        badges=("this report",) * here,
        cells=(
            Cell(text=wording.percent(group.said)),
            Cell(text=wording.percent(group.better), small=f"± {max(1, round(100 * error))}"),
            Cell(text=wording.count(group.cases)),
        ),
    )
