"""Burn-rate alerts replayed on the history of a service, and degradations injected to see which ones they catch.

The policy is that of Google, The Site Reliability Workbook (2018), chapter 5: an alert fires where the burn rate of a
long and of a short window both reach a factor. Two things are added. A page needs a number of violations that a healthy
service hardly ever shows, so that two slow executions at night wake nobody. And an alert that keeps firing is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from slaopt.result import Result

__all__ = ["BURN_RATE_WINDOWS", "BurnRateWindow", "Cell", "Replay", "Tightness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRateWindow(Result):
    """An alert that fires when both windows burn the error budget at `factor` or faster."""

    severity: Literal["page", "ticket"]
    long: timedelta
    short: timedelta
    budget_share: float  # of the period's error budget, used up in the long window


BURN_RATE_WINDOWS = (  # SRE Workbook, ch. 5: factor = budget_share × period / long
    BurnRateWindow(severity="page", long=timedelta(hours=1), short=timedelta(minutes=5), budget_share=0.02),  # 14.4
    BurnRateWindow(severity="page", long=timedelta(hours=6), short=timedelta(minutes=30), budget_share=0.05),  # 6
    BurnRateWindow(severity="ticket", long=timedelta(days=3), short=timedelta(hours=6), budget_share=0.10),  # 1
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Result):
    """What the policy would have done at one threshold. An alert that keeps firing counts again every four hours."""

    threshold: float
    pages_per_week: float
    tickets_per_week: float
    pages: tuple[datetime, ...]  # when each page would have been sent, UTC
    share_firing: float  # share of the time that counts during which a page fired


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Result):
    """One injected degradation: durations × `factor` on a `share` of executions for some `hours`."""

    factor: float
    hours: float
    share: float
    caught: float  # share 0–1 of the starts at which a page would have come


@dataclass(frozen=True, slots=True, kw_only=True)
class Tightness(Result):
    """How much the alerts would see at one threshold: the mean of the cells × (1 − share of the time firing)."""

    threshold: float
    value: float
    cells: tuple[Cell, ...]

    def caught(self, *, factor: float, hours: float, share: float) -> float:
        """Give the share caught of one of the injected degradations."""
        return next(c.caught for c in self.cells if (c.factor, c.hours, c.share) == (factor, hours, share))
