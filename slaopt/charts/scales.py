"""Axes for people: durations at 100 ms, 1 s, 5 min; days of a named time zone; rates in percent."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from slaopt import wording

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import Analysis

__all__ = [
    "bounds_of",
    "clock",
    "dates_x",
    "day_labels",
    "days_x",
    "duration_axis",
    "duration_ticks",
    "midnight",
    "noon",
    "percent_axis",
    "threshold_name",
    "wall_time",
]

# seconds; what comes between is written when the axis is short
ROUND = [m * 10.0**e for e in range(-6, 1) for m in (1, 2, 5)] + [10, 20, 30]
ROUND += [60.0 * m for m in (1, 2, 5, 10, 20, 30)] + [3600.0 * h for h in (1, 2, 5, 12)]
ROUND += [86400.0 * d for d in (1, 2, 5, 10, 20, 50, 100, 200, 500)]
FINE = [m * 10.0**e for e in range(-6, 1) for m in (1, 1.5, 2, 3, 4, 6, 8)] + [10, 15, 20, 30, 40]
FINE += [60.0 * m for m in (1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 40)] + [3600.0 * h for h in (1, 1.5, 2, 3, 4, 6, 8, 12)]
DECADES = [10.0**e for e in range(-6, 2)] + [60.0, 600.0, 3600.0, 36000.0, 86400.0, 864000.0]
FEWEST_TICKS, MOST_TICKS = 3, 7
SHORT = 8  # characters
DAILY = 10  # days up to which each has a tick


def duration_ticks(low: float, high: float) -> list[float]:
    """Choose ticks of a logarithmic axis of durations, seconds.

    >>> [wording.seconds(tick) for tick in duration_ticks(0.08, 300)]
    ['100 ms', '1 s', '10 s', '60 s']
    >>> [wording.seconds(tick) for tick in duration_ticks(0.9, 2.9)]
    ['1 s', '1.5 s', '2 s']
    >>> [wording.seconds(tick) for tick in duration_ticks(2.1, 2.9)]
    ['2.2 s', '2.4 s', '2.6 s', '2.8 s']
    """
    for choice in (DECADES, ROUND, FINE):
        inside = [tick for tick in choice if low <= tick <= high]
        if FEWEST_TICKS <= len(inside) <= MOST_TICKS:
            return inside
    inside = [tick for tick in ROUND if low <= tick <= high]
    if len(inside) > MOST_TICKS:
        return inside[:: math.ceil(len(inside) / MOST_TICKS)]
    step = _round_step((high - low) / 4)
    even = [float(f"{step * k:.6g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    fine = [tick for tick in FINE if low <= tick <= high]
    return max(fine, even, key=len) if len(fine) < 3 else fine


def _round_step(step: float) -> float:
    decade = 10.0 ** math.floor(math.log10(step))
    return next((m * decade for m in (1, 2, 2.5, 5) if m * decade >= step), 10 * decade)


def bounds_of(*values: ArrayLike, margin: float = 0.06) -> tuple[float, float]:
    """Give the ends of a logarithmic axis that holds all positive values, with a margin at both."""
    pool = np.concatenate([np.atleast_1d(np.asarray(value, dtype=float)) for value in values])
    pool = pool[np.isfinite(pool) & (pool > 0)]
    if not len(pool):
        return 0.1, 10.0
    low, high = float(pool.min()), float(pool.max())
    width = max(math.log(high / low), math.log(1.2))
    return low * math.exp(-margin * width), high * math.exp(margin * width)


def duration_axis(low: float, high: float, title: str) -> alt.Axis:
    """An axis of durations between both ends, ticks written with their unit."""
    import altair as alt

    ticks = duration_ticks(low, high)
    labels = [wording.seconds(tick) for tick in ticks]
    return alt.Axis(
        title=title, values=ticks, labelExpr=_lookup(ticks, labels), labelOverlap="greedy", labelSeparation=8
    )


def percent_axis(title: str) -> alt.Axis:
    """An axis of rates 0–1, written in percent."""
    import altair as alt

    label = "datum.value > 1.0001 ? '' : format(datum.value * 100, '.3~r') + ' %'"
    return alt.Axis(title=title, tickCount=5, labelExpr=label, labelOverlap="greedy", labelSeparation=4)


def days_x(analysis: Analysis, *, ahead: timedelta = timedelta(0)) -> alt.X:
    """A time axis over the period and what lies ahead of it, in days of its time zone, which the title names."""
    dates, zone = list(analysis.daily.dates), analysis.timezone
    first = min(_midnight(dates[0]), wall_time(analysis.start, zone))
    last = max(_midnight(dates[-1] + timedelta(days=1)), wall_time(analysis.end, zone))
    if ahead:
        last = max(last, wall_time(analysis.end, zone) + round(ahead.total_seconds() * 1000))
        dates += [dates[-1] + timedelta(days=n) for n in range(1, ahead.days + 2)]
    return _days_axis(dates, first, last, zone)


def dates_x(first: date, after: date, zone: str) -> alt.X:
    """A time axis from the start of one day to that of another."""
    dates = [first + timedelta(days=n) for n in range((after - first).days)]
    return _days_axis(dates, _midnight(first), _midnight(after), zone)


def _days_axis(dates: Sequence[date], first: int, last: int, zone: str) -> alt.X:
    import altair as alt

    ticks = [tick for day in _ticks(dates) if first <= (tick := _midnight(day)) <= last]
    return alt.X(
        "day:Q",  # a number, since Vega's interpreter does not read times
        scale=alt.Scale(domain=[first, last], nice=False, zero=False),
        axis=alt.Axis(
            title=f"Day, {zone}; ticks on Mondays" if len(dates) > DAILY else f"Day, {zone}",
            values=ticks,
            labelExpr="utcFormat(datum.value, '%-d %b')",
            labelFlush=True,
        ),
    )


def _ticks(dates: Sequence[date]) -> list[date]:
    """Every day of a short period, else Mondays, six or so."""
    if len(dates) <= DAILY:
        return list(dates)
    mondays = [day for day in dates if day.weekday() == 0]
    return mondays[:: max(1, round(len(mondays) / 6))]


def threshold_name(threshold: float) -> str:
    """Write a threshold to its last digit where that is short, else in round figures.

    >>> threshold_name(2.125), threshold_name(630_000)
    ('2.125 s', '7.29 d')
    """
    exact = wording.seconds(threshold, 9)
    return exact if len(exact) <= SHORT else wording.seconds(threshold)


def day_labels(dates: Sequence[date]) -> list[str]:
    """Write days as a table's rows: Tue 3 Nov 2026."""
    return [f"{day:%a} {day.day} {day:%b %Y}" for day in dates]


def noon(dates: Sequence[date]) -> list[int]:
    """The middle of each day in the form that a time axis takes."""
    return [_midnight(day) + 12 * 3600 * 1000 for day in dates]


def midnight(dates: Sequence[date]) -> list[int]:
    """The start of each day in the form that a time axis takes."""
    return [_midnight(day) for day in dates]


def wall_time(moment: datetime, timezone: str) -> int:
    """A moment as its zone's clocks show it, in the form that a time axis takes."""
    local = moment.astimezone(ZoneInfo(timezone))
    return _midnight(local.date()) + 1000 * (local.hour * 3600 + local.minute * 60 + local.second)


def clock(hour: int) -> str:
    """Write an hour of the day.

    >>> clock(9)
    '09–10 h'
    """
    return f"{hour:02d}–{hour + 1:02d} h"


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400_000


def _lookup(values: Sequence[Any], labels: Sequence[str]) -> str:
    return f"{json.dumps(list(labels), ensure_ascii=False)}[indexof({json.dumps(list(values))}, datum.value)]"
