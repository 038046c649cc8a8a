"""What could go wrong with a change: named risks, what is done about them, and when it is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.parts.markup import Part, of_hundred, render
from slaopt.parts.tables import Cell, Row, table

if TYPE_CHECKING:
    from slaopt.analysis.watch import Detectable, Watch
    from slaopt.assess import Assessment

__all__ = ["main_risk", "risk", "rollback", "rollback_seen"]

LEVELS = {"low": 0, "medium": 1, "high": 2}


def risk(assessment: Assessment) -> Part:
    """Name the risk of the change and each factor of it with its figure, and what can be done."""
    recommendation = assessment.recommendation
    if recommendation.implementation_risk is None:
        return Part(html="", text="")
    factors = sorted(recommendation.risk_factors, key=lambda factor: -LEVELS[factor.level])
    return render(
        "risk.html",
        text=f"Risk: {recommendation.implementation_risk}",
        level=recommendation.implementation_risk,
        factors=factors,
        strategies=recommendation.mitigation_strategies,
    )


def main_risk(assessment: Assessment) -> str:
    """The sentence of the factor that weighs most."""
    factors = assessment.recommendation.risk_factors
    return max(factors, key=lambda factor: LEVELS[factor.level]).sentence if factors else ""


def rollback(assessment: Assessment) -> Part:
    """Say under which conditions the change is taken back, and how often that would be a false alarm."""
    recommendation = assessment.recommendation
    told = list(recommendation.rollback_criteria)
    if not told:
        return Part(html="", text="")
    return render("titled.html", text=" ".join(told), title="When a change is taken back", sentences=told)


def rollback_seen(assessment: Assessment) -> Part:
    """List what the watch would see within some hours."""
    watch = assessment.recommendation.watch
    if watch is None or not watch.detectable:
        return Part(html="", text="")
    columns = ("Within", "seen in 95 of 100 cases from", "a threefold violation rate is seen")
    rows = [_detectable(one) for one in watch.detectable]
    below = f"Reckoned beforehand by injecting excess violations into the history. {_alarms(watch)}"
    return table("What the watch after a change would see", columns, rows, kind="seen", below=below)


def _detectable(one: Detectable) -> Row:
    least = "none that was tried" if one.factor is None else f"× {wording.number(one.factor, 2)} of the violation rate"
    return Row(
        name=f"{one.hours} h",
        cells=(Cell(text=least), Cell(text=f"in {of_hundred(one.x3_seen)} of 100 cases")),
    )


def _alarms(watch: Watch) -> str:
    if watch.false_alarms_per_quarter is None:
        return ""
    return f"False alarms: {wording.number(watch.false_alarms_per_quarter, 2)} a quarter."
