"""The overview: every service with what is decided, how it performs, what is advised and what waits for an approval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from slaopt.apply.lifecycle import OPEN, named
from slaopt.apply.refusals import agree
from slaopt.apply.watched import watched_until
from slaopt.result import Result
from slaopt.server.answers.told import Advice, Performance
from slaopt.wording import number, seconds

if TYPE_CHECKING:
    from slaopt.params import ParamsBook
    from slaopt.server.answers.shelf import Shelf
    from slaopt.store import ExperimentRecord, RunRecord, ServiceRecord, Transaction
    from slaopt.store.records import ChangeRecord, Proposal, State

__all__ = ["DayTotal", "Line", "Overview", "lines", "open_proposals", "overview", "why_not_valid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Result):
    """One service. Thresholds are seconds; None where there is no such thing."""

    service: str = field(metadata={"published": "service_type"})
    threshold: float | None
    objective: float | None
    min_threshold: float | None
    max_threshold: float | None
    state: str  # enabled, disabled, not active, unusable; unknown to the store
    problem: str | None  # why its row cannot be used
    auto_adjust: bool
    optimization_enabled: bool
    performance: Performance | None
    advice: Advice | None
    valid: bool  # whether the advice still holds
    why_not: str | None  # a sentence
    proposal: Proposal | None  # that is open
    change: ChangeRecord | None  # the newest
    watched_until: datetime | None  # of a change that is watched
    experiment: ExperimentRecord | None  # that runs

    @property
    def opportunity(self) -> bool:
        """Whether another threshold is advised, and could be proposed now."""
        used = self.state in ("enabled", "unknown to the store")
        open_ = self.valid and self.experiment is None
        return used and open_ and self.advice is not None and self.advice.change


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal(Result):
    """One day over all services. Rates are 0–1; None where nothing ran."""

    date: date
    executions: float
    violation_rate: float | None
    attainment: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Result):
    """All services of the store and of the newest reports."""

    at: datetime
    enabled: bool  # false: nothing can be written
    solo: bool
    monitored: int
    opportunities: int
    waiting: int  # open proposals
    watched: int  # changes that may still be rolled back by themselves
    auto_adjusted: int
    experiments: tuple[ExperimentRecord, ...]  # that run
    days: tuple[DayTotal, ...]  # the earliest first
    lines: tuple[Line, ...]


def overview(transaction: Transaction, shelf: Shelf, book: ParamsBook, *, at: datetime) -> Overview:
    """Put together what the store holds; one that is not written at present is still read."""
    found = lines(transaction, shelf, book, at=at)
    return Overview(
        at=at,
        enabled=book.default.enabled,
        solo=bool(transaction.settings.get("solo")),
        monitored=sum(line.state != "not active" for line in found),
        opportunities=sum(line.opportunity for line in found),
        waiting=sum(line.proposal is not None for line in found),
        watched=sum(line.watched_until is not None for line in found),
        auto_adjusted=sum(line.auto_adjust for line in found),
        experiments=tuple(line.experiment for line in found if line.experiment is not None),
        days=_days(line.performance for line in found if line.performance is not None),
        lines=found,
    )


def lines(transaction: Transaction, shelf: Shelf, book: ParamsBook, *, at: datetime) -> tuple[Line, ...]:
    """Give the line of each service that the store or a report knows, in the order of their names."""
    records, runs = transaction.services(), transaction.latest_runs()
    analyses, recommendations = shelf.analyses(transaction, runs), shelf.recommendations(transaction, runs)
    proposals = open_proposals(transaction)
    filed = transaction.proposals.of_reports([run.id for run in runs.values()])
    changes = transaction.changes.newest()
    running = {record.service: record for record in transaction.experiments.running()}
    states = transaction.proposals.states({one.proposal_id for one in changes.values() if one.proposal_id is not None})
    return tuple(
        _line(
            name,
            records.get(name),
            runs.get(name),
            book,
            performance=analyses[name].shown if name in analyses else None,
            advice=recommendations[name].shown if name in recommendations else None,
            proposal=proposals.get(name),
            change=changes.get(name),
            experiment=running.get(name),
            states=states,
            filed=filed,
            at=at,
        )
        for name in sorted({*records, *runs, *running})
    )


def open_proposals(transaction: Transaction) -> dict[str, Proposal]:
    """Give the open proposal of each service that has one, of several the newest."""
    return {proposal.service: proposal for proposal in reversed(transaction.proposals.list(states=OPEN))}


def why_not_valid(
    run: RunRecord,
    record: ServiceRecord | None,
    *,
    threshold: float | None,
    valid_days: float,
    at: datetime,
    filed: tuple[int, State] | None = None,
) -> str | None:
    """Say why a recommendation no longer holds, None where it does.

    Parameters
    ----------
    threshold
        The one that was in force when it was recommended, seconds.
    filed
        The proposal that was made of it, and its state.
    """
    if filed is not None and filed[1] not in OPEN:
        return f"Proposal {filed[0]}, made of this report, was {named(filed[1])}; a fresh report can propose again."
    age = at - run.as_of
    if age > timedelta(days=valid_days):
        days = number(age / timedelta(days=1), 2)
        return f"The report ends {days} days ago, more than the {number(valid_days)} allowed; make a fresh one."
    now = record.threshold if record is not None else threshold
    if record is not None and not agree(now, threshold):
        return f"The threshold is {_written(now)} now, the report speaks of {_written(threshold)}; make a fresh one."
    return None


def _line(
    name: str,
    record: ServiceRecord | None,
    run: RunRecord | None,
    book: ParamsBook,
    *,
    performance: Performance | None,
    advice: Advice | None,
    proposal: Proposal | None,
    change: ChangeRecord | None,
    experiment: ExperimentRecord | None,
    states: Mapping[int, State],
    filed: Mapping[int, tuple[int, State]],
    at: datetime,
) -> Line:
    params = book.services.get(name, book.default)
    why_not = None
    if run is not None and advice is not None:
        why_not = why_not_valid(
            run,
            record,
            threshold=advice.current_threshold,
            valid_days=params.report_valid_days,
            at=at,
            filed=filed.get(run.id),
        )
    watched = None
    if change is not None:
        watched = watched_until(change, states.get(change.proposal_id or 0), days=params.watch_days)
    return Line(
        service=name,
        threshold=record.threshold if record else None,
        objective=record.objective if record else None,
        min_threshold=record.min_threshold if record else None,
        max_threshold=record.max_threshold if record else None,
        state=record.state if record else "unknown to the store",
        problem=record.problem if record else None,
        auto_adjust=record is not None and record.auto_adjust,
        optimization_enabled=record is not None and record.optimization_enabled,
        performance=performance,
        advice=advice,
        valid=advice is not None and why_not is None,
        why_not=why_not,
        proposal=proposal,
        change=change,
        watched_until=watched,
        experiment=experiment,
    )


def _days(performances: Iterable[Performance]) -> tuple[DayTotal, ...]:
    """Add the days of all services up, those that have a threshold."""
    executions: dict[date, float] = {}
    violations: dict[date, float] = {}
    for one in performances:
        if one.violations is None:
            continue
        for day, ran, share in zip(one.dates, one.executions, one.violations, strict=True):
            executions[day] = executions.get(day, 0.0) + ran
            violations[day] = violations.get(day, 0.0) + ran * (share or 0.0)
    return tuple(_day(day, executions[day], violations[day]) for day in sorted(executions))


def _day(day: date, executions: float, violations: float) -> DayTotal:
    rate = violations / executions if executions else None
    return DayTotal(date=day, executions=executions, violation_rate=rate, attainment=None if rate is None else 1 - rate)


def _written(threshold: float | None) -> str:
    return "none" if threshold is None else seconds(threshold, 6)
