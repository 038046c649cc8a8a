"""The rule tried on services whose future is known: what it does from several starts, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from slaopt.analysis import Quality
from slaopt.buckets import round_thresholds
from slaopt.optimize import Recommendation, recommend_threshold
from slaopt.params import Params
from slaopt.profile import Profiles
from tests.optimize.simulation import Simulated, reference

OBJECTIVES = (0.95, 0.99, 0.999)
GOOD = Quality(service="simulated", score=1.0, word="good", checks=(), sentence="")
STEP = np.log(2) / 12  # 5.9 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A month, the month after it, and the threshold that somebody with a year's knowledge would have signed."""

    past: Profiles
    future: Profiles
    objective: float
    fitting: float

    def recommended(self, start: float | None) -> Recommendation:
        """Recommend from a start that is so many times the fitting threshold, or from none."""
        current = None if start is None else _near(self.fitting * start)
        params = Params(threshold=current, objective=self.objective)
        return recommend_threshold(self.past, params, quality=GOOD)

    def meets(self, threshold: float) -> bool:
        """Whether the objective was met in the month after."""
        hours = self.future.hours
        return bool(hours.violations(threshold).middle.sum() <= (1 - self.objective) * hours.valid.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What became of all cases from one start; every array (cases,)."""

    start: float | None
    raised: np.ndarray
    lowered: np.ndarray
    met: np.ndarray  # in the month after, at what was recommended
    steps: np.ndarray  # from the fitting threshold

    @property
    def kept(self) -> np.ndarray:
        return ~(self.raised | self.lowered)


def cases(*, services: int, seed: int, objectives: Sequence[float] = OBJECTIVES, each: bool = True) -> Iterator[Case]:
    """Simulate services, each under every objective or (`each=False`) under one of them in turn."""
    for index in range(services):
        rng = np.random.default_rng([seed, index])
        service = Simulated.draw(rng, days=360)
        last = 30 * int(rng.integers(2, 12))
        past, future = (service.profiles(rng, days=(first, first + 30)) for first in (last - 30, last))
        for objective in objectives if each else (objectives[index % len(objectives)],):
            if service.per_day * 30 * (1 - objective) < 10:
                continue  # not suited
            fitting = reference(service, [past, future], objective=objective, days=360)
            if fitting is not None:
                yield Case(past=past, future=future, objective=objective, fitting=fitting)


def results(of: Sequence[Case], start: float | None) -> Results:
    """Recommend for every case from one start, and see what came of it."""
    told = [case.recommended(start) for case in of]
    then = np.array([r.recommended_threshold for r in told], dtype=float)
    now = np.array([r.current_threshold or r.recommended_threshold for r in told], dtype=float)
    return Results(
        start=start,
        raised=then > now,
        lowered=then < now,
        met=np.array([case.meets(threshold) for case, threshold in zip(of, then, strict=True)]),
        steps=np.log(then / np.array([case.fitting for case in of])) / STEP,
    )


def said_and_seen(of: Sequence[Case]) -> np.ndarray:
    """Chance of keeping the objective, and whether it was met in the month after, at every candidate; (pairs, 2)."""
    return np.array(
        [
            (score.achievability, case.meets(score.threshold))
            for case in of
            for score in case.recommended(None).candidates
        ]
    )


def _near(value: float) -> float:
    """The round number nearest to a value, so that it was counted."""
    grid = round_thresholds(value / 1.2, value * 1.2)
    return float(grid[np.argmin(np.abs(np.log(grid / value)))])
