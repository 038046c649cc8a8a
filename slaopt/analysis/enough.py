"""Whether so little was measured of a service that nothing can be told of it, and why that is."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from slaopt.analysis.days import days_of
from slaopt.analysis.effective import FEWEST_DAYS
from slaopt.analysis.traffic import low_traffic
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.wording import count, moment

__all__ = ["begun", "days_that_ran", "too_little"]

FEWEST_EXECUTIONS = 2  # that lie days apart
FEW_EVER = 10  # executions; where there were fewer at all, no earlier period would do


def begun(profile: Profile) -> Profile:
    """Leave out the time before the first execution where that is a day or more of time that counts."""
    ran = np.flatnonzero(profile.executions + profile.slot_sums.failures > 0)
    if not len(ran):
        return profile
    idle = float((1 - profile.slot_sums.excluded[: ran[0]]).sum()) * profile.step
    first = int(ran[0]) if idle >= timedelta(days=1) else 0
    return profile.between(profile.start + first * profile.step, profile.end)


def days_that_ran(profile: Profile) -> int:
    """Count the calendar days on which something was executed."""
    return int(np.count_nonzero(days_of(profile).total(profile.executions))) if profile.slots else 0


def too_little(profile: Profile, profiles: Profiles, params: Params) -> str | None:
    """Say why a period cannot be described, None where it can.

    It can where first and last execution lie 7 days apart. Few executions are described, and what they cannot show is
    said; few because most rows could not be used are not.

    Parameters
    ----------
    profile
        The period, from the first execution on.
    profiles
        What it was cut from, with what became of the rows.
    """
    intake = profiles.intake
    enough = profile.executions.sum() >= FEWEST_EXECUTIONS and _spanned(profile) >= FEWEST_DAYS
    lost = intake.rejected + (intake.failed if params.failures == "excluded" else 0)
    if enough and lost <= intake.accepted:
        return None
    if enough and low_traffic(profile, objective=params.objective) is None:
        return None
    return _seen(profile, profiles, params) + (_lost(profiles, params) if enough else _missing(profile, profiles))


def _spanned(profile: Profile) -> int:
    """Days from the first on which something was executed to the last, both included."""
    days = days_of(profile)
    ran = np.flatnonzero(days.total(profile.executions))
    first, last = days.dates[int(ran[0])], days.dates[int(ran[-1])]
    return (last - first).days + 1


def _seen(profile: Profile, profiles: Profiles, params: Params) -> str:
    intake = profiles.intake
    n, ran = round(float(profile.executions.sum())), days_that_ran(profile)
    seen = f"{_counted(n, 'execution')} on {_counted(ran, 'day')} in the {params.days} days before "
    left_out = [
        f"{count(rows)} {why}"
        for rows, why in ((intake.rejected, "rejected"), (intake.failed, "failed"), (intake.excluded, "excluded"))
        if rows
    ]
    among = f" (of {count(intake.rows)} rows read, {', '.join(left_out)})" if left_out else ""
    return f"{seen}{moment(profile.end, profile.timezone)}{among}; "


def _lost(profiles: Profiles, params: Params) -> str:
    """Why there are few executions though there are rows, and the remedy."""
    intake = profiles.intake
    if params.failures == "violations" or intake.rejected >= intake.failed:
        return "most rows could not be used, so the rest says little: slaopt check names their lines and reasons"
    return "most rows are failures, which are in no rate: `failures: violations` in params counts them"


def _missing(profile: Profile, profiles: Profiles) -> str:
    """What is needed, and how to come by it."""
    intake = profiles.intake
    last = intake.last
    if last is not None and profile.end - last >= timedelta(days=1):
        enough = not 0 < intake.accepted < FEW_EVER  # none: they lie before what was read
        remedy = f"the latest is of {moment(last, profile.timezone)}: "
        remedy += "end the period there with --as-of, or export again" if enough else "export again, or measure longer"
    elif not profile.executions.sum():
        remedy = "end the period where there are measurements with --as-of"
    else:
        remedy = "measure longer, or analyse a longer period (--days)"
    return f"executions over at least {FEWEST_DAYS} days are needed: {remedy}"


def _counted(n: int, what: str) -> str:
    return f"{count(n)} {what}" + ("" if n == 1 else "s")
