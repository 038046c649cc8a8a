"""Guardrails at a look: who is harmed, and whose bound has come inside its margin."""

from __future__ import annotations

import math

from slaopt.experiment.boundaries import repeated_interval
from slaopt.experiment.design import Design, Metric
from slaopt.experiment.found import Comparison, Effect, GuardrailLook
from slaopt.experiment.reading import Reading

__all__ = ["guarded"]

RATES = ("rate", "other_rate")


def guarded(comparison: Comparison, design: Design, reading: Reading) -> tuple[GuardrailLook, ...]:
    """Hold the primary metric and each guardrail against the harm boundary, and their bounds against the margins.

    The bound is the upper end of the interval that holds at every look. A guardrail without an estimate is neither
    harmed nor inside its margin.
    """
    effects = {effect.metric: effect for effect in comparison.guardrails} | {"rate": comparison.primary}
    margins: dict[Metric, float] = {"rate": design.rope / design.control_rate if design.control_rate else math.inf}
    margins |= {guardrail.metric: guardrail.margin for guardrail in design.guardrails}
    return tuple(_look(metric, effects.get(metric), margin, design, reading) for metric, margin in margins.items())


def _look(metric: Metric, effect: Effect | None, margin: float, design: Design, reading: Reading) -> GuardrailLook:
    boundary = reading.harm_boundary_of_rate if metric in RATES else reading.harm_boundary
    z = reading.z if metric == "rate" else None if effect is None else effect.z
    upper = None if effect is None else _upper(effect, design, reading.boundary)
    return GuardrailLook(
        metric=metric,
        z=z,
        boundary=boundary,
        harmed=z is not None and boundary is not None and z > boundary,
        upper=upper,
        margin=margin,
        inside=upper is not None and upper < margin,
    )


def _upper(effect: Effect, design: Design, boundary: float | None) -> float | None:
    """Upper bound as a share of the control's value; None where there is none yet."""
    if boundary is None or effect.interval is None or not effect.standard_error > 0:
        return None
    high = repeated_interval(effect.difference, effect.standard_error, boundary, 0.95, degrees=effect.degrees).high
    if effect.metric in RATES:
        value = effect.control or design.control_rate
        return high / value if value and math.isfinite(high) else None
    return math.expm1(high) if high < 700 else None
