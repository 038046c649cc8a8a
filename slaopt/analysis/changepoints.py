"""Days on which the level of a service changed for good, or for some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from slaopt.analysis.levels import DailyLevels, daily_levels
from slaopt.analysis.steps import Shift, find_shifts
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import day, number, percent

__all__ = ["ChangePoint", "change_points", "last_abrupt"]

SMALL = 0.05  # changes of the level within which nothing is said
TIMES = 2.0  # factor from which a rise is told as a multiple


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint(Result):
    """From `start` on the level is `factor` times what it was; a rise that ends again is two of them."""

    start: date  # first day of the new level, local
    at: datetime  # when that day begins, UTC
    earliest: date  # the days that may have been the first
    latest: date
    factor: float  # level after / level before
    abrupt: bool  # else it may as well have been gradual
    likelihood_ratio: float
    sentence: str


def change_points(profile: Profile, *, levels: DailyLevels | None = None) -> tuple[ChangePoint, ...]:
    """Find the days on which the median level changed, in order of time; none under 10 days with executions.

    `levels` are the daily levels of the median where they are known already.
    """
    levels = daily_levels(profile) if levels is None else levels
    known = levels.known
    if not len(known):
        return ()
    weekday = levels.dates[0].weekday()
    shifts = find_shifts(levels.values[known], levels.number[known], weekday)
    dates = [levels.dates[place] for place in known]
    return tuple(_change(shift, dates, profile.timezone) for shift in shifts if abs(np.expm1(shift.size)) > SMALL)


def last_abrupt(changes: Sequence[ChangePoint]) -> ChangePoint | None:
    """Give the latest change that was abrupt."""
    return next((change for change in reversed(changes) if change.abrupt), None)


def _change(shift: Shift, dates: Sequence[date], timezone: str) -> ChangePoint:
    start, earliest, latest = (dates[place] for place in (shift.first, shift.earliest, shift.latest))
    factor = float(np.exp(shift.size))
    at = datetime.combine(start, time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    return ChangePoint(
        start=start,
        at=at,
        earliest=earliest,
        latest=latest,
        factor=factor,
        abrupt=shift.abrupt,
        likelihood_ratio=shift.likelihood_ratio,
        sentence=_sentence(factor, start, earliest, latest, shift.abrupt),
    )


def moved(factor: float) -> str:
    """Say a factor as a change.

    >>> moved(1.4), moved(0.7), moved(2.5)
    ('rose by 40 %', 'fell by 30 %', 'rose to 2.5 times what they were')
    """
    if factor >= TIMES:
        return f"rose to {number(factor, 2)} times what they were"
    return f"{'rose' if factor > 1 else 'fell'} by {percent(abs(factor - 1))}"


def _sentence(factor: float, start: date, earliest: date, latest: date, abrupt: bool) -> str:
    if not abrupt:
        return f"Durations {moved(factor)} around {day(start)}, at once or bit by bit."
    year = "" if earliest.year == latest.year else f" {earliest.year}"
    span = f" (between {earliest.day} {earliest:%b}{year} and {day(latest)})"
    between = "" if earliest == latest else span
    return f"Durations {moved(factor)} on {day(start)}{between}."
