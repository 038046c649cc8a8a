"""What could go wrong? The pages that the alerts would have sent, on the time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slaopt import wording
from slaopt.charts.figure import COLOURS, Absent, Figure, Table, data
from slaopt.charts.marks import hatch, label
from slaopt.charts.scales import days_x, threshold_name, wall_time

if TYPE_CHECKING:
    from datetime import datetime

    from slaopt.assess import Assessment

__all__ = ["replayed_pages"]


def replayed_pages(assessment: Assessment) -> Figure | Absent:
    """When pages would have come at the current and at the recommended threshold."""
    import altair as alt

    analysis = assessment.analysis
    zone, rows_of = analysis.timezone, _rows(assessment)
    finding = _finding(rows_of, analysis.analysis_period)
    if not any(pages for _, pages, _ in rows_of):
        return Absent(reason=f"{finding}.")
    x = days_x(analysis)
    order = [name for name, _, _ in rows_of]
    y = alt.Y("name:O", sort=order, axis=None, scale=alt.Scale(domain=order, paddingInner=0.6, paddingOuter=0.5))
    layers: list[Any] = hatch(analysis, x)
    for name, pages, colour in rows_of:
        rows = [{"day": wall_time(page, zone), "name": name, "when": wording.moment(page, zone)} for page in pages]
        ticks = alt.Chart(data(rows)).mark_tick(color=colour, thickness=2.5, aria=False)
        hint = [alt.Tooltip("when:N", title="Page sent"), alt.Tooltip("name:N", title="at")]
        layers.append(ticks.encode(x=x, y=y, tooltip=hint))
        named = [{"name": name, "label": f"{name}: {_pages(len(pages))}"}]
        layers += label(named, {"y": y, "x": alt.value(0)}, colour, dy=-24)
    return Figure(
        title=finding,
        reading="Each mark is a page that the burn-rate alerts would have sent; an alert that keeps firing "
        "is sent again every 4 hours.",
        chart=alt.layer(*layers),
        table=Table(
            columns=("Threshold", "Page sent"),
            rows=tuple((name, wording.moment(page, zone)) for name, pages, _ in rows_of for page in pages),
        ),
        height=58 + 56 * len(rows_of),
    )


def _rows(assessment: Assessment) -> list[tuple[str, tuple[datetime, ...], str]]:
    recommendation = assessment.recommendation
    current, recommended = recommendation.current_threshold, recommendation.recommended_threshold
    rows: list[tuple[str, tuple[datetime, ...], str]] = []
    if not recommendation.candidates:
        return rows
    if current is not None:
        rows.append((f"{threshold_name(current)} (now)", recommendation.pages_now, COLOURS["now"]))
    if recommended is not None and recommended != current:
        rows.append((f"{threshold_name(recommended)} (proposed)", recommendation.pages_then, COLOURS["then"]))
    return rows


def _finding(rows: list[tuple[str, tuple[datetime, ...], str]], days: float) -> str:
    if not rows:
        return "No alerts were replayed, since nothing is recommended"
    counts = [len(pages) for _, pages, _ in rows]
    at = [name.rpartition(" (")[0] for name, _, _ in rows]
    if len(rows) == 2 and not any(counts):
        return f"In {wording.number(days)} days there would have been no page, neither at {at[0]} nor at {at[1]}"
    told = " and ".join(f"{_pages(n)} at {threshold}" for n, threshold in zip(counts, at, strict=True))
    return f"In {wording.number(days)} days there would have been {told}"


def _pages(count: int) -> str:
    return "no page" if not count else "1 page" if count == 1 else f"{wording.count(count)} pages"
