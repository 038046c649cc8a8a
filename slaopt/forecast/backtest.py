"""What forecasts would have said at earlier moments of a service's own history, against three simple rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from slaopt.forecast.accuracy import QUANTILES, covered, hits, pinball, relative_errors
from slaopt.forecast.curve import ENDS, HORIZONS, LEARN_DAYS, Curve, curve_of, whole_counts
from slaopt.forecast.history import WEEK, DayCounts, day_counts
from slaopt.forecast.naive import simple_rules
from slaopt.profile import Profile
from slaopt.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["METHODS", "Backtest", "BacktestRow", "Method", "backtest"]

Floats = NDArray[np.float64]
Method = Literal["slaopt", "whole period", "last week", "exponentially weighted"]

METHODS: tuple[Method, ...] = ("slaopt", "whole period", "last week", "exponentially weighted")
FEWEST_ORIGINS = 5  # a share of hits of fewer says nothing
SHORTER = (14, 7)  # days to learn from where history is shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRow(Result):
    """How well one method foretold the windows of one horizon; a cell is a window at a threshold."""

    horizon: float  # days
    method: Method
    origins: int
    windows: int  # cells
    hit_rate: float | None  # share within 15 % of the rate that came; None with fewer than five origins
    coverage_80: float  # share of the rates inside the 80 % interval
    coverage_95: float
    pinball: float  # mean loss of seven quantiles, violations of 1,000
    median_error: float | None  # relative; None where nothing violated


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest(Result):
    """Forecasts made at earlier moments of a service's history, scored on what came."""

    learn_days: int
    origins: int  # of the shortest horizon
    why: str | None  # there is no share of hits, or nothing at all
    rows: tuple[BacktestRow, ...]

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each horizon and method."""
        import pandas as pd

        return pd.DataFrame([row.to_dict() for row in self.rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """What all methods said of one window, and what came; T thresholds."""

    horizon: float
    rate: Floats  # (T,) that came
    forecasts: Floats  # (methods, T)
    quantiles: Floats  # (methods, T, 7)
    ends: Floats  # (methods, T, 4) of both intervals


def backtest(hours: Profile, thresholds: Sequence[float] = (), *, horizons: Sequence[float] = HORIZONS) -> Backtest:
    """Forecast every week of a Profile from the days before it, and score the forecasts on the days after it.

    Parameters
    ----------
    hours
        The whole history.
    thresholds
        Seconds, tried beside the quantiles 0.75, 0.9, 0.95 and 0.99 of what each forecast learns from.
    horizons
        Lengths of the windows, whole days. History for no window after 30 days of learning: 7 days after 14 or 7.
    """
    counts = day_counts(hours)
    learn, spans = _plan(counts.days, sorted(horizons))
    windows = list(_windows(counts, np.asarray(thresholds, dtype=float), learn, spans))
    if not windows:
        why = f"{counts.days} days of history are too few to forecast one week from another"
        return Backtest(learn_days=learn, origins=0, why=why, rows=())
    told = [[one for one in windows if one.horizon == span] for span in spans]
    origins = len(told[0])
    few = f"{origins} earlier {'moment is' if origins == 1 else 'moments are'} too few for one"
    rows = tuple(
        _row(chosen, method, place) for chosen in told if chosen for place, method in enumerate(METHODS)
    )  # fmt: skip
    return Backtest(learn_days=learn, origins=origins, why=None if origins >= FEWEST_ORIGINS else few, rows=rows)


def _plan(days: int, horizons: Sequence[float]) -> tuple[int, list[float]]:
    """Days to learn from, and the horizons for which history is long enough."""
    spans = [span for span in horizons if LEARN_DAYS + max(span, WEEK) <= days]
    if spans:
        return LEARN_DAYS, spans
    learn = next((learn for learn in SHORTER if learn + WEEK <= days), SHORTER[-1])
    return learn, [float(WEEK)]


def _windows(counts: DayCounts, thresholds: Floats, learn: int, spans: Sequence[float]) -> Iterator[_Window]:
    """Forecasts at every seventh day back from the end, over each horizon that has ended since."""
    for origin in range(counts.days - WEEK, learn - 1, -WEEK):
        learned = slice(origin - learn, origin)
        ended = [span for span in spans if origin + round(span) <= counts.days]
        if not ended or not counts.n[learned].any():
            continue
        tried = np.unique(np.concatenate([counts.quantiles(learned), thresholds]))
        curve = curve_of(counts.learned(tried, learned), np.array(ended))
        lower, upper = counts.violations(tried)
        for row, span in enumerate(ended):
            came = slice(origin, origin + round(span))
            executed = counts.n[came].sum()
            if executed:
                yield _window(curve, row, (lower + upper)[:, came].sum(axis=1) / 2 / executed)


def _window(curve: Curve, row: int, rate: Floats) -> _Window:
    executions = float(curve.executions[row])
    rules = simple_rules(curve.history.above, curve.history.n)
    told = [rule.quantiles(executions, QUANTILES) for rule in rules]
    ends = [whole_counts(rule.quantiles(executions, ENDS), executions) for rule in rules]
    return _Window(
        horizon=float(curve.horizons[row]),
        rate=rate,
        forecasts=np.array([curve.rates[row], *(rule.rate for rule in rules)]),
        quantiles=np.array([curve.outlook.quantiles(row, QUANTILES), *told]),
        ends=np.array([curve.ends[row], *ends]),
    )


def _row(windows: Sequence[_Window], method: Method, place: int) -> BacktestRow:
    rate = np.concatenate([one.rate for one in windows])
    forecast = np.concatenate([one.forecasts[place] for one in windows])
    low, lower, upper, high = np.concatenate([one.ends[place] for one in windows]).T
    errors = relative_errors(forecast, rate)
    return BacktestRow(
        horizon=windows[0].horizon,
        method=method,
        origins=len(windows),
        windows=len(rate),
        hit_rate=float(hits(forecast, rate).mean()) if len(windows) >= FEWEST_ORIGINS else None,
        coverage_80=float(covered(lower, upper, rate).mean()),
        coverage_95=float(covered(low, high, rate).mean()),
        pinball=float(pinball(np.concatenate([one.quantiles[place] for one in windows]), rate).mean()),
        median_error=float(np.nanmedian(errors)) if np.isfinite(errors).any() else None,
    )
