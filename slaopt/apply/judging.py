"""Whether fresh measurements fire the rollback rules of a change: pure, from counts to sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.usual import STATISTIC, Usual, evidence
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
    """List the rules that fire after the change at `since`, in the order in which they are given.

    What went on before the change is not its doing, so the watch takes it to have been as usual, and a burn rate is
    judged once its window lies after the change. It makes no difference whether a stretch of time is looked at at once
    or bit by bit, as long as each bit of five-minute steps begins the longest window earlier.
    """
    found = []
    for rule in rules:
        values = values_of(rule, fresh, threshold, objective=objective, usual=usual, since=since)
        hot = np.flatnonzero(passes(rule, values))
        if len(hot):
            slot = int(hot[0])
            at = fresh.start + (slot + 1) * fresh.step
            told = _told(rule, fresh, slot, threshold=threshold, usual=usual, since=since)
            sentence = f"{told}: {number(values[slot])} ({rule}), at {moment(at, fresh.timezone)}."
            found.append(Fired(rule=rule, at=at, value=float(values[slot]), sentence=sentence))
    return found


def _told(
    rule: RollbackRule, fresh: Profile, slot: int, *, threshold: float, usual: Usual | None, since: datetime
) -> str:
    """Say what was counted in the window that fires."""
    if rule.metric == STATISTIC and usual is not None:
        found = evidence(usual, fresh, slot, since=since)
        return (
            f"In {_length(found.window)}, {count(found.seen)} of {count(found.executed)} executions took longer than "
            f"{seconds(usual.threshold, 6)}, and {number(found.expected, 2)} are usual"
        )
    length = round(rule.span / fresh.step)
    violations = _last(fresh.violations(threshold).middle, slot, length)
    executed = _last(fresh.valid, slot, length)
    return (
        f"In {_length(rule.span)}, {count(violations)} of {count(executed)} executions "
        f"({percent(violations / executed)}) took longer than {seconds(threshold, 6)}"
    )


def _last(values: NDArray[np.float64], slot: int, length: int) -> float:
    return float(window_sums(cumulative(values), length)[slot])


def _length(window: timedelta) -> str:
    hours = window / timedelta(hours=1)
    if hours < 1:
        return f"{number(60 * hours)} minutes"
    return "one hour" if hours == 1 else f"{number(hours)} hours"
