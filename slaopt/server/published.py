"""What other systems may rely on in an answer: published names, beside which more fields may come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AnalysisAnswer",
    "ErrorAnswer",
    "HealthAnswer",
    "RecommendationAnswer",
    "RollbackAnswer",
    "SessionAnswer",
    "UpdateAnswer",
]

Rate = Field(ge=0, le=1)
Risk = Literal["low", "medium", "high"]


class Answer(BaseModel):
    """An answer that may hold more than is said here."""

    model_config = ConfigDict(extra="allow")


class PerformanceStatistics(Answer):
    """Durations in seconds."""

    mean: float
    median: float
    std: float
    percentile_95: float
    percentile_99: float
    coefficient_variation: float | None


class TrendAnalysis(Answer):
    """Where the level goes; the slope is a share of the level per day."""

    direction: Literal["improving", "degrading", "stable"] | None
    trend_slope: float | None
    trend_confidence: float | None
    seasonal_patterns: list[Any]
    load_correlations: list[Any]


class BaselinePerformance(Answer):
    """The level that the service performs at now."""

    baseline_value: float
    confidence_interval_lower: float | None
    confidence_interval_upper: float | None
    coefficient_variation: float | None
    is_stable: bool | None


class OutliersFound(Answer):
    """Executions that took far longer than usual."""

    count: int | None
    percentage: float | None
    values: list[float]
    lower_bound: float | None
    upper_bound: float | None


class AnalysisAnswer(Answer):
    """How a service performs."""

    service_type: str
    analysis_period: float
    sample_size: int
    data_quality_score: float = Rate
    performance_statistics: PerformanceStatistics
    trend_analysis: TrendAnalysis
    baseline_performance: BaselinePerformance
    outliers: OutliersFound


class OptimizationRationale(Answer):
    """Why, in sentences."""

    statistical_basis: str
    reliability_impact: str
    achievability_improvement: str | None
    business_justification: str


class PredictedOutcomes(Answer):
    """What is expected of the recommended threshold."""

    expected_violation_rate: float = Rate
    reliability_score_change: float | None
    team_stress_reduction: float | None


class RuleAnswer(Answer):
    """When a change is rolled back."""

    metric: str
    operator: str
    value: float
    window: str


class RecommendationAnswer(Answer):
    """What should become of a threshold, in seconds; null where nothing is recommended."""

    service_type: str
    current_threshold: float | None
    recommended_threshold: float | None
    optimization_rationale: OptimizationRationale | None
    predicted_outcomes: PredictedOutcomes | None
    confidence_score: float | None
    implementation_risk: Risk | None
    rollback_criteria: list[str]
    rollback_rules: list[RuleAnswer]


class UpdateAnswer(Answer):
    """What became of a threshold that was asked for."""

    success: bool
    change_id: str
    implementation_type: Literal["immediate", "scheduled", "ab_test"]
    impact_assessment: dict[str, Any]
    rollback_capability: dict[str, Any]
    state: str


class RollbackAnswer(Answer):
    """What became of a rollback; `previous_threshold` is the one that is in force again."""

    success: bool
    rollback_id: str
    previous_threshold: float | None
    rollback_time: datetime


class SessionAnswer(Answer):
    """Who one is here."""

    name: str
    role: Literal["viewer", "analyst", "approver", "admin"] | None
    solo: bool
    server: Literal["approval server", "lab"]


class HealthAnswer(Answer):
    """Whether the server works."""

    status: Literal["healthy", "unavailable"]
    service: str
    timestamp: datetime


class ErrorAnswer(BaseModel):
    """What was wrong: a sentence for people, and a word for programs."""

    model_config = ConfigDict(extra="forbid")

    message: str
    reason: str
