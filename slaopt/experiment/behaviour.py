"""What people and systems do differently: the difference of both arms' violation rates at one threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.clusters import ArmRatio, arm_ratio, difference_degrees, intraclass_correlation
from slaopt.experiment.design import Metric
from slaopt.experiment.found import Effect
from slaopt.experiment.gridded import DifferenceOfRates
from slaopt.experiment.hierarchical import hierarchical_difference
from slaopt.experiment.observed import ArmUnits
from slaopt.experiment.posterior import beta_arm
from slaopt.experiment.rates import difference_error, rate_difference
from slaopt.result import Interval
from slaopt.wording import count

__all__ = ["FEWEST_EXECUTIONS", "MOST_UNITS", "behaviour", "reach_of", "too_few", "unknown", "violations_of"]

Floats = NDArray[np.float64]

FEWEST_EXECUTIONS = 20  # of each arm: with fewer a normal error means nothing
MOST_UNITS = 1000  # of an arm, for the hierarchical model
NEAREST, FARTHEST = 0.1, 5.5  # normal scores between which quantiles of a posterior can be told apart
ENOUGH_FOR_RATIO = 25.0  # violations of each arm from which on the ratio's error follows by the delta method


def violations_of(arm: ArmUnits, metric: Metric) -> Floats:
    """Violations of each unit at the common threshold (`rate`) or the other one (`other_rate`), (units,)."""
    return arm.other_violations if metric == "other_rate" else arm.common_violations


def behaviour(control: ArmUnits, test: ArmUnits, *, metric: Metric = "rate", confidence_level: float = 0.95) -> Effect:
    """Compare violation rates at a threshold that is common to both arms.

    Where each row is a unit, the interval is Miettinen and Nurminen's. Where units have many executions, `control` and
    `test` are what was observed, and the difference is that of the rates of the arms' units in a Beta-Binomial model:
    large units count for little more than small ones, which a sum over executions would not do, and few units are held
    against what units usually are like. Measured, it errs as often as it says and finds more than the cluster-robust t.
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
    plain = sum(arm.value * (1 - arm.value) / arm.size for arm in arms)
    design_effect = (arms[0].variance + arms[1].variance) / plain if plain > 0 else None
    if max(arm.units for arm in arms) > MOST_UNITS:
        return _of_many(metric, arms, design_effect, level)
    belief, _ = hierarchical_difference(control, test)
    ends = np.array([(1 - level) / 2, (1 + level) / 2])
    difference, error, low, high = _scored(belief, ends)
    least, most = belief.ratio_quantiles(ends)
    return Effect(
        metric=metric,
        control=arms[0].value,
        test=arms[1].value,
        difference=difference,
        standard_error=error,
        degrees=None,
        interval=Interval(low=low, high=high, level=level),
        ratio=arms[1].value / arms[0].value if arms[0].value else None,
        ratio_interval=Interval(low=float(least), high=float(most), level=level),
        design_effect=design_effect,
    )


def _scored(belief: DifferenceOfRates, ends: Floats) -> tuple[float, float, float, float]:
    """Median of D, the standard error in which its distance from 0 is the normal score of P(D < 0), and two quantiles.

    The error is the slope of D's quantiles over normal scores between its median and 0, so that the skewed posterior of
    few units errs as seldom as a normal estimate would.
    """
    score = float(special.ndtri(np.clip(belief.below(np.zeros(1))[0], *special.ndtr([-FARTHEST, FARTHEST]))))
    first, last = (-NEAREST, NEAREST) if abs(score) < NEAREST else sorted((score, 0.0))
    shares = np.concatenate([[special.ndtr(first), 0.5, special.ndtr(last)], ends])
    start, median, end, low, high = (float(quantile) for quantile in belief.quantiles(shares))
    return median, (end - start) / (last - first), low, high


def _of_many(metric: Metric, arms: list[ArmRatio], design_effect: float | None, level: float) -> Effect:
    """Very many units: their mean is normal, whatever they are like."""
    control, test = arms
    difference, error = test.value - control.value, math.sqrt(control.variance + test.variance)
    degrees = difference_degrees(control, test)
    reach = reach_of(degrees, level)
    worth = max(design_effect or 1.0, 1.0)
    counts = (control.value * control.size, control.size, test.value * test.size, test.size)
    shrunk = (counts[0] / worth, counts[1] / worth, counts[2] / worth, counts[3] / worth)
    return Effect(
        metric=metric,
        control=control.value,
        test=test.value,
        difference=difference,
        standard_error=error,
        degrees=degrees,
        interval=Interval(low=difference - reach * error, high=difference + reach * error, level=level),
        ratio=test.value / control.value if control.value else None,
        ratio_interval=_ratio_interval(shrunk, (control.variance, test.variance), level, reach),
        design_effect=design_effect,
    )


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
    control_arm, test_arm = (beta_arm(0.5 + x, 0.5 + n - x) for x, n in ((x_c, n_c), (x_t, n_t)))
    belief = DifferenceOfRates(control=control_arm, test=test_arm, shared=np.ones(1))
    low, high = belief.ratio_quantiles(np.array([(1 - level) / 2, (1 + level) / 2]))
    return Interval(low=float(low), high=float(high), level=level, kind="credible")
