"""What repeats by hour of day and by weekday, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["SeasonalPattern", "seasonal_patterns"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalPattern(Result):
    """How levels repeat by hour of day or weekday."""

    kind: Literal["hour of day", "weekday"]
    strength: float  # 0–1, adjusted share of the variance
    p_value: float  # of the hypothesis that nothing repeats
    claimed: bool  # whether it is significant and its share is worth a word
    factors: Floats  # (24,) or (7,), Monday first: level relative to the mean level; 1 where unknown
    sentence: str


def seasonal_patterns(profile: Profile) -> tuple[SeasonalPattern, ...]:
    """Describe the season by hour of day and by weekday, each where there are days enough."""
    return ()
