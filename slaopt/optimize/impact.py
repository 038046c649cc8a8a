"""What a change is worth in a month: violations, pages and, where prices are given, cost, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slaopt.result import Interval, Result

__all__ = ["Estimate", "Figure", "Impact", "MonthlyFigure"]

Figure = Literal["violations", "pages", "cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Result):
    """A value and the 80 % prediction interval around it; None where there is nothing to predict from."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyFigure(Result):
    """One figure over the coming 30 days, at the current and at the recommended threshold."""

    name: Figure
    now: Estimate | None  # None without a current threshold
    then: Estimate
    change: Estimate | None  # then − now; negative is less


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact(Result):
    """What the recommended threshold would change in a month."""

    rows: tuple[MonthlyFigure, ...]
    currency: str | None = None  # of the row "cost"

    def row(self, name: Figure) -> MonthlyFigure | None:
        """Give the figure of a name, None where there is none."""
        return next((row for row in self.rows if row.name == name), None)
