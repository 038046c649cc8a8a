"""A report's published figures as rows of the store."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from slaopt.store.records import NewRun

__all__ = ["analysis_row", "prediction_of", "prediction_row", "run_row"]


def analysis_row(run: NewRun) -> dict[str, Any]:
    """Give the row of `sla_performance_analysis`; its time is the end of the period analysed."""
    analysis = run.analysis
    return {
        "service_type": run.service,
        "analysis_period_days": analysis["analysis_period"],
        "analysis_timestamp": run.as_of,
        "performance_statistics": analysis["performance_statistics"],
        "trend_analysis": analysis["trend_analysis"],
        "baseline_performance": analysis["baseline_performance"],
        "data_quality_score": analysis["data_quality_score"],
        "sample_size": analysis["sample_size"],
        "confidence_level": analysis["confidence_level"],
    }


def prediction_row(run: NewRun) -> dict[str, Any] | None:
    """Give the row of `sla_threshold_impact_predictions`; None where nothing was recommended."""
    return prediction_of(run.service, run.recommendation)


def prediction_of(service: str, recommendation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the same of a recommendation as JSON holds it."""
    proposed, outcomes = recommendation["recommended_threshold"], recommendation["predicted_outcomes"]
    if proposed is None or outcomes is None:
        return None
    gain, relief = outcomes["reliability_score_change"], outcomes["team_stress_reduction"]
    return {
        "service_type": service,
        "current_threshold": _decimal(recommendation["current_threshold"]),
        "proposed_threshold": _decimal(proposed),
        "predicted_violation_rate_change": _percent(outcomes["expected_violation_rate"], gain),
        "predicted_reliability_impact": gain,
        "predicted_team_stress_change": None if relief is None else -100 * relief,
        "confidence_score": recommendation["confidence_score"],
        "implementation_risk": recommendation["implementation_risk"],
        "risk_factors": recommendation["risk_factors"],
        "mitigation_strategies": recommendation["mitigation_strategies"],
    }


def run_row(run: NewRun) -> dict[str, Any]:
    """Give the row of `sla_runs`, but for the rows that it refers to."""
    return {
        "service_type": run.service,
        "as_of": run.as_of,
        "input_digest": run.input_digest,
        "identity": run.identity,
        "manifest_digest": run.manifest_digest,
        "report_path": run.report_path,
        "slaopt_version": run.slaopt_version,
        "verdict": run.recommendation["verdict"],
        "sentence": run.recommendation["sentence"],
    }


def _percent(then: float, gain: float | None) -> float | None:
    """Change of the violation rate in percent of the present one; None where that is 0 or there is none."""
    if gain is None:
        return None
    now = then + gain  # attainment rises by what the violation rate falls
    return -100 * gain / now if now > 0 else None


def _decimal(threshold: float | None) -> Decimal | None:
    return None if threshold is None else Decimal(f"{threshold:.12g}")
