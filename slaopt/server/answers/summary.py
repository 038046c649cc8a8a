"""The overview for programs: of each service what fits in a line, not the series that the pages draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.result import Interval, Result
from slaopt.server.answers.overview import DayTotal

if TYPE_CHECKING:
    from slaopt.server.answers.overview import Line, Overview
    from slaopt.store import ExperimentRecord

__all__ = ["ServiceSummary", "Summary", "summarised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSummary(Result):
    """One service. Thresholds are seconds, rates 0–1; null where there is no such thing."""

    service: str = field(metadata={"published": "service_type"})
    threshold: float | None
    objective: float | None
    min_threshold: float | None
    max_threshold: float | None
    state: str
    problem: str | None
    auto_adjust: bool
    optimization_enabled: bool
    violation_rate: float | None
    violation_rate_interval: Interval | None
    attainment: float | None  # of the last calendar week
    attainment_interval: Interval | None
    trend: str | None
    quality: str | None
    as_of: datetime | None
    report_path: str | None
    verdict: str | None
    sentence: str | None
    recommended_threshold: float | None
    confidence_score: float | None
    implementation_risk: str | None
    valid: bool
    why_not: str | None
    opportunity: bool
    proposal_id: int | None  # that is open
    proposal_state: str | None
    change_id: str | None  # of the newest change
    changed_at: datetime | None
    watched_until: datetime | None
    experiment_id: str | None  # that runs


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSummary(Result):
    """A test that runs. Thresholds are seconds."""

    experiment_id: str
    service: str = field(metadata={"published": "service_type"})
    control_threshold: float
    test_threshold: float
    traffic_split: float
    experiment_start: datetime | None
    planned_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Result):
    """All services, and totals over them. No time of asking is in it, so that the same is the same."""

    enabled: bool
    solo: bool
    monitored: int
    opportunities: int
    waiting: int
    watched: int
    auto_adjusted: int
    experiments: tuple[ExperimentSummary, ...]
    days: tuple[DayTotal, ...]
    services: tuple[ServiceSummary, ...]


def summarised(overview: Overview) -> Summary:
    """Shorten an overview."""
    return Summary(
        enabled=overview.enabled,
        solo=overview.solo,
        monitored=overview.monitored,
        opportunities=overview.opportunities,
        waiting=overview.waiting,
        watched=overview.watched,
        auto_adjusted=overview.auto_adjusted,
        experiments=tuple(_experiment(record) for record in overview.experiments),
        days=overview.days,
        services=tuple(_summary(line) for line in overview.lines),
    )


def _experiment(record: ExperimentRecord) -> ExperimentSummary:
    return ExperimentSummary(**{name: getattr(record, name) for name in ExperimentSummary.__dataclass_fields__})


def _summary(line: Line) -> ServiceSummary:
    performance, advice, proposal, change = line.performance, line.advice, line.proposal, line.change
    week = performance.weeks[-1] if performance and performance.weeks else None
    return ServiceSummary(
        service=line.service,
        threshold=line.threshold,
        objective=line.objective,
        min_threshold=line.min_threshold,
        max_threshold=line.max_threshold,
        state=line.state,
        problem=line.problem,
        auto_adjust=line.auto_adjust,
        optimization_enabled=line.optimization_enabled,
        violation_rate=performance.violation_rate if performance else None,
        violation_rate_interval=performance.interval if performance else None,
        attainment=week.attainment if week else None,
        attainment_interval=week.interval if week else None,
        trend=performance.trend if performance else None,
        quality=performance.quality if performance else None,
        as_of=advice.as_of if advice else None,
        report_path=advice.report_path if advice else None,
        verdict=advice.verdict if advice else None,
        sentence=advice.sentence if advice else None,
        recommended_threshold=advice.recommended_threshold if advice else None,
        confidence_score=advice.confidence_score if advice else None,
        implementation_risk=advice.implementation_risk if advice else None,
        valid=line.valid,
        why_not=line.why_not,
        opportunity=line.opportunity,
        proposal_id=proposal.id if proposal else None,
        proposal_state=proposal.state if proposal else None,
        change_id=change.change_id if change else None,
        changed_at=change.implemented_at if change else None,
        watched_until=line.watched_until,
        experiment_id=line.experiment.experiment_id if line.experiment else None,
    )
