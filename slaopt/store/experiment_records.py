"""What the store tells of experiments: frozen records, thresholds in seconds, times in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict

from slaopt.result import Result

__all__ = ["AssignmentRecord", "ExperimentRecord", "ExperimentStatus", "LookRecord", "NewExperiment", "Results"]

ExperimentStatus = Literal["planning", "running", "completed", "stopped"]
AdviceOnExperiment = Literal["adopt", "reject", "extend"]


class Results(TypedDict, total=False):
    """Columns of an experiment that tell what came of it."""

    results: Mapping[str, Any] | None
    recommendation: AdviceOnExperiment | None
    p_value: float | None
    effect_size: float | None
    confidence_interval: Mapping[str, Any] | list[float] | None
    statistical_significance: bool | None
    rollback_triggered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewExperiment(Result):
    """An experiment that is to be planned."""

    experiment_id: str  # what people and programs call it by
    name: str = field(metadata={"published": "experiment_name"})
    service: str = field(metadata={"published": "service_type"})
    control_threshold: float  # seconds
    test_threshold: float
    hypothesis: str | None = None
    expected_improvement: float | None = None  # percent
    duration_days: int
    traffic_split: float  # share of the units in the test arm
    significance_level: float
    unit: str  # what is assigned as a whole
    design: Mapping[str, Any]  # as `Design.to_dict` gives it
    requested_by: str
    proposal_id: int | None = None  # whose approval starts it


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRecord(NewExperiment):
    """A row of `sla_optimization_experiments`. Its salt is never shown: who has it can choose an arm."""

    id: int = field(metadata={"published": None})
    status: ExperimentStatus
    salt: str | None = field(repr=False, metadata={"published": None})
    design_digest: str | None  # of the design as it was frozen at the start, or last amended
    amendments: tuple[Mapping[str, Any], ...]  # the earliest first
    experiment_start: datetime | None
    experiment_end: datetime | None
    planned_end: datetime | None
    results: Mapping[str, Any] | None
    statistical_significance: bool | None
    p_value: float | None
    effect_size: float | None
    confidence_interval: Any
    early_stop_reason: str | None
    recommendation: AdviceOnExperiment | None
    rollback_triggered: bool
    started_by: str | None
    stopped_by: str | None
    adopted_by_proposal_id: int | None  # the proposal that puts the test threshold forward for all
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRecord(Result):
    """A row of `sla_experiment_looks`: what was found at a look, kept as it was."""

    number: int  # from 1
    looked_at: datetime
    as_of: datetime  # end of the measurements it saw
    fraction: float | None
    information: float | None
    estimate: float | None  # of the difference of rates
    standard_error: float | None
    verdict: str
    look: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRecord(Result):
    """A row of `sla_experiment_assignments`: a unit, by its hash, that was seen."""

    unit_hash: str
    arm: Literal["control", "test"]
    first_seen: datetime
