"""Attainment of calendar weeks and months, each day judged by the threshold that was in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from slaopt.result import Interval, Result

__all__ = ["Attainment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment(Result):
    """The share of executions that kept the threshold in one calendar week (from Monday) or month, local time."""

    kind: Literal["week", "month"]
    start: date  # first day of the week or month
    end: date  # its last day
    whole: bool  # every day of it was measured
    executions: float
    violations: float
    attainment: float | None  # 0–1; None where nothing ran
    interval: Interval | None  # of the level of such a week or month; None where days are too few
    objective: float
    met: bool | None  # None where nothing ran, or violations that were not counted leave it open
    thresholds: tuple[float, ...]  # seconds, those in force in it, in order of time
    assumed: bool  # some of it lies before the first threshold known to have been in force
