"""The forms in which a test is put to people: the planned row, what a preview shows, and a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from slaopt.experiment.design import EACH_ROW
from slaopt.result import plain
from slaopt.store.experiment_records import NewExperiment
from slaopt.wording import number, percent, seconds

if TYPE_CHECKING:
    from slaopt.experiment.design import Design
    from slaopt.store.records import Proposal

__all__ = ["RISK", "assessment", "planned", "sentence_of"]

RISK: Final = "medium"  # part of the traffic only, and stopped where it does harm; but what is tested is not known yet


def planned(design: Design, experiment_id: str, said: str | None, filed: Proposal) -> NewExperiment:
    """Give the row of an experiment that a proposal was filed for."""
    change = f"{seconds(design.control_threshold, 6)} against {seconds(design.test_threshold, 6)}"
    return NewExperiment(
        experiment_id=experiment_id,
        name=f"{design.service}: {change}",
        service=design.service,
        control_threshold=design.control_threshold,
        test_threshold=design.test_threshold,
        hypothesis=said,
        expected_improvement=100 * design.smallest_effect,
        duration_days=design.days,
        traffic_split=design.traffic_split,
        significance_level=design.significance_level,
        unit=design.unit,
        design=design.to_dict(),
        requested_by=filed.proposed_by,
        proposal_id=filed.id,
    )


def assessment(design: Design, experiment_id: str, at: datetime) -> Mapping[str, Any]:
    """What a preview shows of a test: there is no outcome to foretell, since that is what it is to find out."""
    fields = {
        "experiment_id": experiment_id, "design_digest": design.digest, "unit": design.unit, "days": design.days,
        "traffic_split": design.traffic_split, "looks": design.looks, "mode": design.mode,
        "smallest_effect": design.smallest_effect, "forced": list(design.forced),
        "guardrails": [guardrail.to_dict() for guardrail in design.guardrails],
    }  # fmt: skip
    factors = [{"name": reason, "level": "high"} for reason in design.forced]
    told: dict[str, Any] = {
        "sentence": sentence_of(design), "as_of": at.isoformat(), "implementation_risk": RISK,
        "risk_factors": factors, "experiment": fields,
    }  # fmt: skip
    kept: dict[str, Any] = json.loads(json.dumps(plain(told), allow_nan=False))
    return kept


def sentence_of(design: Design) -> str:
    """Say what a test would do."""
    whom = "executions" if design.unit == EACH_ROW else f"units ({design.unit})"
    forced = f" Overruled: {' '.join(design.forced)}" if design.forced else ""
    return (
        f"For {number(design.days)} days, {seconds(design.test_threshold, 6)} holds for "
        f"{percent(design.traffic_split)} of the {whom}, and {seconds(design.control_threshold, 6)} for the others. "
        f"Both are compared at {seconds(design.common_threshold, 6)} at {number(design.looks)} looks; the test ends "
        f"early where it does harm.{forced}"
    )
