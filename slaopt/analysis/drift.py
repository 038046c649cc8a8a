"""Drift: whether the last days are unlike those before them, in level or in shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from slaopt.profile import Profile
from slaopt.result import Interval, Result

__all__ = ["Drift", "drift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Result):
    """The last three days against the reference days before them; `why` says why nothing is said."""

    alarm: bool  # of the level
    factor: float | None  # level of the last three days / that of the reference
    interval: Interval | None  # of the factor
    psi: float | None  # population stability index of the last day
    psi_bound: float | None  # passed by the reference's own days once in 180
    since: date | None  # first of the days of the alarm
    days: int  # of the reference
    sentence: str
    why: str | None


def drift(reference: Profile, current: Profile) -> Drift:
    """Compare the last three days of `current` with `reference`, which ends before; Profiles of hours."""
    return Drift(
        alarm=False, factor=None, interval=None, psi=None, psi_bound=None, since=None, days=0, sentence="",
        why="too few days",
    )  # fmt: skip
