"""How does it perform? Percentiles and violations per day, the shape of the week, quantiles with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data, records
from slaopt.charts.marks import (
    WHOLE,
    excluded_days,
    gaps,
    line,
    named,
    rule_across,
    threshold_rules,
)
from slaopt.charts.places import Labels, Plot
from slaopt.charts.scales import bounds_of, clock, day_labels, days_x, duration_axis, noon, percent_axis, threshold_name

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import Analysis
    from slaopt.assess import Assessment

__all__ = ["hour_and_weekday", "percentiles_per_day", "quantiles", "violations_per_day"]

Floats = NDArray[np.float64]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FEWEST = 20  # executions below which the 95th percentile of an hour is its maximum
HEATS = 7
WIDEST_ALIKE = 2.5  # factor that the colours span at least
STANDS_OUT = 1.25  # times what is usual
FEWEST_CELLS = 24  # hours of the week from which they are compared …
FEWEST_ALIKE = 3  # … and hours of one kind that a median is taken of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """The violation rate of each day at one threshold."""

    name: str
    shares: Floats  # (D,), NaN where nothing ran
    colour: str
    dashed: bool


def violations_per_day(assessment: Assessment) -> Figure | Absent:
    """Share of violations on each day, at the current threshold and at the recommended one."""
    import altair as alt

    daily = assessment.analysis.daily
    lines, budget = _lines(assessment), 1 - assessment.analysis.objective
    if not lines:
        return Absent(reason="No threshold is set and none is recommended, so there are no violations to show.")
    top = 1.15 * max([1.25 * budget, *(float(np.nanmax(line.shares)) for line in lines)])
    scale = alt.Scale(domain=[0, top], nice=False)
    x, y = days_x(assessment.analysis), alt.Y("share:Q", scale=scale, axis=percent_axis("Violations per day"))
    names = day_labels(daily.dates)
    layers: list[Any] = _hatched(assessment.analysis, x)
    budget_name = f"error budget {wording.percent(budget)}"
    places = Labels.of(Plot(size="wide", pixels=240, x=tuple(x["scale"]["domain"]), y=(0, top)))
    days = noon(daily.dates)
    places.avoid(x["scale"]["domain"], [budget, budget])
    for drawn in lines:
        texts = _percents(drawn.shares)
        rows = records(day=days, share=gaps(drawn.shares), date=names, rate=texts)
        places.avoid(days, drawn.shares)
        layers.append(
            line(rows, x, y, drawn.colour, dashed=drawn.dashed, tooltip={"date": "Day", "rate": f"above {drawn.name}"})
        )
    for drawn in lines:
        layers.append(named(places.along(drawn.name, days, drawn.shares), drawn.name, x, y, drawn.colour))
    layers.append(rule_across(y, x, budget, budget_name, COLOURS["violation"], names=places))
    rows_of = zip(
        names, map(wording.count, daily.executions), *(_percents(drawn.shares) for drawn in lines), strict=True
    )
    return Figure(
        title=_violations_finding(lines, budget),
        reading=f"Share of executions that took longer{_or_failed(assessment)}; above the thin line a day uses more "
        "than its part of the budget." + (" Hatched: excluded days." if _hatched(assessment.analysis, x) else ""),
        chart=alt.layer(*layers),
        table=Table(columns=("Day", "Executions", *(f"above {drawn.name}" for drawn in lines)), rows=tuple(rows_of)),
        height=240,
        size="wide",
    )


def _or_failed(assessment: Assessment) -> str:
    return " or failed" if assessment.settings["failures"] == "violations" else ""


def _lines(assessment: Assessment) -> list[_Line]:
    analysis, recommendation = assessment.analysis, assessment.recommendation
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    lines = []
    if current is not None and analysis.daily.violations is not None:
        shares = np.asarray(analysis.daily.violations, dtype=float)
        lines.append(_Line(name=f"{threshold_name(current)} (now)", shares=shares, colour=COLOURS["now"], dashed=True))
    if recommended is not None and recommended != current and recommendation.daily_then is not None:
        shares = np.asarray(recommendation.daily_then, dtype=float)
        name = f"{threshold_name(recommended)} (proposed)"
        lines.append(_Line(name=name, shares=shares, colour=COLOURS["then"], dashed=False))
    return [drawn for drawn in lines if np.isfinite(drawn.shares).any()]


def _percents(shares: Floats) -> list[str]:
    return [wording.percent(share) if math.isfinite(share) else "–" for share in shares.tolist()]


def _violations_finding(lines: Sequence[_Line], budget: float) -> str:
    """Say on how many days the budget was exceeded at each threshold."""
    days = [int(np.sum(drawn.shares > budget)) for drawn in lines]
    ran = int(np.sum(np.isfinite(lines[0].shares)))
    at = [drawn.name.rpartition(" (")[0] for drawn in lines]
    first = f"At {at[0]}, {_of_days(days[0], ran)} exceeded the error budget of {wording.percent(budget)}"
    if lines[0].name.endswith("(proposed)"):
        first = (
            f"At {at[0]}, {_of_days(days[0], ran)} would have exceeded the error budget of {wording.percent(budget)}"
        )
    return first if len(lines) == 1 else f"{first}; at {at[1]}, {days[1] or 'none'} would have"


def _of_days(days: int, ran: int) -> str:
    return f"no day of {ran}" if not days else f"{days} of {ran} days"


def percentiles_per_day(analysis: Analysis) -> Figure:
    """Half, 95 % and 99 % of each day's executions took at most so long."""
    import altair as alt

    daily = analysis.daily
    series = {"50 %": daily.p50, "95 %": daily.p95, "99 %": daily.p99}
    marked = [analysis.threshold] if analysis.threshold else []
    low, high = bounds_of(*series.values(), marked)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = days_x(analysis)
    y = alt.Y("seconds:Q", scale=scale, axis=duration_axis(low, high, "Duration (log scale)"))
    names = day_labels(daily.dates)
    layers: list[Any] = _hatched(analysis, x)
    places = Labels.of(Plot(size="full", pixels=270, x=tuple(x["scale"]["domain"]), y=(low, high), log_y=True))
    days = noon(daily.dates)
    if analysis.threshold:
        places.avoid(x["scale"]["domain"], [analysis.threshold] * 2)
    for (share, values), width in zip(series.items(), (2.4, 1.8, 1.2), strict=True):
        rows = records(day=days, seconds=gaps(values), date=names, took=_durations(values))
        places.avoid(days, values)
        hints = {"date": "Day", "took": f"{share} within"}
        layers.append(line(rows, x, y, COLOURS["other"], width=width, tooltip=hints))
    for share, values in series.items():
        name = f"{share} within"
        layers.append(named(places.along(name, days, values), name, x, y, COLOURS["other"]))
    if analysis.threshold:
        text = f"threshold {threshold_name(analysis.threshold)}"
        layers.append(rule_across(y, x, analysis.threshold, text, COLOURS["now"], names=places))
    columns = ("Day", "Executions", *(f"{share} within" for share in series))
    rows_of = zip(names, map(wording.count, daily.executions), *map(_durations, series.values()), strict=True)
    return Figure(
        title=_daily_finding(analysis),
        reading="Each line: so many of a day's executions took at most this long."
        + (" Hatched: excluded days." if _hatched(analysis, x) else ""),
        chart=alt.layer(*layers),
        table=Table(columns=columns, rows=tuple(rows_of)),
        height=270,
    )


def _hatched(analysis: Analysis, x: alt.X) -> list[Any]:
    hatched = np.asarray(analysis.daily.excluded_share) > WHOLE
    return [excluded_days(analysis.daily, x=x)] if hatched.any() else []


def _durations(values: Floats) -> list[str]:
    return [wording.seconds(value) if math.isfinite(value) else "–" for value in np.asarray(values).tolist()]


def _daily_finding(analysis: Analysis) -> str:
    """Say what a usual day was like, and name the worst one where it stands out."""
    daily = analysis.daily
    p95 = np.asarray(daily.p95, dtype=float)
    usual, worst = float(np.nanmedian(p95)), int(np.nanargmax(p95))
    finding = (
        f"On a usual day half of the executions took at most {wording.seconds(float(np.nanmedian(daily.p50)), 2)} "
        f"and 95 % at most {wording.seconds(usual, 2)}"
    )
    if p95[worst] < STANDS_OUT * usual:
        return f"{finding}; no day stands out"
    day = daily.dates[worst]
    return f"{finding}; worst was {day:%a} {day.day} {day:%b} with {wording.seconds(float(p95[worst]), 2)}"


def hour_and_weekday(analysis: Analysis) -> Figure:
    """95th percentile in each hour of the week."""
    import altair as alt

    week = analysis.week
    shown = np.where(np.asarray(week.executions) >= FEWEST, np.asarray(week.p95, dtype=float), np.nan)
    edges = _heat_edges(shown)
    rows = [
        {
            "day": WEEKDAYS[d],
            "hour": h,
            "heat": None if math.isnan(shown[d, h]) else int(np.searchsorted(edges, shown[d, h], side="right")),
            "when": f"{WEEKDAYS[d]} {clock(h)}",
            "took": wording.seconds(shown[d, h]) if math.isfinite(shown[d, h]) else "too few executions",
            "n": wording.count(week.executions[d, h]),
        }
        for d in range(7)
        for h in range(24)
    ]
    fill = alt.Color(
        "heat:O",
        legend=None,
        scale=alt.Scale(domain=list(range(HEATS)), range=[COLOURS[f"heat{k}"] for k in range(HEATS)]),
    )
    x = alt.X("hour:O", axis=_hours_axis(week.timezone), scale=alt.Scale(paddingInner=0.06, paddingOuter=0))
    y = alt.Y(
        "day:O", sort=list(WEEKDAYS), axis=alt.Axis(title=None), scale=alt.Scale(paddingInner=0.08, paddingOuter=0)
    )
    hints = [
        alt.Tooltip("when:N", title="Hour"),
        alt.Tooltip("took:N", title="95 % within"),
        alt.Tooltip("n:N", title="Executions"),
    ]
    filled = [row for row in rows if row["heat"] is not None]
    empty = [row for row in rows if row["heat"] is None]
    chart: Any = alt.Chart(data(filled)).mark_rect(aria=False).encode(x=x, y=y, color=fill, tooltip=hints)
    if empty:
        blank = alt.Chart(data(empty)).mark_rect(fill=COLOURS["excluded"], opacity=0.6, aria=False)
        chart = chart + blank.encode(x=x, y=y, tooltip=hints)
    return Figure(
        title=_week_finding(shown),
        reading=f"95th percentile in each hour of the week; the stronger the colour, the slower: {_heat_words(edges)}."
        + (f" Hatched: excluded, or fewer than {FEWEST} executions." if empty else ""),
        chart=chart,
        table=Table(
            columns=("Hour", *WEEKDAYS),
            rows=tuple((clock(h), *(_durations(shown[:, h]))) for h in range(24)),
        ),
        height=230,
    )


def _hours_axis(timezone: str) -> alt.Axis:
    import altair as alt

    return alt.Axis(
        title=f"Hour of the day, {timezone}", values=[0, 3, 6, 9, 12, 15, 18, 21], labelAngle=0,
        labelExpr="datum.value + ' h'", labelAlign="center", domain=False, ticks=False,
    )  # fmt: skip


def _heat_edges(values: Floats) -> Floats:
    """Upper ends of all classes but the last, equal steps of the logarithm; what is nearly alike looks alike."""
    finite = values[np.isfinite(values) & (values > 0)]
    if not len(finite):
        return np.full(HEATS - 1, np.inf)
    middle, reach = np.sqrt(finite.min() * finite.max()), np.sqrt(max(finite.max() / finite.min(), WIDEST_ALIKE))
    return np.geomspace(middle / reach, middle * reach, HEATS + 1)[1:-1]


def _heat_words(edges: Floats) -> str:
    if not np.isfinite(edges[0]):
        return "no hour has enough executions"
    return f"from under {wording.seconds(float(edges[0]), 2)} to over {wording.seconds(float(edges[-1]), 2)}"


def _week_finding(shown: Floats) -> str:
    """Name the slow and fast hours and weekdays by their medians, which one odd hour does not move."""
    if np.isfinite(shown).sum() < FEWEST_CELLS:
        return "Too few executions to compare the hours of the week"
    hours = {f"at {h} h": median for h in range(24) if (median := _median(shown[:, h])) is not None}
    days = {f"on {WEEKDAYS[d]}": median for d in range(7) if (median := _median(shown[d])) is not None}
    told = [contrast for group in (hours, days) if (contrast := _contrast(group))]
    if told:
        return f"Slowest {'; slowest '.join(told)}"
    low, high = (wording.seconds(float(np.nanquantile(shown, q)), 2) for q in (0.1, 0.9))
    return f"No hour of the day and no weekday stands out: 95 % within {wording.span(low, high)} in most hours"


def _median(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) >= FEWEST_ALIKE else None


def _contrast(medians: dict[str, float]) -> str | None:
    """Name the slowest and the fastest where they differ by a quarter."""
    if not medians:
        return None
    slow, fast = max(medians, key=medians.__getitem__), min(medians, key=medians.__getitem__)
    if medians[slow] < STANDS_OUT * medians[fast]:
        return None
    high, low = wording.seconds(medians[slow], 2), wording.seconds(medians[fast], 2)
    return f"{slow} (95 % within {high}), fastest {fast} ({low})"


def quantiles(assessment: Assessment) -> Figure:
    """Quantiles with their intervals against the current and the recommended threshold."""
    import altair as alt

    analysis, recommendation = assessment.analysis, assessment.recommendation
    estimates = analysis.baseline_performance.quantiles
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    names = [f"{wording.number(100 * estimate.q)} %" for estimate in estimates]
    ends = [(e.interval.low, e.interval.high) if e.interval else (e.value, e.value) for e in estimates]
    marked = [value for value in (current, recommended) if value]
    low, high = bounds_of([e.value for e in estimates], [end for pair in ends for end in pair], marked, margin=0.1)
    x = alt.X(
        "seconds:Q", scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=duration_axis(low, high, "Duration (log scale)"),
    )  # fmt: skip
    y = alt.Y("share:O", sort=names, axis=alt.Axis(title="Share of executions within"), scale=alt.Scale(padding=0.7))
    texts = [_quantile_text(e) for e in estimates]
    rows = records(
        share=names, seconds=[e.value for e in estimates], low=[max(a, low) for a, _ in ends],
        high=[min(b, high) for _, b in ends], took=texts,
    )  # fmt: skip
    hints = [alt.Tooltip("share:N", title="Share"), alt.Tooltip("took:N", title="within")]
    base = alt.Chart(data(rows)).encode(y=y, tooltip=hints)
    layers: list[Any] = [
        base.mark_bar(color=COLOURS["other"], opacity=0.2, height=14, cornerRadius=3, aria=False).encode(
            x=alt.X("low:Q", scale=x["scale"], axis=x["axis"]), x2="high:Q"
        ),
        base.mark_tick(color=COLOURS["other"], thickness=3, size=14, aria=False).encode(x=x),
    ]
    layers += threshold_rules(recommendation, x)
    return Figure(
        title=_quantiles_finding(assessment),
        reading=f"Mark: measured. Bar: {wording.percent(analysis.confidence_level)} interval "
        "for the level that the service has.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Share of executions", "within", "interval"),
            rows=tuple(
                (name, wording.seconds(e.value), interval_text(e.interval) or e.why or "–")
                for name, e in zip(names, estimates, strict=True)
            ),
        ),
        height=215,
    )


def interval_text(interval: Any) -> str:
    """Write an interval of durations, or nothing where there is none."""
    if interval is None:
        return ""
    if not math.isfinite(interval.high):
        return f"{wording.seconds(interval.low)} or more"
    return wording.span(wording.seconds(interval.low), wording.seconds(interval.high))


def _quantile_text(estimate: Any) -> str:
    interval = interval_text(estimate.interval)
    return wording.seconds(estimate.value) + (f" ({interval})" if interval else "")


def _quantiles_finding(assessment: Assessment) -> str:
    by_share = {round(e.q, 4): e for e in assessment.analysis.baseline_performance.quantiles}
    told = [f"{wording.number(100 * q)} % within {_quantile_text(by_share[q])}" for q in (0.95, 0.99) if q in by_share]
    return " and ".join(told)
