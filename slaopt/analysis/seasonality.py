"""What repeats by hour of day and by weekday, and whether that is more than chance.

Strength is the adjusted share of the variance, since the share itself is well above zero by chance on a few weeks.

References
----------
Hour of day: random signs, as in Fisher: The Design of Experiments (1935), of whole blocks of days. Two tests of
weekdays: Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.analysis.changepoints import ChangePoint
from slaopt.analysis.days import days_of, local_times
from slaopt.analysis.levels import DailyLevels, daily_levels, log_quantiles
from slaopt.analysis.whitening import log_determinant, whitened
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import percent

__all__ = ["SeasonalPattern", "hour_pattern", "seasonal_patterns", "weekday_pattern"]

Floats = NDArray[np.float64]

FEWEST_DAYS = 14  # seven blocks of two days; with five, one of 16 draws is as far out as the data by itself
SPAN_FOR_WEEKDAYS = 21  # days from the first to the last, so that each weekday may come three times
BLOCK_DAYS = 2
DRAWS = 399
SEED = 20260803
SIGNIFICANT = 0.05
WORTH = 0.05  # share of variance from which a season is worth a word
RHOS = tuple(np.arange(20) / 20)
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonalPattern(Result):
    """How levels repeat by hour of day or weekday."""

    kind: Literal["hour of day", "weekday"]
    strength: float  # 0–1, adjusted share of the variance
    p_value: float  # of the hypothesis that nothing repeats
    claimed: bool  # whether it is significant and its share is worth a word
    factors: Floats  # (24,) or (7,), Monday first: level relative to the mean level; 1 where unknown
    sentence: str


def seasonal_patterns(
    profile: Profile, *, levels: DailyLevels | None = None, changes: Sequence[ChangePoint] = ()
) -> tuple[SeasonalPattern, ...]:
    """Describe the season by hour of day and by weekday, each where there are days enough.

    `levels` are the daily levels of the median where they are known already; what changed is no season.
    """
    levels = daily_levels(profile) if levels is None else levels
    patterns = (hour_pattern(profile), weekday_pattern(levels, changes))
    return tuple(pattern for pattern in patterns if pattern is not None)


def hour_pattern(profile: Profile) -> SeasonalPattern | None:
    """Test the mean day of hourly log medians against random signs of whole pairs of days; None under 14 days."""
    days = days_of(profile)
    number = len(days.dates)
    group = days.slot_day * 24 + local_times(profile)[2]
    logs = log_quantiles(profile, group, number * 24, 0.5).reshape(number, 24)
    ran = np.isfinite(logs).any(axis=1)
    if ran.sum() < FEWEST_DAYS:
        return None
    known = np.isfinite(logs)
    per_day = known.sum(axis=1, keepdims=True)
    own = np.where(known, logs, 0.0).sum(axis=1, keepdims=True) / np.maximum(per_day, 1)
    shape = np.where(known, logs - own, 0.0)
    p_value = _sign_test(shape[ran])
    counts = known.sum(axis=0)
    mean = shape.sum(axis=0) / np.maximum(counts, 1)
    mean -= mean[counts > 0].mean()
    strength = _adjusted_share(
        float((shape**2).sum()),
        float((np.where(known, shape - mean, 0.0) ** 2).sum()),
        int(counts.sum()) - int(ran.sum()),
        int(np.count_nonzero(counts)) - 1,
    )
    claimed = p_value <= SIGNIFICANT and strength > WORTH
    factors = np.where(counts > 0, np.exp(mean), 1.0)
    sentence = _hour_sentence(factors, strength) if claimed else _nothing("hour of day")
    return SeasonalPattern(
        kind="hour of day", strength=strength, p_value=p_value, claimed=claimed, factors=factors, sentence=sentence
    )


def _sign_test(shape: Floats) -> float:
    """Share of random signs that make the mean day as large: (days, 24) → p-value."""
    starts = np.arange(0, len(shape), BLOCK_DAYS)
    blocks = np.add.reduceat(shape, starts, axis=0)
    seen = float((blocks.sum(axis=0) ** 2).sum())
    drawn = ((_signs(len(blocks)) @ blocks) ** 2).sum(axis=1)
    return float(1 + np.count_nonzero(drawn >= seen * (1 - 1e-12))) / (1 + DRAWS)


@lru_cache(maxsize=64)
def _signs(blocks: int) -> Floats:
    return np.random.default_rng([SEED, blocks]).choice([-1.0, 1.0], size=(DRAWS, blocks))


def _adjusted_share(all_squares: float, squares: float, freedom: int, taken: int) -> float:
    """Share of the variance that `taken` parameters explain beyond chance, 0–1."""
    if freedom <= taken or all_squares <= 0:
        return 0.0
    return float(np.clip(1 - (squares / (freedom - taken)) / (all_squares / freedom), 0.0, 1.0))


def weekday_pattern(levels: DailyLevels, changes: Sequence[ChangePoint] = ()) -> SeasonalPattern | None:
    """Test weekends, and from 21 days on all weekdays, beside a straight line and what changed; None under 14 days."""
    known = levels.known
    if len(known) < FEWEST_DAYS:
        return None
    values, days = levels.values[known], levels.number[known]
    weekday = (days + levels.dates[0].weekday()) % 7
    steps = [[levels.dates[place] >= change.start for place in known] for change in changes]
    plain = _independent(np.column_stack([np.ones(len(known)), days - days.mean(), *np.array(steps, dtype=float)]))
    weekend, all_days = _columns(weekday)
    p_weekend = _f_test(values, days, plain, weekend)
    p_all = _f_test(values, days, plain, all_days) if days[-1] - days[0] + 1 >= SPAN_FOR_WEEKDAYS else None
    tested = [p for p in (p_weekend, p_all) if p is not None]
    if not tested:
        return None
    p_value = min(1.0, len(tested) * min(tested))
    by_weekday = p_all is not None and p_value <= SIGNIFICANT and (p_all == min(tested) or p_all <= SIGNIFICANT)
    columns = all_days if by_weekday else weekend
    strength, effects = _effects(values, plain, columns)
    claimed = p_value <= SIGNIFICANT and strength > WORTH
    factors = _factors(effects, weekday, by_weekday)
    sentence = _weekday_sentence(factors, strength, by_weekday) if claimed else _nothing("weekday")
    return SeasonalPattern(
        kind="weekday", strength=strength, p_value=p_value, claimed=claimed, factors=factors, sentence=sentence
    )


def _columns(weekday: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Columns of the weekend, (n, 1), and of the weekdays that occur but for the first of them, (n, …)."""
    occurring = np.unique(weekday)
    return (weekday >= 5).astype(float)[:, None], (weekday[:, None] == occurring[None, 1:]).astype(float)


def _independent(columns: Floats) -> Floats:
    """Leave out columns that those before them explain."""
    kept = [0]
    for place in range(1, columns.shape[1]):
        if np.linalg.matrix_rank(columns[:, [*kept, place]]) > len(kept):
            kept.append(place)
    return columns[:, kept]


def _f_test(values: Floats, days: NDArray[np.int64], plain: Floats, more: Floats) -> float | None:
    """P-value of an F test under AR(1) errors, averaged over rho by REML weights; None where nothing can be told."""
    n, full = len(values), np.column_stack([plain, more])
    taken, freedom = full.shape[1] - plain.shape[1], n - full.shape[1]
    if freedom < 1 or np.linalg.matrix_rank(full) < full.shape[1] or np.ptp(values) == 0:
        return None
    weights, p_values = np.empty(len(RHOS)), np.empty(len(RHOS))
    for place, rho in enumerate(RHOS):
        white = whitened(np.column_stack([full, values]), days, float(rho))
        triangle: Floats = np.linalg.qr(white)[1]
        rest = triangle[-1, -1] ** 2
        explained = float((triangle[plain.shape[1] : -1, -1] ** 2).sum())
        ratio = explained / taken / max(rest / freedom, 1e-300)
        p_values[place] = special.fdtrc(taken, freedom, ratio)
        spread = 2 * np.log(np.abs(np.diag(triangle)[:-1])).sum()
        weights[place] = -(log_determinant(days, float(rho)) + spread + freedom * np.log(max(rest, 1e-300))) / 2
    weights = np.exp(weights - weights.max())
    return float(weights @ p_values / weights.sum())


def _effects(values: Floats, plain: Floats, more: Floats) -> tuple[float, Floats]:
    """Adjusted share of the variance of more columns, and their least-squares effects."""
    full = np.column_stack([plain, more])
    effects = np.asarray(np.linalg.lstsq(full, values, rcond=None)[0], dtype=np.float64)
    free = values - plain @ np.linalg.lstsq(plain, values, rcond=None)[0]
    rest = values - full @ effects
    strength = _adjusted_share(float(free @ free), float(rest @ rest), len(values) - plain.shape[1], more.shape[1])
    return strength, effects[plain.shape[1] :]


def _factors(effects: Floats, weekday: NDArray[np.int64], by_weekday: bool) -> Floats:
    """Level of each weekday relative to their mean, (7,)."""
    occurring = np.unique(weekday)
    logs = np.zeros(7)
    if by_weekday:
        logs[occurring[1:]] = effects
    else:
        logs[5:] = effects[0]
    logs -= logs[occurring].mean()
    return np.where(np.isin(np.arange(7), occurring), np.exp(logs), 1.0)


def _nothing(kind: str) -> str:
    return f"No season by {kind} that could be told from chance."


def _away(factor: float) -> str:
    """Say how far a level is from the mean.

    >>> _away(1.1), _away(0.85)
    ('10 % above', '15 % below')
    """
    return f"{percent(abs(factor - 1))} {'above' if factor > 1 else 'below'}"


def _hour_sentence(factors: Floats, strength: float) -> str:
    high, low = int(factors.argmax()), int(factors.argmin())
    return (
        f"By hour of day durations are longest at {high:02d}:00 ({_away(factors[high])} the mean level) and shortest "
        f"at {low:02d}:00 ({_away(factors[low])}); this is {percent(strength)} of the variation within days."
    )


def _weekday_sentence(factors: Floats, strength: float, by_weekday: bool) -> str:
    share = f"this is {percent(strength)} of the variation between days"
    if not by_weekday:
        ratio = factors[5] / factors[0]
        return (
            f"On weekends durations are {percent(abs(ratio - 1))} {'longer' if ratio > 1 else 'shorter'} than on "
            f"other days; {share}."
        )
    high, low = int(factors.argmax()), int(factors.argmin())
    return (
        f"By weekday durations are longest on {WEEKDAYS[high]} ({_away(factors[high])} the mean level) and shortest on "
        f"{WEEKDAYS[low]} ({_away(factors[low])}); {share}."
    )
