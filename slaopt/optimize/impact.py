"""What a change is worth in a month: violations, pages and, where prices are given, cost, each with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.optimize.confidence import own_spread
from slaopt.optimize.scores import LEVEL, Ladder, Losses
from slaopt.params import Costs
from slaopt.result import Interval, Result

__all__ = ["Estimate", "Figure", "Impact", "MonthlyFigure", "impact_of"]

Floats = NDArray[np.float64]
NORMAL = special.ndtri((np.arange(21) + 0.5) / 21)  # what a month of its own adds, in standard deviations

Figure = Literal["violations", "pages", "cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Result):
    """A value and the 80 % prediction interval around it."""

    value: float
    interval: Interval


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """Violations and pages of a month at one threshold: (draws,) each, and what a month of its own adds to pages."""

    violations: Floats
    pages: Floats
    daily: Floats  # pages of each replayed day

    @classmethod
    def of(cls, ladder: Ladder, losses: Losses, index: int) -> _Side:
        return cls(
            violations=ladder.executions * ladder.drawn[index],
            pages=losses.paged[index],
            daily=ladder.daily_pages(index),
        )

    def __sub__(self, other: _Side) -> _Side:
        return _Side(
            violations=self.violations - other.violations,
            pages=self.pages - other.pages,
            daily=self.daily - other.daily,
        )


def impact_of(ladder: Ladder, losses: Losses, *, now: int | None, then: int, costs: Costs | None) -> Impact:
    """Foretell violations, pages and cost of a month at two places of the ladder, and the difference.

    Violations follow the forecast's distribution. Pages are those of the threshold whose rate in the period was the one
    drawn, and vary by what pages of a day vary by in the period.
    """
    after = _Side.of(ladder, losses, then)
    before = None if now is None else _Side.of(ladder, losses, now)
    prices: dict[Figure, tuple[float, float]] = {"violations": (1.0, 0.0), "pages": (0.0, 1.0)}
    if costs is not None:
        prices["cost"] = (costs.violation, costs.page)
    rows = tuple(
        MonthlyFigure(
            name=name,
            now=None if before is None else _estimate(before, *price, least=0.0),
            then=_estimate(after, *price, least=0.0),
            change=None if before is None else _estimate(after - before, *price, least=-np.inf),
        )
        for name, price in prices.items()
    )
    return Impact(rows=rows, currency=costs.currency if costs else None)


def _estimate(side: _Side, violation: float, page: float, *, least: float) -> Estimate:
    """Weigh violations and pages, and add what a month of its own brings."""
    drawn = violation * side.violations + page * side.pages
    own = page * own_spread(side.daily) * NORMAL
    low, high = np.quantile(np.maximum(drawn[:, None] + own, least), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if (violation, page) == (0.0, 1.0):
        low, high = np.floor(low), np.ceil(high)
    interval = Interval(low=float(low), high=float(high), level=LEVEL, kind="prediction")
    return Estimate(value=float(drawn.mean()), interval=interval)
