"""The violation-rate curve of the coming window: for every threshold a rate, its distribution, how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.buckets import SAME
from slaopt.forecast.accuracy import HIT
from slaopt.forecast.calibration import CONSTANTS, Constants, Outlook, outlook_of, spread_of
from slaopt.forecast.history import History, day_counts
from slaopt.forecast.models import expected_rates
from slaopt.profile import Profile
from slaopt.result import Interval, Result, Skipped
from slaopt.wording import number

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ENDS", "HORIZONS", "LEARN_DAYS", "Confidence", "Curve", "Forecast", "curve_of", "flat", "forecast_curve"]

Floats = NDArray[np.float64]
Confidence = Literal["high", "medium", "low"]

LEARN_DAYS = 30
FEWEST_DAYS = 7
HORIZONS = (7.0, 14.0, 30.0)
HIGH, MEDIUM = 1.0, 1.5  # log(upper / lower) of the 80 % interval, at most
FEW_VIOLATIONS = 10.0  # expected in the window
FEW_DAYS = 14  # learned from
ONE_DAY = 0.5  # share of the violations that one day brought
ENDS = np.array([0.025, 0.1, 0.9, 0.975])  # probabilities below the ends of both intervals
MOST_HIT = 0.4  # above it the probability of a hit was not honest


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Result):
    """Share of executions that will take longer than a threshold over the coming window."""

    threshold: float  # seconds
    horizon: float  # days; published as text, 7d
    violation_rate: float  # 0–1, expected
    interval_80: Interval
    interval_95: Interval
    confidence: Confidence
    reason: str | None  # why confidence is low
    executions: float  # expected in the window
    hit_probability: float  # that the rate will lie within 15 % of one named in advance
    learned_days: int

    def to_dict(self) -> dict[str, Any]:
        """Give the fields, the horizon as text."""
        return Result.to_dict(self) | {"horizon": f"{self.horizon:g}d"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Result):
    """Violation rates of the coming windows at every threshold; they fall with the threshold."""

    thresholds: Floats  # (T,) seconds, increasing
    horizons: Floats  # (H,) days
    rates: Floats  # (H, T) 0–1
    executions: Floats  # (H,) expected
    learned_days: int
    history: History = field(metadata={"published": None}, repr=False)
    outlook: Outlook = field(metadata={"published": None}, repr=False)
    ends: Floats = field(metadata={"published": None}, repr=False)  # (H, T, 4) of both intervals

    def quantiles(self, u: Sequence[float] | Floats, horizon: float = 30) -> Floats:
        """Rates that are not passed with each probability u, (k,) → (T, k)."""
        found = self.outlook.quantiles(self._row(horizon), np.asarray(u, dtype=float))
        return np.minimum.accumulate(found, axis=0)

    def probability_at_most(self, rate: float, horizon: float = 30) -> Floats:
        """Probability that the rate of the window is at most so much, (T,)."""
        row = self._row(horizon)
        n = max(float(self.executions[row]), 1.0)
        # counts are whole: 0.4 violations of 100 are none; executions to expect are not, and no rate is above 1
        whole = (np.floor(n * rate * (1 + SAME)) + 0.5) / n if rate < 1 else 1.0
        return np.maximum.accumulate(self.outlook.at_most(row, whole))

    def at(self, threshold: float, horizon: float = 30) -> Forecast:
        """Give the forecast at a threshold of the curve."""
        return self._forecast(self._row(horizon), self._place(threshold))

    def forecasts(self, thresholds: Sequence[float] | None = None) -> tuple[Forecast, ...]:
        """Give the forecasts over all horizons at each threshold (default: all of the curve)."""
        wanted = self.thresholds.tolist() if thresholds is None else thresholds
        return tuple(self.at(threshold, horizon) for threshold in wanted for horizon in self.horizons.tolist())

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each threshold and horizon."""
        import pandas as pd

        return pd.DataFrame([flat(one.to_dict()) for one in self.forecasts()])

    def _row(self, horizon: float) -> int:
        found = np.flatnonzero(np.isclose(self.horizons, horizon))
        if not len(found):
            raise ValueError(f"no forecast over {horizon:g} days; there are {self.horizons.tolist()}")
        return int(found[0])

    def _place(self, threshold: float) -> int:
        found = np.flatnonzero(np.isclose(self.thresholds, threshold, rtol=SAME, atol=0))
        if not len(found):
            raise ValueError(f"no forecast at {threshold:g} s: name it to forecast_curve()")
        return int(found[0])

    def _forecast(self, row: int, place: int) -> Forecast:
        low, lower, upper, high = self.ends[row, place].tolist()
        narrow = Interval(low=lower, high=upper, level=0.8, kind="prediction")
        wide = Interval(low=low, high=high, level=0.95, kind="prediction")
        least = 0.5 / max(float(self.executions[row]), 1.0)
        width = float(np.log(max(narrow.high, least) / max(narrow.low, least)))
        reason = self._doubt(row, place, width)
        return Forecast(
            threshold=float(self.thresholds[place]),
            horizon=float(self.horizons[row]),
            violation_rate=float(self.rates[row, place]),
            interval_80=narrow,
            interval_95=wide,
            confidence="low" if reason else "medium" if width > HIGH else "high",
            reason=reason,
            executions=float(self.executions[row]),
            hit_probability=min(MOST_HIT, self.outlook.within(row, place, HIT)),
            learned_days=self.learned_days,
        )

    def _doubt(self, row: int, place: int, width: float) -> str | None:
        """Why confidence is low, if it is: what is known before the window begins."""
        above, days = self.history.above[place], self.history.days
        expected = float(self.executions[row] * self.rates[row, place])
        worst = float(above.max() / max(above.sum(), 1))
        if expected < FEW_VIOLATIONS:
            return f"only {number(expected, 2)} violations are to be expected"
        if self.history.doubt[place] > HIT:
            return "the measurements are too coarse to tell which of them violate this threshold"
        if days < FEW_DAYS:
            return f"only {days} days to learn from"
        if worst > ONE_DAY:
            return f"one day brought {100 * worst:.0f} % of the violations"
        if width > MEDIUM:
            return f"the rate moved too much: the ends of the 80 % interval lie a factor of {np.exp(width):.0f} apart"
        return None


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a published forecast without nesting: the ends of its intervals in columns of their own."""
    ends = {f"{end}_{level}": row[f"interval_{level}"][end] for level in ("80", "95") for end in ("low", "high")}
    return {name: value for name, value in row.items() if not name.startswith("interval_")} | ends


def curve_of(history: History, horizons: Floats, constants: Constants = CONSTANTS) -> Curve:
    """Forecast from daily counts: horizons (H,) days."""
    rates = expected_rates(history.above, history.n, history.tail)
    spread = spread_of(history.above, history.n, rates)
    executions = history.expected(horizons)
    outlook = outlook_of(spread, executions, constants)
    expected = np.minimum.accumulate(special.expit(spread.center))
    return Curve(
        thresholds=history.thresholds,
        horizons=horizons,
        rates=np.tile(expected, (len(horizons), 1)),
        executions=executions,
        learned_days=history.days,
        history=history,
        outlook=outlook,
        ends=np.array([_ends(outlook.quantiles(row, ENDS), expected, n) for row, n in enumerate(executions)]),
    )


def _ends(quantiles: Floats, expected: Floats, executions: float) -> Floats:
    """Ends of both intervals, which hold the expected rate: a mean may lie beyond quantiles near 0 and 1, (T, 4)."""
    point = expected[:, None]
    held = np.concatenate([np.minimum(quantiles[:, :2], point), np.maximum(quantiles[:, 2:], point)], axis=1)
    return whole_counts(held, executions)


def whole_counts(quantiles: Floats, executions: float) -> Floats:
    """Widen the ends of intervals to whole counts, and let them fall with the threshold: (T, k) → (T, k).

    Few executions leave few rates that can come, 0 among them: an interval holds those next to its ends.
    """
    n = max(executions, 1.0)
    lower = np.arange(quantiles.shape[1]) < quantiles.shape[1] / 2
    ends = np.where(lower, np.floor(quantiles * n + SAME), np.ceil(quantiles * n - SAME)) / n
    return np.minimum.accumulate(np.minimum(ends, 1.0), axis=0)


def forecast_curve(
    hours: Profile,
    thresholds: Sequence[float],
    *,
    horizons: Sequence[float] = HORIZONS,
    learn_days: int = LEARN_DAYS,
) -> Curve | Skipped:
    """Forecast the violation rate of the windows that follow a Profile.

    Parameters
    ----------
    hours
        The history; its end is where the windows begin. The last `learn_days` of it are learned from.
    thresholds
        Seconds, in any order.
    horizons
        Lengths of the windows, days.
    """
    counts = day_counts(hours)
    if counts.days < FEWEST_DAYS:
        told = "1 day" if counts.days == 1 else f"{counts.days} days"
        return Skipped(service=hours.service, reason=f"only {told} of history; a forecast needs {FEWEST_DAYS}")
    span = slice(max(0, counts.days - learn_days), counts.days)
    if not counts.n[span].any():
        return Skipped(service=hours.service, reason=f"nothing ran in the last {learn_days} days")
    return curve_of(counts.learned(thresholds, span), np.asarray(horizons, dtype=float))
