"""Is the answer in yet? The estimate at each look with its valid band, its boundaries, and the sizes of the arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from slaopt import wording
from slaopt.charts.effects import SIGNED, points_of
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data, records
from slaopt.charts.marks import DASH, label, line
from slaopt.charts.scales import dates_x, noon, percent_axis
from slaopt.experiment.design import EACH_ROW
from slaopt.experiment.wording import METRIC_NAMES, VERDICT_WORDS, signed

if TYPE_CHECKING:
    import altair as alt

    from slaopt.experiment import Evaluation
    from slaopt.experiment.found import Look

__all__ = ["effect_by_look", "looks_and_boundaries", "sample_ratio"]

MANY = (
    "Line: the estimate at each look. Band: the interval that holds at all looks at once, so that it may be read at "
    "any of them."
)
ONE = "Point and bar: the estimate and its interval."
FAR = 8.0  # standard errors that the axis shows at most: early boundaries are further out


def effect_by_look(evaluation: Evaluation) -> Figure | Absent:
    """The estimate at each look, with the band that holds at all of them at once."""
    import altair as alt

    looks = [look for look in evaluation.looks if math.isfinite(look.estimate)]
    if not looks:
        return Absent(reason="No look has an estimate of the difference yet.")
    bounded = [look for look in looks if look.interval is not None]
    values = [100 * look.estimate for look in looks]
    ends = [100 * end for look in bounded if look.interval for end in (look.interval.low, look.interval.high)]
    span = max(map(abs, [*values, *_inner(ends, values)])) or 1.0
    y = alt.Y(
        "points:Q", scale=alt.Scale(domain=[-1.1 * span, 1.1 * span], nice=False, clamp=True),
        axis=alt.Axis(title="Violation rate, test less control, percentage points", tickCount=5, labelExpr=SIGNED),
    )  # fmt: skip
    x = _looks_x(looks)
    layers: list[Any] = []
    rows = [
        {"look": look.number, "low": 100 * look.interval.low, "high": 100 * look.interval.high}
        for look in bounded if look.interval
    ]  # fmt: skip
    style = {"scale": y["scale"], "axis": y["axis"]}
    base = alt.Chart(data(rows)).encode(x=x)
    band = alt.Y("low:Q", **style)
    if len(rows) > 1:
        layers.append(base.mark_area(color=COLOURS["then"], opacity=0.2, aria=False).encode(y=band, y2="high:Q"))
    elif rows:
        thick = base.mark_rule(color=COLOURS["then"], opacity=0.35, strokeWidth=9, aria=False)
        layers.append(thick.encode(y=band, y2="high:Q"))
    zero = alt.Chart(data([{"points": 0}])).mark_rule(color=COLOURS["ink"], strokeWidth=1, aria=False)
    layers.append(zero.encode(y=y))
    told = [signed(value) for value in values]
    shown = records(look=[look.number for look in looks], points=values, told=told, when=[_when(k) for k in looks])
    layers += line(shown, x, y, COLOURS["then"], tooltip={"look": "Look", "when": "Until", "told": "Difference"})
    return Figure(
        title=_since(bounded),
        reading=(MANY if len(looks) > 1 else ONE) + " Below 0 fewer executions violate in the test arm.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Look", "Until", "Difference, points", "Interval, points", "p-value"),
            rows=tuple(
                (str(k.number), _when(k), signed(100 * k.estimate), points_of(k.interval) if k.interval else "–",
                 "–" if k.p_value is None else wording.number(k.p_value, 2))
                for k in looks
            ),
        ),
        height=250,
    )  # fmt: skip


def _inner(ends: Sequence[float], values: Sequence[float]) -> list[float]:
    """Ends of bands that the axis shows whole; the first ones reach far beyond what is of interest."""
    if not ends:
        return []
    last = max(abs(ends[-1]), abs(ends[-2]))
    limit = 4 * max(last, *map(abs, values))
    return [end for end in ends if abs(end) <= limit] or [limit]


def _looks_x(looks: Sequence[Look]) -> alt.X:
    import altair as alt

    numbers = [look.number for look in looks]
    return alt.X(
        "look:Q", scale=alt.Scale(domain=[min(numbers) - 0.4, max(numbers) + 0.4], nice=False),
        axis=alt.Axis(title="Look", values=sorted(set(numbers)), format="d", labelOverlap="greedy"),
    )  # fmt: skip


def _when(look: Look) -> str:
    return "–" if look.at is None else wording.moment(look.at)


def _since(bounded: Sequence[Look]) -> str:
    """Say at which look the band left 0, or that it has not."""
    if not bounded:
        return "No look has drawn a boundary yet"
    first = next((look for look in bounded if look.is_significant), None)
    last = bounded[-1]
    assert last.interval is not None
    told = points_of(last.interval)
    harmed = next((look for look in bounded if any(guardrail.harmed for guardrail in look.guardrails)), None)
    if first is None and harmed is not None:
        return f"Harm ended the test at look {harmed.number}, before the two-sided band left 0 ({told})"
    if first is None:
        return f"At {_number(len(bounded))} no difference is established ({told})"
    side = "fewer" if last.interval.high < 0 else "more"
    if len(bounded) == 1:
        return f"{side.capitalize()} executions violate in the test arm ({told})"
    return f"From look {first.number} on, {side} executions violate in the test arm ({told})"


def _number(looks: int) -> str:
    return "the only look" if looks == 1 else f"all {looks} looks"


def looks_and_boundaries(evaluation: Evaluation) -> Figure | Absent:
    """Each look's score against the boundaries of benefit and harm, and its verdict."""
    import altair as alt

    looks = [look for look in evaluation.looks if look.z is not None]
    if not looks:
        return Absent(reason=f"No look was held against a boundary. {evaluation.sentence}")
    scores = [look.z for look in looks if look.z is not None]
    top = min(FAR, max(4.0, *(abs(score) for score in scores)) + 0.5)
    y = alt.Y(
        "score:Q", scale=alt.Scale(domain=[-top, top], nice=False, clamp=True),
        axis=alt.Axis(title="Test less control, standard errors", tickCount=5, labelExpr=SIGNED),
    )  # fmt: skip
    x = _looks_x(looks)
    layers: list[Any] = []
    for name, colour, values in _bounds(looks):
        rows = [{"look": n, "score": v} for n, v in values]
        drawn = alt.Chart(data(rows))
        mark = drawn.mark_line(
            color=colour, strokeWidth=1.5, strokeDash=DASH, point={"size": 14, "color": colour}, aria=False
        )
        layers.append(mark.encode(x=x, y=y))
        begin = [{**rows[0], "score": max(-top, min(top, rows[0]["score"])), "label": name}]
        layers += label(begin, {"x": x, "y": y}, colour, dx=6, dy=-10, fontWeight=400)
    told = [VERDICT_WORDS[look.decision.verdict] for look in looks]
    shown = records(look=[k.number for k in looks], score=scores, told=told, when=[_when(k) for k in looks])
    layers += line(shown, x, y, COLOURS["ink"], tooltip={"look": "Look", "when": "Until", "told": "Verdict"})
    return Figure(
        title=_passed(evaluation),
        reading="Line: the difference in standard errors at each look. Dashed: what it must pass to be told from "
        "chance; boundaries are far out while little is known, and share one error over all looks.",
        chart=alt.layer(*layers),
        table=Table(
            columns=(
                "Look",
                "Until",
                "Executions",
                "Share of the information",
                "Score",
                "Benefit at",
                "Harm at",
                "Verdict",
            ),
            rows=tuple(_row(look) for look in looks),
        ),
        height=260,
    )


def _bounds(looks: Sequence[Look]) -> list[tuple[str, str, list[tuple[int, float]]]]:
    """The boundaries that were drawn, as (look, score)."""
    benefit = [(look.number, -look.boundary) for look in looks if look.boundary is not None]
    harm = [
        (look.number, guardrail.boundary)
        for look in looks
        for guardrail in look.guardrails
        if guardrail.metric == "rate" and guardrail.boundary is not None
    ]
    named = (("benefit", COLOURS["then"], benefit), ("harm", COLOURS["violation"], harm))
    return [(name, colour, values) for name, colour, values in named if values]


def _row(look: Look) -> tuple[str, ...]:
    harm = next((g.boundary for g in look.guardrails if g.metric == "rate"), None)
    return (
        str(look.number),
        _when(look),
        wording.count(sum(look.sample_sizes)),
        wording.percent(look.fraction),
        "–" if look.z is None else signed(look.z, 3),
        "–" if look.boundary is None else signed(-look.boundary, 3),
        "–" if harm is None else signed(harm, 3),
        VERDICT_WORDS[look.decision.verdict],
    )


def _passed(evaluation: Evaluation) -> str:
    """Say which boundary was passed, at which look."""
    for look in evaluation.looks:
        harmed = [METRIC_NAMES[g.metric] for g in look.guardrails if g.harmed]
        if harmed:
            return f"Look {look.number} passed the boundary of harm: {', '.join(harmed)}"
        if look.z is not None and look.boundary is not None and look.z < -look.boundary:
            return f"Look {look.number} passed the boundary of benefit"
    asked = [look for look in evaluation.looks if look.boundary is not None]
    return f"No boundary was passed at {_number(len(asked))}" if asked else "No look has drawn a boundary yet"


def sample_ratio(evaluation: Evaluation) -> Figure | Absent:
    """Share of what fell to the test arm day by day, against the plan."""
    import altair as alt

    ratio, design = evaluation.comparison.sample_ratio, evaluation.design
    days, controls, tests = _by_day(evaluation)
    if len(days) < 2:
        return Absent(reason=ratio.sentence)
    shares = (np.cumsum(tests) / np.cumsum(np.add(controls, tests))).tolist()
    spread = [3 * math.sqrt(design.traffic_split * (1 - design.traffic_split) / n)
              for n in np.cumsum(np.add(controls, tests)).tolist()]  # fmt: skip
    split = design.traffic_split
    reach = max(0.02, 1.15 * max(abs(share - split) for share in shares), min(0.25, float(np.median(spread))))
    low, high = max(0.0, split - reach), min(1.0, split + reach)
    y = alt.Y("share:Q", scale=alt.Scale(domain=[low, high], nice=False, clamp=True),
              axis=percent_axis(f"Share of {_what(evaluation)} in test, so far"))  # fmt: skip
    x = dates_x(days[0], date.fromordinal(days[-1].toordinal() + 1), "UTC")
    band = [{"day": at, "low": max(low, split - s), "high": min(high, split + s)}
            for at, s in zip(noon(days), spread, strict=True)]  # fmt: skip
    style = {"scale": y["scale"], "axis": y["axis"]}
    area = alt.Chart(data(band)).mark_area(color=COLOURS["now"], opacity=0.16, aria=False)
    planned = [{"share": split, "day": noon(days)[0], "label": f"planned: {wording.percent(split)}"}]
    rule = alt.Chart(data(planned)).mark_rule(color=COLOURS["now"], strokeDash=DASH, aria=False)
    told = [wording.percent(share, 3) for share in shares]
    shown = records(day=noon(days), share=shares, told=told, date=[wording.day(day) for day in _moments(days)])
    layers: list[Any] = [area.encode(x=x, y=alt.Y("low:Q", **style), y2="high:Q"), rule.encode(y=y)]
    layers += line(shown, x, y, COLOURS["then"], tooltip={"date": "Day", "told": "Share in test"})
    layers += label(planned, {"x": x, "y": y}, COLOURS["now"], dy=-9, fontWeight=400)
    return Figure(
        title=ratio.sentence.rstrip("."),
        reading="Line: share that has fallen to the test arm until each day. Grey: where it lies in all but one of 370 "
        "looks if the split holds.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Day", f"New {_what(evaluation)} in control", "in test", "Share in test so far"),
            rows=tuple(
                (wording.day(day), wording.count(c), wording.count(t), share)
                for day, c, t, share in zip(_moments(days), controls, tests, told, strict=True)
            ),
        ),
        height=220,
        size="half",
    )


def _what(evaluation: Evaluation) -> str:
    return "executions" if evaluation.design.unit == EACH_ROW else "units"


def _by_day(evaluation: Evaluation) -> tuple[list[date], list[float], list[float]]:
    """New units of each day in control and test; executions where each is a unit."""
    observed = evaluation.observed
    if evaluation.design.unit == EACH_ROW:
        days = sorted(observed.by_day)
        return days, [observed.by_day[day][0] for day in days], [observed.by_day[day][1] for day in days]
    arms = [
        arm.first_seen[~np.isnat(arm.first_seen)].astype("datetime64[D]") for arm in (observed.control, observed.test)
    ]
    some = np.unique(np.concatenate(arms))
    counted = [[float((arm == day).sum()) for day in some] for arm in arms]
    return some.tolist(), counted[0], counted[1]


def _moments(days: Sequence[date]) -> list[Any]:
    from datetime import UTC, datetime

    return [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]
