"""What a planned test can find: power over its length, and over the effect that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slaopt import wording
from slaopt.charts.figure import COLOURS, Figure, Table, data, records
from slaopt.charts.marks import label, line, rule_down
from slaopt.charts.scales import percent_axis
from slaopt.experiment.told import chance_of
from slaopt.wording import chance

if TYPE_CHECKING:
    import altair as alt

    from slaopt.experiment import PlannedDesign

__all__ = ["power_by_days", "power_by_effect"]


def power_by_days(planned: PlannedDesign) -> Figure:
    """Chance of finding the smallest effect that is worth it, by the length of the test."""
    import altair as alt

    design, power = planned.design, planned.power
    days, chances = zip(*power.by_days, strict=True)
    scale = alt.Scale(domain=[0, max(days)], nice=False)
    x = alt.X("days:Q", scale=scale, axis=alt.Axis(title="Days", values=list(days), labelOverlap="greedy"))
    rows = records(days=days, power=chances, told=[chance(one) for one in chances])
    layers = line(rows, x, _chances(), COLOURS["then"], tooltip={"days": "Days", "told": "Found in"})
    layers += _wanted(power.wanted, x, max(days))
    layers += rule_down(
        design.days, f"planned: {design.days} days", COLOURS["now"], x=x, dashed=True, right=design.days < 12
    )
    enough = next((day for day, one in power.by_days if one >= power.wanted), None)
    fall = f"a fall of the violation rate by {wording.percent(power.effect)}"
    return Figure(
        title=f"In {design.days} days {fall} is found in {chance(power.closed_form)} of tests"
        + ("" if enough is None or enough <= design.days else f"; {enough:g} days would do"),
        reading=f"Computed from the traffic to come, with {design.looks} looks spread over the days. Grey: the power "
        "that is wanted.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Days", "Found in"), rows=tuple((f"{day:g}", chance(one)) for day, one in power.by_days)
        ),
        height=230,
    )  # fmt: skip


def power_by_effect(planned: PlannedDesign) -> Figure:
    """Chance of finding a change of the violation rate, by its size; the rehearsal is the point on it."""
    import altair as alt

    power = planned.power
    effects, chances = zip(*power.by_effect, strict=True)
    x = alt.X(
        "effect:Q", scale=alt.Scale(domain=[0, 1]), axis=percent_axis("Fall of the violation rate, a share of it")
    )
    told = [chance(one) for one in chances]
    rows = records(effect=effects, power=chances, told=told, size=[wording.percent(one) for one in effects])
    layers = line(rows, x, _chances(), COLOURS["then"], tooltip={"size": "Fall", "told": "Found in"})
    layers += _wanted(power.wanted, x, 1.0)
    seen = "" if power.better is None else f"; rehearsed on the past: {chance_of(power.better.found)}"
    if power.better is not None:
        layers += _rehearsed(power.effect, power.better.found.value, x)
    least = power.minimum_detectable_effect
    return Figure(
        title=(
            f"No change of the violation rate is found in {chance(power.wanted)} of such tests"
            if least is None
            else f"{chance(power.wanted)} of such tests find a fall of the violation rate by {wording.percent(least)}"
        ),
        reading=f"A fall by {wording.percent(power.effect)} is worth finding{seen}. Grey: the power that is wanted.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Fall of the rate", "Found in"),
            rows=tuple((wording.percent(effect), chance(one)) for effect, one in power.by_effect),
        ),
        height=230,
    )


def _chances() -> alt.Y:
    import altair as alt

    return alt.Y(
        "power:Q", scale=alt.Scale(domain=[0, 1.02], nice=False), axis=percent_axis("Share of tests that find it")
    )


def _wanted(power: float, x: alt.X, end: float) -> list[Any]:
    """The power that is wanted, named at the right end."""
    import altair as alt

    field = str(x["shorthand"]).removesuffix(":Q")
    rows: Sequence[dict[str, Any]] = [{field: end, "power": power, "label": f"wanted: {chance(power)}"}]
    rule = alt.Chart(data(rows)).mark_rule(color=COLOURS["now"], strokeWidth=1, aria=False).encode(y=_chances())
    encoding = {"x": x, "y": _chances()}
    return [rule, *label(rows, encoding, COLOURS["now"], align="right", baseline="top", dy=4, fontWeight=400)]


def _rehearsed(effect: float, found: float, x: alt.X) -> list[Any]:
    import altair as alt

    rows = [{"effect": effect, "power": found, "label": "rehearsed"}]
    style: dict[str, Any] = {"shape": "diamond", "size": 110, "filled": True, "opacity": 1, "aria": False}
    point = alt.Chart(data(rows)).mark_point(color=COLOURS["other"], **style).encode(x=x, y=_chances())
    return [point, *label(rows, {"x": x, "y": _chances()}, COLOURS["other"], dx=9, dy=6)]
