"""Experiments: threshold A/B tests whose answers hold at every look.

A moved threshold changes the violation rate even where no duration changes. What the line alone does is *mechanical*
and known without a test; what people and systems do differently under it is *behaviour*, and that is what is tested, at
a threshold common to both arms.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slaopt.experiment.assignment import arm_of, arm_sql, arms_of, unit_hash
    from slaopt.experiment.checks import remarks_of
    from slaopt.experiment.comparing import compare
    from slaopt.experiment.decide import look_at
    from slaopt.experiment.design import Design, Guardrail
    from slaopt.experiment.evaluation import Evaluation, evaluate
    from slaopt.experiment.found import Comparison, Decision, Effect, Look, Posterior, SampleRatio
    from slaopt.experiment.model import fit_of
    from slaopt.experiment.observed import ArmUnits, Observed, Remark
    from slaopt.experiment.plan import PlannedDesign, design_for
    from slaopt.experiment.prospects import PowerAnalysis
    from slaopt.experiment.quantiles import QuantileInterval, quantile_interval
    from slaopt.experiment.ratio import sample_ratio
    from slaopt.experiment.restored import look_from_dict
    from slaopt.experiment.simulating import simulate

__all__ = [
    "ArmUnits",
    "Comparison",
    "Decision",
    "Design",
    "Effect",
    "Evaluation",
    "Guardrail",
    "Look",
    "Observed",
    "PlannedDesign",
    "Posterior",
    "PowerAnalysis",
    "QuantileInterval",
    "Remark",
    "SampleRatio",
    "arm_of",
    "arm_sql",
    "arms_of",
    "compare",
    "design_for",
    "evaluate",
    "fit_of",
    "look_at",
    "look_from_dict",
    "quantile_interval",
    "remarks_of",
    "sample_ratio",
    "simulate",
    "unit_hash",
]

_HOMES = {
    "ArmUnits": "observed",
    "Comparison": "found",
    "Decision": "found",
    "Design": "design",
    "Effect": "found",
    "Evaluation": "evaluation",
    "Guardrail": "design",
    "Look": "found",
    "Observed": "observed",
    "PlannedDesign": "plan",
    "Posterior": "found",
    "PowerAnalysis": "prospects",
    "QuantileInterval": "quantiles",
    "Remark": "observed",
    "SampleRatio": "found",
    "arm_of": "assignment",
    "arm_sql": "assignment",
    "arms_of": "assignment",
    "compare": "comparing",
    "design_for": "plan",
    "evaluate": "evaluation",
    "fit_of": "model",
    "look_at": "decide",
    "look_from_dict": "restored",
    "quantile_interval": "quantiles",
    "remarks_of": "checks",
    "sample_ratio": "ratio",
    "simulate": "simulating",
    "unit_hash": "assignment",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the statistics take a second to load."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"slaopt.experiment.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'slaopt.experiment' has no attribute {name!r}")
