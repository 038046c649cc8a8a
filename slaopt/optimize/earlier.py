"""The assessment of a week earlier: a change is made where two in a row point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from slaopt.result import Result

__all__ = ["FEWEST_DAYS", "WEEK", "Direction", "Earlier"]

Direction = Literal["raise", "keep", "lower"]
WEEK = timedelta(days=7)
FEWEST_DAYS = 14  # of measurements that an assessment of a week earlier needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier(Result):
    """What one assessment alone would have said a week earlier, from the same measurements up to then."""

    as_of: datetime  # UTC
    verdict: Direction
    threshold: float  # recommended then; the current one where it would have been kept
    confidence: float | None
