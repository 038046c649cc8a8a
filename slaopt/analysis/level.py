"""Which part of a period shows the level that a service has now: all of it, or what followed its last abrupt change.

A change cuts the period where enough followed it to estimate from; else old and new level are both in the figures, and
a warning says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from slaopt.analysis.changepoints import last_abrupt
from slaopt.analysis.enough import days_that_ran
from slaopt.analysis.trend import TrendAnalysis
from slaopt.profile import Profile
from slaopt.wording import count, percent

__all__ = ["is_stable", "level_since", "level_warnings"]

FEWEST_DAYS = 7  # with executions after a change, from which the level is estimated from them alone
FEWEST_EXECUTIONS = 500


def level_since(profile: Profile, trend: TrendAnalysis) -> datetime | None:
    """Give the moment of the last abrupt change where 7 days and 500 executions have followed it, UTC."""
    last = last_abrupt(trend.change_points)
    if last is None:
        return None
    days, executions = _followed(profile, last.at)
    return last.at if days >= FEWEST_DAYS and executions >= FEWEST_EXECUTIONS else None


def is_stable(trend: TrendAnalysis, since: datetime | None) -> bool | None:
    """Tell whether neither a trend nor a change was found from `since` on; None where no trend could be computed."""
    changed = [change for change in trend.change_points if since is None or change.at > since]
    if changed:
        return False
    return None if trend.direction is None else trend.direction == "stable"


def level_warnings(profile: Profile, trend: TrendAnalysis, since: datetime | None) -> Iterator[str]:
    """Say what the baseline and the violation rate rest on where the level did not stay what it was."""
    last = last_abrupt(trend.change_points)
    if last is not None:
        days, executions = _followed(profile, last.at)
        followed = f"the {count(days)} days since" if days != 1 else "the one day since"
        if since is not None:
            yield f"{last.sentence} Baseline and violation rate are of {followed}, statistics of the whole period."
        else:
            yield (
                f"{last.sentence} Baseline and violation rate are of the whole period, old and new level together: "
                f"{followed}, with {count(executions)} executions, are too few to tell the new one "
                f"({FEWEST_DAYS} days and {FEWEST_EXECUTIONS} executions are needed)."
            )
    if trend.direction in ("improving", "degrading") and trend.trend_slope is not None:
        moved = math.expm1(math.log1p(trend.trend_slope) * trend.days)
        yield (
            f"The baseline is an average over a level that {'rose' if moved > 0 else 'fell'} by about "
            f"{percent(abs(moved))} meanwhile."
        )


def _followed(profile: Profile, moment: datetime) -> tuple[int, float]:
    """Days with executions, and executions, from a moment on."""
    after = profile.between(moment, profile.end)
    return days_that_ran(after), float(after.executions.sum())
