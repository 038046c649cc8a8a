"""The watch after a change: what it learns, and what it will see, reckoned beforehand.

A service whose level wanders gets a higher bound (`usual`). What can then be seen is found by injection into its own
history, instead of being promised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.alerts import spread_starts
from slaopt.analysis.extremes import DAY
from slaopt.analysis.usual import FEWEST_DAYS, STATISTIC, WINDOWS, Counts, Usual, counted_at, judged, learn, recent
from slaopt.analysis.windows import cumulative
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import number

__all__ = ["FACTORS", "QUARTER", "WITHIN", "Detectable", "Watch", "per_quarter", "rise", "watch"]

Floats = NDArray[np.float64]

QUARTER = 90  # days
FACTORS = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)  # on the violation rate, tried beforehand
TRIPLED = FACTORS.index(3.0)
WITHIN = (6, 24)  # hours
SEEN = 0.95
STARTS = 120
RISES = {2.0: "a doubled violation rate", 3.0: "a tripled violation rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detectable(Result):
    """What the watch sees within so many hours."""

    hours: int
    factor: float | None  # least factor on the violation rate that 95 % of starts see; None: none that was tried
    x3_seen: float  # 0–1: share of the starts at which a tripled violation rate is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Result):
    """The watch at one threshold, and what it can see; `why` says why there is none."""

    threshold: float
    statistic: str
    bound: float | None
    windows: tuple[timedelta, ...]
    false_alarms_per_quarter: float | None
    alarms: int  # days of its own history on which it would have alarmed
    detectable: tuple[Detectable, ...]
    days: int
    usual: Usual | None = field(compare=False)
    sentence: str
    why: str | None


def watch(steps: Profile, threshold: float, *, since: datetime | None = None, seed: int = 0) -> Watch:
    """Learn a watch from the last 30 days, and reckon by injection what it would see; `seed` is of the injections.

    `since`: when the level of the service changed for good, where it did.
    """
    history = recent(steps)
    counted = counted_at(history, threshold)
    counts = Counts.of(history, counted, since=since)
    if counts.days < FEWEST_DAYS:
        why = f"only {counts.days} days with executions; a watch needs {FEWEST_DAYS} to learn what is usual"
        return Watch(
            threshold=threshold, statistic=STATISTIC, bound=None, windows=WINDOWS, false_alarms_per_quarter=None,
            alarms=0, detectable=(), days=counts.days, usual=None, sentence=f"No watch: {why}.", why=why,
        )  # fmt: skip
    learned, counts = learn(counts, counted)
    detectable = _detectable(counts, learned, np.random.default_rng(seed))
    false_alarms = QUARTER * learned.passed * counts.days / max(counts.settled.sum() * counts.step / DAY, 1)
    alarming = counts.daily(judged(learned, counts)) > learned.bound
    return Watch(
        threshold=threshold, statistic=STATISTIC, bound=learned.bound, windows=WINDOWS,
        false_alarms_per_quarter=false_alarms, alarms=int(alarming.sum()), detectable=detectable,
        days=counts.days, usual=learned, sentence=_sentence(detectable, false_alarms), why=None,
    )  # fmt: skip


def rise(factor: float) -> str:
    """Name a factor on the violation rate.

    >>> rise(2), rise(2.5)
    ('a doubled violation rate', 'a violation rate 2.5 times as high')
    """
    return RISES.get(factor, f"a violation rate {number(factor)} times as high")


def per_quarter(alarms: float) -> str:
    """Write how many alarms a quarter would raise.

    >>> per_quarter(0.5), per_quarter(0.003)
    ('about 0.5 a quarter', 'under 0.1 a quarter')
    """
    return f"about {number(alarms, 1)} a quarter" if alarms >= 0.05 else "under 0.1 a quarter"


def _needed(usual: Usual, expected: Floats) -> Floats:
    """Violations from which on a window passes the bound, (windows, slots)."""
    root = np.sqrt(expected + 0.375) + usual.bound / 2 * np.sqrt(1 + usual.unrest[:, None] ** 2 * expected)
    return np.asarray(root**2 - 0.375)


def _detectable(counts: Counts, usual: Usual, rng: np.random.Generator) -> tuple[Detectable, ...]:
    """Which factors are seen: violations are added from each start on, and the watch is asked whether it alarms."""
    lengths = [round(timedelta(hours=hours) / counts.step) for hours in WITHIN]
    slots = len(counts.executed)
    begun = (np.arange(slots) >= max(counts.lengths)) & ~counts.before
    starts = spread_starts(counts.counting & begun, longest=max(lengths), number=STARTS)
    at = np.minimum(starts[:, None] + np.arange(max(lengths)), slots - 1)  # (starts, longest)
    seen, expected = counts.windows(usual.rates)
    lacking: Floats = np.where(counts.counting, _needed(usual, expected) - seen, np.inf)[:, at]
    alone: NDArray[np.bool_] = np.any(lacking <= 0, axis=0)  # the watch alarms without an injection
    sums = cumulative(_added(counts, usual, rng))  # (factors, slots + 1)
    caught = np.zeros((len(FACTORS), *at.shape), dtype=bool)
    for missing, length in zip(lacking, counts.lengths, strict=True):
        caught |= sums[:, at + 1] - sums[:, np.maximum(at + 1 - length, starts[:, None])] >= missing
    found = []
    for hours, length in zip(WITHIN, lengths, strict=True):
        silent = ~alone[:, :length].any(axis=1)
        share = caught[:, silent, :length].any(axis=2).sum(axis=1) / max(int(silent.sum()), 1)  # (factors,)
        enough = np.flatnonzero(share >= SEEN)
        least = FACTORS[enough[0]] if len(enough) else None
        found.append(Detectable(hours=hours, factor=least, x3_seen=float(share[TRIPLED])))
    return tuple(found)


def _added(counts: Counts, usual: Usual, rng: np.random.Generator) -> Floats:
    """Violations that each of FACTORS would add to each slot, (factors, slots); a greater factor adds no fewer.

    They are drawn given the level, and that given the violations of its day and of its hour (gamma, conjugate): so the
    chance that is in the history's own counts is not multiplied with them.
    """
    rate = usual.rates[counts.weekend, counts.hour] * counts.level
    of_day = usual.unrest[-1] ** 2
    for length, variance in ((counts.lengths[-1], of_day), (counts.lengths[0], usual.unrest[0] ** 2 - of_day)):
        if variance > 0:
            span = np.arange(len(rate)) // length
            seen, expected = (np.bincount(span, weights=one) for one in (counts.violations, counts.executed * rate))
            rate = rate * (rng.gamma(seen + 1 / variance) / (expected + 1 / variance))[span]
    kept = np.maximum(np.floor(counts.executed - counts.violations), 0).astype(np.int64)
    turned = np.zeros(len(rate))  # share of the kept that the factor before turned into violations
    added = np.zeros((len(FACTORS), len(rate)))
    for i, factor in enumerate(FACTORS):
        share = np.minimum((factor - 1) * rate / np.maximum(1 - rate, rate), 1.0)
        more = rng.binomial(kept, np.clip((share - turned) / np.maximum(1 - turned, 1e-12), 0.0, 1.0))
        kept, turned = kept - more, share
        added[i] = added[i - 1] + more
    return added


def _sentence(detectable: Sequence[Detectable], false_alarms: float) -> str:
    told = [f"{rise(one.factor)} would be seen within {one.hours} hours" for one in detectable if one.factor]
    if told:
        sees = f"{' and '.join(told)}, in at least 95 of 100 cases"
    else:
        sees = f"even {rise(FACTORS[-1])} might go unseen for a day, since violations are few or wander by themselves"
    return f"{sees[0].upper()}{sees[1:]}; false alarms: {per_quarter(false_alarms)}."
