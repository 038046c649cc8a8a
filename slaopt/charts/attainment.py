"""Was the objective kept? Attainment of each calendar week of the history, by the thresholds in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data
from slaopt.charts.marks import DOT, named, rule_across
from slaopt.charts.places import Labels, Plot
from slaopt.charts.scales import dates_x, midnight, percent_axis, threshold_name

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import Analysis
    from slaopt.analysis.attainment import Attainment

__all__ = ["attainment_by_week", "level_of", "span_of", "thresholds_of", "verdict_of"]

HALF_A_WEEK = 3.5 * 86_400_000
FLATTEST = 4.0  # error budgets that the axis spans at least
SHAPES = {True: "circle", False: "M-1,-1L1,1M-1,1L1,-1", None: "diamond"}  # kept, missed, open


def attainment_by_week(analysis: Analysis) -> Figure | Absent:
    """Attainment of each week against the objective; kept and missed have shapes of their own."""
    import altair as alt

    weeks = [week for week in analysis.attainment if week.kind == "week" and week.attainment is not None]
    if not weeks:
        return Absent(reason=_absent(analysis))
    x = dates_x(weeks[0].start, weeks[-1].start + timedelta(days=7), analysis.timezone)
    low = _lowest(weeks)
    top = 1 + 0.06 * (1 - low)
    y = alt.Y("attained:Q", scale=alt.Scale(domain=[low, top], nice=False), axis=percent_axis("Attainment of the week"))
    places = Labels.of(Plot(size="full", pixels=230, x=tuple(x["scale"]["domain"]), y=(low, top)))
    places.avoid(x["scale"]["domain"], [analysis.objective] * 2)
    rows = [_row(week) for week in weeks]
    for row in rows:
        places.avoid([row["day"]] * 2, [max(row["low"], low), row["high"]])
        places.clear(row["day"], max(row["attained"], low), 7)
    layers = [*_bars(rows, low, x, y), *_points(weeks, rows, x, y), *_changed(weeks, x, y, places)]
    text = f"objective {wording.percent(analysis.objective)}"
    layers += rule_across(y, x, analysis.objective, text, COLOURS["now"], names=places)
    return Figure(
        title=_finding(weeks, analysis.objective),
        reading=_reading(weeks),
        chart=alt.layer(*layers),
        table=Table(
            columns=("Week", "Executions", "Violations", "Attainment", "Objective", "Threshold"),
            rows=tuple(_told(week) for week in weeks),
        ),
        height=230,
    )


def _absent(analysis: Analysis) -> str:
    if analysis.threshold is None:
        return "No threshold was in force, so there is no attainment of weeks and months."
    return "No week was measured from its beginning to its end, so there is no attainment of weeks."


def _lowest(weeks: Sequence[Attainment]) -> float:
    """Lower end of the axis: every week is on it, and a few error budgets around the objective."""
    worst = min(week.attainment for week in weeks if week.attainment is not None)
    budget = 1 - weeks[-1].objective
    return max(0.0, 1 - 1.1 * max(1 - worst, FLATTEST * budget))


def _row(week: Attainment) -> dict[str, Any]:
    attained = week.attainment or 0.0
    low, high = (week.interval.low, week.interval.high) if week.interval else (attained, attained)
    return {
        "day": midnight([week.start])[0] + HALF_A_WEEK,
        "attained": attained,
        "low": low,
        "high": high,
        "when": span_of(week),
        "share": wording.percent(attained),
        "verdict": verdict_of(week),
        "threshold": thresholds_of(week),
    }


def _bars(rows: Sequence[dict[str, Any]], low: float, x: alt.X, y: alt.Y) -> list[Any]:
    import altair as alt

    spans = [{"day": row["day"], "attained": max(row["low"], low), "high": row["high"]} for row in rows]
    bars = alt.Chart(data(spans)).mark_rule(color=COLOURS["other"], opacity=0.2, strokeWidth=7, aria=False)
    return [bars.encode(x=x, y=y, y2="high:Q")]


def _points(weeks: Sequence[Attainment], rows: Sequence[dict[str, Any]], x: alt.X, y: alt.Y) -> list[Any]:
    import altair as alt

    hints = [
        alt.Tooltip("when:N", title="Week"), alt.Tooltip("share:N", title="Attainment"),
        alt.Tooltip("verdict:N", title="Objective"), alt.Tooltip("threshold:N", title="Threshold"),
    ]  # fmt: skip
    layers: list[Any] = []
    for met, shape in SHAPES.items():
        for whole in (True, False):
            some = [row for row, week in zip(rows, weeks, strict=True) if week.met is met and week.whole is whole]
            if not some:
                continue
            colour = COLOURS["violation"] if met is False else COLOURS["other"]
            points = alt.Chart(data([{k: v for k, v in row.items() if k not in ("low", "high")} for row in some]))
            mark = points.mark_point(
                shape=shape, color=colour, fill=colour if met else COLOURS["paper"], strokeWidth=2.2, size=72,
                opacity=1 if whole else 0.45, aria=False,
            )  # fmt: skip
            layers.append(mark.encode(x=x, y=y, tooltip=hints))
    return layers


def _changed(weeks: Sequence[Attainment], x: alt.X, y: alt.Y, places: Labels) -> list[Any]:
    """A dotted line down where another threshold came into force."""
    import altair as alt

    layers: list[Any] = []
    for before, week in pairwise(weeks):
        if not (before.thresholds and week.thresholds) or week.thresholds[-1] == before.thresholds[-1]:
            continue
        (when,) = midnight([week.start])
        text = f"threshold {threshold_name(before.thresholds[-1])} → {threshold_name(week.thresholds[-1])}"
        rule = alt.Chart(data([{"day": when}])).mark_rule(color=COLOURS["ink"], strokeDash=DOT, aria=False)
        layers += [rule.encode(x=x), *named(places.beside_rule(text, when), text, x, y, COLOURS["ink"], fontWeight=400)]
    return layers


def _finding(weeks: Sequence[Attainment], objective: float) -> str:
    """Say how many weeks missed the objective, and how the last whole one did."""
    judged = [week for week in weeks if week.met is not None]
    missed = sum(week.met is False for week in judged)
    told = wording.percent(objective)
    if not judged:
        return f"Whether the objective of {told} was kept is open in every week"
    if len(judged) == 1:
        return f"The only week {'missed' if missed else 'kept'} the objective of {told}"
    if not missed:
        return f"All {len(judged)} weeks kept the objective of {told}"
    if missed == len(judged):
        return f"None of {len(judged)} weeks kept the objective of {told}"
    last = [week for week in judged if week.whole][-1:]
    verdict = f"{missed} of {len(judged)} weeks missed the objective of {told}"
    if not last:
        return verdict
    share = wording.percent(last[0].attainment or 0.0)
    return f"{verdict}; the last whole one {'kept' if last[0].met else 'missed'} it with {share}"


def _reading(weeks: Sequence[Attainment]) -> str:
    told = ["Dot: the objective was kept; cross: missed."]
    if any(not week.whole for week in weeks):
        told.append("Pale: not all of the week was measured.")
    if any(week.interval for week in weeks):
        told.append("Bar: where the level of such a week lies.")
    if all(week.assumed for week in weeks):
        told.append("No earlier threshold is known, so the present one is taken for all weeks.")
    elif any(week.assumed for week in weeks):
        told.append("Before the first threshold that is known, that one is taken to have been in force.")
    return " ".join(told)


def _told(week: Attainment) -> tuple[str, ...]:
    share = wording.percent(week.attainment or 0.0)
    if week.interval:
        share += f" ({level_of(week)})"
    return (
        span_of(week), wording.count(week.executions), wording.count(week.violations), share,
        f"{wording.percent(week.objective)} {verdict_of(week)}", thresholds_of(week),
    )  # fmt: skip


def span_of(week: Attainment) -> str:
    """Name a week by its days and a month by its name; say where it was not measured as a whole."""
    partly = "" if week.whole else ", in part"
    if week.kind == "month":
        return f"{week.start:%B %Y}{partly}"
    return f"{_short(week.start)} – {_short(week.end)} {week.end:%Y}{partly}"


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def verdict_of(week: Attainment) -> str:
    """Say whether the objective was kept."""
    return "open" if week.met is None else "kept" if week.met else "missed"


def level_of(week: Attainment) -> str:
    """Write the interval of the level, or nothing."""
    if week.interval is None:
        return ""
    return wording.span(*(wording.percent(round(end, 4)) for end in (week.interval.low, week.interval.high)))


def thresholds_of(week: Attainment) -> str:
    """Name the thresholds in force in the order of time."""
    return " → ".join(threshold_name(value) for value in week.thresholds) or "none"
