"""How much better or worse is the test arm? The posterior, what the moved line does by itself, and the durations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data, records
from slaopt.charts.marks import label
from slaopt.charts.scales import threshold_name
from slaopt.experiment.wording import change, points, signed
from slaopt.wording import chance

if TYPE_CHECKING:
    import altair as alt

    from slaopt.experiment import Evaluation
    from slaopt.experiment.found import Effect, Posterior
    from slaopt.result import Interval

__all__ = ["difference_axis", "mechanical_and_behaviour", "posterior_of_effect", "quantile_differences"]

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)
ROW = 46  # pixels


def difference_axis(name: str, low: float, high: float) -> alt.X:
    """An axis of differences of rates, in percentage points, that holds 0."""
    import altair as alt

    low, high = min(low, 0.0), max(high, 0.0)
    margin = 0.06 * max(high - low, 1e-6)
    title = "Violation rate, test less control, percentage points"
    return alt.X(
        f"{name}:Q", scale=alt.Scale(domain=[low - margin, high + margin], nice=False),
        axis=alt.Axis(title=title, tickCount=6, labelExpr=SIGNED, labelOverlap="greedy"),
    )  # fmt: skip


SIGNED = "(datum.value > 0 ? '+' : datum.value < 0 ? '−' : '') + format(abs(datum.value), '.3~r')"


def posterior_of_effect(evaluation: Evaluation) -> Figure | Absent:
    """The posterior of the difference of violation rates, with what counts as none."""
    import altair as alt

    posterior, design = evaluation.comparison.posterior, evaluation.design
    if posterior is None:
        return Absent(reason="No posterior of the difference is drawn: an arm has no executions.")
    middles, heights = _density(posterior)
    rope = 100 * design.rope
    x = difference_axis("points", min(middles[0], -rope), max(middles[-1], rope))
    y = alt.Y("height:Q", scale=alt.Scale(domain=[0, 1.18 * max(heights)], nice=False), axis=None)
    layers: list[Any] = []
    band = [{"points": -rope, "end": rope, "label": "as good as none"}]
    mark = alt.Chart(data(band)).mark_rect(color=COLOURS["now"], opacity=0.14, aria=False)
    layers.append(mark.encode(x=x, x2="end:Q"))
    for colour, inside in (
        (COLOURS["then"], _below(middles, heights)),
        (COLOURS["violation"], _above(middles, heights)),
    ):
        if inside:
            area = alt.Chart(data(inside)).mark_area(color=colour, opacity=0.35, aria=False)
            layers.append(area.encode(x=x, y=y))
    rows = records(points=middles, height=heights)
    layers.append(alt.Chart(data(rows)).mark_line(color=COLOURS["ink"], strokeWidth=1.5, aria=False).encode(x=x, y=y))
    zero = alt.Chart(data([{"points": 0}])).mark_rule(color=COLOURS["ink"], strokeWidth=1, aria=False)
    layers.append(zero.encode(x=x))
    layers += _sides(posterior)
    low, high = posterior.interval.low, posterior.interval.high
    return Figure(
        title=f"The test arm violates less with probability {chance(posterior.probability_better)}: "
        f"{points(low, high)} ({wording.percent(posterior.interval.level)} credible)",
        reading="The higher the curve, the more plausible the difference. Blue: test violates less; orange: more. "
        f"Grey band: up to {wording.number(rope, 2)} points either way counts as none.",
        chart=alt.layer(*layers),
        table=_quantile_table(posterior),
        height=230,
        size="half",
    )


def _density(posterior: Posterior) -> tuple[list[float], list[float]]:
    """Middles between quantiles, percentage points, and the density there; none of it smoothed but by three."""
    probability, difference = (np.array(side) for side in zip(*posterior.quantiles, strict=True))
    some = np.concatenate([[True], np.diff(difference) > 0])
    probability, difference = probability[some], 100 * difference[some]
    heights = np.diff(probability) / np.diff(difference)
    heights = np.convolve(np.pad(heights, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    middles = (difference[1:] + difference[:-1]) / 2
    return middles.tolist(), heights.tolist()


def _below(middles: Sequence[float], heights: Sequence[float]) -> list[dict[str, Any]]:
    return _cut(middles, heights, lower=True)


def _above(middles: Sequence[float], heights: Sequence[float]) -> list[dict[str, Any]]:
    return _cut(middles, heights, lower=False)


def _cut(middles: Sequence[float], heights: Sequence[float], *, lower: bool) -> list[dict[str, Any]]:
    """The part of the curve on one side of 0, which it meets."""
    kept = [(m, h) for m, h in zip(middles, heights, strict=True) if (m < 0) == lower and m != 0]
    if kept and min(middles) < 0 < max(middles):
        edge = (0.0, float(np.interp(0.0, middles, heights)))
        kept = [*kept, edge] if lower else [edge, *kept]
    return records(points=[m for m, _ in kept], height=[h for _, h in kept])


def _sides(posterior: Posterior) -> list[Any]:
    """How likely each side of 0 is, in the corner of that side."""
    import altair as alt

    better = posterior.probability_better
    layers: list[Any] = []
    for probability, name, colour, align, end in (
        (better, "better", COLOURS["then"], "left", alt.value(2)),
        (1 - better, "worse", COLOURS["violation"], "right", alt.value("width")),
    ):
        rows = [{"label": f"{name}: {chance(probability)}"}]
        layers += label(rows, {"x": end, "y": alt.value(6)}, colour, align=align)
    return layers


def _quantile_table(posterior: Posterior) -> Table:
    wanted = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
    probability, difference = zip(*posterior.quantiles, strict=True)
    found = np.interp(wanted, probability, difference)
    return Table(
        columns=("Probability that the difference is smaller", "Difference, percentage points"),
        rows=tuple((wording.percent(u), signed(100 * d)) for u, d in zip(wanted, found.tolist(), strict=True)),
    )


def mechanical_and_behaviour(evaluation: Evaluation) -> Figure | Absent:
    """What the moved line does to the rate by itself, against what changes under it."""
    import altair as alt

    parts = _parts(evaluation)
    if len(parts) < 2:
        return Absent(reason="What the line does and what behaviour does cannot be told apart on these measurements.")
    low = min(100 * interval.low for _, _, interval, _ in parts)
    high = max(100 * interval.high for _, _, interval, _ in parts)
    x = difference_axis("points", low, high)
    order = [name for name, *_ in parts]
    y = alt.Y("name:N", sort=order, axis=None, scale=alt.Scale(domain=order, paddingOuter=0.4))
    layers: list[Any] = [
        alt.Chart(data([{"points": 0}])).mark_rule(color=COLOURS["ink"], strokeWidth=1, aria=False).encode(x=x)
    ]
    for name, difference, interval, colour in parts:
        layers += _bar(
            name, 100 * difference, 100 * interval.low, 100 * interval.high, x, y, colour, points_of(interval)
        )
    return Figure(
        title=_split(evaluation),
        reading="Point and bar: estimate and interval for one look. Grey: what the moved line does to the control's "
        "own durations, known without a test. Blue: what differs between the arms at one and the same line.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Part", "Difference, percentage points", "Interval"),
            rows=tuple((name, signed(100 * d), points_of(interval)) for name, d, interval, _ in parts),
        ),
        height=58 + ROW * len(parts),
        size="half",
    )


def _parts(evaluation: Evaluation) -> list[tuple[str, float, Interval, str]]:
    comparison, design = evaluation.comparison, evaluation.design
    other = next(effect for effect in comparison.guardrails if effect.metric == "other_rate")
    named: list[tuple[str, Effect | None, str]] = [
        ("the moved line alone", comparison.mechanical, COLOURS["now"]),
        (f"behaviour, at {threshold_name(design.common_threshold)}", comparison.primary, COLOURS["then"]),
        (f"behaviour, at {threshold_name(design.other_threshold)}", other, COLOURS["then"]),
    ]
    return [
        (name, effect.difference, effect.interval, colour)
        for name, effect, colour in named
        if effect is not None and effect.interval is not None
    ]


def points_of(interval: Interval) -> str:
    """Write an interval of a difference of rates."""
    return points(interval.low, interval.high)


def _bar(
    name: str, value: float, low: float, high: float, x: alt.X, y: alt.Y, colour: str, told: str
) -> list[Any]:  # fmt: skip
    """An interval with its estimate, named above."""
    import altair as alt

    rows = [{"points": value, "low": low, "high": high, "name": name, "told": told, "label": name}]
    hints = [alt.Tooltip("name:N", title="Part"), alt.Tooltip("told:N", title="Interval")]
    base = alt.Chart(data(rows)).encode(y=y, tooltip=hints)
    axis = {"scale": x["scale"], "axis": x["axis"]}
    rule = base.mark_rule(color=colour, strokeWidth=7, opacity=0.35, aria=False)
    point = base.mark_point(color=colour, filled=True, size=70, opacity=1, aria=False)
    shown = [rule.encode(x=alt.X("low:Q", **axis), x2="high:Q"), point.encode(x=x)]
    return [*shown, *label(rows, {"x": alt.value(0), "y": y}, colour, dy=-15, baseline="middle")]


def _split(evaluation: Evaluation) -> str:
    comparison, design = evaluation.comparison, evaluation.design
    mechanical, primary = comparison.mechanical, comparison.primary
    line_alone = "" if mechanical is None else (
        f"The moved line alone changes the violation rate by {signed(100 * mechanical.difference)} points; "
    )  # fmt: skip
    interval = primary.interval
    at = threshold_name(design.common_threshold)
    if interval is None:
        return f"{line_alone}what behaviour does at {at} has no estimate"
    if interval.covers(0):
        return f"{line_alone}at {at} behaviour shows no difference ({points_of(interval)})"
    return f"{line_alone}at {at} behaviour changes it by {signed(100 * primary.difference)} ({points_of(interval)})"


def quantile_differences(evaluation: Evaluation) -> Figure | Absent:
    """How quantiles of the durations differ between arms, in percent."""
    import altair as alt

    effects = _quantiles(evaluation)
    known = [(q, effect) for q, effect in effects if effect.interval is not None]
    if not known:
        return Absent(reason=f"Quantiles of the durations cannot be compared. {effects[-1][1].why or ''}".strip())
    rows: list[dict[str, Any]] = [
        {"name": f"{100 * q:g} %", "change": 100 * math.expm1(effect.difference), "low": 100 * math.expm1(low),
         "high": 100 * math.expm1(min(high, 10.0)), "told": f"{change(math.exp(effect.difference))}",
         "control": wording.seconds(effect.control), "test": wording.seconds(effect.test)}
        for q, effect in known if effect.interval for low, high in [(effect.interval.low, effect.interval.high)]
    ]  # fmt: skip
    ends = [min(0.0, *(row["low"] for row in rows)), max(0.0, *(row["high"] for row in rows))]
    margin = 0.08 * max(ends[1] - ends[0], 1e-6)
    x = alt.X(
        "name:N", sort=[row["name"] for row in rows], axis=alt.Axis(title="So many executions take less", labelAngle=0)
    )
    title = "Duration, test against control"
    axis = alt.Axis(title=title, tickCount=5, labelExpr=f"{SIGNED} + ' %'")
    y = alt.Y("change:Q", scale=alt.Scale(domain=[ends[0] - margin, ends[1] + margin], nice=False), axis=axis)
    hints = [alt.Tooltip("name:N", title="Quantile"), alt.Tooltip("control:N", title="Control"),
             alt.Tooltip("test:N", title="Test"), alt.Tooltip("told:N", title="Change")]  # fmt: skip
    base = alt.Chart(data(rows)).encode(x=x, tooltip=hints)
    zero = alt.Chart(data([{"change": 0}])).mark_rule(color=COLOURS["ink"], strokeWidth=1, aria=False)
    style = {"scale": y["scale"], "axis": y["axis"]}
    layers: list[Any] = [
        zero.encode(y=y),
        base.mark_rule(color=COLOURS["then"], strokeWidth=9, opacity=0.35, aria=False).encode(
            y=alt.Y("low:Q", **style), y2="high:Q"
        ),
        base.mark_point(color=COLOURS["then"], filled=True, size=70, opacity=1, aria=False).encode(y=y),
    ]
    level = wording.percent(1 - evaluation.design.significance_level)
    return Figure(
        title=_moved(known),
        reading=f"Point and bar: change of each quantile, with its {level} interval for one look.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Quantile", "Control", "Test", "Change", f"{level} interval"),
            rows=tuple((row["name"], row["control"], row["test"], row["told"], _ends(row)) for row in rows),
        ),
        height=240,
        size="half",
    )


def _ends(row: dict[str, Any]) -> str:
    return f"{signed(row['low'])} % to {signed(row['high'])} %"


def _quantiles(evaluation: Evaluation) -> list[tuple[float, Effect]]:
    from slaopt.experiment.tails import quantile_effect

    control, test = evaluation.observed.control, evaluation.observed.test
    level = 1 - evaluation.design.significance_level
    return [(q, quantile_effect(control, test, metric="p99", q=q, confidence_level=level)) for q in QUANTILES]


def _moved(known: Sequence[tuple[float, Effect]]) -> str:
    """Name the quantiles that surely moved, or say that none did."""
    told = []
    for word, some in (
        ("shorter", [q for q, effect in known if effect.interval and effect.interval.high < 0]),
        ("longer", [q for q, effect in known if effect.interval and effect.interval.low > 0]),
    ):
        if len(some) > 1:
            told.append(f"durations from p{100 * some[0]:g} to p{100 * some[-1]:g} are {word} in test")
        elif some:
            told.append(f"p{100 * some[0]:g} is {word} in test")
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}" if text else "No quantile of the durations surely differs between the arms"
