"""The rule tried on services whose future is known: what it does from several starts, and what came of it.

A *moment* is the end of a period with all that the rule reads ready on one wide ladder of thresholds, so that any start
and setting is decided in a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from slaopt.analysis.changepoints import change_points, last_abrupt
from slaopt.buckets import round_thresholds
from slaopt.forecast import Curve, forecast_curve
from slaopt.optimize.candidates import grid_of
from slaopt.optimize.decide import Decision, confirmed, decide
from slaopt.optimize.impact import impact_of
from slaopt.optimize.scores import Ladder, Prices, ladder_of
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from tests.optimize.simulation import DAY, EPOCH, Simulated, reference

OBJECTIVES = (0.95, 0.99, 0.999)
STARTS = (0.4, 0.63, 1.0, 2.0)
STEP = np.log(2) / 12  # 5.9 %
MONTH, WEEK = timedelta(days=30), timedelta(days=7)
FEWEST_AFTER = 500  # executions after a change of level


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the rule reads at one moment: the month before it, and the forecast."""

    hours: Profile  # of the month
    ladder: Ladder
    changed: bool  # whether the ladder counts from a change of level on

    def decision(self, params: Params) -> Decision:
        """Decide as of this moment, on the thresholds that the settings ask for."""
        grid = grid_of(self.hours, params)
        loosest = self.ladder.thresholds[-1] * 1.001
        grid = replace(grid, thresholds=tuple(t for t in grid.thresholds if t <= loosest))
        return decide(grid, part(self.ladder, np.array(grid.thresholds)), params)


@dataclass(frozen=True)
class Case:
    """A month, the same a week earlier, the month after, and the threshold of one with a year's knowledge."""

    objective: float
    fitting: float | None  # None for real series
    now: Moment
    before: Moment | None
    after: Ladder

    @cached_property
    def losses(self) -> np.ndarray:
        """Loss of the month after at each threshold of the ladder."""
        return realised(self.after, Prices())

    def decided(self, start: float | None, **settings: object) -> Decision:
        """Decide from a threshold in seconds, or from none, with last week's assessment where it counts."""
        params = Params.model_validate({"threshold": start, "objective": self.objective, **settings})
        decision = self.now.decision(params)
        if decision.direction == 0 or self.now.changed or self.before is None:
            return decision
        return confirmed(decision, self.before.decision(params))

    def loss(self, threshold: float) -> float:
        """Loss of the month after."""
        return float(self.losses[self.place(threshold)])

    def met(self, threshold: float) -> bool:
        """Whether the objective was met in the month after."""
        rate = self.after.rates[self.place(threshold)]
        return bool(rate.violations <= self.after.budget * rate.n)

    def place(self, threshold: float) -> int:
        """Place of a threshold on the ladder."""
        return int(np.argmin(np.abs(np.log(self.after.thresholds / threshold))))

    def near(self, times: float) -> float:
        """The round number nearest to so many times the fitting threshold."""
        return float(self.after.thresholds[self.place((self.fitting or np.nan) * times)])


def realised(ladder: Ladder, prices: Prices) -> np.ndarray:
    """Loss of a month that has come, (thresholds,)."""
    rates = np.array([rate.rate for rate in ladder.rates])
    used = np.minimum(prices.budget_most, prices.budget * np.maximum(0, rates / ladder.budget - 0.5))
    missed = prices.missed * (1 - np.minimum(1, ladder.seen / ladder.most_seen))
    return np.asarray(used + prices.pages * ladder.pages_a_month + missed)


def part(ladder: Ladder, thresholds: np.ndarray) -> Ladder:
    """The same ladder with some of its thresholds."""
    at = np.argmin(np.abs(np.log(ladder.thresholds[:, None] / thresholds)), axis=0)
    return replace(
        ladder,
        thresholds=ladder.thresholds[at],
        **{name: tuple(getattr(ladder, name)[i] for i in at) for name in ("rates", "replays", "tightness")},
        **{name: getattr(ladder, name)[at] for name in ("drawn", "achievability", "expected", "ends")},
    )


def moment(history: Profiles, end: datetime, grid: Sequence[float], objective: float) -> Moment:
    """Replay and forecast as of a moment."""
    hours, steps = (profile.between(end - MONTH, end) for profile in (history.hours, history.steps))
    since = level_since(hours)
    curve = forecast_curve(hours, grid, horizons=(30,))
    assert isinstance(curve, Curve), curve
    period = replace(history, hours=hours, steps=steps)
    ladder = ladder_of(period, grid, curve=curve, objective=objective, confidence_level=0.95, since=since)
    return Moment(hours=hours, ladder=ladder, changed=since is not None)


def level_since(hours: Profile) -> datetime | None:
    """From when on the level is what it is, where enough came after its change."""
    change = last_abrupt(change_points(hours))
    if change is None or hours.end - change.at < WEEK:
        return None
    return change.at if hours.between(change.at, hours.end).executions.sum() >= FEWEST_AFTER else None


def case_of(
    history: Profiles, origin: datetime, grid: Sequence[float], objective: float, fitting: float | None
) -> Case:
    """Score the month before a moment, the one a week earlier and the one after it."""
    earlier = origin - WEEK
    known = history.hours.start <= earlier - MONTH
    return Case(
        objective=objective,
        fitting=fitting,
        now=moment(history, origin, grid, objective),
        before=moment(history, earlier, grid, objective) if known else None,
        after=moment(history, origin + MONTH, grid, objective).ladder,
    )


def cases(*, services: int, seed: int, objectives: Sequence[float] = OBJECTIVES, each: bool = True) -> Iterator[Case]:
    """Simulate services, each under every objective or (`each=False`) under one of them in turn."""
    for index in range(services):
        rng = np.random.default_rng([seed, index])
        service = Simulated.draw(rng, days=360)
        last = 30 * int(rng.integers(2, 12))
        history = service.profiles(rng, days=(last - 37, last + 30))
        origin = EPOCH + last * DAY
        for objective in objectives if each else (objectives[index % len(objectives)],):
            if service.per_day * 30 * (1 - objective) < 10:
                continue  # not suited
            months = [
                replace(history, steps=history.steps.between(end - MONTH, end)) for end in (origin, origin + MONTH)
            ]
            fitting = reference(service, months, objective=objective, days=360)
            if fitting is not None:
                yield case_of(history, origin, wide_grid(history.hours, fitting * min(STARTS)), objective, fitting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What became of all cases from one start; every array (cases,)."""

    start: float | None
    raised: np.ndarray
    lowered: np.ndarray
    met: np.ndarray  # in the month after, at what was recommended
    steps: np.ndarray  # from the fitting threshold
    loss: np.ndarray  # of the month after, at what was recommended
    loss_before: np.ndarray  # at the start

    @property
    def kept(self) -> np.ndarray:
        return ~(self.raised | self.lowered)


def results(of: Sequence[Case], start: float | None, **settings: object) -> Results:
    """Decide every case from one start, times the fitting threshold, and see what came of it."""
    now = [None if start is None else case.near(start) for case in of]
    then = [_recommended(case.decided(one, **settings)) for case, one in zip(of, now, strict=True)]
    before = np.array([one or other for one, other in zip(now, then, strict=True)])
    after = np.array(then)
    return Results(
        start=start,
        raised=after > before,
        lowered=after < before,
        met=np.array([case.met(threshold) for case, threshold in zip(of, then, strict=True)]),
        steps=np.log(after / np.array([case.fitting for case in of])) / STEP,
        loss=np.array([case.loss(threshold) for case, threshold in zip(of, then, strict=True)]),
        loss_before=np.array([case.loss(threshold) for case, threshold in zip(of, before, strict=True)]),
    )


def said_and_better(of: Sequence[Case], starts: Sequence[float | None]) -> np.ndarray:
    """Confidence, whether the loss of the month after fell, gain said and gain seen, of every change; (changes, 4)."""
    rows = []
    for case in of:
        for start in starts:
            decision = case.decided(None if start is None else case.near(start))
            if decision.confidence is None or decision.against is None:
                continue
            old, new = (float(decision.ladder.thresholds[i]) for i in (decision.against, decision.aim))
            said = float(decision.losses.total[decision.against] - decision.losses.total[decision.aim])
            seen = case.loss(old) - case.loss(new)
            rows.append((decision.confidence, seen > 0, said, seen))
    return np.array(rows)


def said_and_met(of: Sequence[Case]) -> np.ndarray:
    """Chance of keeping the objective, and whether it was met in the month after, at every candidate; (pairs, 2)."""
    return np.array(
        [
            (chance, case.met(float(threshold)))
            for case in of
            for decision in [case.decided(None)]
            for threshold, chance in zip(decision.ladder.thresholds, decision.ladder.achievability, strict=True)
        ]
    )


def inside(of: Sequence[Case]) -> dict[str, np.ndarray]:
    """Whether violations and pages of the month after lay in their 80 % intervals, at the fitting one; (cases,)."""
    held: dict[str, list[bool]] = {"violations": [], "pages": []}
    for case in of:
        decision = case.decided(case.near(1.0))
        current = decision.current
        impact = impact_of(decision.ladder, decision.losses, now=None, then=current or 0, costs=None)
        place = case.place(float(decision.ladder.thresholds[current or 0]))
        came = {
            "violations": case.after.rates[place].violations,
            "pages": float(case.after.pages_a_month[place]),
        }
        for name, value in came.items():
            row = impact.row(name)
            held[name].append(row is not None and row.then.interval.low <= value <= row.then.interval.high)
    return {name: np.array(values) for name, values in held.items()}


RULES = ("the rule", "tightest that met the objective", "half the budget used", "p99", "p95", "best in hindsight")


def losses_of_rules(of: Sequence[Case]) -> np.ndarray:
    """Loss of the month after of each of RULES without a current threshold, (cases, rules)."""
    rows = []
    for case in of:
        decision = case.decided(None)
        thresholds, budget = decision.ladder.thresholds, decision.ladder.budget
        rates = np.array([rate.rate for rate in decision.ladder.rates])
        picked = [
            _recommended(decision),
            *(_first(thresholds, rates <= most) for most in (budget, budget / 2, 0.01, 0.05)),
        ]
        rows.append([*(case.loss(threshold) for threshold in picked), float(case.losses.min())])
    return np.array(rows)


def _recommended(decision: Decision) -> float:
    return float(decision.ladder.thresholds[decision.recommended])


def _first(thresholds: np.ndarray, holds: np.ndarray) -> float:
    return float(thresholds[np.argmax(holds)] if holds.any() else thresholds[-1])


def wide_grid(hours: Profile, tightest: float) -> list[float]:
    """Every threshold that a rule may look at from a start, seconds."""
    longest = float(np.nanmax(hours.slot_sums.maxima))
    low = min(tightest / 2, hours.quantile(0.25))
    return round_thresholds(low / 1.1, max(longest, tightest * 8) * 1.3).tolist()
