"""Rollback criteria: rules under which a change is taken back, as data, and sentences that say what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slaopt.analysis.watch import Watch, watch
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["Rollback", "RollbackRule", "rollback"]

Metric = Literal["watch_z", "burn_rate"]
Operator = Literal[">", ">="]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRule(Result):
    """Roll back where `metric` over `window` is above (or at) `value`."""

    metric: Metric
    operator: Operator
    value: float
    window: str  # "6h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback(Result):
    """The criteria of a change: rules, a sentence for each, and the watch behind them."""

    rules: tuple[RollbackRule, ...]
    criteria: tuple[str, ...]
    watch: Watch


def rollback(steps: Profile, threshold: float, *, objective: float, window_days: float = 30, seed: int = 0) -> Rollback:
    """Make the criteria under which a change to `threshold` is rolled back, from the service's own history."""
    return Rollback(rules=(), criteria=(), watch=watch(steps, threshold, seed=seed))
