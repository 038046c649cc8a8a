"""Burn-rate alerts replayed on the history of a service, and degradations injected to see which ones they catch.

The policy is that of Google, The Site Reliability Workbook (2018), chapter 5: an alert fires where the burn rate of a
long and of a short window both reach a factor. Two things are added. It needs a number of violations that a healthy
service hardly ever shows, so that two slow executions at night wake nobody. And an alert that keeps firing
is sent again.

Windows look at executed counts alone: time without executions, and excluded time, is no healthy traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import pdtrik

from slaopt.analysis.windows import cumulative, window_sums
from slaopt.buckets import SAME
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = [
    "BURN_RATE_WINDOWS",
    "DEGRADATIONS",
    "BurnRateWindow",
    "Cell",
    "Degradations",
    "Replay",
    "Tightness",
    "burn_rates",
    "factor",
    "never_firing",
    "replay",
    "spread_starts",
    "tightness",
]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnRateWindow(Result):
    """An alert that fires where the error budget burns `factor` times too fast in both windows."""

    severity: Severity
    long: timedelta
    short: timedelta
    budget_share: float  # of the period's error budget, used up in one long window


BURN_RATE_WINDOWS = (  # SRE Workbook, ch. 5: factor = budget_share × period / long
    BurnRateWindow(severity="page", long=timedelta(hours=1), short=timedelta(minutes=5), budget_share=0.02),  # 14.4
    BurnRateWindow(severity="page", long=timedelta(hours=6), short=timedelta(minutes=30), budget_share=0.05),  # 6
    BurnRateWindow(severity="ticket", long=timedelta(days=3), short=timedelta(hours=6), budget_share=0.10),  # 1
)
LEAST_FACTOR = {"page": 1.5, "ticket": 1.0}  # a short period would page for a budget that is kept
FEWEST_VIOLATIONS = 3
FALSE_ALARM = 1e-4  # probability that a service at its budget shows so many violations in a long window
QUIET = timedelta(hours=1)  # what fires again within this time is the same alert
RESEND = timedelta(hours=4)  # an alert that keeps firing is sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradations:
    """The slowdowns that are injected: every factor on every share of the executions for every length."""

    factors: tuple[float, ...] = (1.5, 2.0, 4.0)
    hours: tuple[int, ...] = (1, 6, 24)
    shares: tuple[float, ...] = (0.1, 0.5, 1.0)
    starts: int = 48  # evenly spaced: standard deviation of their mean about 0.008


DEGRADATIONS = Degradations()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay(Result):
    """What the policy would have done at one threshold. An alert that keeps firing counts again every four hours."""

    threshold: float
    pages_per_week: float
    tickets_per_week: float
    pages: tuple[datetime, ...]  # when each page would have been sent, UTC
    share_firing: float  # share of the time that counts during which a page fired


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(Result):
    """One injected slowdown: durations × `factor` on a `share` of the executions for some `hours`."""

    factor: float
    hours: float
    share: float
    caught: float  # 0–1: share of the starts at which a page would have come × share of the time without pages
    error: float = 0.0  # standard error over the starts, as if they were drawn at random


@dataclass(frozen=True, slots=True, kw_only=True)
class Tightness(Result):
    """How much the alerts would see at one threshold: the mean of the cells."""

    threshold: float
    value: float
    cells: tuple[Cell, ...]
    error: float = 0.0  # standard error over the starts, as if they were drawn at random

    def caught(self, *, factor: float, hours: float, share: float) -> float:
        """Give the share caught of one of the injected slowdowns."""
        return next(c.caught for c in self.cells if (c.factor, c.hours, c.share) == (factor, hours, share))


def factor(window: BurnRateWindow, *, window_days: float = 30) -> float:
    """Give the burn rate at which an alert fires, for an objective over so many days.

    >>> [round(factor(window), 1) for window in BURN_RATE_WINDOWS]
    [14.4, 6.0, 1.0]
    """
    share_of_period = window.long / timedelta(days=window_days)
    return max(LEAST_FACTOR[window.severity], window.budget_share / share_of_period)


def never_firing(objective: float, *, window_days: float = 30) -> tuple[BurnRateWindow, ...]:
    """List the alerts that cannot fire at an objective, since even violations alone burn too slowly.

    >>> [window.long.total_seconds() / 3600 for window in never_firing(0.9)]
    [1.0]
    """
    return tuple(w for w in BURN_RATE_WINDOWS if factor(w, window_days=window_days) * (1 - objective) > 1 + SAME)


def burn_rates(steps: Profile, threshold: float, *, objective: float, window: timedelta) -> Floats:
    """Give the burn rate over the window that ends with each slot of a Profile of five-minute steps, (slots,).

    It is 0 in excluded time, and where the violations are so few that they may be an accident.
    """
    length = round(window / steps.step)
    violations = window_sums(cumulative(_above(steps, [threshold])[0]), length)
    allowed = (1 - objective) * window_sums(cumulative(steps.valid), length)
    burning = (violations >= _guard(allowed)) & (allowed > 0) & (steps.slot_sums.excluded < 1)
    return np.where(burning, violations / np.maximum(allowed, np.finfo(float).tiny), 0.0)


def replay(
    steps: Profile,
    thresholds: Sequence[float],
    *,
    objective: float,
    window_days: float = 30,
    since: datetime | None = None,
) -> list[Replay]:
    """Replay the policy on a Profile of five-minute steps, at each threshold (seconds).

    Windows look at all of the Profile; alerts are counted from `since` on.
    """
    policy = _Policy.of(steps, objective=objective, window_days=window_days, since=since)
    weeks = (steps.end - max(since or steps.start, steps.start)) / timedelta(weeks=1)
    replays = []
    for chunk in _chunks(thresholds, steps.slots):
        violations = cumulative(_above(steps, chunk))
        pages, tickets = (_fires(policy, violations, severity) for severity in ("page", "ticket"))
        for threshold, paged, ticketed in zip(chunk, pages, tickets, strict=True):
            sent = _sent(paged, steps.step)
            replays.append(
                Replay(
                    threshold=threshold,
                    pages_per_week=len(sent) / weeks,
                    tickets_per_week=len(_sent(ticketed, steps.step)) / weeks,
                    pages=tuple(steps.start + int(slot) * steps.step for slot in sent),
                    share_firing=_share_firing(policy, paged),
                )
            )
    return replays


def tightness(
    steps: Profile,
    thresholds: Sequence[float],
    *,
    objective: float,
    window_days: float = 30,
    degradations: Degradations = DEGRADATIONS,
    since: datetime | None = None,
) -> list[Tightness]:
    """Inject slowdowns into history and see which ones the pages would catch, at each threshold (seconds).

    A slowdown by k on a share f turns the violations V(c) of a step into (1 − f) V(c) + f V(c / k). It is caught where
    a page fires inside it; starts at which a page fires anyway are left out, since they show nothing, and all is
    multiplied by the share of the time without pages: an alert that always fires tells nobody anything.
    """
    policy = _Policy.of(steps, objective=objective, window_days=window_days, since=since)
    starts = _starts(policy.counting, degradations, steps.step)
    measured = []
    for chunk in _chunks(thresholds, steps.slots):
        counts = _above(steps, chunk)
        violations = cumulative(counts)
        firing = _fires(policy, violations, "page")
        alone = _within(firing, starts, degradations, steps.step)  # (thresholds, starts, hours)
        seen = np.empty((*alone.shape, len(degradations.factors), len(degradations.shares)), dtype=bool)
        for i, k in enumerate(degradations.factors):
            extra = cumulative(_above(steps, np.asarray(chunk) / k) - counts)
            needed = _share_needed(policy, violations, extra, starts, degradations, steps.step)
            seen[:, :, :, i] = needed[..., None] <= np.asarray(degradations.shares) + SAME
        for row, (threshold, fired) in enumerate(zip(chunk, firing, strict=True)):
            quiet = 1 - _share_firing(policy, fired)
            measured.append(_measured(threshold, seen[row], ~alone[row], quiet, degradations))
    return measured


def _measured(threshold: float, seen: Mask, silent: Mask, quiet: float, degradations: Degradations) -> Tightness:
    """Mean over the silent starts, with its error; seen (starts, hours, factors, shares), silent (starts, hours).

    Where pages come so often that none of the starts is silent for long, what is caught sooner stands for it.
    """
    counted = np.maximum(silent.sum(axis=0), 1)[:, None, None]
    share = (seen & silent[..., None, None]).sum(axis=0) / counted
    measured = np.atleast_1d(np.any(silent, axis=0))  # (hours,)
    for j in np.flatnonzero(~measured[1:]) + 1:
        share[j] = share[j - 1]
    likely = (share * counted + 1) / (counted + 2)  # all of so few starts do not prove that each is caught
    error = np.sqrt(likely * (1 - likely) / (counted + 2))
    pull = (np.where(silent[..., None, None], seen - share, 0.0) / counted).mean(axis=(1, 2, 3))  # of each start
    spread = len(pull) / max(len(pull) - 1, 1)
    cells = tuple(
        Cell(
            factor=k,
            hours=float(hours),
            share=f,
            caught=float(quiet * share[j, i, m]),
            error=float(quiet * error[j, i, m]),
        )
        for i, k in enumerate(degradations.factors)
        for j, hours in enumerate(degradations.hours)
        for m, f in enumerate(degradations.shares)
    )
    return Tightness(
        threshold=threshold,
        value=float(quiet * share.mean()),
        cells=cells,
        error=float(quiet * np.sqrt(spread * (pull**2).sum())),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """One alert on the steps of a Profile: window lengths in slots, and the violations that each window needs."""

    severity: Severity
    long: int
    short: int
    long_needs: Floats  # (slots,) by the slot that the window ends with; infinite where nothing was executed
    short_needs: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    alerts: tuple[_Alert, ...]
    counting: Mask  # (slots,) False in excluded time, and before alerts count

    @classmethod
    def of(cls, steps: Profile, *, objective: float, window_days: float, since: datetime | None) -> _Policy:
        budget = 1 - objective
        executed = cumulative(steps.valid)
        alerts = []
        for window in BURN_RATE_WINDOWS:
            long, short = round(window.long / steps.step), round(window.short / steps.step)
            in_long, in_short = window_sums(executed, long), window_sums(executed, short)
            burning = factor(window, window_days=window_days) * budget * (1 - SAME)
            needed = np.maximum(burning * in_long, _guard(budget * in_long))
            alerts.append(
                _Alert(
                    severity=window.severity,
                    long=long,
                    short=short,
                    long_needs=np.where(in_long > 0, needed, np.inf),
                    short_needs=np.where(in_short > 0, burning * in_short, np.inf),
                )
            )
        counting = steps.slot_sums.excluded < 1
        if since is not None:
            counting[: max(-((steps.start - since) // steps.step), 0)] = False
        return cls(alerts=tuple(alerts), counting=counting)

    def of_severity(self, severity: Severity) -> Iterator[_Alert]:
        return (alert for alert in self.alerts if alert.severity == severity)


def _guard(expected: Floats) -> Floats:
    """The fewest violations that are no accident where `expected` keep the budget, (slots,)."""
    means, index = np.unique(expected, return_inverse=True)
    positive = np.maximum(means, np.finfo(float).tiny)
    least = np.ceil(pdtrik(1 - FALSE_ALARM, positive)) + 1  # P(Poisson ≥ least) < FALSE_ALARM
    return np.asarray(np.maximum(least, FEWEST_VIOLATIONS)[index])


def spread_starts(counting: Mask, *, longest: int, number: int) -> NDArray[np.int64]:
    """Give slots at which slowdowns of at most `longest` slots start: spread over the time that counts and the day.

    One start lies in each of as many equal parts; its place therein moves on by the golden ratio, so that no period of
    whole days puts every start at the same hour.
    """
    places = np.flatnonzero(counting[: max(len(counting) - longest, 1)])
    part = np.arange(number)
    spread = (part + (0.5 + part * (np.sqrt(5) - 1) / 2) % 1) / number
    return places[(spread * len(places)).astype(np.int64)] if len(places) else places


def _above(steps: Profile, thresholds: ArrayLike) -> Floats:
    """Violations of each threshold in each slot, (thresholds, slots); the middle where they are only bracketed."""
    wanted = np.asarray(thresholds, dtype=float)
    totals = np.zeros((len(steps.bounds) + 1, steps.slots))  # row i: executions above bounds[i]; the last is empty
    totals[:-1][::-1][1:] = np.cumsum(steps.counts.T.toarray()[::-1][:-1], axis=0)
    if steps.failures_are_violations:
        totals += steps.slot_sums.failures
    at = np.searchsorted(steps.bounds, wanted * (1 - SAME))
    rows = totals[at]
    for row in np.flatnonzero(at < len(steps.bounds)):
        if steps.bounds[at[row]] > wanted[row] * (1 + SAME):  # between two bounds
            rows[row] = steps.violations(float(wanted[row])).middle
    return np.asarray(rows)


def _fires(policy: _Policy, violations: Floats, severity: Severity) -> Mask:
    """Where an alert of the severity fires, (thresholds, slots), from cumulative violations."""
    firing = np.zeros((len(violations), len(policy.counting)), dtype=bool)
    for alert in policy.of_severity(severity):
        both = window_sums(violations, alert.long) >= alert.long_needs
        both &= window_sums(violations, alert.short) >= alert.short_needs
        firing |= both
    return firing & policy.counting


def _sent(firing: Mask, step: timedelta) -> NDArray[np.int64]:
    """Slots in which an alert is sent: after an hour of quiet, and every four hours while it lasts, (sent,)."""
    slots = np.flatnonzero(firing)
    if not len(slots):
        return slots
    new = np.diff(slots, prepend=slots[0] - QUIET // step - 1) > QUIET // step
    first = slots[new]
    last = slots[np.append(np.flatnonzero(new)[1:] - 1, len(slots) - 1)]
    return np.concatenate([np.arange(a, b + 1, RESEND // step) for a, b in zip(first, last, strict=True)])


def _share_firing(policy: _Policy, firing: Mask) -> float:
    return float(firing.sum() / max(policy.counting.sum(), 1))


def _starts(counting: Mask, degradations: Degradations, step: timedelta) -> NDArray[np.int64]:
    longest = round(timedelta(hours=max(degradations.hours)) / step)
    return spread_starts(counting, longest=longest, number=degradations.starts)


def _within(firing: Mask, starts: NDArray[np.int64], degradations: Degradations, step: timedelta) -> Mask:
    """Whether a page fires within the hours after each start, (thresholds, starts, hours)."""
    sums = cumulative(firing.astype(float))
    slots = firing.shape[-1]
    lengths = [round(timedelta(hours=hours) / step) for hours in degradations.hours]
    return np.stack([sums[:, np.minimum(starts + n, slots)] > sums[:, starts] for n in lengths], axis=-1)


def _share_needed(
    policy: _Policy,
    violations: Floats,
    extra: Floats,
    starts: NDArray[np.int64],
    degradations: Degradations,
    step: timedelta,
) -> Floats:
    """Smallest share of slowed executions that pages within the hours after each start, (thresholds, starts, hours).

    Violations of a window grow in proportion to the share, so one division answers for all shares; and what pages
    within an hour does not depend on how much longer the slowdown lasts, so one pass answers for all lengths.
    """
    lengths = [round(timedelta(hours=hours) / step) for hours in degradations.hours]
    slots = violations.shape[-1] - 1
    at = np.minimum(starts[:, None] + np.arange(max(lengths)), slots - 1)  # (starts, longest)
    needed = np.full((len(violations), *at.shape), np.inf)
    for alert in policy.of_severity("page"):
        share = np.full(needed.shape, -np.inf)
        for length, needs in ((alert.long, alert.long_needs), (alert.short, alert.short_needs)):
            before = np.maximum(at + 1 - length, 0)
            lacking = needs[at] - (violations[:, at + 1] - violations[:, before])
            added = extra[:, at + 1] - extra[:, np.maximum(before, starts[:, None])]
            np.maximum(share, lacking / np.maximum(added, SAME), out=share)
        np.minimum(needed, share, out=needed)
    needed[:, ~policy.counting[at]] = np.inf
    return np.stack([needed[:, :, :n].min(axis=-1, initial=np.inf) for n in lengths], axis=-1)


def _chunks(thresholds: Sequence[float], slots: int) -> Iterator[list[float]]:
    """Thresholds in groups that fit the processor's cache."""
    size = max(1, 131_072 // max(slots, 1))
    values = [float(threshold) for threshold in thresholds]
    return (values[first : first + size] for first in range(0, len(values), size))
