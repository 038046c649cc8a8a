"""How did it perform over time? Percentiles per day, with the days on which the level changed and the trend since."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt import wording
from slaopt.charts.figure import COLOURS, Figure, Table, data, records
from slaopt.charts.marks import changes_of, excluded_dates, gaps, hatch, line, mark_changes, named, rule_across
from slaopt.charts.places import Labels, Plot
from slaopt.charts.scales import bounds_of, day_labels, days_x, duration_axis, noon, threshold_name

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import Analysis
    from slaopt.analysis.changepoints import ChangePoint
    from slaopt.analysis.trend import TrendAnalysis

__all__ = ["a_day", "percentiles_per_day", "slope_range"]

Floats = NDArray[np.float64]
STANDS_OUT = 1.25  # times what is usual
NAMED = 2  # changes that a title names
MOVED = 0.05  # relative change of p95 below which a change of level is told by the median


def percentiles_per_day(analysis: Analysis) -> Figure:
    """Half, 95 % and 99 % of each day's executions took at most so long."""
    import altair as alt

    daily = analysis.daily
    series = {"50 %": daily.p50, "95 %": daily.p95, "99 %": daily.p99}
    marked = [analysis.threshold] if analysis.threshold else []
    low, high = bounds_of(*series.values(), marked)
    x = days_x(analysis)
    y = alt.Y(
        "seconds:Q", scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=duration_axis(low, high, "Duration (log scale)"),
    )  # fmt: skip
    names, days = day_labels(daily.dates), noon(daily.dates)
    layers: list[Any] = hatch(analysis, x)
    places = Labels.of(Plot(size="full", pixels=270, x=tuple(x["scale"]["domain"]), y=(low, high), log_y=True))
    if analysis.threshold:
        places.avoid(x["scale"]["domain"], [analysis.threshold] * 2)
    for (share, values), width in zip(series.items(), (2.4, 1.8, 1.2), strict=True):
        rows = records(day=days, seconds=gaps(values), date=names, took=_durations(values))
        places.avoid(days, values)
        hints = {"date": "Day", "took": f"{share} within"}
        layers += line(rows, x, y, COLOURS["other"], width=width, tooltip=hints)
    layers += mark_changes(analysis, x, y, names=places)
    for share, values in series.items():
        name = f"{share} within"
        layers += named(places.along(name, days, values), name, x, y, COLOURS["other"])
    layers += _trend(analysis, x, y, places)
    if analysis.threshold:
        text = f"threshold {threshold_name(analysis.threshold)}"
        layers += rule_across(y, x, analysis.threshold, text, COLOURS["now"], names=places)
    rows_of = zip(names, map(wording.count, daily.executions), *map(_durations, series.values()), strict=True)
    return Figure(
        title=_finding(analysis),
        reading=_reading(analysis),
        chart=alt.layer(*layers),
        table=Table(
            columns=("Day", "Executions", *(f"{share} within" for share in series)), rows=tuple(rows_of)
        ),
        height=270,
    )  # fmt: skip


def _durations(values: Floats) -> list[str]:
    return [wording.seconds(value) if math.isfinite(value) else "–" for value in np.asarray(values).tolist()]


def _trend(analysis: Analysis, x: alt.X, y: alt.Y, places: Labels) -> list[Any]:
    """The trend as a line through the 95th percentiles of the days that it is of."""
    import altair as alt

    trend = analysis.trend_analysis
    if trend.trend_slope is None:
        return []
    ends = _ends(analysis, trend)
    if ends is None:
        return []
    (first, last), values = ends
    rows = records(day=noon([first, last]), seconds=values)
    drawn = alt.Chart(data(rows)).mark_line(color=COLOURS["ink"], strokeWidth=1.5, strokeDash=[7, 4], aria=False)
    layers: list[Any] = [drawn.encode(x=x, y=y)]
    if trend.direction != "stable":
        text = f"trend {a_day(trend.trend_slope)} a day"
        layers += named(places.along(text, noon([first, last]), values), text, x, y, COLOURS["ink"])
    return layers


def _ends(analysis: Analysis, trend: TrendAnalysis) -> tuple[tuple[date, date], list[float]] | None:
    """First and last day of the trend, and the level at both: the slope through the median of these days."""
    daily = analysis.daily
    inside = [n for n, day in enumerate(daily.dates) if day >= trend.since and math.isfinite(daily.p95[n])]
    if len(inside) < 2 or trend.trend_slope is None:
        return None
    days = np.array([(daily.dates[n] - daily.dates[inside[0]]).days for n in inside], dtype=float)
    logs = np.log(np.maximum(np.asarray(daily.p95, dtype=float)[inside], 1e-9))
    rise = math.log1p(trend.trend_slope)
    level = float(np.median(logs - rise * days))
    return (
        (daily.dates[inside[0]], daily.dates[inside[-1]]),
        [math.exp(level), math.exp(level + rise * float(days[-1]))],
    )


def _reading(analysis: Analysis) -> str:
    told = ["Each line: so many of a day’s executions took at most this long."]
    if changes_of(analysis):
        told.append("Dotted down: the level of the service changed.")
    if analysis.trend_analysis.trend_slope is not None:
        told.append("Dashed: the trend of the 95 %.")
    if excluded_dates(analysis):
        told.append("Hatched: excluded days.")
    return " ".join(told)


def _finding(analysis: Analysis) -> str:
    """Name the latest changes and the trend since; else say that there is none, and what is usual."""
    changes, trend = _told(analysis), _trend_told(analysis)
    if changes:
        return "; ".join([_changed(analysis, changes), *([trend] if trend else [])])
    if trend and analysis.trend_analysis.direction != "stable":
        return trend
    if trend:
        return f"{trend[0].upper()}{trend[1:]}; {_worst(analysis) or _usual(analysis)}"
    daily = analysis.daily
    half, most = (wording.seconds(value, 2) for value in (float(np.nanmedian(daily.p50)), _p95(analysis)))
    usual = f"On a usual day half of the executions took at most {half} and 95 % at most {most}"
    return f"{usual}; {_worst(analysis) or 'no day stands out'}"


def _told(analysis: Analysis) -> tuple[ChangePoint, ...]:
    """The changes that a title names: those after which the trend begins, or all where there is no trend."""
    trend, changes = analysis.trend_analysis, changes_of(analysis)
    if trend.direction in (None, "stable"):
        return changes
    return tuple(change for change in changes if change.abrupt and change.start <= trend.since)


def _p95(analysis: Analysis) -> float:
    return float(np.nanmedian(np.asarray(analysis.daily.p95, dtype=float)))


def _usual(analysis: Analysis) -> str:
    return f"on a usual day 95 % took at most {wording.seconds(_p95(analysis), 2)}"


def _worst(analysis: Analysis) -> str | None:
    """Name the worst day where it stands out."""
    p95 = np.asarray(analysis.daily.p95, dtype=float)
    worst = int(np.nanargmax(p95))
    if p95[worst] < STANDS_OUT * _p95(analysis):
        return None
    day = analysis.daily.dates[worst]
    usual, slow = wording.seconds(_p95(analysis), 2), wording.seconds(float(p95[worst]), 2)
    return f"p95 was worst on {day:%a} {day.day} {day:%b} with {slow}, usually {usual}"


def _changed(analysis: Analysis, changes: tuple[ChangePoint, ...]) -> str:
    """Say from what to what p95 went at the latest changes: p95 rose from 1.8 s to 2.4 s on 3 November."""
    name, values = "p95", analysis.daily.p95
    bounds = [analysis.daily.dates[0], *(change.start for change in changes), date.max]
    levels = _levels(analysis, values, bounds)
    if any(_opposed(change, a, b) for change, a, b in zip(changes, levels, levels[1:], strict=False)):
        name, values = "the median", analysis.daily.p50
        levels = _levels(analysis, values, bounds)
    shown = list(zip(changes, levels, levels[1:], strict=False))[-NAMED:]
    told = []
    for n, (change, before, after) in enumerate(shown):
        verb = "rose" if after > before else "fell"
        source = f" from {wording.seconds(before, 2)}" if n == 0 else ""
        on = "on" if change.abrupt else "about"
        told.append(f"{verb}{source} to {wording.seconds(after, 2)} {on} {change.start.day} {change.start:%B}")
    earlier = f", after {len(changes) - NAMED} earlier changes" if len(changes) > NAMED else ""
    sentence = f"{name} {' and '.join(told)}{earlier}"
    return sentence if name == "p95" else f"{sentence[0].upper()}{sentence[1:]}"


def _levels(analysis: Analysis, values: Floats, bounds: list[date]) -> list[float]:
    """Median of the days between bounds."""
    dates, known = np.array(analysis.daily.dates), np.asarray(values, dtype=float)
    groups = [known[(dates >= a) & (dates < b)] for a, b in pairwise(bounds)]
    return [float(np.nanmedian(group)) if np.isfinite(group).any() else math.nan for group in groups]


def _opposed(change: ChangePoint, before: float, after: float) -> bool:
    """Whether p95 did not go the way that the median did."""
    return not (after / before - 1) * (1 if change.factor > 1 else -1) > MOVED


def _trend_told(analysis: Analysis) -> str | None:
    """Say the trend, or that there is none; nothing where none is computed."""
    trend = analysis.trend_analysis
    if trend.trend_slope is None or trend.direction is None:
        return None
    since = " since" if _told(analysis) else ""
    figure = f"{a_day(trend.trend_slope)} a day{slope_range(trend)}"
    if trend.direction == "stable":
        return f"no trend{since}: {figure}"
    verb = "rises" if trend.direction == "degrading" else "falls"
    subject = "since then it" if since else "p95"
    ends = _ends(analysis, trend)
    far = f" from {wording.seconds(ends[1][0], 2)} to {wording.seconds(ends[1][1], 2)}" if ends else ""
    return f"{subject} {verb}{far}, {figure}"


def slope_range(trend: TrendAnalysis) -> str:
    """Write the interval of a slope, percent a day."""
    interval = trend.slope_interval
    return f", interval {_signed(interval.low)} to {_signed(interval.high)} %" if interval else ""


def a_day(slope: float) -> str:
    """Write a relative slope in percent.

    >>> a_day(0.008), a_day(-0.0011)
    ('+0.8 %', '−0.11 %')
    """
    return f"{_signed(slope)} %"


def _signed(share: float) -> str:
    size = abs(100 * share)
    text = wording.number(round(size, 2), 2)
    return text if text == "0" else f"{'+' if share > 0 else '−'}{text}"
