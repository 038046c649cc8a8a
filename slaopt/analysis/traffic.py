"""Low traffic: where one slow execution is so much of the error budget that no alert can tell chance from trouble."""

from __future__ import annotations

from dataclasses import dataclass

from slaopt.result import Result

__all__ = ["LowTraffic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LowTraffic(Result):
    """Why a service has too few executions for its objective, and what it would need."""

    executions_per_week: float
    one_slow_share: float  # share of the weekly error budget that one violation uses; above 1 where it breaks it
    needed_per_week: float  # executions from which a 30-day budget holds five violations
    window_days: float  # window over which the budget of this traffic holds five violations
    sentence: str
