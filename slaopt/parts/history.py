"""How such forecasts and recommendations fared before: the backtest on this service, the calibration over many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.parts.markup import Part, render
from slaopt.parts.tables import Cell, Row, table

if TYPE_CHECKING:
    from slaopt.assess import Assessment
    from slaopt.forecast import Backtest, BacktestRow

__all__ = ["backtest"]

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
