"""What people and systems do differently: the difference of both arms' violation rates at one threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.clusters import ArmRatio, arm_ratio, difference_degrees, intraclass_correlation
from slaopt.experiment.design import Metric
from slaopt.experiment.found import Effect
from slaopt.experiment.gridded import ratio_quantiles
from slaopt.experiment.observed import ArmUnits
from slaopt.experiment.posterior import beta_arm
from slaopt.experiment.rates import difference_error, rate_difference
from slaopt.result import Interval
from slaopt.wording import count

__all__ = ["FEWEST_EXECUTIONS", "behaviour", "reach_of", "too_few", "unknown", "violations_of"]

Floats = NDArray[np.float64]

FEWEST_EXECUTIONS = 20  # of each arm: with fewer a normal error means nothing
ENOUGH_FOR_RATIO = 25.0  # violations of each arm from which on the ratio's error follows by the delta method


def violations_of(arm: ArmUnits, metric: Metric) -> Floats:
    """Violations of each unit at the common threshold (`rate`) or the other one (`other_rate`), (units,)."""
    return arm.other_violations if metric == "other_rate" else arm.common_violations


def behaviour(control: ArmUnits, test: ArmUnits, *, metric: Metric = "rate", confidence_level: float = 0.95) -> Effect:
    """Compare violation rates at a threshold that is common to both arms.

    Where each row is a unit, the interval is Miettinen and Nurminen's; where units have many executions, the variance
    is that between units, and the interval Student's t.
    """
    x_c, x_t = violations_of(control, metric), violations_of(test, metric)
    counts = float(x_c.sum()), control.executions, float(x_t.sum()), test.executions
    why = too_few(control, test)
    if why is not None and min(counts[1], counts[3]) == 0:
        return unknown(metric, _share(*counts[:2]), _share(*counts[2:]), why)
    if why is None and counts[0] + counts[2] in (0.0, counts[1] + counts[3]):
        some = "Every" if counts[0] else "No"
        which = "the other" if metric == "other_rate" else "the common"
        why = f"{some} execution of either arm is above {which} threshold: there is nothing to compare."
    if control.each_row:
        return _of_rows(metric, counts, why, confidence_level)
    if why is not None:
        return unknown(metric, _share(*counts[:2]), _share(*counts[2:]), why)
    return _of_units(metric, (x_c, control.n), (x_t, test.n), confidence_level)


def too_few(control: ArmUnits, test: ArmUnits) -> str | None:
    """Why nothing can be compared: too few executions, or units, in an arm."""
    for name, arm in (("control", control), ("test", test)):
        if arm.executions == 0:
            return f"The {name} arm has no executions."
        if not arm.each_row and (arm.n > 0).sum() < 2:
            return f"The {name} arm has one unit: by how much units differ cannot be seen."
        if arm.executions < FEWEST_EXECUTIONS:
            return (
                f"The {name} arm has {count(arm.executions)} executions; nothing is estimated with fewer than "
                f"{FEWEST_EXECUTIONS}."
            )
    return None


def unknown(metric: Metric, control: float, test: float, why: str) -> Effect:
    """An effect that cannot be estimated."""
    return Effect(
        metric=metric, control=control, test=test, difference=math.nan, standard_error=math.nan, degrees=None,
        interval=None, why=why,
    )  # fmt: skip


def reach_of(degrees: float | None, confidence_level: float) -> float:
    """How many standard errors an interval reaches, by Student's t where degrees of freedom are given."""
    upper = (1 + confidence_level) / 2
    return float(special.ndtri(upper) if degrees is None else special.stdtrit(degrees, upper))


def _share(x: float, n: float) -> float:
    return x / n if n else math.nan


def _of_rows(metric: Metric, counts: tuple[float, float, float, float], why: str | None, level: float) -> Effect:
    x_c, n_c, x_t, n_t = counts
    control, test = x_c / n_c, x_t / n_t
    error = difference_error(*counts) if why is None else math.nan
    variances = control * (1 - control) / n_c, test * (1 - test) / n_t
    return Effect(
        metric=metric,
        control=control,
        test=test,
        difference=test - control,
        standard_error=error,
        degrees=None,
        interval=rate_difference(*counts, confidence_level=level),
        ratio=test / control if control else None,
        ratio_interval=_ratio_interval(counts, variances, level, reach_of(None, level)),
        why=why,
    )


def _of_units(metric: Metric, control: tuple[Floats, Floats], test: tuple[Floats, Floats], level: float) -> Effect:
    alike = intraclass_correlation([(x, x, n) for x, n in (control, test)])
    arms = [arm_ratio(x, n, correlation=alike) for x, n in (control, test)]
    pooled = sum(float(x.sum()) for x, _ in (control, test)) / sum(arm.size for arm in arms)
    plain = [arm.value * (1 - arm.value) / arm.size for arm in arms]
    effects = [arm.variance / p for arm, p in zip(arms, plain, strict=True) if p > 0]
    # units that are all the same, as those without any violation, do not show how much units differ: the others do
    widest = max([1.0, *effects])
    variances = [arm.variance or widest * pooled * (1 - pooled) / arm.size for arm in arms]
    error = math.sqrt(sum(variances))
    degrees = _degrees(arms, variances)
    reach = reach_of(degrees, level)
    difference = arms[1].value - arms[0].value
    design_effect = sum(variances) / sum(plain) if sum(plain) > 0 else None
    worth = max(design_effect or 1.0, 1.0)
    counts = [figure / worth for arm in arms for figure in (arm.value * arm.size, arm.size)]
    return Effect(
        metric=metric,
        control=arms[0].value,
        test=arms[1].value,
        difference=difference,
        standard_error=error,
        degrees=degrees,
        interval=Interval(
            low=max(difference - reach * error, -1.0), high=min(difference + reach * error, 1.0), level=level
        ),
        ratio=arms[1].value / arms[0].value if arms[0].value else None,
        ratio_interval=_ratio_interval(
            (counts[0], counts[1], counts[2], counts[3]), (variances[0], variances[1]), level, reach
        ),
        design_effect=design_effect,
    )


def _degrees(arms: list[ArmRatio], variances: list[float]) -> float:
    control, test = arms
    if not (control.variance > 0 and test.variance > 0):
        return float(min(arm.units - 1 for arm in arms))
    return difference_degrees(control, test)


def _ratio_interval(
    counts: tuple[float, float, float, float], variances: tuple[float, float], level: float, reach: float
) -> Interval:
    """Interval of test / control: by the delta method where both arms have 25 violations, else of the posterior."""
    x_c, n_c, x_t, n_t = counts
    if min(x_c, x_t) >= ENOUGH_FOR_RATIO:
        control, test = x_c / n_c, x_t / n_t
        error = math.sqrt(variances[1] / control**2 + test**2 * variances[0] / control**4)
        ratio = test / control
        return Interval(low=max(ratio - reach * error, 0.0), high=ratio + reach * error, level=level)
    arms = [beta_arm(0.5 + x, 0.5 + n - x) for x, n in ((x_c, n_c), (x_t, n_t))]
    low, high = ratio_quantiles(arms[0], arms[1], np.array([(1 - level) / 2, (1 + level) / 2]))
    return Interval(low=float(low), high=float(high), level=level, kind="credible")
