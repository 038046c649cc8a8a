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
    from slaopt.store.records import ChangeRecord, Proposal, State

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
    """One recommendation that was proposed, with the change that it became."""

    proposal: Proposal
    change: ChangeRecord | None
    costs: Costs | None

    @property
    def strategy(self) -> str | None:
        strategy: str | None = self.proposal.assessment.get("strategy")
        return strategy

    @property
    def before(self) -> Mapping[str, Any]:
        return self.proposal.assessment.get("now") or {}

    @property
    def then(self) -> Mapping[str, Any]:
        return self.proposal.assessment.get("then") or {}

    @property
    def observed(self) -> Mapping[str, Any]:
        impact = self.change.performance_impact if self.change else None
        return (impact or {}).get("observed") or {}


def effectiveness(transaction: Transaction, book: ParamsBook) -> Effectiveness:
    """Judge all proposals that rest on a report's recommendation; what people asked for by themselves is left out."""
    changes = {change.change_id: change for change in transaction.changes.list(limit=None)}
    cases = [
        _Case(proposal, changes.get(proposal.change_id), book.services.get(proposal.service, book.default).costs)
        for proposal in transaction.proposals.list()
        if proposal.origin == "report"
    ]
    strategies = sorted({case.strategy for case in cases if case.strategy is not None})
    return Effectiveness(
        overall=_track_record(None, cases),
        by_strategy=tuple(
            _track_record(name, [case for case in cases if case.strategy == name]) for name in strategies
        ),
    )


def _track_record(strategy: str | None, cases: Sequence[_Case]) -> TrackRecord:
    states = [case.proposal.state for case in cases]
    seen = [case for case in cases if case.observed.get("violation_rate") is not None]
    before = _mean(seen, lambda case: case.before.get("past_rate"))
    after = _mean(seen, lambda case: case.observed["violation_rate"])
    return TrackRecord(
        strategy=strategy,
        recommendations_made=len(cases),
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
        confidence_calibration=tuple(_calibration(cases)),
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


def _calibration(cases: Iterable[_Case]) -> Iterable[Calibration]:
    """Compare the stated confidence with the share of changes that were kept, of those whose watch is over."""
    over = [
        (confidence, case.proposal.state == "kept")
        for case in cases
        if case.proposal.state in ("kept", "rolled_back")
        and (confidence := case.proposal.assessment.get("confidence_score")) is not None
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
