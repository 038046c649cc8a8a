"""How well past recommendations did: what became of them, and what was predicted against what was observed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slaopt.result import Interval, Result

if TYPE_CHECKING:
    from slaopt.params import Costs, ParamsBook
    from slaopt.store import Transaction
    from slaopt.store.records import ChangeRecord, ProposalFate, State

__all__ = ["Calibration", "CostSaved", "TrackRecord", "Effectiveness", "Mean", "Share", "effectiveness"]

ACCEPTED: frozenset[State] = frozenset({"committed", "kept", "rolled_back"})
LEVEL = 0.95
NEAR = 0.15  # relative: a prediction that was that near counts as good
STEPS = (0.0, 0.65, 0.8, 0.9, 1.0)  # of confidence: what each strategy asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Result):
    """The mean of one figure over changes, each counted alike; no interval below two."""

    value: float
    interval: Interval | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Result):
    """How many of how many."""

    share: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Result):
    """Changes whose confidence lay in [`low`, `high`): how many of those whose watch is over were kept."""

    low: float
    high: float
    stated: float  # mean confidence
    kept: float  # share
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSaved(Result):
    """What changes saved since they were made, at the prices of params; negative: they cost more."""

    currency: str
    value: float
    changes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord(Result):
    """What became of the recommendations of one strategy, or of all. None: nothing was observed yet."""

    strategy: str | None
    recommendations_made: int  # that another threshold be set, and that were proposed
    recommendations_accepted: int  # brought into force, rolled back afterwards or not
    recommendations_rejected: int
    recommendations_rolled_back: int
    observed_changes: int
    attainment_before: Mean | None
    attainment_after: Mean | None
    violation_rate_before: Mean | None
    violation_rate_after: Mean | None
    pages_per_week_before: Mean | None
    pages_per_week_after: Mean | None
    cost_saved: tuple[CostSaved, ...]
    predictions_inside_interval: Share | None  # of their 80 % intervals
    predictions_within_15_percent: Share | None
    confidence_calibration: tuple[Calibration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effectiveness(Result):
    """Over all recommendations, and by strategy."""

    overall: TrackRecord
    by_strategy: tuple[TrackRecord, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """A change that rests on a report's recommendation and was watched for long enough to be judged."""

    before: Mapping[str, Any]  # outcome that was predicted of the threshold before
    then: Mapping[str, Any]  # and of the new one
    observed: Mapping[str, Any]
    costs: Costs | None


def effectiveness(transaction: Transaction, book: ParamsBook) -> Effectiveness:
    """Judge all proposals that rest on a report's recommendation; what people asked for by themselves is left out.

    A change is judged once its watch is over, or after a week: what a few hours show is no outcome yet.
    """
    fates = [fate for fate in transaction.proposals.fates() if fate.origin == "report"]
    changes = {change.change_id: change for change in transaction.changes.list() if change.kind == "commit"}
    cases: dict[str, _Case] = {}
    for fate in fates:
        if fate.change_id in changes:
            costs = book.services.get(fate.service, book.default).costs
            if (case := _case(changes[fate.change_id], fate.state, costs)) is not None:
                cases[fate.change_id] = case
    strategies = sorted({fate.strategy for fate in fates if fate.strategy is not None})
    return Effectiveness(
        overall=_track_record(None, fates, cases),
        by_strategy=tuple(
            _track_record(name, [fate for fate in fates if fate.strategy == name], cases) for name in strategies
        ),
    )


def _case(change: ChangeRecord, state: State, costs: Costs | None) -> _Case | None:
    impact = change.performance_impact or {}
    predicted, observed = impact.get("predicted") or {}, impact.get("observed") or {}
    if observed.get("violation_rate") is None:
        return None
    case = _Case(predicted.get("now") or {}, predicted.get("then") or {}, observed, costs)
    return case if state in ("kept", "rolled_back") or (_weeks(case) or 0.0) >= 1 else None


def _track_record(strategy: str | None, fates: Sequence[ProposalFate], cases: Mapping[str, _Case]) -> TrackRecord:
    states = [fate.state for fate in fates]
    seen = [cases[fate.change_id] for fate in fates if fate.change_id in cases]
    before = _mean(seen, lambda case: case.before.get("past_rate"))
    after = _mean(seen, lambda case: case.observed["violation_rate"])
    return TrackRecord(
        strategy=strategy,
        recommendations_made=len(fates),
        recommendations_accepted=sum(state in ACCEPTED for state in states),
        recommendations_rejected=states.count("rejected"),
        recommendations_rolled_back=states.count("rolled_back"),
        observed_changes=len(seen),
        attainment_before=_rest(before),
        attainment_after=_rest(after),
        violation_rate_before=before,
        violation_rate_after=after,
        pages_per_week_before=_mean(seen, lambda case: case.before.get("pages_per_week")),
        pages_per_week_after=_mean(seen, _pages_after),
        cost_saved=_saved(seen),
        predictions_inside_interval=_share(seen, _inside),
        predictions_within_15_percent=_share(seen, _near),
        confidence_calibration=tuple(_calibration(fates)),
    )


def _mean(cases: Iterable[_Case], figure: Callable[[_Case], float | None]) -> Mean | None:
    """The mean of a figure and its t interval, held within what such a figure can be where it is a rate."""
    values = [value for case in cases if (value := figure(case)) is not None]
    n = len(values)
    if not n:
        return None
    value = math.fsum(values) / n
    if n == 1:
        return Mean(value=value, interval=None, n=n)
    from scipy import special

    spread = math.sqrt(math.fsum((one - value) ** 2 for one in values) / (n - 1) / n)
    reach = float(special.stdtrit(n - 1, (1 + LEVEL) / 2)) * spread
    return Mean(value=value, interval=Interval(low=max(value - reach, 0.0), high=value + reach, level=LEVEL), n=n)


def _rest(rate: Mean | None) -> Mean | None:
    """What an attainment is where its violation rate is known."""
    if rate is None:
        return None
    interval = rate.interval
    if interval is not None:
        interval = Interval(low=max(1 - interval.high, 0.0), high=1 - interval.low, level=interval.level)
    return Mean(value=1 - rate.value, interval=interval, n=rate.n)


def _share(cases: Iterable[_Case], holds: Callable[[_Case], bool | None]) -> Share | None:
    told = [answer for case in cases if (answer := holds(case)) is not None]
    return Share(share=sum(told) / len(told), n=len(told)) if told else None


def _inside(case: _Case) -> bool | None:
    interval = case.then.get("interval")
    if interval is None or interval["low"] is None or interval["high"] is None:
        return None
    return bool(interval["low"] <= case.observed["violation_rate"] <= interval["high"])


def _near(case: _Case) -> bool | None:
    predicted = case.then.get("violation_rate")
    return None if predicted is None else bool(abs(case.observed["violation_rate"] - predicted) <= NEAR * predicted)


def _weeks(case: _Case) -> float | None:
    """How long a change was observed."""
    since, until = case.observed.get("since"), case.observed.get("until")
    if since is None or until is None:
        return None
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)) / timedelta(weeks=1) or None


def _pages_after(case: _Case) -> float | None:
    pages, weeks = case.observed.get("pages"), _weeks(case)
    return None if pages is None or weeks is None else pages / weeks


def _saved(cases: Iterable[_Case]) -> tuple[CostSaved, ...]:
    """Price what was observed against what the threshold before would have brought in the same time."""
    sums: dict[str, list[float]] = {}
    for case in cases:
        saved = _saved_by(case)
        if saved is not None and case.costs is not None:
            sums.setdefault(case.costs.currency, []).append(saved)
    return tuple(
        CostSaved(currency=currency, value=math.fsum(values), changes=len(values))
        for currency, values in sorted(sums.items())
    )


def _saved_by(case: _Case) -> float | None:
    rate, executions, violations = case.before.get("past_rate"), *map(case.observed.get, ("executions", "violations"))
    if case.costs is None or rate is None or executions is None or violations is None:
        return None
    saved = case.costs.violation * (rate * executions - violations)
    before, pages, weeks = case.before.get("pages_per_week"), case.observed.get("pages"), _weeks(case)
    if before is not None and pages is not None and weeks is not None:
        saved += case.costs.page * (before * weeks - pages)
    return float(saved)


def _calibration(fates: Iterable[ProposalFate]) -> Iterable[Calibration]:
    """Compare the stated confidence with the share of changes that were kept, of those whose watch is over."""
    over = [
        (fate.confidence_score, fate.state == "kept")
        for fate in fates
        if fate.state in ("kept", "rolled_back") and fate.confidence_score is not None
    ]
    for low, high in itertools.pairwise(STEPS):
        inside = [one for one in over if low <= one[0] < high or one[0] == high == STEPS[-1]]
        if inside:
            yield Calibration(
                low=low,
                high=high,
                stated=math.fsum(confidence for confidence, _ in inside) / len(inside),
                kept=sum(kept for _, kept in inside) / len(inside),
                n=len(inside),
            )
