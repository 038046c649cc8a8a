"""The small charts of the overview: how all services together keep their thresholds, drawn without scripts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from slaopt.server.answers import DayTotal, Performance
from slaopt.wording import count, day, percent

__all__ = ["Chart", "attainment_chart", "objectives_chart"]

WIDTH, HEIGHT = 1_000, 200  # of the drawing; it is stretched to its place
WEEKS = 13
SHOWN = 90  # days
STEPS = (1, 2, 3, 4, 5, 6, 8, 10)  # tops of axes, times a power of ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart, ready to be drawn: paths in a box of 1,000 by 200, names of its axes, and its data as a table."""

    title: str  # the finding
    reading: str  # how to read it
    path: str  # of the line; empty where there are bars
    bars: tuple[tuple[float, float, float, float], ...]  # x, y, width, height
    tops: tuple[str, ...]  # of the value axis, from the top down, evenly apart
    times: tuple[str, ...]  # of the time axis, evenly apart
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def attainment_chart(days: Sequence[DayTotal]) -> Chart | None:
    """Draw the share of violations on each day, over all services that have a threshold; None without a day."""
    shown = [one for one in days if one.violation_rate is not None][-SHOWN:]
    if not shown:
        return None
    rates = [one.violation_rate or 0.0 for one in shown]
    top = _top(max(rates))
    return Chart(
        title=_finding(shown),
        reading="Share of executions that took longer than their threshold, each day, over all services that have one.",
        path=_line([one.date for one in shown], [rate / top for rate in rates]),
        bars=(),
        tops=(percent(top), percent(top / 2), "0 %"),
        times=_times([one.date for one in shown]),
        columns=("Day", "Executions", "Violation rate", "Attainment"),
        rows=tuple(
            (day(one.date), count(one.executions), percent(rate), percent(1 - rate, 3))
            for one, rate in zip(reversed(shown), reversed(rates), strict=True)
        ),
    )


def objectives_chart(performances: Iterable[Performance]) -> Chart | None:
    """Draw how many services met their objective in each calendar week; None where no whole week is known."""
    met: dict[date, list[bool]] = {}
    for one in performances:
        for week in one.weeks:
            whole = one.start.date() <= week.start and week.start + timedelta(days=7) <= one.end.date()
            if week.met is not None and whole:
                met.setdefault(week.start, []).append(week.met)
    weeks = sorted(met)[-WEEKS:]
    if not weeks:
        return None
    shares = [sum(met[week]) / len(met[week]) for week in weeks]
    kept, of = sum(met[weeks[-1]]), len(met[weeks[-1]])
    slot = WIDTH / len(weeks)
    return Chart(
        title=f"{kept} of {of} {'service' if of == 1 else 'services'} met {'its' if of == 1 else 'their'} objective "
        f"in the week of {day(weeks[-1])}",
        reading="Share of the services that met their objective, each calendar week.",
        path="",
        bars=tuple(
            (round(place * slot + 0.15 * slot, 1), round(HEIGHT * (1 - share), 1), round(0.7 * slot, 1),
             round(HEIGHT * share, 1))
            for place, share in enumerate(shares)
        ),
        tops=("100 %", "50 %", "0 %"),
        times=tuple(f"{week.day} {week:%b}" for week in ([weeks[0], weeks[-1]] if len(weeks) > 1 else weeks)),
        columns=("Week of", "Met", "Of"),
        rows=tuple((day(week), count(sum(met[week])), count(len(met[week]))) for week in reversed(weeks)),
    )  # fmt: skip


def _finding(days: Sequence[DayTotal]) -> str:
    """Say the violations of the last seven days, against the seven before where there are as many."""
    last, before = _rate(days[-7:]), _rate(days[-14:-7])
    attained = f"attainment is {percent(1 - last, 3)}"
    if len(days) < 14:
        return f"{percent(last)} of all executions violated; {attained}"
    if percent(last) == percent(before):
        return f"Violations stayed at {percent(last)} in the last 7 days; {attained}"
    verb = "rose" if last > before else "fell"
    return (
        f"Violations {verb} to {percent(last)} in the last 7 days, from {percent(before)} in the 7 before; {attained}"
    )


def _rate(days: Sequence[DayTotal]) -> float:
    executions = math.fsum(one.executions for one in days)
    return math.fsum(one.executions * (one.violation_rate or 0.0) for one in days) / executions if executions else 0.0


def _top(greatest: float) -> float:
    """Give the least round figure that nothing exceeds.

    >>> _top(0.0123), _top(0.0), _top(0.04)
    (0.02, 0.01, 0.05)
    """
    if greatest <= 0:
        return 0.01
    power = 10.0 ** math.floor(math.log10(greatest))
    return float(f"{next(step * power for step in STEPS if step * power >= greatest * 1.05 or step == 10):.4g}")


def _line(days: Sequence[date], heights: Sequence[float]) -> str:
    """Give the path of a line; days without a figure break it."""
    span = max(1, (days[-1] - days[0]).days)
    path, before = "", None
    for at, height in zip(days, heights, strict=True):
        x, y = round(WIDTH * (at - days[0]).days / span, 1), round(HEIGHT * (1 - height), 1)
        joined = before is not None and at - before == timedelta(days=1)
        path += f"{'L' if joined else 'M'}{x:g} {y:g}"
        before = at
    return path if len(days) > 1 else f"{path}h0"


def _times(days: Sequence[date]) -> tuple[str, ...]:
    """Name the first day, the middle and the last."""
    first, last = days[0], days[-1]
    middle = first + (last - first) / 2
    shown = [first, middle, last] if (last - first).days >= 2 else [first, last] if first != last else [first]
    return tuple(f"{one.day} {one:%b}" for one in shown)
