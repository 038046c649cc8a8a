"""Units that change or mix: durations written in seconds here and in milliseconds there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import days_of, pooled
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["MixedUnits", "UnitJump", "find_mixed_units", "find_unit_jump"]

Floats = NDArray[np.float64]

RATIOS = {60.0: "seconds and minutes", 1000.0: "seconds and milliseconds", 3600.0: "seconds and hours"}
CLOSE = 0.35  # of a log ratio to that of two units
CALM = 1.0  # log distance from their median within which the days on one side lie
ALIKE = 1.7  # ratio of interquartile log widths on both sides
WINDOW = 5  # days
EDGE = 3  # days that suffice at the ends of the period
RARE = 0.01  # share of the smaller group
EMPTY = np.log(3.0)  # width of the empty stretch between two groups


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitJump(Result):
    """From `date` on, durations are `factor` times what they were."""

    date: date
    factor: float
    units: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedUnits(Result):
    """A `share` of the durations is `factor` times the others, with nothing between."""

    share: float
    factor: float
    units: str


def _units(log_step: float) -> str | None:
    """Name the units whose ratio a log step is, if it is one."""
    near = [name for ratio, name in RATIOS.items() if abs(abs(log_step) - np.log(ratio)) <= CLOSE]
    return near[0] if near else None


def find_unit_jump(profile: Profile) -> UnitJump | None:
    """Find a lasting step of the daily medians by the ratio of two units, calm on both sides, of unchanged shape."""
    if np.count_nonzero(profile.executions) < 2 * EDGE:
        return None
    days = days_of(profile)
    counts = pooled(profile, days.slot_day, len(days.dates))
    positive = profile.bounds > 0
    known = counts[:, positive].sum(axis=1) > 0
    if known.sum() < 2 * EDGE:
        return None
    low, level, high = _log_quartiles(profile, counts[np.ix_(known, positive)])
    dates = np.asarray(days.dates, dtype=object)[known]
    for mixed in (0, 1):  # days on which both units occur
        found = [
            UnitJump(date=dates[k], factor=float(np.exp(step)), units=units)
            for k in range(EDGE, len(level) - EDGE + 1)
            if (step := _calm_step(level, high - low, k, k + mixed)) and (units := _units(step))
        ]
        if found:
            return max(found, key=lambda jump: abs(np.log(jump.factor)))
    return None


def _calm_step(level: Floats, width: Floats, until: int, since: int) -> float | None:
    """Step of daily levels (D,) from the days before `until` to those from `since`; None if a side is not calm."""
    before, after = slice(max(0, until - WINDOW), until), slice(since, since + WINDOW)
    if len(level[after]) < EDGE or not _alike(width[before], width[after]):
        return None
    middles = np.median(level[before]), np.median(level[after])
    calm = max(np.abs(level[before] - middles[0]).max(), np.abs(level[after] - middles[1]).max()) <= CALM
    return float(middles[1] - middles[0]) if calm else None


def _log_quartiles(profile: Profile, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the quartiles of log durations of each row of counts over the positive buckets, three times (rows,)."""
    logs = np.log(profile.bounds[profile.bounds > 0])
    cumulative = np.cumsum(counts, axis=1)
    total = cumulative[:, -1:]
    low, level, high = (logs[(cumulative < share * total).sum(axis=1)] for share in (0.25, 0.5, 0.75))
    return low, level, high


def _alike(one: Floats, other: Floats) -> bool:
    widths = np.maximum([np.median(one), np.median(other)], 0.02)
    return bool(widths.max() / widths.min() <= ALIKE)


def find_mixed_units(profile: Profile) -> MixedUnits | None:
    """Find two groups of durations, nothing between them, that are the ratio of two units apart and alike in shape.

    Only a question: an honest second mode sixty times slower looks the same.
    """
    positive = profile.bounds > 0
    totals = profile.bucket_totals[positive]
    filled = np.flatnonzero(totals > 0)
    if len(filled) < 2:
        return None
    bounds = profile.bounds[positive]
    lower = np.log(np.concatenate([[bounds[0]], bounds[:-1]])[filled[1:]])
    width = lower - np.log(bounds[filled[:-1]])
    for gap in np.flatnonzero(width >= EMPTY):
        split = filled[gap + 1]
        groups = np.stack([np.where(np.arange(len(totals)) < split, totals, 0), totals])
        groups[1] -= groups[0]
        share = float(groups[1].sum() / totals.sum())
        low, level, high = _log_quartiles(profile, groups)
        step = float(level[1] - level[0])
        units = _units(step)
        if RARE <= share <= 1 - RARE and units and _alike((high - low)[:1], (high - low)[1:]):
            return MixedUnits(share=share, factor=float(np.exp(step)), units=units)
    return None
