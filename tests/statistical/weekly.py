"""The rule asked every week: how often it changes the threshold of a service, and how soon it follows a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from slaopt.forecast import Curve, forecast_curve
from slaopt.optimize.decide import confirmed
from slaopt.optimize.scores import DRAWS, LEAST_RATE, Prices
from slaopt.params import Params
from slaopt.profile import Profiles
from tests.optimize.simulation import DAY, EPOCH, Simulated, reference
from tests.statistical.decisions import MONTH, OBJECTIVES, Moment, moment, realised, wide_grid

DAYS = 360
FACTOR = 1.3
WORTH = 10.0  # pages a month from which a shift must be followed
LOOSEST = 6.0  # times the fitting threshold: nothing looser is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """A year of one service: a moment each week, and the shift in it, if there is one."""

    objective: float
    fitting: float
    ends: tuple[timedelta, ...]  # of the moments, after the beginning
    moments: tuple[Moment, ...]
    cut: tuple[Moment, ...]  # the same with a forecast that learns only from what follows a change of level
    shift: timedelta | None
    direction: int  # of the shift: +1 slower

    def path(self, *, two_weeks: bool = True, cut: bool = False, **settings: object) -> list[float]:
        """The threshold in force after each assessment, seconds; the first only tells what was said a week earlier."""
        threshold, found = self.fitting, [self.fitting]
        for place, now in enumerate((self.cut if cut else self.moments)[1:], start=1):
            params = Params.model_validate({"threshold": threshold, "objective": self.objective, **settings})
            decision = now.decision(params)
            if two_weeks and decision.direction and not now.changed:
                decision = confirmed(decision, self.moments[place - 1].decision(params))
            threshold = float(decision.ladder.thresholds[decision.recommended])
            found.append(threshold)
        return found

    def changes_a_year(self, path: Sequence[float]) -> float:
        """How often the threshold changed."""
        return float(np.count_nonzero(np.diff(path)) / ((self.ends[-1] - self.ends[0]) / timedelta(days=365)))

    def worth(self, path: Sequence[float]) -> float:
        """Pages a month that the best threshold would save over the one in force, in the month after the shift."""
        assert self.shift is not None
        before = max(place for place, end in enumerate(self.ends) if end <= self.shift)
        month = next(place for place, end in enumerate(self.ends) if end >= self.shift + MONTH)
        ladder = self.moments[month].ladder
        losses = realised(ladder, Prices())
        at = int(np.argmin(np.abs(np.log(ladder.thresholds / path[before]))))
        allowed = (ladder.thresholds >= 0.5 * path[before]) & (ladder.thresholds <= 1.5 * path[before])
        return float(losses[at] - losses[allowed].min())

    def follows(self, path: Sequence[float], *, within: timedelta) -> bool:
        """Whether the threshold moves the shift's way within so much time."""
        assert self.shift is not None
        before = max(place for place, end in enumerate(self.ends) if end <= self.shift)
        after = [path[place] for place, end in enumerate(self.ends) if self.shift < end <= self.shift + within]
        return any(self.direction * np.log(threshold / path[before]) > 0 for threshold in after)


def year(index: int, *, seed: int, shifted: bool, days: int = DAYS) -> Year | None:
    """Simulate one service for a year, under one of the objectives in turn; None where it is not suited."""
    rng = np.random.default_rng([seed, index, int(shifted)])
    service = Simulated.draw(rng, days=days, shifted=0.0)
    objective = OBJECTIVES[index % len(OBJECTIVES)]
    if service.per_day * 30 * (1 - objective) < 10:
        return None
    shift, direction = None, int(rng.choice([-1, 1]))
    quiet = Simulated(**{name: getattr(service, name) for name in ("shape", "sigma", "per_day", "log_level")})
    if shifted:
        day = int(rng.integers(90, days - 60))
        shift = timedelta(days=day)
        level = service.log_level + direction * np.log(FACTOR) * (np.arange(days * 24) >= 24 * day)
        service = replace(service, log_level=level)
    history = service.profiles(rng, days=(0, days))
    fitting = _fitting(quiet, history, objective, shift, days)
    if fitting is None:
        return None
    grid = [t for t in wide_grid(history.hours, fitting * 0.7) if t <= LOOSEST * fitting]
    ends = tuple(timedelta(days=first) for first in range(30, days + 1, 7))
    moments = tuple(moment(history, EPOCH + end, grid, objective) for end in ends)
    return Year(
        objective=objective, fitting=fitting, ends=ends, moments=moments, cut=tuple(_cut(one) for one in moments),
        shift=shift, direction=direction,
    )  # fmt: skip


def _cut(one: Moment) -> Moment:
    """The moment with a forecast from after the change of level alone."""
    ladder, end = one.ladder, one.hours.end
    if not one.changed:
        return one
    curve = forecast_curve(one.hours.between(ladder.start, end), ladder.thresholds.tolist(), horizons=(30,))
    if not isinstance(curve, Curve):
        return one
    drawn = np.maximum(curve.quantiles(DRAWS), LEAST_RATE)
    chances = curve.probability_at_most(ladder.budget)
    return replace(one, ladder=replace(ladder, drawn=drawn, achievability=chances, expected=curve.rates[0]))


def _fitting(
    service: Simulated, history: Profiles, objective: float, shift: timedelta | None, days: int
) -> float | None:
    """What fits before the shift."""
    last = (shift or timedelta(days=days)) // (30 * DAY) * 30
    months = [
        replace(history, steps=history.steps.between(EPOCH + (first * DAY), EPOCH + (first * DAY) + MONTH))
        for first in range(0, last, 30)[:3]
    ]
    return reference(service, months, objective=objective, days=last)
