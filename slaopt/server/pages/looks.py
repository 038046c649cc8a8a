"""The looks of an experiment told: the difference between the arms over time in a chart, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slaopt.optimize.sentences import base_for
from slaopt.server.pages.experiments import CLAIMS, difference, span_of
from slaopt.wording import count, moment, number, percent, seconds

if TYPE_CHECKING:
    from slaopt.store import ExperimentRecord, LookRecord

__all__ = ["Guarded", "LooksChart", "guarded", "looks_chart", "looks_rows"]

Fields = Mapping[str, Any]
WIDTH, HEIGHT = 1_000, 200  # of the drawing; it is stretched to its place
ROOM = 1.15  # of the vertical axis above what must fit
METRICS = {
    "rate": "Violation rate", "other_rate": "Violation rate at the other threshold", "mean": "Typical duration",
    "p95": "95th percentile", "p99": "99th percentile",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksChart:
    """The chart, ready to be drawn in a box of 1,000 by 200."""

    title: str  # the finding
    reading: str  # how to read it
    band: str  # path of the valid intervals
    line: str  # of the estimates
    bars: str  # of the intervals
    points: str
    rope: tuple[float, float]  # top and height of what is as good as none
    tops: tuple[str, ...]
    times: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A guardrail at the last look, written."""

    metric: str
    control: str
    test: str
    bound: str  # upper bound of the change
    margin: str
    standing: str
    tone: str


def looks_chart(record: ExperimentRecord, looks: Sequence[LookRecord]) -> LooksChart | None:
    """Draw the difference of violation rates at each look with its valid interval; None where no look has one."""
    shown = [look for look in looks if look.estimate is not None and _interval(look) is not None]
    if not shown or record.experiment_start is None:
        return None
    base, start = _base(record), record.experiment_start
    end = max(shown[-1].as_of, record.planned_end or shown[-1].as_of)
    spans = [_interval(look) or (0.0, 0.0) for look in shown]
    rope = float(record.design.get("rope", 0.0))
    worth = float(record.design.get("smallest_effect", 0.0)) * float(record.design.get("control_rate", 0.0))
    # early intervals are so wide that nothing could be read beside them: they leave the picture
    reach = ROOM * max(worth, 2 * rope, *(abs(end) for end in spans[-1]), *(abs(look.estimate or 0) for look in shown))
    top = reach if reach > 0 else 1 / base
    xs = [round(WIDTH * (look.as_of - start) / (end - start), 1) if end > start else 0.0 for look in shown]
    low, high = ([_height(span[side], top) for span in spans] for side in (0, 1))
    middle = [_height(look.estimate or 0.0, top) for look in shown]
    upper = [f"{x:g} {y:g}" for x, y in zip(xs, high, strict=True)]
    lower = [f"{x:g} {y:g}" for x, y in zip(xs, low, strict=True)]
    return LooksChart(
        title=_title(shown[-1], base),
        reading=f"Violations of {base:,} executions under test less those under control, at the common threshold, at "
        "each look; below zero is better. The band is valid at every look; grey is as good as no difference.",
        band=f"M{'L'.join([*upper, *reversed(lower)])}Z",
        line=f"M{'L'.join(f'{x:g} {y:g}' for x, y in zip(xs, middle, strict=True))}",
        bars="".join(f"M{x:g} {a:g}V{b:g}" for x, a, b in zip(xs, high, low, strict=True)),
        points="".join(f"M{x:g} {y:g}h0" for x, y in zip(xs, middle, strict=True)),
        rope=(_height(rope, top), round(_height(-rope, top) - _height(rope, top), 1)),
        tops=(difference(top, base), "0", difference(-top, base)),
        times=(moment(start)[:-11], moment(end)[:-11])
        if moment(start)[:-11] != moment(end)[:-11]
        else (moment(start),),
    )


def looks_rows(record: ExperimentRecord, looks: Sequence[LookRecord]) -> list[tuple[str, ...]]:
    """Write the looks, the newest first: number, end of the measurements, executions, what was found, the verdict."""
    base = _base(record)
    return [
        (
            str(look.number),
            moment(look.as_of),
            " + ".join(count(size) for size in look.look.get("sample_sizes") or ()),
            percent(look.fraction) if look.fraction is not None else "",
            difference(look.estimate, base) if look.estimate is not None else "",
            span_of(look.look.get("interval"), base),
            CLAIMS.get(look.verdict, look.verdict),
        )
        for look in reversed(looks)
    ]


def guarded(looks: Sequence[LookRecord]) -> list[Guarded]:
    """Write the guardrails of the last look."""
    if not looks:
        return []
    look = looks[-1].look
    comparison = look.get("comparison") or {}
    effects = {one["metric"]: one for one in (comparison.get("guardrails") or ()) if one}
    if comparison.get("primary"):
        effects["rate"] = comparison["primary"]
    return [_guarded(one, effects.get(one["metric"]) or {}) for one in look.get("guardrails") or ()]


def _guarded(one: Fields, effect: Fields) -> Guarded:
    write = percent if one["metric"] in ("rate", "other_rate") else seconds
    values = [effect.get(arm) for arm in ("control", "test")]
    control, test = ("" if value is None else write(value) for value in values)
    upper = one.get("upper")
    if one["harmed"]:
        standing, tone = "harmed", "poor"
    elif one["metric"] == "rate":  # its margin is what counts as none; the verdict judges it
        standing, tone = "no harm", ""
    else:
        standing, tone = ("inside its margin", "good") if one["inside"] else ("not shown yet", "")
    return Guarded(
        metric=METRICS.get(one["metric"], str(one["metric"])),
        control=control,
        test=test,
        bound="" if upper is None else f"{number(100 * upper, 2)} %".replace("-", "−"),
        margin=percent(one["margin"]),
        standing=standing,
        tone=tone,
    )


def _title(look: LookRecord, base: int) -> str:
    low, high = _interval(look) or (0.0, 0.0)
    found = f"{difference(look.estimate or 0.0, base)} of {base:,} ({span_of({'low': low, 'high': high}, base)})"
    if high < 0:
        return f"Fewer violations under test: {found}"
    return f"More violations under test: {found}" if low > 0 else f"No difference is established: {found}"


def _base(record: ExperimentRecord) -> int:
    return base_for(float(record.design.get("control_rate") or 0.0))


def _interval(look: LookRecord) -> tuple[float, float] | None:
    told = look.look.get("interval")
    if not isinstance(told, Mapping) or told.get("low") is None or told.get("high") is None:
        return None
    return float(told["low"]), float(told["high"])


def _height(value: float, top: float) -> float:
    """Give the place of a difference, up to the picture's edge."""
    return round(HEIGHT / 2 * (1 - max(-1.0, min(1.0, value / top))), 1)
