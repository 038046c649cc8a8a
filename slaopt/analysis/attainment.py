"""Attainment of calendar weeks and months, every hour judged by the threshold that was in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import local_times
from slaopt.analysis.effective import Sample, effective_number, ends, sample_of
from slaopt.params import Params
from slaopt.profile import Profile
from slaopt.result import Interval, Result

__all__ = ["Attainment", "attainments"]

Floats = NDArray[np.float64]
Kind = Literal["week", "month"]

EPOCH = date(1970, 1, 1)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment(Result):
    """The share of executions that kept the threshold in one calendar week (from Monday) or month, local time."""

    kind: Kind
    start: date  # first day of the week or month
    end: date  # its last day
    whole: bool  # all of it lies in the time that was read
    executions: float  # valid ones
    violations: float  # middle of both counts where a threshold was not counted
    attainment: float | None  # 0–1, what happened; None where nothing ran
    interval: Interval | None  # of the level; None where fewer than 7 days ran
    objective: float
    met: bool | None  # None where nothing ran, or violations that were not counted leave it open
    thresholds: tuple[float, ...]  # seconds, those in force in it, in order of time
    assumed: bool  # some of it lies before the first threshold that is known to have been in force


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """Slots of a Profile, each under the threshold in force when it began; every array (slots,)."""

    day: NDArray[np.int64]  # since 1970, local
    valid: Floats
    lower: Floats  # violations, at least
    upper: Floats  # at most
    threshold: Floats  # seconds
    assumed: NDArray[np.bool_]


def attainments(profile: Profile, params: Params) -> tuple[Attainment, ...]:
    """Give the attainment of every calendar week, then of every month, that a Profile touches.

    Empty where no threshold is known. Before the first of `params.threshold_history` the earliest known threshold is
    taken, and `assumed` says so; without a history all of it is judged by the current one. The interval is that of a
    violation rate of so few days (`slaopt.analysis.effective`).
    """
    slots = _judged(profile, params)
    if slots is None or not len(slots.day):
        return ()
    sample = sample_of(profile)
    daily = sample.daily(slots.lower), sample.daily(slots.upper)
    first, last = (EPOCH + timedelta(days=int(slots.day[place])) for place in (0, -1))
    spans = [*_weeks(first, last), *_months(first, last)]
    return tuple(_attainment(profile, params, slots, sample, daily, *span) for span in spans)


def _judged(profile: Profile, params: Params) -> _Judged | None:
    changes = params.threshold_history
    in_force = [change.threshold for change in changes]
    if not in_force and params.threshold is not None:
        in_force = [params.threshold]
    if not in_force:
        return None
    since = np.array([change.since.astimezone(UTC).replace(tzinfo=None) for change in changes], dtype="datetime64[us]")
    begun = np.searchsorted(since, profile.times, side="right")  # changes that came before each slot
    threshold = np.asarray(in_force)[np.maximum(begun - 1, 0)]
    lower, upper = np.zeros(profile.slots), np.zeros(profile.slots)
    for one in set(threshold.tolist()):
        counted, its = profile.violations(one), threshold == one
        lower[its], upper[its] = counted.lower[its], counted.upper[its]
    return _Judged(
        day=local_times(profile)[0], valid=profile.valid, lower=lower, upper=upper, threshold=threshold,
        assumed=begun == 0,
    )  # fmt: skip


def _weeks(first: date, last: date) -> Iterator[tuple[Kind, date, date]]:
    start = first - timedelta(days=first.weekday())
    while start <= last:
        yield "week", start, start + timedelta(days=6)
        start += timedelta(days=7)


def _months(first: date, last: date) -> Iterator[tuple[Kind, date, date]]:
    start = first.replace(day=1)
    while start <= last:
        following = (start + timedelta(days=31)).replace(day=1)
        yield "month", start, following - ONE_DAY
        start = following


def _attainment(
    profile: Profile, params: Params, slots: _Judged, sample: Sample, daily: tuple[Floats, Floats],
    kind: Kind, start: date, end: date,
) -> Attainment:  # fmt: skip
    number, after = (start - EPOCH).days, (end - EPOCH).days + 1
    inside = slice(*np.searchsorted(slots.day, [number, after]))
    n = float(slots.valid[inside].sum())
    lower, upper = float(slots.lower[inside].sum()), float(slots.upper[inside].sum())
    kept = [n - upper >= params.objective * n, n - lower >= params.objective * n]  # at worst, at best
    ran = (sample.number >= number) & (sample.number < after)
    return Attainment(
        kind=kind,
        start=start,
        end=end,
        whole=_midnight(start, profile) >= profile.start and _midnight(end + ONE_DAY, profile) <= profile.end,
        executions=n,
        violations=(lower + upper) / 2,
        attainment=1 - (lower + upper) / 2 / n if n else None,
        interval=_interval(sample, ran, daily, params.confidence_level),
        objective=params.objective,
        met=kept[0] if n and kept[0] == kept[1] else None,
        thresholds=tuple(dict.fromkeys(slots.threshold[inside].tolist())),
        assumed=bool(slots.assumed[inside].any()),
    )


def _midnight(day: date, profile: Profile) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZoneInfo(profile.timezone))


def _interval(
    sample: Sample, ran: NDArray[np.bool_], daily: tuple[Floats, Floats], confidence_level: float
) -> Interval | None:
    part = sample.part(ran)
    if part.why:
        return None
    lower, upper = (counts[None, ran] for counts in daily)
    effective = effective_number(part, (lower + upper) / 2, confidence_level)
    low = ends(part.average_week(lower), effective, confidence_level)[0]
    high = ends(part.average_week(upper), effective, confidence_level)[1]
    return Interval(low=float(1 - high[0]), high=float(1 - low[0]), level=confidence_level)
