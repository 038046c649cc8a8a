"""Is the objective kept? Violations per day at both thresholds, and the forecast of the days to come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data, records
from slaopt.charts.marks import DASH, changes_of, excluded_dates, gaps, hatch, line, mark_changes, named, rule_across
from slaopt.charts.places import Labels, Plot
from slaopt.charts.scales import day_labels, days_x, noon, percent_axis, threshold_name, wall_time

if TYPE_CHECKING:
    import altair as alt

    from slaopt.assess import Assessment
    from slaopt.forecast import Forecast
    from slaopt.result import Interval

__all__ = ["violations_per_day"]

Floats = NDArray[np.float64]
DAY = 86_400_000  # milliseconds
WIDEST = 1.6  # times all else that is drawn: how far up the widest interval may push the axis
OPACITY = {"95": 0.1, "80": 0.16}  # of the bands, which lie upon each other


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The violation rate at one threshold: of each day, and of the days to come."""

    name: str
    shares: Floats  # (D,), NaN where nothing ran
    forecasts: tuple[Forecast, ...]  # in the order of their horizons; empty where there are none
    colour: str
    dashed: bool


def violations_per_day(assessment: Assessment) -> Figure | Absent:
    """Share of violations on each day and forecast, at the current threshold and at the recommended one."""
    import altair as alt

    daily = assessment.analysis.daily
    lines, budget = _lines(assessment), 1 - assessment.analysis.objective
    if not lines:
        return Absent(reason="No threshold is set and none is recommended, so there are no violations to show.")
    top, ahead = _top(lines, budget), max((f.horizon for drawn in lines for f in drawn.forecasts), default=0.0)
    x = days_x(assessment.analysis, ahead=timedelta(days=ahead + 0.7 if ahead else 0.0))
    y = alt.Y("share:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=percent_axis("Violations per day"))
    places = Labels.of(Plot(size="wide", pixels=240, x=tuple(x["scale"]["domain"]), y=(0, top)))
    places.avoid(x["scale"]["domain"], [budget, budget])
    end = wall_time(assessment.analysis.end, assessment.analysis.timezone)
    layers: list[Any] = hatch(assessment.analysis, x)
    for drawn in lines:
        layers += [*_fan(drawn, x, y, end), *_past(drawn, assessment, x, y)]
        places.avoid(noon(daily.dates), drawn.shares)
        places.avoid(*_course(drawn.forecasts, end))
    layers += mark_changes(assessment.analysis, x, y, names=places)
    for drawn in lines:
        place = places.along(drawn.name, noon(daily.dates), drawn.shares)
        layers += named(place, drawn.name, x, y, drawn.colour)
    budget_name = f"error budget {wording.percent(budget)}"
    layers += rule_across(y, x, budget, budget_name, COLOURS["violation"], names=places)
    return Figure(
        title=_finding(lines, budget),
        reading=_reading(assessment, lines),
        chart=alt.layer(*layers),
        table=_table(assessment, lines),
        height=240,
        size="wide",
    )


def _lines(assessment: Assessment) -> list[_Line]:
    analysis, recommendation = assessment.analysis, assessment.recommendation
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    lines = []
    if current is not None and analysis.daily.violations is not None:
        lines.append(
            _Line(
                name=f"{threshold_name(current)} (now)",
                shares=np.asarray(analysis.daily.violations, dtype=float),
                forecasts=_ordered(recommendation.forecast_now),
                colour=COLOURS["now"],
                dashed=True,
            )
        )
    if recommended is not None and recommended != current and recommendation.daily_then is not None:
        lines.append(
            _Line(
                name=f"{threshold_name(recommended)} (proposed)",
                shares=np.asarray(recommendation.daily_then, dtype=float),
                forecasts=_ordered(recommendation.forecast_then),
                colour=COLOURS["then"],
                dashed=False,
            )
        )
    return [drawn for drawn in lines if np.isfinite(drawn.shares).any()]


def _ordered(forecasts: Sequence[Forecast]) -> tuple[Forecast, ...]:
    return tuple(sorted(forecasts, key=lambda forecast: forecast.horizon))


def _top(lines: Sequence[_Line], budget: float) -> float:
    """Upper end of the axis: all but the widest intervals fit, which are cut rather than flatten all else."""
    forecasts = [forecast for drawn in lines for forecast in drawn.forecasts]
    seen = [1.25 * budget, *(float(np.nanmax(drawn.shares)) for drawn in lines)]
    likely = max([*seen, *(forecast.violation_rate for forecast in forecasts)])
    wide = max((forecast.interval_95.high for forecast in forecasts), default=0.0)
    return min(1.15, 1.12 * max(likely, min(wide, WIDEST * likely)))


def _past(drawn: _Line, assessment: Assessment, x: alt.X, y: alt.Y) -> list[Any]:
    dates = assessment.analysis.daily.dates
    rows = records(
        day=noon(dates), share=gaps(drawn.shares), date=day_labels(dates), rate=_percents(drawn.shares)
    )  # fmt: skip
    hints = {"date": "Day", "rate": f"above {drawn.name}"}
    return line(rows, x, y, drawn.colour, dashed=drawn.dashed, tooltip=hints)


def _course(forecasts: Sequence[Forecast], end: int) -> tuple[list[float], list[float]]:
    """The forecast rates as a line that begins at the end of the period, with the rate of the nearest horizon."""
    days = [0.0, *(forecast.horizon for forecast in forecasts)] if forecasts else []
    rates = [forecast.violation_rate for forecast in (*forecasts[:1], *forecasts)]
    return [end + DAY * day for day in days], rates


def _fan(drawn: _Line, x: alt.X, y: alt.Y, end: int) -> list[Any]:
    """Both intervals of the forecast as bands, its rates as a line with a point at each horizon."""
    import altair as alt

    if not drawn.forecasts:
        return []
    layers: list[Any] = []
    for level, opacity in OPACITY.items():
        ends = [getattr(forecast, f"interval_{level}") for forecast in (*drawn.forecasts[:1], *drawn.forecasts)]
        days = _course(drawn.forecasts, end)[0]
        rows = records(day=days, share=[interval.low for interval in ends], high=[interval.high for interval in ends])
        band = alt.Chart(data(rows)).mark_area(color=drawn.colour, opacity=opacity, clip=True, aria=False, tooltip=None)
        layers.append(band.encode(x=x, y=y, y2="high:Q"))
    days, rates = _course(drawn.forecasts, end)
    stroke: dict[str, Any] = {"strokeWidth": 2, "strokeDash": DASH if drawn.dashed else [1, 0]}
    course = alt.Chart(data(records(day=days, share=rates))).encode(x=x, y=y)
    layers.append(course.mark_line(color=drawn.colour, clip=True, aria=False, tooltip=None, **stroke))
    told = [_told(forecast) for forecast in drawn.forecasts]
    points = records(day=days[1:], share=rates[1:], coming=[_coming(f) for f in drawn.forecasts], told=told)
    hints = [alt.Tooltip("coming:N", title="Forecast"), alt.Tooltip("told:N", title=f"above {drawn.name}")]
    dots = alt.Chart(data(points)).mark_circle(color=drawn.colour, size=46, opacity=1, clip=True, aria=False)
    layers.append(dots.encode(x=x, y=y, tooltip=hints))
    return layers


def _coming(forecast: Forecast) -> str:
    return f"coming {wording.number(forecast.horizon)} days"


def _told(forecast: Forecast) -> str:
    return f"{wording.percent(forecast.violation_rate)} ({_ends(forecast.interval_80)})"


def _ends(interval: Interval) -> str:
    return wording.span(wording.percent(interval.low), wording.percent(interval.high))


def _reading(assessment: Assessment, lines: Sequence[_Line]) -> str:
    failed = " or failed" if assessment.settings["failures"] == "violations" else ""
    told = [f"Share of executions that took longer{failed}; thin line: a day’s part of the budget."]
    if lines[0].forecasts:
        horizons = [wording.number(forecast.horizon) for forecast in lines[0].forecasts]
        told.append(f"Bands: forecast mean of the coming {_listed(horizons)} days (80 %, 95 %).")
    if changes_of(assessment.analysis):
        told.append("Dotted: the level changed.")
    if excluded_dates(assessment.analysis):
        told.append("Hatched: excluded days.")
    return " ".join(told)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _table(assessment: Assessment, lines: Sequence[_Line]) -> Table:
    daily = assessment.analysis.daily
    past = zip(
        day_labels(daily.dates), map(wording.count, daily.executions), *(_percents(drawn.shares) for drawn in lines),
        strict=True,
    )  # fmt: skip
    coming = [
        (_coming(by_line[0]).capitalize(), f"about {wording.count(by_line[0].executions)}", *map(_told, by_line))
        for by_line in zip(*(drawn.forecasts for drawn in lines), strict=True)
    ]
    return Table(columns=("Day", "Executions", *(f"above {drawn.name}" for drawn in lines)), rows=(*past, *coming))


def _percents(shares: Floats) -> list[str]:
    return [wording.percent(share) if math.isfinite(share) else "–" for share in shares.tolist()]


def _finding(lines: Sequence[_Line], budget: float) -> str:
    """Say on how many days the budget was exceeded at each threshold."""
    days = [int(np.sum(drawn.shares > budget)) for drawn in lines]
    ran = int(np.sum(np.isfinite(lines[0].shares)))
    at = [drawn.name.rpartition(" (")[0] for drawn in lines]
    verb = "would have exceeded" if lines[0].name.endswith("(proposed)") else "exceeded"
    first = f"At {at[0]}, {_of_days(days[0], ran)} {verb} the error budget of {wording.percent(budget)}"
    return first if len(lines) == 1 else f"{first}; at {at[1]}, {days[1] or 'none'} would have"


def _of_days(days: int, ran: int) -> str:
    return f"no day of {ran}" if not days else f"{days} of {ran} days"
