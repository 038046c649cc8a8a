"""Low traffic: where one slow execution is so much of the error budget that no alert can tell chance from trouble."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import count, number, percent

__all__ = ["FEWEST_BUDGETED", "LowTraffic", "low_traffic"]

FEWEST_BUDGETED = 5.0  # violations that the budget allows in a month; with fewer no alert can tell chance from trouble
MONTH = timedelta(days=30)
WEEK = timedelta(days=7)
LONGEST_WINDOW = 104  # weeks; nobody judges a promise over more


@dataclass(frozen=True, slots=True, kw_only=True)
class LowTraffic(Result):
    """Why a service has too few executions for its objective, and what it would need."""

    executions_per_week: float
    one_slow_share: float  # share of a week's error budget that one violation uses; above 1 it breaks the week
    needed_per_week: float  # executions with which a month's budget allows five violations
    window_days: float  # window over which the budget of this traffic allows five violations
    sentence: str


def low_traffic(profile: Profile, *, objective: float) -> LowTraffic | None:
    """Tell whether the error budget of 30 days allows fewer than five violations, and what would have to change."""
    budget = 1 - objective
    per_week = float(profile.valid.sum()) * (WEEK / (profile.end - profile.start))
    if not per_week or budget * per_week * (MONTH / WEEK) >= FEWEST_BUDGETED * (1 - 1e-9):
        return None
    needed = FEWEST_BUDGETED / budget * (WEEK / MONTH)
    window = FEWEST_BUDGETED / (budget * per_week) * (WEEK / timedelta(days=1))
    share = 1 / (budget * per_week)
    return LowTraffic(
        executions_per_week=per_week,
        one_slow_share=share,
        needed_per_week=needed,
        window_days=window,
        sentence=_sentence(per_week, share, needed, window, objective),
    )


def _sentence(per_week: float, share: float, needed: float, window: float, objective: float) -> str:
    used = f"{number(100 * share, 2)} % of" if share < 1.5 else f"{number(share, 2)} times"
    weeks = math.ceil(window / 7)
    longer = f", or a window of {weeks} weeks" if weeks <= LONGEST_WINDOW else "; even two years hold too few"
    about = count(_rounded_up(needed))
    return (
        f"With about {number(per_week, 2)} executions a week, one slow one is {used} the weekly error budget: too few "
        f"to judge an objective of {percent(objective)}. It needs about {about} executions a week{longer}."
    )


def _rounded_up(value: float) -> float:
    """Round up to two digits.

    >>> _rounded_up(116.7), _rounded_up(1167.0), _rounded_up(23.3)
    (120.0, 1200.0, 24.0)
    """
    unit = 10.0 ** max(0, math.floor(math.log10(value)) - 1)
    return float(math.ceil(value / unit * (1 - 1e-9)) * unit)
