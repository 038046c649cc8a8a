"""The watch of changes in force, through the code of its own pass: looks every five minutes, at what has settled."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from slaopt.analysis.usual import Usual
from slaopt.analysis.watch import WITHIN
from slaopt.apply.fresh import SETTLING
from slaopt.apply.judging import fired, usual_of
from slaopt.optimize.criteria import Rollback, RollbackRule, passes, rollback, values_of
from tests.statistical.watching import A_DAY, KEPT, LEARNED, QUARTER, STEP, Watched, counted, error_of, onsets

SETTLED = round(SETTLING / STEP)  # steps that a look is behind
BEFORE = 2 * A_DAY  # steps between a change and a later rise
FEWER = 0.03  # of the tripled rates may be seen than the preview says, beside what chance explains


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCase:
    """A service, and what the watch of its changes must keep to; None: shown, without a bar."""

    service: Watched
    alarms: float | None = 1.0  # at most, a quarter
    six: float | None = None  # least share of tripled violation rates that are seen within 6 h
    day: float | None = None
    short: bool = False


CASES = (
    LiveCase(service=Watched(1e6, 0.05), six=0.97, short=True),
    LiveCase(service=Watched(1e6, 0.01), six=0.85, short=True),
    LiveCase(service=Watched(1e6, 0.01, sd=0.1)),
    LiveCase(service=Watched(1e6, 0.01, sd=0.1, rho=0.9)),
    LiveCase(service=Watched(1e4, 0.001, sd=0.1)),
    LiveCase(service=Watched(1e3, 0.05), day=0.90, short=True),
    LiveCase(service=Watched(1e3, 0.01)),
    LiveCase(service=Watched(1e3, 0.05, sd=0.1, rho=0.9)),
    LiveCase(service=Watched(30, 0.05, sd=0.1), short=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What became of changes whose watches learned from the 30 days before; every array (runs, …)."""

    alarms: np.ndarray  # (runs,) of both rules, a day apart, in a quarter after a change that does nothing
    at_once: np.ndarray  # (runs, 2) share of the changes with a tripled violation rate rolled back within 6 h, 24 h
    later: np.ndarray  # (runs, 2) the same where the rate rises two days after the change
    said: np.ndarray  # (runs, 2) the same, as the preview says it
    claimed: np.ndarray  # (runs, 2) the factor that the preview says is seen; NaN: none
    kept: np.ndarray  # (runs, 2) share of the changes with that factor, two days on, rolled back in time; NaN


def live(service: Watched, *, runs: int, seed: int, starts: int = 20, quarter: int = QUARTER) -> Live:
    """Learn 30 days, keep what is learned as a proposal does, and watch changes made in the quarter after."""
    rng = np.random.default_rng(seed)
    objective = 1 - 1.5 * service.rate  # a third of the budget is left
    alarms, found = np.empty(runs), np.empty((5, runs, 2))
    for run in range(runs):
        kept, violated, rate = service.draw(rng, LEARNED + quarter)
        made = rollback(
            counted(kept[: LEARNED * A_DAY], violated[: LEARNED * A_DAY]), 1.0, objective=objective, seed=run
        )
        one = _Kept.of(made, objective)
        first = (LEARNED - 1) * A_DAY
        after = counted(kept[first:], violated[first:], first=first)
        judge = {"objective": objective, "usual": one.usual, "since": after.start + A_DAY * STEP}
        hot = [passes(rule, values_of(rule, after, 1.0, **judge)) for rule in one.rules]
        alarms[run] = onsets(np.flatnonzero(np.any(hot, axis=0)))
        factors = np.array([np.nan if each.factor is None else each.factor for each in made.watch.detectable])
        begins = rng.integers((LEARNED + 2) * A_DAY, len(kept) - A_DAY, starts)
        steps = (kept, violated, rate)
        found[:, run] = (
            _rolled_back(rng, steps, one, begins, 3.0, before=0),
            _rolled_back(rng, steps, one, begins, 3.0, before=BEFORE),
            [each.x3_seen for each in made.watch.detectable],
            factors,
            [
                _rolled_back(rng, steps, one, begins, factor, before=BEFORE)[column]
                for column, factor in enumerate(factors)
            ],
        )
    return Live(alarms=alarms, at_once=found[0], later=found[1], said=found[2], claimed=found[3], kept=found[4])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What a proposal keeps of rules and watch, there and back."""

    rules: tuple[RollbackRule, ...]
    usual: Usual
    objective: float

    @classmethod
    def of(cls, made: Rollback, objective: float) -> _Kept:
        return cls(
            rules=made.rules, usual=usual_of(json.loads(json.dumps(made.watch.to_dict()))), objective=objective
        )  # fmt: skip


def _rolled_back(
    rng: np.random.Generator,
    steps: tuple[np.ndarray, np.ndarray, np.ndarray],
    one: _Kept,
    begins: np.ndarray,
    factor: float,
    *,
    before: int,
) -> list[float]:
    """Share of the changes, `before` steps ahead of a rise, rolled back within 6 h and 24 h of it.

    A change that is rolled back ahead of the rise shows nothing.
    """
    if np.isnan(factor):
        return [np.nan, np.nan]
    kept, violated, rate = steps
    hours = []
    for begin in begins:
        span = slice(begin - before - A_DAY, begin + A_DAY)
        turned = rng.binomial(kept[span], np.minimum((factor - 1) * rate[span] / (1 - rate[span]), 1.0))
        turned[: before + A_DAY] = 0
        fresh = counted(kept[span] - turned, violated[span] + turned, first=span.start)
        since = fresh.start + A_DAY * STEP
        found = fired(one.rules, fresh, threshold=1.0, objective=one.objective, usual=one.usual, since=since)
        first = min((each.at for each in found), default=None)
        after = np.inf if first is None else (first - since) / STEP - before + SETTLED
        if after > SETTLED:
            hours.append(after / (A_DAY / 24))
    return [float((np.array(hours) <= within).mean()) for within in WITHIN] if hours else [np.nan, np.nan]


def misses(case: LiveCase, seen: Live) -> list[str]:
    """Bars that are missed by more than two Monte-Carlo errors."""
    name = case.service.name
    missed = []
    if case.alarms is not None and seen.alarms.mean() - case.alarms > 2 * error_of(seen.alarms):
        missed.append(f"live watch, {name}: {seen.alarms.mean():.2f} rollbacks a quarter for nothing")
    for when, share in (("at once", seen.at_once), ("later", seen.later)):
        for column, hours, bar in ((0, 6, case.six), (1, 24, case.day)):
            found = share[:, column]
            floor = 0.0 if bar is None else np.sqrt(bar * (1 - bar) / found.size / 8)
            if bar is not None and bar - np.nanmean(found) > 2 * max(error_of(found), floor):
                missed.append(
                    f"live watch, {name}: a rate tripled {when} is seen within {hours} h in {found.mean():.3f}"
                )
            less = np.nanmean(seen.said[:, column] - found)
            if less - FEWER > 2 * error_of(seen.said[:, column] - found):
                missed.append(f"live watch, {name}: {less:.3f} fewer tripled {when} seen within {hours} h than said")
    for column, hours in enumerate(WITHIN):
        kept = seen.kept[:, column]
        if (~np.isnan(kept)).sum() > 1 and KEPT - np.nanmean(kept) > 2 * error_of(kept):
            missed.append(f"live watch, {name}: what the preview says of {hours} h is seen in {np.nanmean(kept):.3f}")
    return missed
