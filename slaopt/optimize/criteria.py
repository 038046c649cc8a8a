"""Rollback criteria: rules under which a change is taken back, as data, and sentences that say what they do.

Two rules. The watch compares the violation rate with what is usual for the service at the new threshold; the burn rate
compares it with what the objective allows. Neither may undo a change for what the service does anyway, so both bounds
are at least what its own days pass once in 180; and that of the burn rate lies above all of the last 30.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.alerts import BURN_RATE_WINDOWS, burn_rates, factor
from slaopt.analysis.extremes import fit_gumbel, greatest_of_days
from slaopt.analysis.usual import RARE_DAYS, STATISTIC, Usual, recent, statistic
from slaopt.analysis.watch import QUARTER, Watch, per_quarter, watch
from slaopt.errors import InputError
from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import number, percent, seconds

__all__ = ["Rollback", "RollbackRule", "fires", "parse_rule", "passes", "rollback", "values_of"]

Metric = Literal["watch_z", "burn_rate"]
Operator = Literal[">", ">="]

BURNING = BURN_RATE_WINDOWS[1]  # the page over six hours
METRICS = get_args(Metric)
OPERATORS = get_args(Operator)
LONGEST = "24h"  # window of the watch
SPANS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
SPAN = re.compile(r"([1-9]\d*)(min|h|d)")
RULE = re.compile(r"\s*(?P<metric>\w+)\s*(?P<operator>>=?)\s*(?P<value>\S+)\s+over\s+(?P<window>\S+)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRule(Result):
    """Roll back where `metric` over `window` ("30min", "6h", "3d") is above (or at) `value`.

    `watch_z` is the watch's statistic, the greatest of its windows up to `window`; `burn_rate` is violation rate /
    error budget.
    """

    metric: Metric
    operator: Operator
    value: float
    window: str

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(f"rollback rule: metric {self.metric!r} is unknown; use {' or '.join(METRICS)}")
        if self.operator not in OPERATORS:
            raise InputError(f"rollback rule: operator {self.operator!r} is unknown; use {' or '.join(OPERATORS)}")
        if isinstance(self.value, bool) or not isinstance(self.value, int | float) or not 0 < self.value < np.inf:
            raise InputError(f"rollback rule: value {self.value!r} is no positive number")
        if not isinstance(self.window, str) or not SPAN.fullmatch(self.window):
            raise InputError(f"rollback rule: window {self.window!r} is no span of time; write 30min, 6h or 3d")
        if self.metric == STATISTIC and self.window != LONGEST:
            raise InputError(f"rollback rule: {STATISTIC} looks at its own windows, up to {LONGEST}; give that")

    @property
    def span(self) -> timedelta:
        """The window as a span of time."""
        return int(re.sub("[a-z]", "", self.window)) * SPANS[re.sub("[0-9]", "", self.window)]

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {self.value:.12g} over {self.window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback(Result):
    """The criteria of a change: rules, a sentence for each, and the watch behind them."""

    rules: tuple[RollbackRule, ...]
    criteria: tuple[str, ...]
    watch: Watch


def parse_rule(written: Mapping[str, Any] | str) -> RollbackRule:
    """Read a rule from its fields, or from a line.

    Raises
    ------
    InputError
        If a field is missing, unknown or out of its bounds.

    >>> parse_rule("burn_rate >= 6 over 6h")
    RollbackRule(metric='burn_rate', operator='>=', value=6.0, window='6h')
    """
    if isinstance(written, str):
        found = RULE.fullmatch(written)
        if found is None:
            raise InputError(f"rollback rule: {written!r} is none; write one such as `burn_rate >= 6 over 6h`")
        try:
            return parse_rule(found.groupdict() | {"value": float(found["value"])})
        except ValueError:
            raise InputError(f"rollback rule: {found['value']!r} is no number") from None
    names = {"metric", "operator", "value", "window"}
    if set(written) != names:
        odd = ", ".join(sorted(set(written) ^ names))
        raise InputError(f"rollback rule: a rule has metric, operator, value and window; missing or unknown: {odd}")
    return RollbackRule(**written)


def rollback(
    steps: Profile,
    threshold: float,
    *,
    objective: float,
    window_days: float = 30,
    since: datetime | None = None,
    seed: int = 0,
) -> Rollback:
    """Make the criteria under which a change to `threshold` is rolled back, from the service's own last 30 days.

    Without a watch (too short a history), and where no violation rate burns fast enough, a rule is left out. `since`:
    when the level of the service changed for good, where it did; burn rates are judged from then on.
    """
    watched = watch(steps, threshold, since=since, seed=seed)
    rules, criteria = [], []
    if watched.bound is not None:
        rule = RollbackRule(metric=STATISTIC, operator=">", value=watched.bound, window=LONGEST)
        rules.append(rule)
        criteria.append(f"The watch rises over {number(watched.bound)} ({rule}). {watched.sentence}{_beside(watched)}")
    history = recent(steps if since is None else steps.between(since, steps.end))
    burning = _burning(history, threshold, objective=objective, window_days=window_days)
    if burning is not None:
        rules.append(burning[0])
        criteria.append(burning[1])
    return Rollback(rules=tuple(rules), criteria=tuple(criteria), watch=watched)


def fires(rule: RollbackRule, fresh: Profile, threshold: float, *, objective: float, watch: Watch) -> NDArray[np.bool_]:
    """Tell at each slot of a Profile of five-minute steps whether a rule fires, (slots,).

    The Profile should begin a window before the first slot of interest.

    Raises
    ------
    InputError
        If the rule is of a watch that there is not.
    """
    if rule.metric == STATISTIC and watch.usual is None:
        raise InputError(f"rollback rule: {rule} needs a watch: {watch.why}")
    return passes(rule, values_of(rule, fresh, threshold, objective=objective, usual=watch.usual))


def values_of(
    rule: RollbackRule,
    fresh: Profile,
    threshold: float,
    *,
    objective: float,
    usual: Usual | None,
    since: datetime | None = None,
) -> NDArray[np.float64]:
    """Give what a rule judges at each slot, (slots,); −∞ where it judges nothing.

    That is so where its window begins before the Profile does, and for the watch's rule where nothing is known of what
    is usual. `since`: when the change was made; nothing is judged before, a burn rate once its window lies after it.
    """
    length = round(rule.span / fresh.step)
    changed = 0 if since is None else max(-((fresh.start - since) // fresh.step), 0)  # slots that begin before
    if rule.metric == STATISTIC:
        values = np.full(fresh.slots, -np.inf) if usual is None else statistic(usual, fresh, since=since)
        values[:changed] = -np.inf
        return values
    values = burn_rates(fresh, threshold, objective=objective, window=rule.span)
    values[: changed + length - 1] = -np.inf
    return values


def passes(rule: RollbackRule, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where values are beyond a rule's own, (slots,)."""
    return np.asarray(values > rule.value if rule.operator == ">" else values >= rule.value)


def _beside(watched: Watch) -> str:
    """Say where violations are not watched at the threshold itself, since they were not counted there."""
    counted = watched.threshold if watched.usual is None else watched.usual.threshold
    if counted == watched.threshold:
        return ""
    return f" It counts what takes longer than {seconds(counted, 6)}, the next tighter threshold that was counted."


def _burning(
    history: Profile, threshold: float, *, objective: float, window_days: float
) -> tuple[RollbackRule, str] | None:
    """The burn rate of a page, or what the service's own days reach once in 180, and what is to be said about it."""
    burned = burn_rates(history, threshold, objective=objective, window=BURNING.long)
    daily = greatest_of_days(burned, history.valid, history.step)
    page = factor(BURNING, window_days=window_days)
    fitted = fit_gumbel(np.sqrt(daily)) if len(daily) > 1 else None  # roots: burn rates are skewed
    own = max(1.05 * float(daily.max(initial=0.0)), max(fitted.once_in(RARE_DAYS), 0.0) ** 2 if fitted else 0.0)
    value = float(f"{1.01 * own:.2g}") if own > page else page
    if value * (1 - objective) > 1:
        return None
    rule = RollbackRule(metric="burn_rate", operator=">=", value=value, window=f"{BURNING.long // SPANS['h']}h")
    false_alarms = QUARTER * fitted.exceeded(np.sqrt(value)) if fitted else 0.0
    return rule, (
        f"The error budget burns {number(value)} times too fast for six hours ({rule}): "
        f"{percent(value * (1 - objective))} of the executions violate. None of the last {len(daily)} days did so; "
        f"false alarms: {per_quarter(false_alarms)}."
    )
