"""How the level of a service moves: its trend, what repeats, what changed, and how it goes with load.

References
----------
Mann: Nonparametric tests against trend. Econometrica 13 (1945). Sen: Estimates of the regression coefficient based on
Kendall's tau. Journal of the American Statistical Association 63 (1968). That autocorrelation inflates the variance of
the test: Hamed, Rao: A modified Mann-Kendall trend test for autocorrelated data. Journal of Hydrology 204 (1998); the
inflation here is that of AR(1) errors, its correlation corrected for its bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.changepoints import ChangePoint, change_points, last_abrupt
from slaopt.analysis.levels import DailyLevels, daily_levels
from slaopt.analysis.load import LoadCorrelation, load_correlation
from slaopt.analysis.seasonality import SeasonalPattern, seasonal_patterns
from slaopt.analysis.whitening import weekend_column
from slaopt.profile import Profile
from slaopt.result import Interval, Result
from slaopt.wording import day, number, percent

__all__ = ["SenTrend", "TrendAnalysis", "analyze_trend", "sen_trend"]

Floats = NDArray[np.float64]
Direction = Literal["improving", "degrading", "stable"]

FEWEST_DAYS = 14  # at 14 days 1 % a day is seen in one of five or ten by any valid test
QUANTILE = 0.95
LEVEL = 0.95
SMALL = 0.05  # move over the whole time within which a trend is called stable
MOST_CORRELATION = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendAnalysis(Result):
    """Trend of the daily p95 since the last abrupt change, and what was found beside it."""

    direction: Direction | None  # None where no trend is computed
    trend_slope: float | None  # share of the level per day
    trend_confidence: float | None  # 0.5–1, one-sided probability of the slope's sign
    slope_interval: Interval | None
    seasonal_patterns: tuple[SeasonalPattern, ...]
    load_correlations: tuple[LoadCorrelation, ...]
    change_points: tuple[ChangePoint, ...]
    since: date  # first day that the trend is of
    days: int  # with executions, from then on
    sentence: str
    why: str | None  # why no trend is computed


@dataclass(frozen=True, slots=True, kw_only=True)
class SenTrend(Result):
    """Slope of a daily series, its unit per day, and what a test against no slope says."""

    slope: float
    low: float  # of the 95 % interval
    high: float
    p_value: float  # two-sided
    confidence: float  # 0.5–1, one-sided probability of the sign
    inflation: float  # of the variance, by what one day passes on to the next


def sen_trend(values: Floats, days: NDArray[np.int64], weekend: Floats) -> SenTrend:
    """Fit the median of the pairwise slopes, with Mann and Kendall's test, variance inflated for AR(1) errors.

    `values` (n,) without gaps; `days` (n,) the number of each one's day; `weekend` (n,) 1 or 0. A weekend effect is
    fitted beside a straight line and taken out first; the residuals give the correlation from day to day.
    """
    n = len(values)
    columns = np.column_stack([np.ones(n), days - days.mean(), weekend])
    fitted = columns @ (effects := np.linalg.lstsq(columns, values, rcond=None)[0])
    inflation = _inflation(values - fitted, days)
    free = np.round(values - effects[2] * weekend, 12)  # what differs by rounding alone is tied
    early, late = np.triu_indices(n, 1)
    rise = free[late] - free[early]
    slopes = np.sort(rise / (days[late] - days[early]))
    ties = np.unique(free, return_counts=True)[1]
    plain = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    spread = float(np.sqrt(max(plain, 1.0) * inflation))
    freedom = max(3.0, (n - 3) / inflation)
    confidence = float(special.stdtr(freedom, max(abs(float(np.sign(rise).sum())) - 1, 0) / spread))
    reach = float(special.stdtrit(freedom, (1 + LEVEL) / 2)) * spread
    low, high = round((len(slopes) - reach) / 2) - 1, round((len(slopes) + reach) / 2)
    return SenTrend(
        slope=float(np.median(slopes)),
        low=float(slopes[max(low, 0)]),
        high=float(slopes[min(high, len(slopes) - 1)]),
        p_value=2 * (1 - confidence),
        confidence=confidence,
        inflation=inflation,
    )


def _inflation(residuals: Floats, days: NDArray[np.int64]) -> float:
    """Factor by which AR(1) errors inflate a variance; their correlation from neighbouring days, bias corrected."""
    n, power = len(residuals), float(residuals @ residuals)
    neighbours = np.diff(days) == 1
    if power == 0 or not neighbours.any():
        return 1.0
    products = (residuals[1:] * residuals[:-1])[neighbours]
    correlation = float(products.sum()) / power * (n - 1) / len(products)
    correlation = float(np.clip(correlation + (1 + 4 * correlation) / n, 0, MOST_CORRELATION))
    return (1 + correlation) / (1 - correlation)


def analyze_trend(profile: Profile) -> TrendAnalysis:
    """Describe how the level moves over a Profile: changes first, then the trend since the last abrupt one."""
    medians = daily_levels(profile)
    changes = change_points(profile, levels=medians)
    levels = daily_levels(profile, QUANTILE)
    last = last_abrupt(changes)
    since = last.start if last else levels.dates[int(levels.known[0])] if len(levels.known) else levels.dates[0]
    kept = np.array([place for place in levels.known if levels.dates[place] >= since], dtype=np.int64)
    trend = _since(levels, kept) if len(kept) >= FEWEST_DAYS else None
    why = None if trend else _why(len(kept), last)
    moved = float(trend.slope * (levels.number[kept[-1]] - levels.number[kept[0]] + 1)) if trend else 0.0
    direction = _direction(trend, moved) if trend else None
    return TrendAnalysis(
        direction=direction,
        trend_slope=float(np.expm1(trend.slope)) if trend else None,
        trend_confidence=trend.confidence if trend else None,
        slope_interval=_interval(trend) if trend else None,
        seasonal_patterns=seasonal_patterns(profile, levels=medians, changes=changes),
        load_correlations=(load_correlation(profile),),
        change_points=changes,
        since=since,
        days=len(kept),
        sentence=_sentence(trend, direction, moved, since, last) if trend and direction else f"{why}.",
        why=why,
    )


def _since(levels: DailyLevels, kept: NDArray[np.int64]) -> SenTrend:
    number = levels.number[kept]
    return sen_trend(levels.values[kept], number, weekend_column(number, levels.dates[0].weekday()))


def _interval(trend: SenTrend) -> Interval:
    return Interval(low=float(np.expm1(trend.low)), high=float(np.expm1(trend.high)), level=LEVEL)


def _direction(trend: SenTrend, moved: float) -> Direction:
    if trend.p_value >= 1 - LEVEL or trend.low <= 0 <= trend.high or abs(moved) <= SMALL:
        return "stable"
    return "degrading" if moved > 0 else "improving"


def _why(days: int, last: ChangePoint | None) -> str:
    had = f"{days} day{'' if days == 1 else 's'} with executions"
    after = f" since the change of {day(last.start)}" if last else ""
    return f"No trend is computed: {had}{after}, and under {FEWEST_DAYS} no test tells a trend from chance"


def _sentence(trend: SenTrend, direction: Direction, moved: float, since: date, last: ChangePoint | None) -> str:
    slope, low, high = (_signed(float(np.expm1(value))) for value in (trend.slope, trend.low, trend.high))
    after = f" since {day(since)}" if last else ""
    if direction == "stable":
        return f"No trend{after}: {slope} % a day, interval {low} to {high}."
    verb = "rose" if direction == "degrading" else "fell"
    share, whole = percent(abs(float(np.expm1(trend.slope)))), percent(abs(float(np.expm1(moved))))
    return f"p95 {verb} by about {share} a day{after}, interval {low} to {high}: {whole} in all."


def _signed(share: float) -> str:
    """Write a share as percent with its sign.

    >>> _signed(-0.0012), _signed(0.0062), _signed(0.0)
    ('−0.12', '0.62', '0')
    """
    return ("−" if share < 0 else "") + number(100 * abs(share), 2)
