"""Marks that charts share: lines named where they end, rules with their meaning on them, changes, excluded days."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt.charts.figure import COLOURS, data
from slaopt.charts.scales import midnight, threshold_name
from slaopt.wording import percent

if TYPE_CHECKING:
    from datetime import date

    import altair as alt

    from slaopt.analysis import Analysis
    from slaopt.analysis.changepoints import ChangePoint
    from slaopt.charts.places import Labels, Place, Places
    from slaopt.optimize import Recommendation

__all__ = [
    "DASH",
    "changes_of",
    "excluded_dates",
    "gaps",
    "hatch",
    "label",
    "line",
    "mark_changes",
    "named",
    "relative",
    "rule_across",
    "rule_down",
    "threshold_rules",
]

DASH = [5, 4]
DOT = [1, 3]
MANY = 60  # points of a line from which they are small
LINE_OF_TEXT = 17  # pixels
CLOSE, RIGHT = 0.4, 0.55  # shares of the width: rules that are near each other, rules named on their right
WHOLE = 0.99  # share of a day from which it is excluded as a whole
Floats = NDArray[np.float64]
Layers = list[Any]  # flat, for one `alt.layer`: Altair copies all that lies inside a layer again with each level


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
    return [stroke, base.mark_circle(color=colour, size=22 if len(rows) <= MANY else 8, opacity=1, aria=False)]


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
    return [halo, base.mark_text(color=colour, **style)]


def rule_across(y: alt.Y, x: alt.X, value: float, text: str, colour: str, *, names: Labels) -> Layers:
    """A horizontal line named where it has room, at its left end if there is."""
    import altair as alt

    level = _plain(y)
    rule = alt.Chart(data([{_field(y): value}])).mark_rule(color=colour, strokeWidth=1, aria=False).encode(y=level)
    return [rule, *named(names.on_rule(text, value), text, x, y, colour, fontWeight=400)]


def named(places: Places, text: str, x: alt.X, y: alt.Y, colour: str, **style: Any) -> Layers:
    """A name at that of its places which fits the width that the chart has on the screen."""
    import altair as alt

    shown = alt.ExprRef(f"width < {places.below:.0f} ? 0 : 1"), alt.ExprRef(f"width < {places.below:.0f} ? 1 : 0")
    return [
        layer
        for place, opacity in zip((places.wide, places.narrow), shown, strict=True)
        for layer in _named(place, text, x, y, colour, opacity=opacity, **style)
    ]


def _named(place: Place, text: str, x: alt.X, y: alt.Y, colour: str, **style: Any) -> Layers:
    row = {_field(x): place.x, _field(y): place.y, "label": text}
    return label([row], {"x": x, "y": y}, colour, **place.style, **style)


def _field(channel: Any) -> str:
    return str(channel["shorthand"].removesuffix(":Q"))


def _plain(y: alt.Y) -> alt.Y:
    """The same scale, without an axis of its own."""
    import altair as alt

    return alt.Y(y["shorthand"], scale=y["scale"])


def rule_down(value: float, text: str, colour: str, *, x: alt.X, dashed: bool, line: int = 0, right: bool) -> Layers:
    """A vertical line named near its top, to its right or left; it starts below the `line` lines of text above it."""
    import altair as alt

    rows = [{_field(x): value, "label": text}]
    top = LINE_OF_TEXT * line
    stroke: dict[str, Any] = {"strokeWidth": 1.5, "strokeDash": DASH if dashed else [1, 0]}
    rule = alt.Chart(data(rows)).mark_rule(color=colour, aria=False, **stroke)
    style: dict[str, Any] = {"align": "left" if right else "right", "dx": 5 if right else -5, "baseline": "top"}
    drawn = rule.encode(x=x, y=alt.value(top), y2=alt.value("height"))
    return [drawn, *label(rows, {"x": x, "y": alt.value(2 + top)}, colour, **style)]


def threshold_rules(recommendation: Recommendation, x: alt.X) -> list[Any]:
    """Vertical lines at the current and the recommended threshold; the name of one does not cross the other."""
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    low, high = x["scale"]["domain"]
    marked: list[tuple[float, str, str, bool]] = []
    if current is not None:
        marked.append((current, f"{threshold_name(current)} (now)", COLOURS["now"], True))
    if recommended is not None and recommended != current:
        marked.append((recommended, f"{threshold_name(recommended)} (proposed)", COLOURS["then"], False))
    shares = [math.log(value / low) / math.log(high / low) for value, *_ in marked]
    if not shares:
        return []
    near = max(shares) - min(shares) < CLOSE
    rights = [(sum(shares) / len(shares) if near else share) < RIGHT for share in shares]
    # names reach over the line that stands on their side, so that line starts beneath them
    first = min(shares) if rights[0] else max(shares)
    return [
        layer
        for (value, text, colour, dashed), share, right in zip(marked, shares, rights, strict=True)
        for layer in rule_down(value, text, colour, x=x, dashed=dashed, line=int(share != first), right=right)
    ]


def excluded_dates(analysis: Analysis) -> list[date]:
    """The days that are excluded as a whole."""
    daily = analysis.daily
    return [day for day, share in zip(daily.dates, daily.excluded_share, strict=True) if share > WHOLE]


def hatch(analysis: Analysis, x: alt.X) -> list[Any]:
    """Hatch the days that are excluded as a whole; no layer where there are none."""
    import altair as alt

    if not (days := excluded_dates(analysis)):
        return []
    rows = [{"day": start, "end": start + 86_400_000} for start in midnight(days)]
    mark = alt.Chart(data(rows)).mark_rect(fill=COLOURS["excluded"], opacity=0.8, aria=False)
    return [mark.encode(x=x, x2="end:Q", tooltip=alt.value("excluded time"))]


def changes_of(analysis: Analysis) -> tuple[ChangePoint, ...]:
    """The changes of level that lie inside the period."""
    first = analysis.daily.dates[0]
    return tuple(change for change in analysis.trend_analysis.change_points if change.start > first)


def mark_changes(analysis: Analysis, x: alt.X, y: alt.Y, *, names: Labels) -> list[Any]:
    """A dotted line down where the level changed, with the day and by how much."""
    import altair as alt

    layers: list[Any] = []
    for change in changes_of(analysis):
        (when,) = midnight([change.start])
        about = "" if change.abrupt else "about "
        text = f"{about}{change.start.day} {change.start:%b}: {relative(change.factor)}"
        rule = alt.Chart(data([{_field(x): when}])).mark_rule(color=COLOURS["ink"], strokeDash=DOT, aria=False)
        layers += [rule.encode(x=x), *named(names.beside_rule(text, when), text, x, y, COLOURS["ink"], fontWeight=400)]
        names.avoid([when, when], y["scale"]["domain"])
    return layers


def relative(factor: float) -> str:
    """Write a factor as a change.

    >>> relative(1.4), relative(0.75)
    ('+40 %', '−25 %')
    """
    return f"{'+' if factor >= 1 else '−'}{percent(abs(factor - 1))}"
