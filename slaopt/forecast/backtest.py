"""What forecasts would have said on a service's own history, against simple rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from slaopt.result import Result

__all__ = ["METHODS", "Backtest", "BacktestRow", "Method"]

Method = Literal["slaopt", "whole period", "last week", "exponentially weighted"]
METHODS: tuple[Method, ...] = ("slaopt", "whole period", "last week", "exponentially weighted")


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow(Result):
    """How well one method foretold the windows of one horizon."""

    horizon: float  # days
    method: Method
    windows: int  # origins × thresholds
    hit_rate: float | None  # share within 15 % of the rate that came; None with fewer than five origins
    coverage_80: float  # share of rates inside the 80 % interval
    coverage_95: float
    pinball: float  # mean loss of seven quantiles, in violations of 1,000
    median_error: float  # relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest(Result):
    """Forecasts made at earlier moments of a service's history, scored on what came."""

    learn_days: int
    origins: int
    why: str | None  # there is no hit rate, or nothing at all
    rows: tuple[BacktestRow, ...]
