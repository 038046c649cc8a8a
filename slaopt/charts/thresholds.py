"""What would another threshold mean? Its violation rate with interval, and what it trades: pages against tightness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data
from slaopt.charts.marks import DASH, named, rule_across, threshold_rules
from slaopt.charts.places import Labels, Plot
from slaopt.charts.scales import bounds_of, duration_axis, percent_axis, threshold_name
from slaopt.optimize.sentences import frequency, pages
from slaopt.wording import chance

if TYPE_CHECKING:
    import altair as alt

    from slaopt.optimize import CandidateScore, Recommendation
    from slaopt.result import Interval

__all__ = ["interval_of", "pages_against_tightness", "rates_by_threshold"]

RING = 7  # pixels of its radius
LEAST = 0.1  # of so many executions; below, a digit more tells nothing


def rates_by_threshold(recommendation: Recommendation) -> Figure | Absent:
    """Expected violation rate of every candidate with its interval, against the error budget."""
    import altair as alt

    scores, budget = recommendation.candidates, 1 - recommendation.objective
    if not scores:
        return Absent(reason="No candidate was scored, since nothing is recommended.")
    low, high = bounds_of([score.threshold for score in scores], margin=0.03)
    x = alt.X(
        "threshold:Q", scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=duration_axis(low, high, "Threshold (log scale)"),
    )  # fmt: skip
    top = _highest_rate(recommendation)
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y("rate:Q", scale=scale, axis=percent_axis("Expected violation rate"))
    rows = [_rate_row(score) for score in scores]
    hints = [alt.Tooltip("name:N", title="Threshold"), alt.Tooltip("text:N", title="Violations of 1,000")]
    base = alt.Chart(data(rows)).encode(x=x, tooltip=hints)
    band = base.mark_area(
        color=COLOURS["violation"], opacity=0.2, interpolate="monotone", clip=True, aria=False
    ).encode(y=alt.Y("low:Q", scale=scale, axis=y["axis"]), y2="high:Q")
    places = Labels.of(Plot(size="half", pixels=280, x=(low, high), y=(0, top), log_x=True))
    places.avoid([score.threshold for score in scores], [score.expected_rate for score in scores])
    layers: list[Any] = [
        band,
        base.mark_line(color=COLOURS["violation"], strokeWidth=2, interpolate="monotone", clip=True, aria=False).encode(
            y=y
        ),
        base.mark_circle(color=COLOURS["violation"], size=26, opacity=1, clip=True, aria=False).encode(y=y),
        *rule_across(y, x, budget, f"error budget {wording.percent(budget)}", COLOURS["violation"], names=places),
        *threshold_rules(recommendation, x),
    ]
    return Figure(
        title=_rates_finding(recommendation),
        reading="Line: forecast over the coming 30 days. Band: 80 % interval for what will be measured.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Threshold", "Violations of 1,000", "Chance to keep the objective"),
            rows=tuple(
                (row["name"], row["text"], chance(score.achievability or 0.0))
                for row, score in zip(rows, scores, strict=True)
            ),
        ),
        height=280,
        size="half",
    )


def _highest_rate(recommendation: Recommendation) -> float:
    """Upper end of the axis: what a reader compares fits on it, far tighter candidates leave it at the top."""
    budget = 1 - recommendation.objective
    compared = [score for score in recommendation.candidates if score.current or score.recommended]
    high = [score.expected_interval.high for score in compared]
    return min(1.0, 1.25 * max([4 * budget, *high]))


def _rate_row(score: CandidateScore) -> dict[str, Any]:
    interval = score.expected_interval
    return {
        "threshold": score.threshold,
        "rate": score.expected_rate,
        "low": interval.low,
        "high": interval.high,
        "name": threshold_name(score.threshold),
        "text": f"{frequency(score.expected_rate)} ({interval_of(interval)})",
    }


def _rates_finding(recommendation: Recommendation) -> str:
    """Say from which threshold on the objective is expected to be kept."""
    budget = 1 - recommendation.objective
    kept = [score for score in recommendation.candidates if score.expected_rate <= budget]
    objective = wording.percent(recommendation.objective)
    if not kept:
        loosest = recommendation.candidates[-1].threshold
        return f"No candidate up to {wording.seconds(loosest)} is expected to keep the objective of {objective}"
    if len(kept) == len(recommendation.candidates):
        return f"Every candidate is expected to keep the objective of {objective}"
    return f"The objective of {objective} is expected to be kept from {threshold_name(kept[0].threshold)} on"


def pages_against_tightness(recommendation: Recommendation) -> Figure | Absent:
    """The trade-off: pages a week against the share of injected slowdowns that would be seen."""
    import altair as alt

    scores = recommendation.candidates
    if not scores:
        return Absent(reason="Nor were alerts replayed and slowdowns injected.")
    rows = [_trade_row(score) for score in scores]
    top = max(1.0, 1.18 * max(score.pages_per_week for score in scores))
    tight = np.array([score.tightness for score in scores])
    margin = 0.08 * max(float(np.ptp(tight)), 0.05)
    ends = [max(0.0, float(tight.min()) - margin), float(tight.max()) + 3 * margin]  # names stand on the right
    x = alt.X(
        "tightness:Q",
        scale=alt.Scale(domain=ends, nice=False),
        axis=percent_axis("Tightness: injected slowdowns seen"),
    )
    y = alt.Y(
        "pages:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=alt.Axis(title="Pages per week", tickCount=5)
    )
    hints = [
        alt.Tooltip("name:N", title="Threshold"), alt.Tooltip("paged:N", title="Pages per week"),
        alt.Tooltip("seen:N", title="Tightness"), alt.Tooltip("beaten:N", title="Beaten by another"),
    ]  # fmt: skip
    path = alt.Chart(data(rows)).encode(x=x, y=y, order="threshold:Q")
    layers: list[Any] = [path.mark_line(color=COLOURS["other"], opacity=0.5, strokeWidth=1.5, aria=False)]
    for beaten, fill in (("no", COLOURS["other"]), ("yes", COLOURS["paper"])):
        some = [row for row in rows if row["beaten"] == beaten]
        points = alt.Chart(data(some)).mark_circle(color=fill, stroke=COLOURS["other"], size=44, opacity=1, aria=False)
        layers += [points.encode(x=x, y=y, tooltip=hints)] if some else []
    layers += _named_points(recommendation, x, y)
    return Figure(
        title=_trade_finding(recommendation),
        reading="Each point is a threshold: higher costs sleep, further right sees more. "
        "Filled: no other candidate is at least as good in every respect.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Threshold", "Pages per week", "Tightness", "Beaten by another"),
            rows=tuple((row["name"], row["paged"], row["seen"], row["beaten"]) for row in rows),
        ),
        height=280,
        size="half",
    )


def _trade_row(score: CandidateScore) -> dict[str, Any]:
    return {
        "threshold": score.threshold,
        "tightness": score.tightness,
        "pages": score.pages_per_week,
        "name": threshold_name(score.threshold),
        "paged": pages(score.pages_per_week),
        "seen": wording.percent(score.tightness),
        "beaten": "no" if score.on_front else "yes",
    }


def _named_points(recommendation: Recommendation, x: alt.X, y: alt.Y) -> list[Any]:
    """Rings around the current and the recommended candidate with their names, and the names of both ends."""
    scores = recommendation.candidates
    places = Labels.of(Plot(size="half", pixels=280, x=tuple(x["scale"]["domain"]), y=tuple(y["scale"]["domain"])))
    places.avoid([score.tightness for score in scores], [score.pages_per_week for score in scores])
    layers: list[Any] = []
    marked = sorted(
        (score for score in scores if score.current or score.recommended), key=lambda score: score.pages_per_week
    )  # from below: names go up where they must give way
    for score in marked:
        places.clear(score.tightness, score.pages_per_week, RING)
    for score in marked:
        text = f"{threshold_name(score.threshold)} ({'now' if score.current else 'proposed'})"
        colour = COLOURS["now"] if score.current else COLOURS["then"]
        place = places.around(text, score.tightness, score.pages_per_week)
        layers += [_ring(score, x, y, colour), *named(place, text, x, y, colour)]
    for score in {end.threshold: end for end in (scores[0], scores[-1])}.values():
        if not (score.current or score.recommended):
            text = threshold_name(score.threshold)
            place = places.around(text, score.tightness, score.pages_per_week)
            layers += named(place, text, x, y, COLOURS["muted"], fontWeight=400)
    return layers


def _ring(score: CandidateScore, x: alt.X, y: alt.Y, colour: str) -> Any:
    import altair as alt

    ring = alt.Chart(data([_trade_row(score)])).mark_point(
        color=colour, size=150, strokeWidth=2.5, strokeDash=DASH if score.current else [1, 0], aria=False
    )
    return ring.encode(x=x, y=y)


def _trade_finding(recommendation: Recommendation) -> str:
    now, then = recommendation.now, recommendation.then
    if now and then and now.threshold != then.threshold:
        paged = _moved(
            "pages", pages(now.pages_per_week), pages(then.pages_per_week), then.pages_per_week > now.pages_per_week
        )
        tight = _moved(
            "tightness", wording.percent(now.tightness), wording.percent(then.tightness), then.tightness > now.tightness
        )
        return f"From {threshold_name(now.threshold)} to {threshold_name(then.threshold)}, {paged} a week, {tight}"
    chosen = then or now
    if chosen is None:
        best = max(recommendation.candidates, key=lambda score: score.tightness)
        return f"Most is seen at {threshold_name(best.threshold)}, with {pages(best.pages_per_week)} pages a week"
    return (
        f"At {threshold_name(chosen.threshold)} there would be {pages(chosen.pages_per_week)} pages a week, "
        f"and {wording.percent(chosen.tightness)} of the injected slowdowns would be seen"
    )


def _moved(name: str, before: str, after: str, rises: bool) -> str:
    if before == after:
        return f"{name} {'stay' if name == 'pages' else 'stays'} at {after}"
    verb = ("rise" if rises else "fall") + ("" if name == "pages" else "s")
    return f"{name} {verb} from {before} to {after}"


def interval_of(interval: Interval | None, base: int = 1_000) -> str:
    """Write an interval of a rate as figures of so many executions."""
    if interval is None:
        return ""
    low, high = (wording.number(base * end, 2) if base * end >= LEAST else "0" for end in (interval.low, interval.high))
    return wording.span(low, high if high != "0" else f"{LEAST}")
