"""How many more units an inconclusive test would have needed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

from slaopt.experiment.design import Design
from slaopt.experiment.found import Comparison, GuardrailLook
from slaopt.experiment.reading import Reading

__all__ = ["POWER", "units_needed"]

POWER = 0.8


def units_needed(
    comparison: Comparison, design: Design, guardrails: Sequence[GuardrailLook], reading: Reading, *, units: float
) -> float | None:
    """Units of both arms that are missing, as information grows with them; None where more would not help.

    Enough to find the smallest effect worth finding with a power of 0.8, and to bring those guardrails inside their
    margins that are not, if their estimates stay.
    """
    smallest = design.smallest_effect * design.control_rate
    if smallest <= 0 or reading.information <= 0:
        return None
    quantiles = special.ndtri(1 - design.significance_level / 2) + special.ndtri(POWER)
    factors = [float(quantiles / smallest) ** 2 / reading.information]
    effects = {effect.metric: effect for effect in comparison.guardrails}
    stated = {guardrail.metric for guardrail in design.guardrails}
    for guardrail in guardrails:
        effect = effects.get(guardrail.metric)
        if guardrail.inside or guardrail.metric not in stated or effect is None or guardrail.upper is None:
            continue
        if effect.metric == "other_rate":
            found, margin = effect.difference, guardrail.margin * (effect.control or design.control_rate)
            upper = guardrail.upper * (effect.control or design.control_rate)
        else:
            found, margin, upper = effect.difference, math.log1p(guardrail.margin), math.log1p(guardrail.upper)
        if found >= margin:
            return None
        factors.append(((upper - found) / (margin - found)) ** 2)
    missing = units * (max(factors) - 1)
    return float(math.ceil(missing)) if missing > 0 else None
