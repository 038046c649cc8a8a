"""What a moved threshold does by itself to the rate of the same executions; no test is needed to know it."""

from __future__ import annotations

import math

from slaopt.experiment.behaviour import reach_of
from slaopt.experiment.clusters import arm_ratio, intraclass_correlation
from slaopt.experiment.design import Design
from slaopt.experiment.found import Effect
from slaopt.experiment.observed import ArmUnits
from slaopt.experiment.rates import share_interval
from slaopt.result import Interval

__all__ = ["mechanical_effect", "own_rate"]


def own_rate(arm: ArmUnits, design: Design, threshold: float) -> float:
    """Violation rate of an arm at one of both thresholds, seconds; NaN without executions."""
    violations = arm.common_violations if threshold == design.common_threshold else arm.other_violations
    return float(violations.sum()) / arm.executions if arm.executions else math.nan


def mechanical_effect(control: ArmUnits, design: Design) -> Effect | None:
    """Give S(test threshold) - S(control threshold), both of the control's durations; None without executions.

    The same executions are counted twice, so it is a share, that of the durations between both thresholds, and not a
    difference of two samples. Its interval is Wilson's; units with many executions count as many as they are worth.
    """
    n = control.executions
    if n == 0:
        return None
    share = float(control.between.sum()) / n
    worth, degrees, design_effect = n, None, None
    if not control.each_row and (control.n > 0).sum() > 1:
        alike = intraclass_correlation([(control.between, control.between, control.n)])
        arm = arm_ratio(control.between, control.n, correlation=alike)
        degrees, plain = arm.degrees, share * (1 - share) / n
        if plain > 0 and arm.variance > 0:
            design_effect = arm.variance / plain
            worth = n / max(design_effect, 1.0)
    level = 1 - design.significance_level
    found = share_interval(share, worth, confidence_level=level, reach=reach_of(degrees, level))
    sign = 1.0 if design.test_threshold < design.control_threshold else -1.0
    low, high = sorted((sign * found.low, sign * found.high))
    before, after = (own_rate(control, design, t) for t in (design.control_threshold, design.test_threshold))
    return Effect(
        metric="rate",
        control=before,
        test=after,
        difference=sign * share,
        standard_error=math.sqrt(share * (1 - share) / worth),
        degrees=degrees,
        interval=Interval(low=low, high=high, level=level),
        ratio=after / before if before else None,
        design_effect=design_effect,
    )
