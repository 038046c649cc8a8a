"""The risk of a change, low, medium or high: named factors, each with its figure and the bounds it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slaopt.result import Result

__all__ = ["RiskFactor", "RiskLevel"]

RiskLevel = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFactor(Result):
    """One thing that may go wrong, and how far it may."""

    name: str
    level: RiskLevel
    figure: float | None  # what was judged, in the unit that the sentence names
    sentence: str
