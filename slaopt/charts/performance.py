"""How does it perform? The shape of the week, and quantiles with their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data, records
from slaopt.charts.marks import relative, threshold_rules
from slaopt.charts.scales import bounds_of, clock, duration_axis

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import Analysis
    from slaopt.analysis.seasonality import SeasonalPattern
    from slaopt.assess import Assessment

__all__ = ["hour_and_weekday", "interval_text", "quantiles"]

Floats = NDArray[np.float64]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FEWEST = 20  # executions below which the 95th percentile of an hour is its maximum
HEATS = 7
WIDEST_ALIKE = 2.5  # factor that the colours span at least
FEWEST_CELLS = 24  # hours of the week from which they are compared


def hour_and_weekday(analysis: Analysis) -> Figure | Absent:
    """95th percentile in each hour of the week."""
    import altair as alt

    week = analysis.week
    shown = np.where(np.asarray(week.executions) >= FEWEST, np.asarray(week.p95, dtype=float), np.nan)
    if not np.isfinite(shown).any():
        return Absent(reason=f"No hour of the week holds {FEWEST} executions, so the hours cannot be compared.")
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
        title=_week_finding(shown, analysis),
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
    return f"from under {wording.seconds(float(edges[0]), 2)} to over {wording.seconds(float(edges[-1]), 2)}"


def _week_finding(shown: Floats, analysis: Analysis) -> str:
    """Name the slowest and the fastest hour and weekday where they repeat by more than chance."""
    trend = analysis.trend_analysis
    told = [_contrast(pattern) for pattern in trend.seasonal_patterns if pattern.claimed]
    if told:
        return f"Against the mean level, slowest {'; slowest '.join(told)}"
    if np.isfinite(shown).sum() < FEWEST_CELLS:
        return "Too few executions to compare the hours of the week"
    low, high = (wording.seconds(float(np.nanquantile(shown, q)), 2) for q in (0.1, 0.9))
    usual = f"95 % within {wording.span(low, high)} in most hours"
    return f"No hour of the day and no weekday differs by more than chance: {usual}"


def _contrast(pattern: SeasonalPattern) -> str:
    """Say how far the slowest and the fastest hour or weekday lie from the mean level."""
    slow, fast = int(np.argmax(pattern.factors)), int(np.argmin(pattern.factors))
    names = [f"at {h} h" for h in range(24)] if len(pattern.factors) == 24 else [f"on {day}" for day in WEEKDAYS]
    above, below = (relative(float(pattern.factors[place])) for place in (slow, fast))
    return f"{names[slow]} ({above}), fastest {names[fast]} ({below})"


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


def _durations(values: Floats) -> list[str]:
    return [wording.seconds(value) if math.isfinite(value) else "–" for value in np.asarray(values).tolist()]


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
