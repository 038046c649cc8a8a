"""The violation-rate curve of the coming window: for every threshold a rate, its distribution, how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.days import pooled
from slaopt.buckets import SAME
from slaopt.forecast import models
from slaopt.forecast.calibration import Outlook, Spread, dispersion, outlook_of
from slaopt.profile import Profile
from slaopt.result import Interval, Result, Skipped

__all__ = ["Curve", "Forecast", "History", "forecast_curve", "history_of"]

Floats = NDArray[np.float64]
Confidence = Literal["high", "medium", "low"]

LEARN_DAYS = 30
FEWEST_DAYS = 7
HORIZONS = (7.0, 14.0, 30.0)
HIGH, MEDIUM = 1.0, 1.5  # ln(upper / lower) of the 80 % interval, at most
FEW_VIOLATIONS = 10.0
HIT = 0.15  # relative error of a hit
MOST_HIT = 0.4  # above it the probability of a hit is not honest


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Daily counts from which a forecast learns; day by day back from the end, oldest first."""

    thresholds: Floats  # (T,) seconds, increasing
    n: Floats  # (D,) valid executions
    above: Floats  # (T, D) violations
    levels: Floats  # (D,) median log seconds, NaN without executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Result):
    """Share of executions that will take more than a threshold in the coming window."""

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
    """Violation rates of the coming windows at every threshold; falls with the threshold."""

    thresholds: Floats  # (T,) seconds, increasing
    horizons: Floats  # (H,) days
    rates: Floats  # (H, T) 0–1
    executions: Floats  # (H,) expected
    learned_days: int
    outlook: Outlook = field(metadata={"published": None}, repr=False)

    def quantiles(self, u: Sequence[float] | Floats, horizon: float = 30) -> Floats:
        """Rates that are not passed with each probability u, (k,) → (T, k)."""
        found = self.outlook.quantiles(np.asarray(u, dtype=float))[self._row(horizon)]
        return np.minimum.accumulate(found, axis=0)

    def probability_at_most(self, rate: float, horizon: float = 30) -> Floats:
        """Probability that the rate of the window is at most so much, (T,)."""
        row = self._row(horizon)
        whole = (np.floor(self.executions[row] * rate * (1 + SAME)) + 0.5) / max(float(self.executions[row]), 1.0)
        below = self.outlook.at_most(np.full(self.rates.shape, whole))[row]
        return np.maximum.accumulate(below)

    def _row(self, horizon: float) -> int:
        found = np.flatnonzero(np.isclose(self.horizons, horizon))
        if not len(found):
            raise ValueError(f"no forecast over {horizon:g} days; computed were {self.horizons.tolist()}")
        return int(found[0])

    def at(self, threshold: float, horizon: float = 30) -> Forecast:
        """Give the forecast at a threshold of the curve."""
        place = np.flatnonzero(np.isclose(self.thresholds, threshold, rtol=SAME))
        if not len(place):
            raise ValueError(f"no forecast at {threshold:g} s; forecast_curve() was asked for others")
        return self._forecast(self._row(horizon), int(place[0]))

    def forecasts(self, thresholds: Sequence[float] | None = None) -> tuple[Forecast, ...]:
        """Give the forecasts of all horizons at each threshold (default: all of the curve)."""
        wanted = self.thresholds.tolist() if thresholds is None else thresholds
        return tuple(self.at(threshold, horizon) for threshold in wanted for horizon in self.horizons.tolist())

    def _forecast(self, row: int, place: int) -> Forecast:
        executions, rate = float(self.executions[row]), float(self.rates[row, place])
        narrow, wide = (self._interval(row, place, level) for level in (0.8, 0.95))
        least = 0.5 / max(executions, 1.0)
        width = float(np.log(max(narrow.high, least) / max(narrow.low, least)))
        few = executions * rate < FEW_VIOLATIONS
        confidence: Confidence = "low" if few or width > MEDIUM else "medium" if width > HIGH else "high"
        reason = None
        if few:
            reason = f"only {executions * rate:.1f} violations expected"
        elif confidence == "low":
            reason = "the level moved too much for a narrow interval"
        return Forecast(
            threshold=float(self.thresholds[place]), horizon=float(self.horizons[row]), violation_rate=rate,
            interval_80=narrow, interval_95=wide, confidence=confidence, reason=reason, executions=executions,
            hit_probability=self._hit(row, place), learned_days=self.learned_days,
        )  # fmt: skip

    def _interval(self, row: int, place: int, level: float) -> Interval:
        u = np.array([(1 - level) / 2, (1 + level) / 2])
        low, high = np.minimum.accumulate(self.outlook.quantiles(u)[row], axis=0)[place]
        n = max(float(self.executions[row]), 1.0)
        return Interval(low=np.floor(low * n) / n, high=min(1.0, np.ceil(high * n) / n), level=level, kind="prediction")

    def _hit(self, row: int, place: int) -> float:
        rates, below = self.outlook.rates[row, place], self.outlook.below[row, place]
        inside = np.interp(rates / (1 - HIT), rates, below) - np.interp(rates / (1 + HIT), rates, below)
        return float(min(MOST_HIT, inside.max()))


def history_of(hours: Profile, thresholds: Sequence[float], *, learn_days: int = LEARN_DAYS) -> History | Skipped:
    """Count executions and violations of each of the last days, 24 hours each, back from the end of the Profile."""
    ran = np.flatnonzero(hours.valid > 0)
    day = timedelta(days=1)
    seen = round((hours.slots - int(ran[0])) * hours.step / day) if len(ran) else 0
    days = min(learn_days, seen)
    if days < FEWEST_DAYS:
        return Skipped(service=hours.service, reason=f"only {days} days of history; a forecast needs {FEWEST_DAYS}")
    age = np.floor(np.arange(hours.slots)[::-1] * (hours.step / day) + SAME)
    age = np.where((age == days) & (seen == days), days - 1, age)  # less than half a day at the beginning
    index = np.where(age < days, days - 1 - age, -1).astype(np.int64)
    counts = pooled(hours, index, days)
    inside = index >= 0

    def daily(values: Floats) -> Floats:
        return np.bincount(index[inside], weights=values[inside], minlength=days).astype(float)

    ordered = np.unique(np.asarray(thresholds, dtype=float))
    total = np.cumsum(counts, axis=1)
    middles = np.sqrt(np.maximum(hours.bounds, 1e-9) * np.maximum(np.append(0.0, hours.bounds[:-1]), hours.bounds / 2))
    at = (total < total[:, -1:] / 2).sum(axis=1).clip(max=len(middles) - 1)
    return History(
        thresholds=ordered,
        n=daily(hours.valid),
        above=np.array([daily(hours.violations(float(threshold)).middle) for threshold in ordered]),
        levels=np.where(total[:, -1] > 0, np.log(middles[at]), np.nan),
    )


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
        The history; its end is the origin of the forecast. The last `learn_days` of it are learned from.
    thresholds
        Seconds, in any order.
    horizons
        Lengths of the windows, days.
    """
    history = history_of(hours, thresholds, learn_days=learn_days)
    if isinstance(history, Skipped):
        return history
    above, n, days = history.above, history.n, len(history.n)
    first = models.change_day(history.levels)
    parts = [
        models.shrunk_mean(above, n),
        models.averaged_discount(above, n),
        models.after_change(above, n, first),
    ]
    last = (above[:, -7:].sum(axis=1) + 0.5) / (n[-7:].sum() + 1)
    simple = [models.whole_period(above, n), last, *parts]
    edge = 0.25 / max(float(n.sum()), 1.0)
    logits = special.logit(np.clip(np.array(simple), edge, 1 - edge))
    spans = np.asarray(horizons, dtype=float)
    center = np.broadcast_to(logits[2:].mean(axis=0), (len(spans), len(history.thresholds)))
    weeks = np.arange(days)[::-1] // 7
    whole_weeks = [weeks == week for week in range(max(days // 7, 1))]
    blocks = np.array([above[:, week].sum(axis=1) for week in whole_weeks]).T
    spread = Spread(
        daily=dispersion(above, n),
        weekly=dispersion(blocks, np.array([n[week].sum() for week in whole_weeks])),
        apart=logits.std(axis=0),
    )
    executions = spans / 2 * (n.sum() / days + n[-7:].sum() / 7)
    return Curve(
        thresholds=history.thresholds,
        horizons=spans,
        rates=np.minimum.accumulate(special.expit(center), axis=1),
        executions=executions,
        learned_days=days,
        outlook=outlook_of(np.array(center), spread, executions, spans),
    )
