"""What will happen? The forecast at both thresholds, beside what simple rules say of the same days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data
from slaopt.charts.marks import rule_down
from slaopt.charts.scales import percent_axis, threshold_name
from slaopt.charts.thresholds import interval_of
from slaopt.forecast.backtest import METHODS
from slaopt.forecast.naive import simple_rules
from slaopt.optimize.sentences import frequency

if TYPE_CHECKING:
    import altair as alt

    from slaopt.assess import Assessment
    from slaopt.forecast import Forecast

__all__ = ["forecasts", "simply"]

Floats = NDArray[np.float64]
OFFSET = 0.28  # of a row's height, by which both thresholds stand apart in it
ROW = 40  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What is foretold at one threshold."""

    name: str
    forecasts: tuple[Forecast, ...]
    simple: dict[str, float]
    colour: str
    dashed: bool


def forecasts(assessment: Assessment) -> Figure | Absent:
    """The rates of the coming days with their intervals at both thresholds, and those that simple rules name."""
    import altair as alt

    sides = _sides(assessment)
    if not sides:
        return Absent(reason="There is no forecast: no threshold is known, or the days are too few to learn from.")
    order = [*map(_coming, sides[0].forecasts), *map(_simply, sides[0].simple)]
    budget = 1 - assessment.analysis.objective
    top = _top(sides, budget)
    x = alt.X("rate:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=percent_axis("Violation rate"))
    y = alt.Y(
        "row:N", sort=order, scale=alt.Scale(domain=order, paddingInner=0.1, paddingOuter=0.35),
        axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=240, minExtent=142),
    )  # fmt: skip
    layers: list[Any] = []
    for place, side in enumerate(sides):
        away = (place - (len(sides) - 1) / 2) * OFFSET * ROW
        layers += _drawn(side, x, y, away)
    text = f"error budget {wording.percent(budget)}"
    right = budget < 0.6 * top
    layers += rule_down(budget, text, COLOURS["violation"], x=x, dashed=False, right=right)
    return Figure(
        title=_finding(sides),
        reading=_reading(sides),
        chart=alt.layer(*layers),
        table=_table(sides),
        height=74 + ROW * len(order),
    )


def _sides(assessment: Assessment) -> list[_Side]:
    analysis, recommendation = assessment.analysis, assessment.recommendation
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    sides = []
    if current is not None and recommendation.forecast_now and analysis.daily.violations is not None:
        sides.append(
            _Side(
                name=f"{threshold_name(current)} (now)",
                forecasts=recommendation.forecast_now,
                simple=simply(analysis.daily.violations, analysis.daily.executions),
                colour=COLOURS["now"],
                dashed=True,
            )
        )
    if recommended is not None and recommended != current and recommendation.forecast_then:
        daily = recommendation.daily_then or ()
        sides.append(
            _Side(
                name=f"{threshold_name(recommended)} (proposed)",
                forecasts=recommendation.forecast_then,
                simple=simply(np.asarray(daily, dtype=float), analysis.daily.executions),
                colour=COLOURS["then"],
                dashed=False,
            )
        )
    return sides


def simply(shares: Floats, executions: Floats) -> dict[str, float]:
    """Give the rates that simple rules foretell from the violation rate and executions of each day, (D,) each.

    >>> simply(np.array([0.01, 0.03]), np.array([100.0, 100.0]))["whole period"]
    0.02
    """
    n = np.where(np.isfinite(shares), executions, 0.0)
    rules = simple_rules(np.nan_to_num(shares * n)[None], n)
    return {name: float(rule.rate[0]) for name, rule in zip(METHODS[1:], rules, strict=True) if rule.executions > 0}


def _top(sides: Sequence[_Side], budget: float) -> float:
    likely = [f.interval_80.high for side in sides for f in side.forecasts]
    simple = [rate for side in sides for rate in side.simple.values()]
    wide = [f.interval_95.high for side in sides for f in side.forecasts]
    most = max([budget, *likely, *simple])
    return min(1.05, 1.08 * max(most, min(max(wide), 1.5 * most)))


def _drawn(side: _Side, x: alt.X, y: alt.Y, away: float) -> list[Any]:
    """Thin bar 95 %, thick bar 80 %, point the rate; hollow points are the simple rules'."""
    import altair as alt

    low, high = x["scale"]["domain"]
    rows = [
        {
            "row": _coming(f), "rate": f.violation_rate, "told": _rate(f), "at": side.name,
            "l8": f.interval_80.low, "h8": min(f.interval_80.high, high),
            "l95": f.interval_95.low, "h95": min(f.interval_95.high, high),
        }
        for f in side.forecasts
    ]  # fmt: skip
    hints = [alt.Tooltip("row:N", title="Days"), alt.Tooltip("told:N", title="Violations of 1,000"),
             alt.Tooltip("at:N", title="above")]  # fmt: skip
    base = alt.Chart(data(rows)).encode(y=y, tooltip=hints)
    axis = {"scale": x["scale"], "axis": x["axis"]}
    style: dict[str, Any] = {"color": side.colour, "aria": False, "yOffset": away}
    layers: list[Any] = [
        base.mark_rule(**style, opacity=0.35, strokeWidth=2).encode(x=alt.X("l95:Q", **axis), x2="h95:Q"),
        base.mark_rule(**style, opacity=0.35, strokeWidth=9).encode(x=alt.X("l8:Q", **axis), x2="h8:Q"),
        base.mark_point(**style, filled=True, size=70, opacity=1).encode(x=x),
    ]
    simple = [{"row": _simply(name), "rate": rate, "told": frequency(rate), "at": side.name}
              for name, rate in side.simple.items() if low <= rate <= high]  # fmt: skip
    hollow: dict[str, Any] = {
        "fill": COLOURS["paper"],
        "stroke": side.colour,
        "strokeWidth": 2,
        "size": 60,
        "opacity": 1,
    }
    points = alt.Chart(data(simple)).mark_point(**{k: v for k, v in style.items() if k != "color"}, **hollow)
    layers.append(points.encode(x=x, y=y, tooltip=hints))
    return layers


def _coming(forecast: Forecast) -> str:
    return f"coming {wording.number(forecast.horizon)} days"


def _simply(name: str) -> str:
    return f"as in the {name}" if name != "exponentially weighted" else "as lately, weighted"


def _rate(forecast: Forecast) -> str:
    return f"{frequency(forecast.violation_rate)} ({interval_of(forecast.interval_80)})"


def _finding(sides: Sequence[_Side]) -> str:
    """Say what the longest forecast expects, and between what the simple rules lie."""
    side = sides[-1]
    longest = side.forecasts[-1]
    told = (
        f"At {side.name.rpartition(' (')[0]} about {frequency(longest.violation_rate)} of 1,000 executions would "
        f"violate in the {_coming(longest)} ({interval_of(longest.interval_80)})"
    )
    if not side.simple:
        return told
    low, high = (frequency(rate) for rate in (min(side.simple.values()), max(side.simple.values())))
    return f"{told}; simple rules say {low if low == high else f'{low} to {high}'}"


def _reading(sides: Sequence[_Side]) -> str:
    told = ["Thick bar: 80 % interval for what will be measured; thin: 95 %. Hollow: simple rules, which have none."]
    if len(sides) == 2:
        told.append(f"Upper of each pair, grey: {sides[0].name}; lower, blue: {sides[1].name}.")
    return " ".join(told)


def _table(sides: Sequence[_Side]) -> Table:
    columns = ["Foretold"]
    for side in sides:
        columns += [f"above {side.name}, of 1,000", "80 %", "95 %"]
    columns.append("Confidence")
    rows = []
    for at in zip(*(side.forecasts for side in sides), strict=True):
        cells = [_coming(at[0])]
        for forecast in at:
            cells += [frequency(forecast.violation_rate), interval_of(forecast.interval_80)]
            cells.append(interval_of(forecast.interval_95))
        rows.append((*cells, " → ".join(dict.fromkeys(_trusted(forecast) for forecast in at))))
    for name in sides[0].simple:
        cells = [_simply(name)]
        for side in sides:
            cells += [frequency(side.simple[name]) if name in side.simple else "–", "–", "–"]
        rows.append((*cells, "–"))
    return Table(columns=tuple(columns), rows=tuple(rows))


def _trusted(forecast: Forecast) -> str:
    return f"{forecast.confidence}: {forecast.reason}" if forecast.reason else forecast.confidence
