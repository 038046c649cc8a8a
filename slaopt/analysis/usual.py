"""What is usual for a service at a threshold, and how far fresh counts are above it: the statistic of the watch.

Every five minutes, for windows of 1, 3, 6 and 24 hours, the violations X are set against those expected, E: executions
times a rate by hour of day and weekend. Anscombe's root makes their difference comparable at small and at large counts;
it is divided by what the level itself varies by over such a window. The greatest of the windows is the statistic, and
its bound is what the service's own days pass once in 180. Where the level of the service changed for good, what came
before is set against its own level, and a day on either side of the change is left out.

The bound is never so low that a handful of slow executions undoes a change, not even where history holds no violation.

References
----------
Anscombe: The transformation of Poisson, binomial and negative-binomial data. Biometrika 35 (1948).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import local_times
from slaopt.analysis.effective import WEEKEND
from slaopt.analysis.extremes import DAY, fit_gumbel, greatest_of_days
from slaopt.analysis.windows import cumulative, window_sums
from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = [
    "FEWEST_DAYS",
    "LEAST_BOUND",
    "RARE_DAYS",
    "STATISTIC",
    "WINDOWS",
    "Counts",
    "Evidence",
    "Usual",
    "counted_at",
    "evidence",
    "judged",
    "learn",
    "recent",
    "statistic",
    "usual",
]

Floats = NDArray[np.float64]
Slots = NDArray[np.int64]

STATISTIC: Final = "watch_z"
WINDOWS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 24))
HISTORY = timedelta(days=30)  # that a watch learns from
FEWEST_DAYS = 14
RARE_DAYS = 180  # a usual day passes the bound once in so many
LEAST_BOUND = 3.3  # five violations where next to none are expected, and what counting alone passes on few days
NEW_LEVEL = 4.0  # with 1, quarters after a change held 1.3 alarms; with this 0.8 (40 simulated)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Usual(Result):
    """What is usual at one threshold: the rate by hour, how far the level wanders, and the bound of the statistic."""

    threshold: float  # at which violations are counted
    rates: Floats  # (2, 24) violation rate by weekday or weekend × hour of day, local time
    unrest: Floats  # (windows,) relative standard deviation of the level over each window
    bound: float
    passed: float  # probability that a usual day passes the bound
    days: int  # it was learned from


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Result):
    """What the statistic rests on at one slot: its greatest window, as far as it lies after the change."""

    window: timedelta
    executed: float
    seen: float  # violations
    expected: float


def usual(steps: Profile, threshold: float, *, since: datetime | None = None) -> Usual | None:
    """Learn from the last 30 days of a Profile of five-minute steps what is usual; None under 14 days with executions.

    The rate by hour is that of two harmonics and a weekend effect (Poisson, log link), times another level before
    `since`; the variance of the level over a window is that of its violations beyond their own number.
    """
    history = recent(steps)
    counted = counted_at(history, threshold)
    counts = Counts.of(history, counted, since=since)
    return None if counts.days < FEWEST_DAYS else learn(counts, counted)[0]


def counted_at(steps: Profile, threshold: float) -> float:
    """Give the threshold at which violations are watched: where they are only bracketed, the next tighter counted one.

    What is learned between two counted thresholds would be off from what is counted exactly later on.
    """
    at = int(np.searchsorted(steps.bounds, threshold * (1 - SAME)))
    return threshold if at == 0 or steps.violations(threshold).exact else float(steps.bounds[at - 1])


def recent(steps: Profile) -> Profile:
    """Give the last 30 days, which a watch learns from."""
    return steps.between(max(steps.start, steps.end - HISTORY), steps.end)


def learn(counts: Counts, threshold: float) -> tuple[Usual, Counts]:
    """What is usual, and the counts with the level that they had before the change."""
    rates, earlier = _rates(counts)
    counts = replace(counts, level=np.where(counts.before, earlier, 1.0))
    seen, expected = counts.windows(rates)
    unrest = np.sqrt(_variances(seen[:, counts.settled], expected[:, counts.settled]))
    highest = counts.daily(_scores(seen, expected, unrest).max(axis=0))
    fitted = fit_gumbel(highest)
    bound = max(float(np.ceil(100 * fitted.once_in(RARE_DAYS)) / 100), LEAST_BOUND)
    if counts.before.any():  # few days say where the new level lies, so it is trusted less
        new_days = max(float((counts.settled & ~counts.before).sum()) * counts.step / DAY, 1.0)
        unrest = np.sqrt(unrest**2 + NEW_LEVEL * unrest[-1] ** 2 / new_days)
    learned = Usual(
        threshold=threshold, rates=rates, unrest=unrest, bound=bound, passed=fitted.exceeded(bound), days=counts.days
    )
    return learned, counts


def statistic(usual: Usual, fresh: Profile, *, since: datetime | None = None) -> Floats:
    """Give the statistic at each slot of a Profile of five-minute steps, (slots,); −∞ in excluded time.

    Only windows that lie inside the Profile are looked at, so it should begin a day before the first look. `since`:
    what came before is taken to have been as usual, whatever it was, since a change then cannot have caused it.
    """
    return judged(usual, Counts.of(fresh, usual.threshold), before=_slots_before(fresh, since))


def _slots_before(fresh: Profile, since: datetime | None) -> int:
    """Number of slots of a Profile that begin before a moment."""
    return 0 if since is None else min(max(-((fresh.start - since) // fresh.step), 0), fresh.slots)


def judged(usual: Usual, counts: Counts, *, before: int = 0) -> Floats:
    """Give the statistic at each slot of counts, (slots,); so many slots before are taken to have been as usual."""
    if before:
        as_usual = np.concatenate([counts.expected(usual.rates)[:before], counts.violations[before:]])
        counts = replace(counts, violations=as_usual)
    seen, expected = counts.windows(usual.rates)
    scores = _scores(seen, expected, usual.unrest)
    for score, length in zip(scores, counts.lengths, strict=True):
        score[: length - 1] = -np.inf
    return np.where(counts.counting, scores.max(axis=0), -np.inf)


def evidence(usual: Usual, fresh: Profile, slot: int, *, since: datetime) -> Evidence:
    """Say which window makes the statistic what it is at a slot that is judged, and what was counted in it."""
    counts, before = Counts.of(fresh, usual.threshold), _slots_before(fresh, since)
    usually = counts.expected(usual.rates)
    seen = np.concatenate([usually[:before], counts.violations[before:]])
    starts = [max(slot + 1 - length, 0) for length in counts.lengths]
    sums = np.array([[values[start : slot + 1].sum() for start in starts] for values in (seen, usually)])
    inside = np.array(counts.lengths) <= slot + 1
    scores = np.where(inside, _scores(sums[0][:, None], sums[1][:, None], usual.unrest)[:, 0], -np.inf)
    after = slice(max(starts[int(np.argmax(scores))], before), slot + 1)
    return Evidence(
        window=(after.stop - after.start) * fresh.step,
        executed=float(counts.executed[after].sum()),
        seen=float(counts.violations[after].sum()),
        expected=float(usually[after].sum()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What is looked at, each (slots,)."""

    executed: Floats
    violations: Floats
    weekend: Slots  # 0 or 1
    hour: Slots  # of the day, local time
    counting: NDArray[np.bool_]  # False in excluded time, and while the level changes
    before: NDArray[np.bool_]  # before the level changed
    settled: NDArray[np.bool_]  # not within a day of the change
    level: Floats  # of the violation rate, relative to that after the change
    step: timedelta

    @classmethod
    def of(cls, steps: Profile, threshold: float, *, since: datetime | None = None) -> Counts:
        """Count violations of a threshold in a Profile whose level changed at `since`, where it did."""
        _, weekday, hour = local_times(steps)
        changed = 0 if since is None else int((since - steps.start) / steps.step)  # slots before the change
        slot = np.arange(steps.slots)
        settled = (np.abs(slot + 0.5 - changed) > DAY / steps.step) | (changed <= 0)
        return cls(
            executed=steps.valid,
            violations=steps.violations(threshold).middle,
            weekend=np.isin(weekday, WEEKEND).astype(np.int64),
            hour=hour,
            counting=(steps.slot_sums.excluded < 1) & settled,
            before=slot < changed,
            settled=settled,
            level=np.ones(steps.slots),
            step=steps.step,
        )

    @property
    def lengths(self) -> list[int]:
        """Slots of each window."""
        return [round(window / self.step) for window in WINDOWS]

    @property
    def days(self) -> int:
        """Number of spans of 24 hours before the end that have executions."""
        return len(self.daily(self.executed))

    def daily(self, values: Floats) -> Floats:
        """Give the greatest value of each day with executions: (slots,) → (days,)."""
        quiet = np.where(self.settled, values, -np.inf)
        days = greatest_of_days(quiet, np.where(self.settled, self.executed, 0.0), self.step)
        return days[np.isfinite(days)]

    def expected(self, rates: Floats) -> Floats:
        """Violations expected in each slot, (slots,)."""
        return np.asarray(self.executed * rates[self.weekend, self.hour] * self.level)

    def windows(self, rates: Floats) -> tuple[Floats, Floats]:
        """Violations, and those expected, in the windows that end with each slot, (windows, slots) each."""
        sums = cumulative(np.stack([self.violations, self.expected(rates)]))
        both = np.stack([window_sums(sums, length) for length in self.lengths], axis=1)
        return both[0], np.maximum(both[1], 0.0)


def _rates(counts: Counts) -> tuple[Floats, float]:
    """Violation rate by weekend and hour of day, (2, 24), and its level before the change, relative to that after it.

    Poisson likelihood, effects held near 0 where data are few.

    Half a violation on either side, spread like the executions, keeps the rate of a service without one above 0.
    """
    cell = counts.before * 48 + counts.weekend * 24 + counts.hour
    number = np.arange(96)
    executed, violations = (
        np.bincount(cell, weights=values * counts.settled, minlength=96)
        for values in (counts.executed, counts.violations)
    )
    for side in (slice(0, 48), slice(48, 96)):
        violations[side] += 0.5 * executed[side] / max(executed[side].sum(), 1.0)
    angle = 2 * np.pi * (number % 24) / 24
    shape = [f(k * angle) for k in (1, 2) for f in (np.sin, np.cos)]
    design = np.stack([np.ones(96), *shape, number % 48 >= 24, number >= 48], axis=1).astype(float)
    hold = np.diag([0.0, *np.ones(5), 0.0 if executed[48:].any() else 1.0])
    beta = np.zeros(7)
    beta[0] = np.log(violations.sum() / executed.sum())
    for _ in range(50):  # Newton's steps, at most 1 long
        expected = executed * np.exp(np.minimum(design @ beta, 0.0))
        slope = design.T @ (violations - expected) - hold @ beta
        step = np.clip(np.linalg.solve(design.T @ (design * expected[:, None]) + hold, slope), -1, 1)
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    rates = np.exp(np.minimum(design @ beta, 0.0))
    return np.asarray(rates[:48].reshape(2, 24)), float(np.exp(beta[-1]))


def _variances(seen: Floats, expected: Floats) -> Floats:
    """Relative variance of the level over each window: (windows, slots) each → (windows,)."""
    excess = ((seen - expected) ** 2 - seen).sum(axis=1)
    return np.asarray(np.maximum(excess, 0.0) / np.maximum((expected**2).sum(axis=1), np.finfo(float).tiny))


def _scores(seen: Floats, expected: Floats, unrest: Floats) -> Floats:
    """Standardised difference of seen and expected, (windows, slots)."""
    difference = 2 * (np.sqrt(seen + 0.375) - np.sqrt(expected + 0.375))
    return np.asarray(difference / np.sqrt(1 + unrest[:, None] ** 2 * expected))
