"""Whether fresh measurements fire the rollback rules of a change: pure, from counts to sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.watch import STATISTIC, Usual, evidence
from slaopt.analysis.windows import cumulative, window_sums
from slaopt.optimize.criteria import RollbackRule, passes, values_of
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import count, moment, number, percent, seconds

__all__ = ["Fired", "fired", "usual_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired(Result):
    """A rollback rule that fires, at the end of the first five minutes at which it does."""

    rule: RollbackRule
    at: datetime
    value: float
    sentence: str


def usual_of(watch: Mapping[str, Any]) -> Usual:
    """Give what a watch learned from the form in which a proposal keeps it, to the last digit."""
    usual = watch["usual"]
    return Usual(
        threshold=usual["threshold"],
        rates=np.array(usual["rates"], dtype=float),
        unrest=np.array(usual["unrest"], dtype=float),
        bound=usual["bound"],
        passed=usual["passed"],
        days=usual["days"],
    )


def fired(
    rules: Sequence[RollbackRule],
    fresh: Profile,
    *,
    threshold: float,
    objective: float,
    usual: Usual | None,
    since: datetime,
) -> list[Fired]:
    """List the rules that fire at any slot of a Profile of five-minute steps, in the order in which they are given.

    Only windows that lie wholly after the change at `since` are looked at: what went on before it is not its doing.
    So it makes no difference whether a stretch of time is looked at at once or bit by bit, as long as each bit begins
    the longest window earlier.
    """
    after = fresh.between(since, fresh.end)
    found = []
    for rule in rules:
        values = values_of(rule, after, threshold, objective=objective, usual=usual)
        hot = np.flatnonzero(passes(rule, values))
        if len(hot):
            slot = int(hot[0])
            at = after.start + (slot + 1) * after.step
            told = _told(rule, after, slot, threshold=threshold, usual=usual)
            sentence = f"{told}: {number(values[slot])} ({rule}), at {moment(at, after.timezone)}."
            found.append(Fired(rule=rule, at=at, value=float(values[slot]), sentence=sentence))
    return found


def _told(rule: RollbackRule, after: Profile, slot: int, *, threshold: float, usual: Usual | None) -> str:
    """Say what was counted in the window that fires."""
    if rule.metric == STATISTIC and usual is not None:
        seen = evidence(usual, after, slot)
        executed = _last(after.valid, slot, round(seen.window / after.step))
        return (
            f"In {_length(seen.window)}, {count(seen.seen)} of {count(executed)} executions took longer than "
            f"{seconds(usual.threshold, 6)}, and {number(seen.expected, 2)} are usual"
        )
    length = round(rule.span / after.step)
    violations = _last(after.violations(threshold).middle, slot, length)
    executed = _last(after.valid, slot, length)
    return (
        f"In {_length(rule.span)}, {count(violations)} of {count(executed)} executions "
        f"({percent(violations / executed)}) took longer than {seconds(threshold, 6)}"
    )


def _last(values: NDArray[np.float64], slot: int, length: int) -> float:
    return float(window_sums(cumulative(values), length)[slot])


def _length(window: timedelta) -> str:
    hours = window / timedelta(hours=1)
    return "one hour" if hours == 1 else f"{number(hours)} hours"
