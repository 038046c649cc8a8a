"""What other systems may rely on in an answer about experiments; as `published`, more fields may come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from slaopt.server.published import Answer

__all__ = [
    "AdoptAnswer",
    "AmendAnswer",
    "AssignmentAnswer",
    "AssignmentsAnswer",
    "DetailedExperiment",
    "ExperimentAnswer",
    "StartAnswer",
    "StopAnswer",
    "WatchedExperiment",
]

Status = Literal["planning", "running", "completed", "stopped"]
Arm = Literal["control", "test"]


class ExperimentAnswer(Answer):
    """A test as it was designed. Thresholds are seconds."""

    experiment_id: str
    service_type: str
    control_threshold: float
    test_threshold: float
    traffic_split: float
    estimated_duration_days: int
    required_sample_size: float | None
    power_analysis: dict[str, Any]
    experiment_config: dict[str, Any]


class StartResult(Answer):
    """Whether a test runs, or for whose approval it waits."""

    started: bool
    status: Status
    proposal_id: int | None
    state: str | None
    sentence: str


class StartAnswer(Answer):
    """What became of a test that was asked for."""

    success: bool
    experiment: ExperimentAnswer
    start_result: StartResult


class PreliminaryResults(Answer):
    """What was found so far: rates of both arms at the common threshold; they are not final."""

    control_violation_rate: float | None
    test_violation_rate: float | None
    effect_size: float | None
    p_value: float | None
    confidence_interval: Any
    is_significant: bool


class SampleSizes(Answer):
    """Executions of each arm."""

    control: float
    test: float


class WatchedExperiment(Answer):
    """An experiment with its progress."""

    experiment_id: str
    status: Status
    progress_percentage: float = Field(ge=0, le=100)
    current_sample_sizes: SampleSizes
    preliminary_results: PreliminaryResults | None
    early_stopping_triggered: bool
    early_stopping_reason: str | None


class DetailedExperiment(WatchedExperiment):
    """An experiment with all that is kept of it."""

    service_type: str


class StopResult(Answer):
    """How an experiment ended; `threshold` holds for all again."""

    status: Status
    early_stop_reason: str | None
    threshold: float


class StopAnswer(Answer):
    """What became of an experiment that was stopped."""

    success: bool
    experiment_id: str
    stop_result: StopResult


class AmendAnswer(Answer):
    """An experiment that takes longer now."""

    success: bool
    experiment_id: str
    estimated_duration_days: int
    planned_end: datetime | None


class AdoptAnswer(Answer):
    """The proposal that puts a tested threshold forward for all."""

    success: bool
    experiment_id: str
    proposal_id: int | None
    state: str | None


class AssignmentAnswer(Answer):
    """The arm of a unit, null unless the test runs, and the threshold that holds for it, seconds."""

    experiment_id: str
    status: Status
    arm: Arm | None
    threshold: float | None


class UnitAnswer(Answer):
    """The arm of one of many units; `first_seen`: since when it is known."""

    unit: str
    arm: Arm | None
    threshold: float | None
    first_seen: datetime | None


class AssignmentsAnswer(Answer):
    """The arms of many units, in the order in which they were asked for."""

    experiment_id: str
    status: Status
    assignments: list[UnitAnswer]
