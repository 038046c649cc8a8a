"""What was measured of a change since it is in force: executions, violations and pages by day, added up as they come.

A pass of the watch reads the last day or two; what came before stands in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from slaopt.analysis.alerts import replay
from slaopt.analysis.intervals import violation_rate
from slaopt.profile import Profile, SlotSums

__all__ = ["Days", "days_with", "figures"]

Days = Mapping[str, tuple[float, float, float]]  # by date, UTC: executions, violations, pages
DAY = timedelta(days=1)


def days_with(known: Days, steps: Profile, *, threshold: float, objective: float, since: datetime) -> Days:
    """Put the days that a Profile of five-minute steps covers in the place of what was known of them.

    A day that begins before the Profile does stays as it was, but for that of the change.
    """
    covered = steps.between(since, steps.end)
    if not covered.slots:
        return known
    date = covered.times.astype("datetime64[D]")
    pages = np.array([_stamp(page) for page in _pages(steps, threshold, objective, since)], dtype="datetime64[us]")
    paged = pages.astype("datetime64[D]")
    violations, executed = covered.violations(threshold).middle, covered.valid
    found = dict(known)
    for day in np.unique(date):
        begun = datetime.fromisoformat(str(day)).replace(tzinfo=UTC)
        if begun >= steps.start or steps.start <= since:
            inside = date == day
            counted = (float(executed[inside].sum()), float(violations[inside].sum()), float((paged == day).sum()))
            found[str(day)] = counted
    return found


def _pages(steps: Profile, threshold: float, objective: float, since: datetime) -> tuple[datetime, ...]:
    (replayed,) = replay(steps, [threshold], objective=objective, since=since)
    return tuple(page for page in replayed.pages if page >= since)


def figures(days: Days, *, threshold: float, since: datetime, until: datetime) -> dict[str, Any]:
    """Sum up what was seen, in the form in which a change keeps it; the interval needs a week."""
    executions, violations, pages = (sum(day[i] for day in days.values()) for i in range(3))
    interval = violation_rate(_profile(days, threshold), threshold).interval if executions else None
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "executions": executions,
        "violations": violations,
        "violation_rate": violations / executions if executions else None,
        "interval": None if interval is None else interval.to_dict(),
        "pages": pages,
        "days": {day: list(counted) for day, counted in sorted(days.items())},
    }


def _profile(days: Days, threshold: float) -> Profile:
    """The counts of each day as a Profile of days: within the threshold, and above it."""
    first, last = (datetime.fromisoformat(end(days)).replace(tzinfo=UTC) for end in (min, max))
    number = (last - first) // DAY + 1
    places = {(datetime.fromisoformat(day).replace(tzinfo=UTC) - first) // DAY: day for day in days}
    slot = np.repeat(np.array(sorted(places)), 2)
    count = np.array([value for _, day in sorted(places.items()) for value in _split(days[day])])
    return Profile.from_buckets(
        service="", start=first, step=DAY, slot=slot, low=np.tile([0.0, threshold], len(days)),
        high=np.tile([threshold, 2 * threshold], len(days)), count=count, slot_sums=SlotSums.empty(number),
    )  # fmt: skip


def _split(counted: tuple[float, float, float]) -> tuple[float, float]:
    executions, violations, _ = counted
    return executions - violations, violations


def _stamp(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
