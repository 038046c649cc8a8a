"""Marks that charts share: lines named where they end, rules with their meaning on them, excluded days."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt.charts.figure import COLOURS, data
from slaopt.charts.scales import midnight, threshold_name

if TYPE_CHECKING:
    import altair as alt

    from slaopt.analysis import DailyPercentiles
    from slaopt.optimize import Recommendation

__all__ = [
    "WHOLE",
    "excluded_days",
    "gaps",
    "label",
    "line",
    "rule_across",
    "rule_down",
    "spread",
    "tail_height",
    "threshold_rules",
]

DASH = [5, 4]
MANY = 60  # points of a line from which they are small
TEXT_HEIGHT = 0.1  # of a line of text, share of a chart's height
WHOLE = 0.99  # share of a day from which it is excluded as a whole
Floats = NDArray[np.float64]
Layers = Any  # Altair's operators on charts have no type of their own


def gaps(values: Sequence[float] | Floats) -> list[float | None]:
    """Write missing values as gaps."""
    return [float(value) if np.isfinite(value) else None for value in values]


def line(
    rows: Sequence[Mapping[str, Any]],
    x: alt.X,
    y: alt.Y,
    colour: str,
    *,
    dashed: bool = False,
    width: float = 2,
    tooltip: Mapping[str, str],
) -> Layers:
    """A line with a point a row; `tooltip` maps fields to their names."""
    import altair as alt

    hints = [alt.Tooltip(f"{name}:N", title=title) for name, title in tooltip.items()]
    base = alt.Chart(data(rows)).encode(x=x, y=y, tooltip=hints)
    stroke = base.mark_line(color=colour, strokeWidth=width, strokeDash=DASH if dashed else [1, 0], aria=False)
    return stroke + base.mark_circle(color=colour, size=22 if len(rows) <= MANY else 8, opacity=1, aria=False)


def label(rows: Sequence[Mapping[str, Any]], encoding: Mapping[str, Any], colour: str, **text: Any) -> Layers:
    """Text on a halo of paper, so that lines beneath do not cross it out; rows carry it as `label`."""
    import altair as alt

    base = alt.Chart(data(rows)).encode(text="label:N", **encoding)
    style: dict[str, Any] = {
        "align": "left",
        "baseline": "middle",
        "fontWeight": 600,
        "aria": False,
        "tooltip": None,
    } | text
    halo = base.mark_text(stroke=COLOURS["paper"], strokeWidth=4, strokeJoin="round", **style)
    return halo + base.mark_text(color=colour, **style)


def rule_across(
    value: float, text: str, colour: str, *, field: str, scale: alt.Scale, lines: Sequence[Sequence[float] | Floats]
) -> Layers:
    """A horizontal line named at its left end, above or below it where the given lines leave more room."""
    import altair as alt

    rows = [{field: value, "label": text}]
    y = alt.Y(f"{field}:Q", scale=scale)
    rule = alt.Chart(data(rows)).mark_rule(color=colour, strokeWidth=1, aria=False).encode(y=y)
    dy = 9 if _room_below(value, lines, scale) else -8
    return rule + label(rows, {"y": y, "x": alt.value(4)}, colour, dy=dy, fontWeight=400)


def _room_below(value: float, lines: Sequence[Sequence[float] | Floats], scale: alt.Scale) -> bool:
    """Whether a text at the left end of a rule stands better below it than above."""
    heads = np.concatenate([np.asarray(line, dtype=float)[: max(2, len(line) // 3)] for line in lines] or [np.empty(0)])
    low, high = scale["domain"]
    logarithmic = low > 0

    def height(values: Floats) -> Floats:
        return np.asarray(np.log(values / low) / np.log(high / low) if logarithmic else values / high)

    place = float(height(np.array([value]))[0])
    heights = height(heads[np.isfinite(heads) & (heads > 0)]) - place
    above = float(heights[heights >= 0].min(initial=1 - place))
    below = float(-heights[heights < 0].max(initial=-place))
    return above < TEXT_HEIGHT and below > above


def rule_down(value: float, text: str, colour: str, *, x: alt.X, dashed: bool, line: int = 0) -> Layers:
    """A vertical line named near its top, on the side where there is room; `line` counts lines of text from the top."""
    import altair as alt

    rows = [{x["shorthand"].removesuffix(":Q"): value, "label": text}]
    stroke: dict[str, Any] = {"strokeWidth": 1.5, "strokeDash": DASH if dashed else [1, 0]}
    rule = alt.Chart(data(rows)).mark_rule(color=colour, aria=False, **stroke).encode(x=x)
    low, high = x["scale"]["domain"]
    right = math.log(value / low) < 0.55 * math.log(high / low)
    style: dict[str, Any] = {"align": "left" if right else "right", "dx": 5 if right else -5, "baseline": "top"}
    return rule + label(rows, {"x": x, "y": alt.value(2 + 17 * line)}, colour, **style)


def threshold_rules(recommendation: Recommendation, x: alt.X) -> list[Any]:
    """Vertical lines at the current and the recommended threshold, with their names."""
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    rules = []
    if current is not None:
        rules.append(rule_down(current, f"{threshold_name(current)} (now)", COLOURS["now"], x=x, dashed=True))
    if recommended is not None and recommended != current:
        name = f"{threshold_name(recommended)} (proposed)"
        rules.append(rule_down(recommended, name, COLOURS["then"], x=x, dashed=False, line=1))
    return rules


def excluded_days(daily: DailyPercentiles, *, x: alt.X) -> Layers:
    """Hatch the days that are excluded as a whole."""
    import altair as alt

    days = [day for day, share in zip(daily.dates, daily.excluded_share, strict=True) if share > WHOLE]
    rows = [{"day": start, "end": start + 86_400_000} for start in midnight(days)]
    mark = alt.Chart(data(rows)).mark_rect(fill=COLOURS["excluded"], opacity=0.8, aria=False)
    return mark.encode(x=x, x2="end:Q", tooltip=alt.value("excluded time"))


def tail_height(values: Sequence[float] | Floats) -> float:
    """Greatest of the last days, as many as the name of a line is wide."""
    known = np.asarray(values, dtype=float)
    tail = known[-max(3, len(known) // 8) :]
    pool = tail[np.isfinite(tail)] if np.isfinite(tail).any() else known[np.isfinite(known)]
    return float(pool.max()) if len(pool) else 0.0


def spread(heights: Sequence[float], least: float) -> list[float]:
    """Move labels up where they would stand less than `least` apart; their order stays.

    >>> spread([0.0, 0.1, 2.0], 1.0)
    [0.0, 1.0, 2.0]
    """
    order = np.argsort(heights, kind="stable")
    placed = list(heights)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + least)
    return placed
