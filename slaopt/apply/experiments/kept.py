"""What the store keeps of an experiment: its looks, what came of it, and how far it is, under the published names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.experiments.schedule import design_of, next_look, share_done
from slaopt.result import plain

if TYPE_CHECKING:
    from slaopt.experiment.found import Comparison, Look
    from slaopt.experiment.observed import Observed, Remark
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord, LookRecord, Results

__all__ = ["days_of", "details", "kept_look", "looks_of", "progress", "results_of"]

PRELIMINARY = (
    "control_violation_rate", "test_violation_rate", "control_own_rate", "test_own_rate", "effect_size", "p_value",
    "confidence_interval", "is_significant", "probability_better", "expected_loss", "verdict", "reason", "as_of",
)  # fmt: skip


def kept_look(look: Look, comparison: Comparison, observed: Observed, remarks: Sequence[Remark]) -> dict[str, Any]:
    """Give the form in which a look is kept: what it decided, from which figures, and what it had seen by day."""
    by_day = {day.isoformat(): list(counted) for day, counted in sorted(observed.by_day.items())}
    seen = observed.to_dict() | {"remarks": remarks}
    kept: dict[str, Any] = plain(look.to_dict() | {"comparison": comparison, "observed": seen, "by_day": by_day})
    return kept


def looks_of(transaction: Transaction, record: ExperimentRecord) -> list[Look]:
    """Give the looks of an experiment as they were taken, the first one first."""
    from slaopt.experiment.restored import look_from_dict

    return [look_from_dict(kept.look) for kept in transaction.experiments.looks(record)]


def days_of(kept: LookRecord) -> dict[date, tuple[float, float]]:
    """Give what a look had seen by day: executions of control and test."""
    days = kept.look.get("by_day") or {}
    return {date.fromisoformat(day): (float(counted[0]), float(counted[1])) for day, counted in days.items()}


def results_of(look: Look, comparison: Comparison, remarks: Sequence[Remark]) -> Results:
    """Give the columns of an experiment that tell what a look found."""
    from slaopt.experiment.found import answer_of

    decision = look.decision
    told = answer_of(look, comparison) | {
        "look": look.number,
        "as_of": look.at,
        "rule": decision.rule,
        "sentence": decision.sentence,
        "unit_sizes": {"control": look.unit_sizes[0], "test": look.unit_sizes[1]},
        "sample_ratio": comparison.sample_ratio,
        "units_needed": decision.units_needed,
        "remarks": remarks,
    }
    results: dict[str, Any] = plain(told)
    return {
        "results": results,
        "recommendation": decision.recommendation,
        "p_value": results["p_value"],
        "effect_size": results["effect_size"],
        "confidence_interval": results["confidence_interval"],
        "statistical_significance": look.is_significant,
    }


def progress(transaction: Transaction, record: ExperimentRecord, *, at: datetime) -> dict[str, Any]:
    """Tell how far an experiment is; preliminary results are those of the last look, and hold whenever one looks."""
    results, design = record.results or {}, design_of(record)
    looks = transaction.experiments.looks(record)
    early = record.early_stop_reason if record.experiment_start is not None else None
    running = record.status == "running"
    last = looks[-1].number if looks else 0
    return {
        "experiment_id": record.experiment_id,
        "status": record.status,
        "progress_percentage": 100.0 if record.status == "completed" else round(100 * share_done(record, at=at), 1),
        "current_sample_sizes": results.get("sample_sizes") or {"control": 0.0, "test": 0.0},
        "current_unit_sizes": results.get("unit_sizes") or {"control": 0.0, "test": 0.0},
        "units_seen": {"control": 0, "test": 0} | transaction.experiments.count_units(record),
        "preliminary_results": {name: results.get(name) for name in PRELIMINARY} if _answers(results) else None,
        "verdict": results.get("verdict"),
        "reason": results.get("reason"),
        "early_stopping_triggered": early is not None,
        "early_stopping_reason": early,
        "looks_made": len(looks),
        "looks_planned": None if design is None else design.looks,
        "next_look": plain(next_look(record, design, after=last)) if running and design is not None else None,
        "planned_end": plain(record.planned_end),
    }


def details(transaction: Transaction, record: ExperimentRecord, *, at: datetime) -> dict[str, Any]:
    """Give all that is known of an experiment, but for its salt: the row, its progress and its looks."""
    told: dict[str, Any] = plain(record.to_dict())
    looks = [plain(kept.to_dict()) for kept in transaction.experiments.looks(record)]
    return told | {"progress": progress(transaction, record, at=at), "looks": looks}


def _answers(results: Mapping[str, Any]) -> bool:
    return results.get("effect_size") is not None and results.get("verdict") != "invalid"
